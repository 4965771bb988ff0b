"""Curves of a job's progress: numbers in, coordinates out. Pure: no database, no template, no style."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 400, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 116, 14, 28
MOST_POINTS = 300
TABLE_ROWS = 20
# Lines of one panel differ by pattern and by the label at their end, never by colour alone.
DASHES = ("", "7 4", "2 3", "9 3 2 3", "14 4", "1 4 5 4")


@dataclass(frozen=True)
class PanelPlan:
    """What one small multiple shows: the metrics drawn in it and the lines that give them a measure."""

    title: str
    metrics: tuple[tuple[str, str], ...]
    caption: str = ""
    zero: bool = False
    reference: tuple[float, str] | None = None


@dataclass(frozen=True)
class Tick:
    position: float
    label: str


@dataclass(frozen=True)
class Line:
    metric: str
    label: str
    number: int
    path: str
    end_x: float
    end_y: float
    label_y: float
    last: str
    dashes: str


@dataclass(frozen=True)
class Panel:
    title: str
    caption: str
    description: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    zero_y: float | None
    reference: Tick | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def number(value: float, digits: int = 4) -> str:
    """A figure short enough for an axis: so many significant digits, no exponent where none is needed."""
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1_000_000:
        return (f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}").replace("-", "−")
    return f"{value:.2e}".replace("-", "−")


def nice_ticks(low: float, high: float, wanted: int = 4) -> tuple[float, ...]:
    """Round values (1, 2, 5 times a power of ten) that cover low to high."""
    if not high > low:
        pad = abs(low) / 10 or 1.0
        low, high = low - pad, high + pad
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    return tuple(round(index * step, digits) for index in range(first, last + 1))


def series(progress: Sequence[Mapping[str, object]], metric: str) -> list[tuple[float, float]]:
    """(step, value) of every progress line that measured this metric as a finite number."""
    found = []
    for line in progress:
        step, value = line.get("step"), line.get(metric)
        if isinstance(step, int | float) and isinstance(value, int | float) and math.isfinite(value):
            found.append((float(step), float(value)))
    return found


def thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most MOST_POINTS points, the first and the last always among them."""
    if len(points) <= MOST_POINTS:
        return list(points)
    stride = math.ceil((len(points) - 1) / (MOST_POINTS - 1))
    kept = list(points[:-1:stride])
    return [*kept, points[-1]]


def draw_panels(progress: Sequence[Mapping[str, object]], plans: Sequence[PanelPlan]) -> tuple[Panel, ...]:
    """One panel for each plan that has something to show, all on the same scale of steps."""
    last_step = max((float(line["step"]) for line in progress if _is_number(line.get("step"))), default=0.0)  # type: ignore[arg-type]
    panels = (_panel(progress, plan, last_step) for plan in plans)
    return tuple(panel for panel in panels if panel is not None)


def unplanned(progress: Sequence[Mapping[str, object]], plans: Sequence[PanelPlan]) -> tuple[str, ...]:
    """Numeric metrics of the progress lines that no plan names, in order of appearance."""
    planned = {metric for plan in plans for metric, _ in plan.metrics} | {"step", "steps", "seconds"}
    found: dict[str, None] = {}
    for line in progress:
        found.update({key: None for key, value in line.items() if key not in planned and _is_number(value)})
    return tuple(found)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _panel(progress: Sequence[Mapping[str, object]], plan: PanelPlan, last_step: float) -> Panel | None:
    drawn = [(metric, label, series(progress, metric)) for metric, label in plan.metrics]
    drawn = [entry for entry in drawn if entry[2]]
    if not drawn:
        return None
    values = [value for _, _, points in drawn for _, value in points]
    values += [0.0] if plan.zero else []
    values += [plan.reference[0]] if plan.reference else []
    y_values = nice_ticks(min(values), max(values))
    x_values = [tick for tick in nice_ticks(0, last_step or 1, wanted=3) if tick <= last_step]
    # A metric keeps its pattern where another one of its plan was not measured.
    places = {metric: at for at, (metric, _label) in enumerate(plan.metrics, start=1)}
    lines = _spread(tuple(_line(entry, places[entry[0]], last_step, y_values) for entry in drawn))
    zero = _y(0.0, y_values) if y_values[0] <= 0.0 <= y_values[-1] else None
    reference = plan.reference and Tick(_y(plan.reference[0], y_values), plan.reference[1])
    return Panel(
        title=plan.title,
        caption=plan.caption,
        description=_description(plan.title, drawn),
        lines=lines,
        x_ticks=tuple(Tick(_x(tick, last_step), number(tick)) for tick in x_values),
        y_ticks=tuple(Tick(_y(tick, y_values), number(tick)) for tick in y_values),
        zero_y=zero,
        reference=reference or None,
        columns=tuple(label for _, label, _ in drawn),
        rows=_rows(drawn),
    )


def _x(step: float, last_step: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * step / (last_step or 1.0), 1)


def _y(value: float, ticks: Sequence[float]) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def _line(
    entry: tuple[str, str, list[tuple[float, float]]], at: int, last_step: float, ticks: Sequence[float]
) -> Line:
    metric, label, points = entry
    places = [(_x(step, last_step), _y(value, ticks)) for step, value in thinned(points)]
    path = "M" + " L".join(f"{x} {y}" for x, y in places)
    end_x, end_y = places[-1]
    return Line(
        metric, label, at, path, end_x, end_y, end_y, number(points[-1][1], 3), DASHES[(at - 1) % len(DASHES)]
    )


def _spread(lines: tuple[Line, ...], room: float = 14.0) -> tuple[Line, ...]:
    """The same lines with their direct labels moved apart, so that no two are written over each other."""
    moved: dict[int, float] = {}
    lowest = float(TOP) - room
    for line in sorted(lines, key=lambda each: each.end_y):
        lowest = max(line.end_y, lowest + room)
        moved[line.number] = lowest
    overflow = max(0.0, lowest - (HEIGHT - BOTTOM))
    return tuple(
        Line(**{**line.__dict__, "label_y": round(moved[line.number] - overflow, 1)}) for line in lines
    )


def _description(title: str, drawn: Sequence[tuple[str, str, list[tuple[float, float]]]]) -> str:
    parts = [
        f"{label}: {number(points[0][1])} → {number(points[-1][1])}, "
        f"{number(points[0][0])}–{number(points[-1][0])}"
        for _, label, points in drawn
    ]
    return f"{title}. " + "; ".join(parts)


def _rows(drawn: Sequence[tuple[str, str, list[tuple[float, float]]]]) -> tuple[tuple[str, ...], ...]:
    """The table behind a panel: about TABLE_ROWS steps, the last one always there."""
    tables = [dict(points) for _, _, points in drawn]
    steps = sorted({step for table in tables for step in table})
    stride = max(1, math.ceil(len(steps) / TABLE_ROWS))
    chosen = steps[::-1][::stride][::-1]
    return tuple(
        (number(step), *(number(table[step]) if step in table else "–" for table in tables))
        for step in chosen
    )
