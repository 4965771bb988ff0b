"""What an order brought, as people read it: each figure of both arms and their difference, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from labelplatform.labels.queue_orders import Gain

if TYPE_CHECKING:
    from evaluator.statistics.intervals import Interval

FEWEST_ITEMS = 10


@dataclass(frozen=True)
class Told:
    """A figure, or the reason in the reader's language why there is none."""

    value: float | None
    low: float | None
    high: float | None
    reason: str


@dataclass(frozen=True)
class GainRow:
    """One figure in both arms, and chosen less control."""

    name: str
    explanation: str
    chosen: Told
    control: Told
    difference: Told
    # Whether the interval of the difference leaves 0 out.
    differs: bool


def gain_rows(found: Gain) -> list[GainRow]:
    """The figures of a gain in the order in which they are to be read."""
    names = _names()
    return [
        GainRow(
            *names[one.name],
            _told(one.chosen),
            _told(one.control),
            _told(one.difference),
            differs=_apart_from_zero(one.difference),
        )
        for one in found.comparison.figures
    ]


def _names() -> dict[str, tuple[str, str]]:
    return {
        "decided": (
            _("Pairs decided"),
            _("Share of answer pairs put in a strict order; ties teach a reward model nothing."),
        ),
        "log_loss": (
            _("Surprise of the models"),
            _(
                "Mean −ln P of what people preferred, by the reward models that made the order: higher means that "
                "the labels told them more. 0.693 is what a coin has."
            ),
        ),
        "accuracy": (
            _("Models right"),
            _("Share of decided pairs that those models ordered the same way before anybody labelled them."),
        ),
        "agreement": (
            _("People agree"),
            _("Pairwise agreement of two annotators: hard items are worth less where people only guess."),
        ),
    }


def _told(found: Interval) -> Told:
    if found.value is not None:
        return Told(found.value, found.low, found.high, "")
    if found.n < FEWEST_ITEMS:
        reason = _("items with such labels: %(found)d, %(wanted)d wanted in each arm")
        return Told(None, None, None, reason % {"found": found.n, "wanted": FEWEST_ITEMS})
    return Told(None, None, None, _("not defined: nothing differs"))


def _apart_from_zero(found: Interval) -> bool:
    return found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
