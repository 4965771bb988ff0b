"""Figures of quality as people read them: each with its interval or why there is none, and what to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from labelplatform.labels.quality import CampaignQuality, Person

if TYPE_CHECKING:
    from evaluator.statistics.agreement import Agreement
    from evaluator.statistics.annotators import AnnotatorQuality
    from evaluator.statistics.intervals import Interval

FEWEST_ITEMS, FEWEST_CHECKS = 10, 5
# So low a share of gold's pairs, at best, is worth a word with the person.
LOW_GOLD = 0.75
PERSON_COLUMNS = ("agreement", "gold", "consistency", "position_slope", "first_wins")


@dataclass(frozen=True)
class Figure:
    """One figure under its name; without a value, `reason` says why in the reader's language."""

    name: str
    explanation: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    reason: str


@dataclass(frozen=True)
class PersonRow:
    """One annotator in the table: what to look at, then the figures."""

    person: Person
    flags: list[str]
    figures: list[Figure]


def campaign_figures(found: Agreement) -> list[Figure]:
    """The campaign's agreement, the plainest figure first."""
    pairs = _("items with two annotators")
    return [
        interval_figure(
            _("Pairwise agreement"),
            _("Share of answer pairs of which two annotators say the same of three: first, second, tie."),
            found.pairwise,
            pairs,
        ),
        interval_figure(
            _("Pairwise agreement, ties aside"),
            _("The same among pairs that both put in a strict order."),
            found.strict,
            pairs,
        ),
        interval_figure(
            _("Krippendorff's alpha"),
            _("Of ordinal ranks; 1 is full agreement, 0 what chance would give."),
            found.alpha,
            pairs,
        ),
        interval_figure(
            _("Kendall's tau-b"),
            _("Mean over items and pairs of annotators; 1 is the same order, 0 none in common, −1 reversed."),
            found.tau_b,
            pairs,
        ),
        interval_figure(
            _("Kendall's W"),
            _("Concordance of three or more; with m annotators, chance gives 1/m."),
            found.concordance,
            _("items with three annotators"),
        ),
        interval_figure(
            _("Fleiss' kappa"),
            _("Over answer pairs, chance taken off; 1 is full agreement, 0 chance."),
            found.kappa,
            pairs,
        ),
    ]


def person_rows(found: CampaignQuality) -> list[PersonRow]:
    """Everybody, those who need a look first: by flags, then by how low their agreement is."""
    rows = [
        PersonRow(person, flags(person.quality, found.agreement), person_figures(person.quality))
        for person in found.people
    ]
    return sorted(rows, key=_needs_a_look)


def _needs_a_look(row: PersonRow) -> tuple[int, bool, float, str]:
    agreement = row.person.quality.agreement.value
    return -len(row.flags), agreement is None, agreement or 0.0, row.person.user.username


def person_figures(quality: AnnotatorQuality) -> list[Figure]:
    """One annotator's figures, in the order of the table's columns."""
    names = dict(zip(PERSON_COLUMNS, person_columns(), strict=True))
    shared = _("items that somebody else labelled too")
    shown = _("items with an order shown")
    return [
        interval_figure(*names["agreement"], quality.agreement, shared),
        interval_figure(*names["gold"], quality.gold, _("gold items"), FEWEST_CHECKS),
        interval_figure(*names["consistency"], quality.consistency, _("items labelled twice"), FEWEST_CHECKS),
        interval_figure(*names["position_slope"], quality.position_slope, shown),
        interval_figure(*names["first_wins"], quality.first_wins, shown),
    ]


def person_columns() -> list[tuple[str, str]]:
    """Names and explanations of the figures of one annotator."""
    return [
        (_("With others"), _("Pairwise agreement with everybody else.")),
        (_("With gold"), _("Share of the pairs that gold answers order, put in the same order.")),
        (_("With themselves"), _("Pairs of which both labels of an item labelled twice say the same.")),
        (_("Position slope"), _("0: the place shown moves nothing; 1: the order shown is the ranking.")),
        (_("First shown best"), _("How often the answer shown first won, of items with one winner.")),
    ]


def flags(quality: AnnotatorQuality, whole: Agreement) -> list[str]:
    """What is worth a look, in words; empty where nothing stands out beyond chance."""
    found = []
    if quality.position.flagged:
        told = _(
            "Takes the first: the answer shown first was best in %(hits)d of %(looks)d items, "
            "chance gives %(expected).1f."
        )
        place = quality.position
        found.append(told % {"hits": place.hits, "looks": place.looks, "expected": place.expected})
    if quality.speed.flagged and quality.speed.too_fast.value is not None:
        told = _(
            "Too fast: %(share).0f %% of the labels took less time than the shortest answer takes to read."
        )
        found.append(told % {"share": 100 * quality.speed.too_fast.value})
    if _below(quality.strict, 0.5):
        found.append(_("Against the others: more pairs are ordered the other way round than the same way."))
    elif whole.pairwise.low is not None and _below(quality.agreement, whole.pairwise.low):
        found.append(_("Agrees less with the others than they do on the whole."))
    if _below(quality.gold, LOW_GOLD):
        found.append(
            _("Far from gold: surely less than %(share).0f %% of its pairs.") % {"share": 100 * LOW_GOLD}
        )
    return found


def _below(figure: Interval, bound: float) -> bool:
    """Whether the whole interval lies below; without an interval nothing is said."""
    return figure.high is not None and figure.high < bound


def interval_figure(
    name: str, explanation: str, found: Interval, counted: str, wanted: int = FEWEST_ITEMS
) -> Figure:
    """A figure with its interval, or with the reason why there is none; `counted` names what `wanted` are wanted of."""
    return Figure(name, explanation, found.value, found.low, found.high, found.n, why(found, counted, wanted))


def why(found: Interval, counted: str, wanted: int = FEWEST_ITEMS) -> str:
    """Why a figure or its interval is missing, in the reader's language; empty where nothing is."""
    if found.value is not None:
        return "" if found.low is not None else _("no interval: all items say the same")
    if found.n < wanted:
        told = _("%(counted)s: %(found)d, %(wanted)d wanted")
        return told % {"found": found.n, "counted": counted, "wanted": wanted}
    return _("not defined: nothing differs")
