"""Which items of an evaluation a reader sees: filtered by rows, searched in the file, a page at a time.

A page is asked for by the place it starts behind, so that each costs the same, and no more items are read for one
request than `MOST_READ`: whoever searches a long file is told how far the search came.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, FloatField, OuterRef, QuerySet, Subquery, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from evaluator.errors import BadInput
from labelplatform.accounts.models import Project
from labelplatform.evaluations.item_keeping import item_key
from labelplatform.evaluations.models import EvaluationRun, MeasuredItem, SpotCheck
from labelplatform.evaluations.outcomes import Outcome
from labelplatform.evaluations.queries import finished_evaluations_of
from labelplatform.evaluations.sample_lines import sample_at
from labelplatform.evaluations.sample_texts import ShownSample, holds, shortened, shown_sample

PAGE = 20
MOST_READ = 2000
ROWS_AT_ONCE = 200


@dataclass(frozen=True)
class Filters:
    """What a reader asked for; everything empty is every item.

    `group` is `name=value`; `score` names the score that lies between `low` and `high` (both included); `differ` keeps
    what came out otherwise in `other`.
    """

    outcome: str = ""
    group: str = ""
    score: str = ""
    low: float | None = None
    high: float | None = None
    text: str = ""
    other: EvaluationRun | None = None
    differ: bool = False


@dataclass(frozen=True)
class Side:
    """One item of one evaluation with what its line says; `sample` None: the line cannot be read."""

    item: MeasuredItem
    sample: ShownSample | None


@dataclass(frozen=True)
class ItemRow:
    """An item, the same item of another evaluation (None: not asked there), and whether people are asked about it."""

    mine: Side
    theirs: Side | None
    spot_check: SpotCheck | None


@dataclass(frozen=True)
class LookedAt:
    """An item to look at first, as it was kept beside the report: its long texts are cut."""

    key: str
    item: MeasuredItem | None
    slices: Mapping[str, str]
    sample: ShownSample


@dataclass(frozen=True)
class ItemPage:
    """One page. `before` and `after` are the places that the pages around it are asked by, where there are such.

    `count` is None where a text is searched: nobody has read the whole file. `unread` says that the page ends where
    reading did.
    """

    rows: tuple[ItemRow, ...]
    before: int | None
    after: int | None
    count: int | None
    unread: bool = False


def matching(run: EvaluationRun, filters: Filters) -> QuerySet[MeasuredItem]:
    """The items that fit all filters but the text, in their order."""
    found = MeasuredItem.objects.filter(run=run)
    if filters.outcome:
        found = found.filter(outcome=filters.outcome)
    if filters.group:
        name, _, value = filters.group.partition("=")
        found = found.alias(slice=Cast(KeyTextTransform(f"{name}=", "slices"), TextField())).filter(
            slice=value
        )
    if filters.score and (filters.low is not None or filters.high is not None):
        found = found.alias(score=Cast(KeyTextTransform(filters.score, "scores"), FloatField()))
        found = found.filter(score__gte=filters.low) if filters.low is not None else found
        found = found.filter(score__lte=filters.high) if filters.high is not None else found
    if filters.other is not None and filters.differ:
        there = MeasuredItem.objects.filter(run=filters.other, key=OuterRef("key")).values("outcome")
        # What was not asked there compares with nothing, which a database takes for no difference.
        found = found.alias(there=Subquery(there)).exclude(there=F("outcome"))
    return found.order_by("place")


def page_of(
    run: EvaluationRun, filters: Filters, *, after: int | None = None, before: int | None = None
) -> ItemPage:
    """The items behind the place `after`, or the last ones before the place `before`; else the first ones."""
    found = matching(run, filters)
    backwards = before is not None
    if before is not None:
        asked = found.filter(place__lt=before).order_by("-place")
    else:
        asked = found if after is None else found.filter(place__gt=after)
    sides, last, more = _taken(asked, filters.text, run)
    if backwards:
        sides.reverse()
    first = sides[0].item.place if sides else before if backwards else None
    behind = last if not backwards else (sides[-1].item.place if sides else None)
    earlier = first if first is not None and found.filter(place__lt=first).exists() else None
    later = behind if (more if not backwards else sides) else None
    count = None if filters.text else found.count()
    unread = more and len(sides) < PAGE
    return ItemPage(tuple(_rows(sides, filters.other)), earlier, later, count, unread)


def _taken(
    asked: QuerySet[MeasuredItem], text: str, run: EvaluationRun
) -> tuple[list[Side], int | None, bool]:
    """A page of items that hold the text, the place reading came to, and whether there is more behind it."""
    sides: list[Side] = []
    last, read = None, 0
    for item in asked.select_related("run__report").iterator(chunk_size=ROWS_AT_ONCE):
        if len(sides) == PAGE or read == MOST_READ:
            return sides, last, True
        sample, read, last = read_sample(item), read + 1, item.place
        if not text or (sample is not None and holds(sample, text)):
            sides.append(_side(item, sample))
    return sides, last, False


def read_sample(item: MeasuredItem) -> dict[str, Any] | None:
    """What an item's line says; None where the report's files are not there or not as they were."""
    if item.run.report is None:
        return None
    try:
        return sample_at(item.run.report.path, item.offset, item.length)
    except BadInput:
        return None


def _side(item: MeasuredItem, sample: Mapping[str, Any] | None, *, whole: bool = False) -> Side:
    return Side(item, None if sample is None else shown_sample(sample if whole else shortened(sample)))


def _rows(sides: list[Side], other: EvaluationRun | None) -> Iterator[ItemRow]:
    checks = SpotCheck.objects.filter(item__in=[side.item.pk for side in sides])
    by_item = {check.item_id: check for check in checks}
    there = _same_items([side.item.key for side in sides], other)
    for side in sides:
        yield ItemRow(side, there.get(side.item.key), by_item.get(side.item.pk))


def _same_items(keys: list[str], other: EvaluationRun | None, *, whole: bool = False) -> dict[str, Side]:
    if other is None:
        return {}
    items = MeasuredItem.objects.filter(run=other, key__in=keys).select_related("run__report")
    return {item.key: _side(item, read_sample(item), whole=whole) for item in items}


def one_item(item: MeasuredItem, other: EvaluationRun | None) -> ItemRow:
    """One item in full, beside the same item of another evaluation."""
    check = SpotCheck.objects.filter(item=item).select_related("label_item__campaign").first()
    theirs = _same_items([item.key], other, whole=True).get(item.key)
    return ItemRow(_side(item, read_sample(item), whole=True), theirs, check)


def first_to_look_at(run: EvaluationRun) -> list[LookedAt]:
    """The items that collecting kept beside the report, worst first, each with its row where there is one."""
    found = run.report.detail.get("worst_items", []) if run.report else []
    samples = [one for one in found if "scores" in one]
    items = run.items.filter(key__in=[item_key(str(one["id"])) for one in samples])
    by_key = {item.key: item for item in items}
    return [
        LookedAt(
            str(one["id"]), by_key.get(item_key(str(one["id"]))), one.get("slices") or {}, shown_sample(one)
        )
        for one in samples
    ]


def item_at(project: Project, run: int, place: int) -> MeasuredItem | None:
    """The project's item at this place of an evaluation, with its evaluation."""
    found = MeasuredItem.objects.filter(run__project=project, run=run, place=place)
    return found.select_related("run__report", "run__subject", "run__data", "run__job").first()


def beside(run: EvaluationRun) -> QuerySet[EvaluationRun]:
    """Other finished evaluations that asked the same suite in the same variant, newest first."""
    return (
        finished_evaluations_of(run.project).filter(suite=run.suite, variant=run.variant).exclude(pk=run.pk)
    )


def outcome_counts(run: EvaluationRun) -> list[tuple[str, str, int]]:
    """(outcome, in words, how many items), only outcomes that there are, in the order of the list of outcomes."""
    counted = run.items.order_by().values_list("outcome").annotate(items=Count("pk"))
    by_outcome = dict(counted)
    return [(one.value, str(one.label), by_outcome[one.value]) for one in Outcome if one.value in by_outcome]
