"""A finished evaluation's items, and the few of them that a reader should see first: one pass, one item in memory."""

import hashlib
import heapq
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction

from evaluator.errors import BadInput
from evaluator.report_files import Report
from labelplatform.evaluations.models import EvaluationRun, MeasuredItem
from labelplatform.evaluations.outcomes import outcome_of
from labelplatform.evaluations.sample_lines import SampleLine, sample_lines
from labelplatform.evaluations.sample_texts import shortened

BATCH = 500
WORST_ITEMS = 12
LONGEST_KEY = 200


@transaction.atomic
def keep_items(run: EvaluationRun, folder: Path) -> int:
    """A row for every line of the folder's samples.jsonl, in batches; returns how many.

    Refuses (BadInput) what is no sample and an id that stands twice.
    """
    rows = (_row(run, line) for line in sample_lines(folder))
    kept = 0
    while batch := list(islice(rows, BATCH)):
        try:
            with transaction.atomic():
                kept += len(MeasuredItem.objects.bulk_create(batch))
        except IntegrityError as error:
            raise BadInput(
                f"{folder}: found an id twice among items {batch[0].place} to {batch[-1].place}"
            ) from error
    return kept


def look_up_items(run: EvaluationRun) -> None:
    """Rows for the items of an evaluation that was collected before there were such rows; else nothing is done."""
    if run.report is None or run.items.exists():
        return
    with transaction.atomic():
        locked = EvaluationRun.objects.select_for_update().get(pk=run.pk)
        if not locked.items.exists():
            keep_items(locked, run.report.path)


def _row(run: EvaluationRun, line: SampleLine) -> MeasuredItem:
    sample = line.sample
    return MeasuredItem(
        run=run,
        place=line.place,
        key=item_key(sample["id"]),
        outcome=outcome_of(run.suite, sample),
        scores=sample["scores"],
        slices={f"{name}=": str(value) for name, value in (sample.get("slices") or {}).items()},
        offset=line.offset,
        length=line.length,
    )


def item_key(name: str) -> str:
    """The id of a sample as a column holds it: a longer one is cut and told from its like by a digest."""
    if len(name) <= LONGEST_KEY:
        return name
    return f"{name[: LONGEST_KEY - 17]}…{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def worst_items(report: Report, folder: Path) -> list[dict[str, Any]]:
    """The items a reader should look at first: those a comparison lost most on, else those with the lowest scores."""
    if "worst_items" in report.extra:
        found: list[Any] = list(report.extra["worst_items"])  # type: ignore[call-overload]
        return [shortened(item) for item in found[:WORST_ITEMS]]
    better = {metric.name: metric.better for metric in report.metrics if metric.group is None}
    signs = {"higher": 1.0, "lower": -1.0}

    def goodness(sample: Mapping[str, Any]) -> float:
        return sum(signs.get(better.get(name) or "", 0.0) * score for name, score in sample["scores"].items())

    return [shortened(item) for item in heapq.nsmallest(WORST_ITEMS, _measured(folder), key=goodness)]


def _measured(folder: Path) -> Iterator[dict[str, Any]]:
    measured = (line.sample for line in sample_lines(folder) if line.sample["scores"])
    # Judged programs are rows of their own (code_rows.py).
    return ({key: value for key, value in sample.items() if key != "judgements"} for sample in measured)
