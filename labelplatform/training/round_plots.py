"""A figure of every round as coordinates: a point with its interval for each round, a line through the points.

Pure: no database, no template, no style.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from labelplatform.jobs.curves import Tick, nice_ticks, number
from labelplatform.jobs.whiskers import figure

WIDTH, HEIGHT = 400, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 24, 14, 28
MOST_TICKS = 12


@dataclass(frozen=True)
class Measured:
    """What one round measured."""

    round: int
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PointPlan:
    """What one panel shows: its words, the range that is always in it, and the line that gives a measure."""

    title: str
    caption: str
    include: tuple[float, ...] = ()
    reference: tuple[float, str] | None = None


@dataclass(frozen=True)
class Point:
    """One round's point; without an interval `low` and `high` are where the point is."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class PointPanel:
    """All that the template draws."""

    title: str
    caption: str
    description: str
    points: tuple[Point, ...]
    path: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    reference: Tick | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def draw_rounds(measured: Sequence[Measured], plan: PointPlan) -> PointPanel | None:
    """The panel of one figure over all rounds; None where no round measured it."""
    known = [(one, one.value) for one in measured if one.value is not None]
    if not known:
        return None
    ends = [end for one, value in known for end in (value, one.low, one.high) if end is not None]
    ends += [*plan.include, *([plan.reference[0]] if plan.reference else [])]
    ticks = nice_ticks(min(ends), max(ends))
    last = max(one.round for one in measured)
    points = tuple(_point(one, value, last, ticks) for one, value in known)
    told = "; ".join(f"{one.round}: {point.text}" for (one, _), point in zip(known, points, strict=True))
    every = -(-(last + 1) // MOST_TICKS)
    return PointPanel(
        title=plan.title,
        caption=plan.caption,
        description=f"{plan.title}. {told}",
        points=points,
        path="M" + " L".join(f"{point.x} {point.y}" for point in points),
        x_ticks=tuple(Tick(_x(at, last), str(at)) for at in range(0, last + 1, every)),
        y_ticks=tuple(Tick(_y(tick, ticks), number(tick)) for tick in ticks),
        reference=Tick(_y(plan.reference[0], ticks), plan.reference[1]) if plan.reference else None,
    )


def _point(one: Measured, value: float, last: int, ticks: Sequence[float]) -> Point:
    low, high = (value if end is None else end for end in (one.low, one.high))
    return Point(
        _x(one.round, last),
        _y(value, ticks),
        _y(low, ticks),
        _y(high, ticks),
        figure(value, one.low, one.high),
    )


def _x(at: int, last: int) -> float:
    """Rounds stand evenly between the axes; a single one in the middle."""
    width = WIDTH - LEFT - RIGHT
    return round(LEFT + width * (at + 0.5) / (last + 1), 1)


def _y(value: float, ticks: Sequence[float]) -> float:
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)
