"""Broken lines: two parts that meet at a break τ, fitted by least squares exactly, for many rows of y at once.

Between two neighbouring x the best break is where the two parts, fitted each on its own, cross, if they cross there;
else it stands on an x (Hudson 1966). So every candidate is a linear fit, and no optimiser can miss the best one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from evaluator.statistics.intervals import CONFIDENCE, Interval

Floats = NDArray[np.float64]
Before = Literal["line", "level", "chance"]
MOST_CANDIDATES = (
    200  # of each kind; a training curve of thousands of steps is searched at every n-th of them
)
NOTHING_LEFT = 1e-12  # of the spread of y: what is below is rounding


@dataclass(frozen=True)
class BrokenLine:
    """y = start + before·(x - τ) + (after - before)·(x - τ)₊; `start` is the value at the break τ (`at`)."""

    at: float
    start: float
    before: float
    after: float
    rss: float

    def value(self, x: Floats) -> Floats:
        """The curve at each x, [N]."""
        slope = np.where(x < self.at, self.before, self.after)
        return np.asarray(self.start + slope * (x - self.at))

    @property
    def turns_up(self) -> bool:
        """Whether it is steeper after the break than before, whichever way it goes."""
        return abs(self.after) > abs(self.before)


def broken_line(x: Floats, y: Floats, before: Before, chance: float = 0.0) -> BrokenLine:
    """The least-squares fit of y [N] over x [N] in rising order, τ from the second different x to the last but one.

    `before` the break stands a line, a level, or the known `chance`. Of equally good breaks the first is taken.
    Wants four different x or more.
    """
    at = float(best_breaks(x, y[None, :], before, chance)[0])
    floor = chance if before == "chance" else 0.0
    design = np.column_stack([_before(x, before), np.maximum(x - at, 0.0)])
    found = np.linalg.pinv(design) @ (y - floor)
    residual = y - floor - design @ found
    slope = float(found[1]) if before == "line" else 0.0
    level = floor if before == "chance" else float(found[0])
    return BrokenLine(at, level + slope * at, slope, slope + float(found[-1]), float(residual @ residual))


def best_breaks(x: Floats, rows: Floats, before: Before, chance: float = 0.0) -> Floats:
    """The best τ of each row of y, [B] from [B, N]."""
    y = (rows - (chance if before == "chance" else 0.0)).T
    spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    different = np.unique(x)
    at, best = np.full(y.shape[1], different[1]), np.full(y.shape[1], np.inf)
    for place in _some(1, len(different) - 1):
        here, following = float(different[place]), float(different[place + 1])
        for tau, rss in (_on(x, y, here, before), _between(x, y, here, following, before)):
            better = rss < best - NOTHING_LEFT * spread
            at, best = np.where(better, tau, at), np.where(better, rss, best)
    return at


def break_interval(
    x: Floats,
    y: Floats,
    line: BrokenLine,
    before: Before,
    chance: float,
    *,
    errors: Floats | None,
    rng: np.random.Generator,
    resamples: int,
) -> Interval:
    """The break with its 95 % percentile interval over refits of curve + noise, in units of x.

    Noise is normal: of variance rss / (N - p), p parameters, widened by Student's t of N - p degrees of freedom over
    the normal quantile, as that variance is itself learnt from few points; or with the standard `errors` of measuring
    [N], where these are larger. A fit that leaves nothing has no noise to draw: the bounds are then the neighbouring x.
    """
    count, parameters = len(x), {"line": 4, "level": 3, "chance": 2}[before]
    measured = 0.0 if errors is None else float((errors**2).mean())
    freedom = max(1, count - parameters)
    left = line.rss / freedom
    if max(left, measured) <= NOTHING_LEFT * float(((y - y.mean()) ** 2).mean()):
        return Interval(
            line.at, *_neighbours(x, line.at), count, "neighbouring scales: nothing is left to resample"
        )
    tail = (1 - CONFIDENCE) / 2
    noise = rng.standard_normal((resamples, count))
    if errors is not None and measured > left:
        noise, method = noise * errors, "parametric bootstrap of what was measured"
    else:
        wider = float(stdtrit(freedom, 1 - tail) / ndtri(1 - tail))
        noise, method = noise * np.sqrt(left) * wider, "parametric bootstrap of residuals"
    drawn = best_breaks(x, line.value(x) + noise, before, chance)
    low, high = (float(one) for one in np.quantile(drawn, [tail, 1 - tail]))
    return Interval(line.at, min(low, line.at), max(high, line.at), count, method)


def _before(x: Floats, before: Before) -> Floats:
    """The columns of the part before the break: none, [1], or [1, x]."""
    columns = {"chance": 0, "level": 1, "line": 2}[before]
    return np.column_stack([np.ones(len(x)), x])[:, :columns]


def _some(first: int, beyond: int) -> range:
    return range(first, beyond, max(1, -(-(beyond - first) // MOST_CANDIDATES)))


def _on(x: Floats, y: Floats, here: float, before: Before) -> tuple[Floats, Floats]:
    """(τ, rss) of the break on `here`, [B] each; y is [N, B]."""
    rss, _ = _linear(np.column_stack([_before(x, before), np.maximum(x - here, 0.0)]), y)
    return np.full(y.shape[1], here), rss


def _between(x: Floats, y: Floats, here: float, following: float, before: Before) -> tuple[Floats, Floats]:
    """(τ, rss) of the break between two neighbouring x; rss is infinite where the parts cross elsewhere."""
    nothing = np.zeros(y.shape[1])
    if following == x[-1]:
        return nothing + here, nothing + np.inf
    early, late = x <= here, x > here
    rss_before, first = _linear(_before(x[early], before), y[early])
    rss_after, second = _linear(_before(x[late], "line"), y[late])
    level = first[0] if len(first) else nothing
    slope = first[1] if len(first) > 1 else nothing
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = (level - second[0]) / (second[1] - slope)
    inside = (tau > here) & (tau < following)  # False for NaN: parallel parts never cross
    return np.where(inside, tau, here), np.where(inside, rss_before + rss_after, np.inf)


def _linear(design: Floats, y: Floats) -> tuple[Floats, Floats]:
    """(residual sum of squares [B], coefficients [P, B]) of y [N, B] on a design [N, P]."""
    found = np.linalg.pinv(design) @ y
    return ((y - design @ found) ** 2).sum(axis=0), found


def _neighbours(x: Floats, at: float) -> tuple[float, float]:
    """The nearest x at or below, and at or above; for a break on an x those beside it."""
    on = np.isclose(x, at, rtol=0, atol=1e-9)
    below, above = x[(x < at) & ~on], x[(x > at) & ~on]
    return float(below.max()), float(above.min())
