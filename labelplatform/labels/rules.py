"""What makes a judgement complete: the same rules for the page, the import and the simulated annotator."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from labelplatform.labels.models import Campaign

# InstructGPT, table 3: what can be the matter with one answer.
FLAGS = (
    "fails-task",
    "inappropriate-for-assistant",
    "hallucination",
    "satisfies-constraint",
    "sexual-content",
    "violent-content",
    "encourages-harm",
    "denigrates-protected-class",
    "harmful-advice",
    "expresses-opinion",
    "moral-judgement",
)

# What our page asks for before an order: one overall rating, 1 (worst) to 7.
OVERALL = "overall"
LOWEST_RATING, HIGHEST_RATING = 1, 7
# How clear the gap between two neighbouring tiers is: slight, clear, large.
SMALLEST_MARGIN, LARGEST_MARGIN = 1, 3


class JudgementRefused(Exception):
    """A judgement that is not one: unplaced, doubled or unknown answers. The message is for the person."""


@dataclass(frozen=True)
class Judgement:
    """What a person said about an item's responses, by response id; best tier first."""

    tiers: Sequence[Sequence[int]]
    seconds: float | None = None
    flags: Mapping[int, Collection[str]] = field(default_factory=dict)
    unacceptable: bool = False
    ratings: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    margins: Sequence[float] | None = None
    # What is invented in a response: spans of its raw text, in the canonical form of such labels.
    marks: Mapping[int, Sequence[Mapping[str, object]]] = field(default_factory=dict)
    # An answer of the person's own that is better than all that were shown.
    better: str = ""

    def digest(self) -> str:
        """Return what tells this judgement from another; ties have no order, and time does not count."""
        body: dict[str, object] = {
            "tiers": [sorted(tier) for tier in self.tiers],
            "flags": sorted((response, name) for response, names in self.flags.items() for name in names),
            "unacceptable": self.unacceptable,
        }
        # Only where there are some: what was stored before there were ratings keeps its digest.
        if self.ratings:
            body["ratings"] = sorted(
                (response, name, float(value))
                for response, given in self.ratings.items()
                for name, value in given.items()
            )
        if self.margins is not None:
            body["margins"] = [float(margin) for margin in self.margins]
        if self.marks:
            body["marks"] = sorted((response, list(spans)) for response, spans in self.marks.items())
        if self.better:
            body["better"] = self.better
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def check(judgement: Judgement, *, campaign: Campaign, responses: Collection[int]) -> None:
    """Refuse a judgement that is not complete and about exactly these responses."""
    placed = [response for tier in judgement.tiers for response in tier]
    if not all(judgement.tiers):
        raise JudgementRefused(_("A tier without an answer was sent."))
    if len(set(placed)) < len(placed):
        raise JudgementRefused(_("An answer was placed twice."))
    if set(placed) - set(responses) or {*judgement.flags, *judgement.ratings} - set(responses):
        raise JudgementRefused(_("An answer was named that is not part of this item."))
    unknown = {name for names in judgement.flags.values() for name in names} - set(FLAGS)
    if unknown:
        raise JudgementRefused(_("Unknown flag: %(name)s") % {"name": sorted(unknown)[0]})
    _check_numbers(judgement)
    if judgement.unacceptable:
        return
    if not placed:
        raise JudgementRefused(_("No answer is placed yet."))
    missing = len(responses) - len(placed)
    if missing and not campaign.allow_unranked:
        raise JudgementRefused(_("Not every answer is placed yet: %(missing)d to go.") % {"missing": missing})


def _check_numbers(judgement: Judgement) -> None:
    """Refuse ratings and margins that are none."""
    values = [value for given in judgement.ratings.values() for value in given.values()]
    if not all(LOWEST_RATING <= value <= HIGHEST_RATING for value in values):
        raise JudgementRefused(_("A rating is a number from 1 to 7."))
    if judgement.margins is None:
        return
    if len(judgement.margins) != max(0, len(judgement.tiers) - 1):
        raise JudgementRefused(_("How clear the gaps are is told for every gap between places, or for none."))
    if not all(SMALLEST_MARGIN <= margin <= LARGEST_MARGIN for margin in judgement.margins):
        raise JudgementRefused(_("A gap is slight (1), clear (2) or large (3)."))


def check_submitted(judgement: Judgement, *, campaign: Campaign, responses: Collection[int]) -> None:
    """Refuse a judgement of our page that is not complete; where ratings come first, they belong to it."""
    check(judgement, campaign=campaign, responses=responses)
    if not campaign.rate_first or judgement.unacceptable:
        return
    missing = sum(OVERALL not in judgement.ratings.get(response, {}) for response in responses)
    if missing:
        raise JudgementRefused(_("Not every answer is rated yet: %(missing)d to go.") % {"missing": missing})
