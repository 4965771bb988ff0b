"""What came of an item, in one word that all suites share. Pure: a sample in, a word out."""

from collections.abc import Mapping
from typing import Any

from labelplatform.evaluations.models import MeasuredItem
from labelplatform.evaluations.suites import SUITES

Outcome = MeasuredItem.Outcome
TOLD = {"right": Outcome.RIGHT, "wrong": Outcome.WRONG, "abstained": Outcome.ABSTAINED}


def outcome_of(suite: str, sample: Mapping[str, Any]) -> Outcome:
    """Not measured without a score; what the suite itself says; else what its deciding score of 1 or 0 says.

    A deciding score between 0 and 1 is right in part; an item that nothing decides is only scored.
    """
    scores = sample["scores"]
    if not scores:
        return Outcome.NOT_MEASURED
    if scores.get("abstained") == 1:
        return Outcome.ABSTAINED
    if sample.get("outcome") in TOLD:
        return TOLD[sample["outcome"]]
    offer = SUITES.get(suite)
    name = next((one for one in offer.deciding if one in scores), None) if offer else None
    if offer is None or name is None:
        return Outcome.SCORED
    value = 1 - scores[name] if name in offer.lower else scores[name]
    return {1: Outcome.RIGHT, 0: Outcome.WRONG}.get(value, Outcome.IN_PART)
