"""pass@k by k, a line with intervals a model: figures in, coordinates out. Pure: no database, no template, no style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from labelplatform.jobs.curves import DASHES, Tick
from labelplatform.jobs.whiskers import figure

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 40, 132, 12, 42
Y_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
CAP, APART, LABEL_ROOM = 4.0, 5.0, 16.0
# Names of one family differ at their ends.
LONGEST_LABEL, KEPT = 17, 8


@dataclass(frozen=True)
class Measured:
    """pass@k of one model for one k, with its interval where it has one."""

    k: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Series:
    """One model: its name, the number of its colour, and its figures."""

    name: str
    colour: int
    points: tuple[Measured, ...]


@dataclass(frozen=True)
class Point:
    """One figure where it stands; `bar` is the path of its interval, empty without one."""

    x: float
    y: float
    bar: str
    text: str


@dataclass(frozen=True)
class Curve:
    """One model's line, told apart by its dashes and the label at its end, never by colour alone."""

    name: str
    label: str
    colour: int
    path: str
    dashes: str
    points: tuple[Point, ...]
    label_y: float
    last_x: float
    last_y: float


@dataclass(frozen=True)
class Plot:
    """All lines on one scale: k by its logarithm, shares from 0 to 1 always."""

    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - BOTTOM
    label_x: int = WIDTH - RIGHT + 12
    middle: float = (LEFT + WIDTH - RIGHT) / 2


def draw(series: Sequence[Series]) -> Plot | None:
    """The plot of the models that have a figure; None when none has."""
    shown = [one for one in series if one.points]
    if not shown:
        return None
    ks = sorted({point.k for one in shown for point in one.points})
    # Intervals at one k stand beside each other.
    aside = [APART * (place - (len(shown) - 1) / 2) for place in range(len(shown))]
    curves = [_curve(one, place, ks, aside[place]) for place, one in enumerate(shown)]
    return Plot(
        curves=tuple(_spread(curves)),
        x_ticks=tuple(Tick(_x(k, ks), str(k)) for k in ks),
        y_ticks=tuple(Tick(_y(value), f"{value:g}") for value in Y_TICKS),
        description="; ".join(_said(one) for one in shown),
    )


def _curve(series: Series, place: int, ks: Sequence[int], aside: float) -> Curve:
    points = tuple(_point(point, ks, aside) for point in sorted(series.points, key=lambda one: one.k))
    path = "M" + " L".join(f"{one.x} {one.y}" for one in points)
    name = series.name
    label = name if len(name) <= LONGEST_LABEL else f"{name[:KEPT]}…{name[-KEPT:]}"
    dashes = DASHES[place % len(DASHES)]
    last = points[-1]
    return Curve(name, label, series.colour, path, dashes, points, last.y, last.x, last.y)


def _point(point: Measured, ks: Sequence[int], aside: float) -> Point:
    x, bar = round(_x(point.k, ks) + aside, 1), ""
    if point.low is not None and point.high is not None:
        low, high = _y(point.low), _y(point.high)
        caps = "".join(f" M{round(x - CAP, 1)} {end} H{round(x + CAP, 1)}" for end in (low, high))
        bar = f"M{x} {low} V{high}{caps}"
    return Point(x, _y(point.value), bar, f"pass@{point.k} {figure(point.value, point.low, point.high)}")


def _x(k: int, ks: Sequence[int]) -> float:
    """k on a logarithmic scale; one k alone stands in the middle."""
    room = WIDTH - LEFT - RIGHT - 2 * LABEL_ROOM
    first, last = math.log(ks[0]), math.log(ks[-1])
    share = 0.5 if last == first else (math.log(k) - first) / (last - first)
    return round(LEFT + LABEL_ROOM + room * share, 1)


def _y(value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(max(value, 0.0), 1.0), 1)


def _spread(curves: Sequence[Curve]) -> list[Curve]:
    """The same lines with their labels moved apart, in the order of their ends, and none below the plot."""
    lowest = TOP - LABEL_ROOM
    moved: dict[str, float] = {}
    for one in sorted(curves, key=lambda each: each.last_y):
        lowest = max(one.last_y, lowest + LABEL_ROOM)
        moved[one.path + one.name] = lowest
    beyond = max(0.0, lowest - (HEIGHT - BOTTOM))
    return [
        Curve(**{**one.__dict__, "label_y": round(moved[one.path + one.name] - beyond, 1)}) for one in curves
    ]


def _said(series: Series) -> str:
    told = ", ".join(
        f"pass@{one.k} {figure(one.value, one.low, one.high)}"
        for one in sorted(series.points, key=lambda each: each.k)
    )
    return f"{series.name}: {told}"
