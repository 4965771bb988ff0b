"""How far labels that are no orders agree on one item, and each annotator with themselves: the database laid out.

What is reckoned, `evaluator.statistics` reckons; it is imported where it is used, as in quality.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign, Item, ItemResponse, Label

if TYPE_CHECKING:
    from evaluator.statistics.chance_corrected import RatingLabel
    from evaluator.statistics.intervals import Interval
    from evaluator.statistics.resampling import Sampling
    from evaluator.statistics.span_agreement import SpanLabel

COLUMNS = ("item", "item__prompt", "annotator", "body")
# Item, prompt, annotator (ids), and what was said in the canonical form of its kind.
Row = tuple[int, int, int, dict[str, Any]]


def item_agreement(campaign: Campaign, item: Item) -> float | None:
    """The share of two people's ratings of an item that agree; None where no two rated it under one name.

    Ratings agree within one point of the scale, as with gold; the answers to an honesty check where both say yes, both
    no, or both neither.
    """
    from evaluator.statistics.rating_agreement import shared_agreement

    given = _counting(campaign).filter(item=item).order_by("at", "pk")
    return shared_agreement(_ratings(given.values_list(*COLUMNS)), _agrees(campaign))


def self_consistency(campaign: Campaign, annotator: User, sampling: Sampling) -> Interval:
    """How far a person's labels of hidden repeats say what they had said before; two statements, of spans three.

    Of ratings and honesty checks the share that agrees as in `item_agreement`, of spans the characters' F1.
    """
    theirs = _counting(campaign).filter(annotator=annotator)
    twins = theirs.filter(item__repeat__isnull=False).order_by("at", "pk")
    again = list(twins.values_list("item__repeat__original", *COLUMNS[1:]))
    originals = {row[0] for row in again}
    before = list(theirs.filter(item__in=originals).order_by("at", "pk").values_list(*COLUMNS))
    if campaign.kind == Campaign.Kind.SPANS:
        return _same_marks(again, before, sampling)
    from evaluator.statistics.rating_agreement import rating_consistency

    return rating_consistency(_ratings(again), _ratings(before), _agrees(campaign), sampling)


def _counting(campaign: Campaign) -> QuerySet[Label]:
    return Label.objects.filter(item__campaign=campaign, kind=campaign.kind, surplus=False)


def _agrees(campaign: Campaign) -> Callable[[float, float], bool]:
    from evaluator.statistics.rating_agreement import same_answer, within_one_step

    return same_answer if campaign.kind == Campaign.Kind.HONESTY else within_one_step


def _ratings(rows: Iterable[Row]) -> list[RatingLabel]:
    from evaluator.statistics.chance_corrected import RatingLabel

    return [
        RatingLabel(str(item), name, str(annotator), value, str(prompt))
        for item, prompt, annotator, body in rows
        for name, value in body["ratings"].items()
    ]


def _same_marks(again: Sequence[Row], before: Sequence[Row], sampling: Sampling) -> Interval:
    from evaluator.statistics.resampling import not_enough
    from evaluator.statistics.span_agreement import MarkedSpan, SpanLabel, span_annotators

    answers = ItemResponse.objects.filter(item__in=[row[0] for row in before])
    length = {item: len(text) for item, text in answers.values_list("item", "response__text")}

    def told(rows: Sequence[Row], when: str) -> list[SpanLabel]:
        return [
            SpanLabel(
                item=str(item),
                annotator=when,
                length=length[item],
                spans=tuple(MarkedSpan(one["start"], one["end"], one["kind"]) for one in body["spans"]),
                prompt=str(prompt),
            )
            for item, prompt, _annotator, body in rows
            # The label of before may count no more, since late work is kept aside.
            if item in length
        ]

    # One person at two times: to the statistics, two annotators of the same answers.
    found = span_annotators([*told(before, "before"), *told(again, "again")], sampling)
    nothing = not_enough(0, sampling.fewest, "items labelled twice")
    return next((one.f1 for one in found if one.annotator == "again"), nothing)
