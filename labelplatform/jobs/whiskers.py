"""Whiskers and stacked bars: figures with intervals in, coordinates out. Pure: no database, no template."""

from collections.abc import Iterable
from dataclasses import dataclass

from labelplatform.jobs.curves import nice_ticks, number

WIDTH, HEIGHT, PAD = 420, 28, 20
# Where two tables stand side by side.
NARROW = 220
BAR_WIDTH, BAR_HEIGHT = 200, 14
# Full, half, hollow: the parts of a bar are told apart without colour, which belongs to the policy.
OPACITIES = (1.0, 0.35, 0.0)


@dataclass(frozen=True)
class Mark:
    x: float
    label: str


@dataclass(frozen=True)
class Scale:
    """One horizontal scale that every whisker of a table shares."""

    low: float
    high: float
    ticks: tuple[Mark, ...]
    zero: float | None
    width: int = WIDTH
    height: int = HEIGHT

    def x(self, value: float) -> float:
        """Where a value stands, held inside the drawing."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(PAD + (self.width - 2 * PAD) * share, 1)


@dataclass(frozen=True)
class Whisker:
    """A point with its interval, on a scale; `marks` are baselines drawn in the same plot."""

    x: float
    low: float
    high: float
    zero: float | None
    text: str
    marks: tuple[Mark, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    middle: float = HEIGHT / 2
    cap_top: float = HEIGHT / 2 - 6
    cap_bottom: float = HEIGHT / 2 + 6


@dataclass(frozen=True)
class Segment:
    name: str
    label: str
    x: float
    width: float
    share: float
    text: str
    opacity: float


@dataclass(frozen=True)
class StackedBar:
    segments: tuple[Segment, ...]
    text: str
    width: int = BAR_WIDTH
    height: int = BAR_HEIGHT
    inner: int = BAR_HEIGHT - 2


def figure(value: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """`0.482 (0.441 to 0.523)`: a value never stands without its interval where one is known."""
    if value is None:
        return "–"
    shown = f"{value:.{digits}f}"
    if low is not None and high is not None:
        shown += f" ({low:.{digits}f} – {high:.{digits}f})"
    return shown.replace("-", "−")


def shared_scale(
    values: Iterable[float | None], *, include: Iterable[float] = (), width: int = WIDTH
) -> Scale | None:
    """A scale that covers every value given, with round ticks; None when there is nothing to draw."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    known += list(include)
    ticks = nice_ticks(min(known), max(known), wanted=4)
    bare = Scale(ticks[0], ticks[-1], (), None, width)
    zero = bare.x(0.0) if bare.low < 0.0 < bare.high else None
    marks = tuple(Mark(bare.x(tick), number(tick)) for tick in ticks)
    return Scale(bare.low, bare.high, marks, zero, width)


def whisker(
    scale: Scale,
    value: float | None,
    low: float | None,
    high: float | None,
    *,
    marks: Iterable[tuple[float, str]] = (),
    digits: int = 3,
) -> Whisker | None:
    """The whisker of one figure; no interval draws a bare point, no value draws nothing."""
    if value is None:
        return None
    left, right = (value if low is None else low), (value if high is None else high)
    return Whisker(
        x=scale.x(value),
        low=scale.x(left),
        high=scale.x(right),
        zero=scale.zero,
        text=figure(value, low, high, digits),
        marks=tuple(Mark(scale.x(at), label) for at, label in marks),
        width=scale.width,
    )


def stacked_bar(shares: Iterable[tuple[str, str, float, str]]) -> StackedBar:
    """Shares of one whole, left to right: (name, label, share, its figure with interval)."""
    segments: list[Segment] = []
    at = 0.0
    for name, label, share, text in shares:
        width = round(BAR_WIDTH * min(max(share, 0.0), 1.0), 1)
        opacity = OPACITIES[len(segments) % len(OPACITIES)]
        segments.append(Segment(name, label, round(at, 1), width, share, text, opacity))
        at += width
    return StackedBar(tuple(segments), "; ".join(f"{each.label} {each.text}" for each in segments))
