"""Points of metrics over scale: `POINTS.csv`, and the curves they make.

A line is one value of one metric of one task, of one model of a family at its scale:

    task,metric,family,model,scale,value[,n][,chance][,kind][,direction][,low][,high]

Columns of other names are passed over. `kind` is sharp (all or nothing of each output, as exact match) or smooth (how
near each output comes, as BLEU), `direction` is higher or lower, whichever is better; left out, both follow from the
name of the metric. The scale may stand in a column of another name, which `--scale` names (parameters, tokens, flops
and steps are known without).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evaluator.csv_tables import CsvTable, Row, read_csv
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.statistics.emergence import Curve
from evaluator.statistics.intervals import wilson

Kind = Literal["sharp", "smooth"]
Direction = Literal["higher", "lower"]
UNITS = ("parameters", "tokens", "flops", "steps")
POINT_COLUMNS = tuple("task metric family model scale value n chance kind direction low high".split())
NEEDED = ("task", "metric", "family", "model", "value")
# Words of a metric's name: the first call an output right or wrong, the second are better where they are less.
SHARP_WORDS = frozenset("exact em accuracy acc grade correct solved pass".split())
LOWER_WORDS = frozenset("loss perplexity brier distance error errors wrong ece nll".split())
WORD = re.compile(r"[a-z]+")
Z = 1.959963984540054  # of 95 %


@dataclass(frozen=True)
class ScalePoint:
    """One value of one model at one scale. `low` and `high` bound 95 %, `n` counts items, `where` is file:line."""

    family: str
    task: str
    metric: str
    model: str
    kind: Kind
    direction: Direction
    scale: float
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    chance: float | None = None
    where: str = ""

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Its interval: as given, else Wilson's where it is a share of n outputs that are right or wrong."""
        if self.low is not None or self.n is None or self.kind != "sharp" or not 0 <= self.value <= 1:
            return self.low, self.high
        return wilson(self.value * self.n, self.n)


@dataclass(frozen=True)
class MetricCurve:
    """All points of one metric of one task and family, in the order of scale."""

    points: tuple[ScalePoint, ...]

    @property
    def name(self) -> str:
        """TASK/METRIC/FAMILY."""
        one = self.points[0]
        return f"{one.task}/{one.metric}/{one.family}"

    @property
    def kind(self) -> Kind:
        """Sharp or smooth."""
        return self.points[0].kind

    @property
    def outputs(self) -> tuple[str, str]:
        """(task, family): metrics that share them measure the same outputs."""
        return self.points[0].task, self.points[0].family

    @property
    def curve(self) -> Curve:
        """As statistics see it; standard errors only where all points have an interval."""
        bounds = [one.bounds for one in self.points]
        errors = [(high - low) / (2 * Z) for low, high in bounds if low is not None and high is not None]
        return Curve(
            self.name,
            tuple(one.scale for one in self.points),
            tuple(one.value for one in self.points),
            self.points[0].chance,
            tuple(errors) if len(errors) == len(bounds) else None,
        )


def read_points(path: Path, scale: str | None = None) -> tuple[list[ScalePoint], str]:
    """The points of a CSV file and the unit of their scale.

    `scale` names the column of the scale, or the unit of the column `scale`. Refuses with file and line what is no
    number, a scale that is not above 0, an unknown kind, a value outside its bounds.
    """
    table = read_csv(path, NEEDED)
    column, unit = _scale_column(path, table, scale)
    return [_point(row, column) for row in table.rows], unit


def curves(points: Sequence[ScalePoint]) -> list[MetricCurve]:
    """The points by task, metric and family, each in the order of scale, curves in the order of first appearance.

    Refuses a point twice, and one metric of two kinds, directions or levels of chance.
    """
    found: dict[tuple[str, str, str], list[ScalePoint]] = {}
    for point in points:
        before = found.setdefault((point.task, point.metric, point.family), [])
        for other in before:
            if (other.scale, other.model) == (point.scale, point.model):
                told = f"found {point.task}, {point.metric} of {point.model} at {point.scale:g} again"
                raise BadInput(
                    f"{point.where}: scale: {told} (first at {other.where}), wanted each point once"
                )
            _refuse_unlike(point, other)
        before.append(point)
    return [MetricCurve(tuple(sorted(own, key=lambda one: (one.scale, one.model)))) for own in found.values()]


def kind_by_name(metric: str) -> Kind:
    """Sharp for metrics that call each output right or wrong, smooth for the rest."""
    return "sharp" if SHARP_WORDS & set(WORD.findall(metric.lower())) else "smooth"


def direction_by_name(metric: str) -> Direction:
    """Lower for losses, distances and errors, higher for the rest."""
    return "lower" if LOWER_WORDS & set(WORD.findall(metric.lower())) else "higher"


def _refuse_unlike(point: ScalePoint, other: ScalePoint) -> None:
    for name in ("kind", "direction", "chance"):
        now, first = getattr(point, name), getattr(other, name)
        if now != first:
            found = f"found {kind_of(now)} where {other.where} has {kind_of(first)}"
            raise BadInput(f"{point.where}: {name}: {found}, wanted one {name} of each metric")


def _scale_column(path: Path, table: CsvTable, scale: str | None) -> tuple[str, str]:
    """(the column of the scale, its unit)."""
    known = ", ".join(table.columns)
    if scale is not None:
        if scale in table.columns:
            return scale, _unit(table, scale)
        if scale in UNITS and "scale" in table.columns:
            return "scale", scale
        wanted = f"a column of that name, or the column 'scale' and one of {', '.join(UNITS)}"
        raise BadInput(f"{path}:1: --scale {scale}: found the columns {known}; wanted {wanted}")
    if "scale" in table.columns:
        return "scale", _unit(table, "scale")
    named = [unit for unit in UNITS if unit in table.columns]
    if len(named) != 1:
        found = f"found {' and '.join(named)}" if named else f"found no column 'scale' among {known}"
        raise BadInput(f"{path}:1: {found}; wanted scale, or one of {', '.join(UNITS)} (--scale names which)")
    return named[0], named[0]


def _unit(table: CsvTable, column: str) -> str:
    """Of the column `scale`: what the column `unit` says, else parameters; any other column is its own unit."""
    if column != "scale":
        return column
    first: str | None = None
    for row in table.rows:
        told = row.optional("unit")
        if told is not None and told not in UNITS:
            raise BadInput(f"{row.where}: unit: found {kind_of(told)}, wanted one of {', '.join(UNITS)}")
        if first is not None and told is not None and told != first:
            raise BadInput(f"{row.where}: unit: found {kind_of(told)} after {first}, wanted one unit for all")
        first = first or told
    return first or "parameters"


def _point(row: Row, column: str) -> ScalePoint:
    scale = positive(row, column)
    value = row.number("value")
    low, high = row.optional_number("low"), row.optional_number("high")
    if (low is None) != (high is None):
        lacks = "low" if low is None else "high"
        raise BadInput(f"{row.where}: {lacks}: found nothing, wanted both bounds or none")
    if low is not None and high is not None and not low <= value <= high:
        raise BadInput(f"{row.where}: value: found {value:g} outside {low:g} … {high:g}, wanted it within")
    metric = row.text("metric")
    return ScalePoint(
        family=row.text("family"),
        task=row.text("task"),
        metric=metric,
        kind=_kind(row, metric),
        scale=scale,
        value=value,
        low=low,
        high=high,
        n=_count(row),
        chance=row.optional_number("chance"),
        model=row.text("model"),
        direction=_direction(row, metric),
        where=row.where,
    )


def positive(row: Row, column: str) -> float:
    """A number above 0: scales are drawn and fitted by their logarithm."""
    found = row.number(column, "a number above 0")
    if found <= 0:
        raise BadInput(f"{row.where}: {column}: found {found:g}, wanted a number above 0")
    return found


def _kind(row: Row, metric: str) -> Kind:
    told = row.optional("kind")
    if told is None:
        return kind_by_name(metric)
    if told == "sharp" or told == "smooth":
        return told
    raise BadInput(f"{row.where}: kind: found {kind_of(told)}, wanted sharp or smooth")


def _direction(row: Row, metric: str) -> Direction:
    told = row.optional("direction")
    if told is None:
        return direction_by_name(metric)
    if told == "higher" or told == "lower":
        return told
    raise BadInput(f"{row.where}: direction: found {kind_of(told)}, wanted higher or lower")


def _count(row: Row) -> int | None:
    found = row.optional_number("n", "a whole number above 0, or nothing")
    if found is None:
        return None
    if found < 1 or not math.isclose(found, round(found), abs_tol=0, rel_tol=0):
        raise BadInput(f"{row.where}: n: found {found:g}, wanted a whole number above 0, or nothing")
    return round(found)
