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


class JudgementRefused(Exception):
    """A judgement that is not one: unplaced, doubled or unknown answers. The message is for the person."""


@dataclass(frozen=True)
class Judgement:
    """What a person said about an item's responses, by response id; best tier first."""

    tiers: Sequence[Sequence[int]]
    seconds: float | None = None
    flags: Mapping[int, Collection[str]] = field(default_factory=dict)
    unacceptable: bool = False

    def digest(self) -> str:
        """Return what tells this judgement from another; ties have no order, and time does not count."""
        body = {
            "tiers": [sorted(tier) for tier in self.tiers],
            "flags": sorted((response, name) for response, names in self.flags.items() for name in names),
            "unacceptable": self.unacceptable,
        }
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def check(judgement: Judgement, *, campaign: Campaign, responses: Collection[int]) -> None:
    """Refuse a judgement that is not complete and about exactly these responses."""
    placed = [response for tier in judgement.tiers for response in tier]
    if not all(judgement.tiers):
        raise JudgementRefused(_("A tier without an answer was sent."))
    if len(set(placed)) < len(placed):
        raise JudgementRefused(_("An answer was placed twice."))
    if set(placed) - set(responses) or set(judgement.flags) - set(responses):
        raise JudgementRefused(_("An answer was named that is not part of this item."))
    unknown = {name for names in judgement.flags.values() for name in names} - set(FLAGS)
    if unknown:
        raise JudgementRefused(_("Unknown flag: %(name)s") % {"name": sorted(unknown)[0]})
    if judgement.unacceptable:
        return
    if not placed:
        raise JudgementRefused(_("No answer is placed yet."))
    missing = len(responses) - len(placed)
    if missing and not campaign.allow_unranked:
        raise JudgementRefused(_("Not every answer is placed yet: %(missing)d to go.") % {"missing": missing})
