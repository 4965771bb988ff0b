"""Points of a ladder: what each size's evaluations say, as lines of the emergence format. Reads, never writes."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from statistics import fmean, variance
from typing import TypeGuard

from evaluator.report_files import Metric, Report

TASK = "task"
# Exact match needs every symbol right at once: it jumps where the symbols' own rate of success only grows.
KINDS: Mapping[str, str] = {"exact_match": "sharp", "edit_similarity": "smooth", "log_probability": "smooth"}
# Of a progress line: where it stands, and what no model has learned.
NO_MEASURE = frozenset({"step", "steps", "seconds"})
Z = 1.959963984540054  # of 95 %


@dataclass(frozen=True)
class Point:
    """One figure of one size: a line of the emergence format, in its order of columns, then its bounds."""

    task: str
    metric: str
    family: str
    model: str
    scale: float
    value: float
    n: int | None
    chance: float | None
    kind: str
    direction: str
    low: float | None
    high: float | None


COLUMNS = tuple(field.name for field in fields(Point))


def points_of(reports: Sequence[Report], *, family: str, model: str, scale: float) -> Iterator[Point]:
    """A point for each task and metric of one size: the mean of its seeds' reports of the suite string-tasks.

    `n` counts the items, which are the same for all seeds. What a report has not measured has no point.
    """
    known = [{(metric.group, metric.name): metric for metric in report.metrics} for report in reports]
    prefix = f"{TASK}="
    for group, name in known[0]:
        if name not in KINDS or group is None or not group.startswith(prefix):
            continue
        own = [metrics[group, name] for metrics in known if (group, name) in metrics]
        values = [metric.value for metric in own if metric.value is not None]
        if len(values) < len(known):
            continue
        low, high = bounds(own, values)
        chance = known[0].get((group, f"chance_{name}"))
        yield Point(
            task=group.removeprefix(prefix),
            metric=name,
            family=family,
            model=model,
            scale=scale,
            value=fmean(values),
            n=own[0].n,
            chance=chance.value if chance else None,
            kind=KINDS[name],
            direction=own[0].better or "higher",
            low=low,
            high=high,
        )


def bounds(metrics: Sequence[Metric], values: Sequence[float]) -> tuple[float | None, float | None]:
    """95 % bounds of the mean over seeds: of one seed its own; of more, from the standard error
    sqrt(mean of the seeds' squared errors + variance between seeds / seeds).

    The items are the same for all seeds, so their error is not averaged away. None where a seed has no interval.
    """
    ends = [(one.low, one.high) for one in metrics if one.low is not None and one.high is not None]
    if len(ends) < len(metrics):
        return None, None
    mean = fmean(values)
    if len(ends) == 1:
        # Wilson's bound of a share of 0 or 1 may miss it in its last digit.
        return min(ends[0][0], mean), max(ends[0][1], mean)
    of_items = fmean(((high - low) / (2 * Z)) ** 2 for low, high in ends)
    half = Z * math.sqrt(of_items + variance(values) / len(values))
    return mean - half, mean + half


def points_of_curves(lines: Sequence[Mapping[str, object]], family: str) -> Iterator[Point]:
    """A point for each measure of each step of a training run (its progress lines): the scale is the step.

    Of a step that was told twice the last line counts, as a resumed run tells it again. Step 0 has no logarithm.
    """
    steps: dict[float, dict[str, float]] = {}
    for line in lines:
        numbers = {name: float(value) for name, value in line.items() if _is_number(value)}
        if numbers.get("step", 0.0) > 0:
            steps.setdefault(numbers["step"], {}).update(numbers)
    for step in sorted(steps):
        for name in sorted(set(steps[step]) - NO_MEASURE):
            lower = "loss" in name
            yield Point(
                task="training",
                metric=name,
                family=family,
                model=f"step {step:g}",
                scale=step,
                value=steps[step][name],
                n=None,
                chance=None,
                kind="sharp" if "accuracy" in name else "smooth",
                direction="lower" if lower else "higher",
                low=None,
                high=None,
            )


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def as_csv(points: Iterable[Point]) -> str:
    """The points with a line of column names; what is not known is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(["" if cell is None else cell for cell in astuple(point)] for point in points)
    return text.getvalue()
