"""Does a metric emerge with scale? BIG-bench's two figures, the shape its fits support, and where it breaks.

Srivastava et al. 2022 (Beyond the Imitation Game), appendix B, for values y in the order of scale:

    I(y) = sign(argmax y - argmin y)·(max y - min y)
    linearity L = I(y) / (n·sqrt(mean of (y_{i+1} - y_i)²)), n the number of steps: 1 of a straight line
    breakthroughness B = I(y) / sqrt(median of (y_{i+1} - y_i)²)

The median is of the squares: of an even number of steps it lies between two squares, not between two steps. Both take
the noise of few sizes for structure: they are told beside a permutation test, and with an interval where the points'
own errors are known.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.broken_lines import Before, break_interval
from evaluator.statistics.intervals import CONFIDENCE, Interval, generator
from evaluator.statistics.scaling_fits import SUPPORT, Fit, fewest_scales, fits

Floats = NDArray[np.float64]
Shape = Literal["gradual", "sharp", "not-enough-sizes"]
NO_ERRORS = "no interval: the errors of its points are not known"


@dataclass(frozen=True)
class Curve:
    """One metric over scale, in rising order; several models may share a scale.

    `errors` are standard errors of measuring, [N], where all are known.
    """

    name: str
    scales: tuple[float, ...]
    values: tuple[float, ...]
    chance: float | None = None
    errors: tuple[float, ...] | None = None

    @property
    def x(self) -> Floats:
        """log10 of the scales, [N]."""
        return np.log10(np.asarray(self.scales, dtype=np.float64))

    @property
    def sizes(self) -> int:
        """How many different scales there are."""
        return len(set(self.scales))

    @property
    def y(self) -> Floats:
        """The values, [N]."""
        return np.asarray(self.values, dtype=np.float64)


@dataclass(frozen=True)
class Shaped:
    """The fits of one curve and what they say. `gradual` and `sharp` are the best of each sort, `bend` the broken line.

    `advantage` is AICc of the best gradual curve less that of the best sharp one: above 2 a break is supported.
    `at` is the break in units of scale, with its interval; None with a reason where none is supported.
    """

    shape: Shape
    fits: tuple[Fit, ...]
    at: Interval
    gradual: Fit | None = None
    sharp: Fit | None = None
    bend: Fit | None = None
    advantage: float | None = None


def linearity(curve: Curve, *, seed: int = 0, resamples: int = 0) -> Interval:
    """L above, 0 of values that are all equal; None with a reason of a single value."""
    return _with_interval("linearity", _linearity, curve, seed=seed, resamples=resamples)


def breakthroughness(curve: Curve, *, seed: int = 0, resamples: int = 0) -> Interval:
    """B above; None with a reason where it is not defined, as where half of the steps or more change nothing."""
    return _with_interval("breakthroughness", _breakthroughness, curve, seed=seed, resamples=resamples)


def shaped(curve: Curve, *, seed: int, resamples: int) -> Shaped:
    """What the fits of a curve support. Whether there is a trend at all is for a permutation test to say."""
    errors = None if curve.errors is None else np.asarray(curve.errors, dtype=np.float64)
    variance = 0.0 if errors is None else float((errors**2).mean())
    found = tuple(fits(curve.x, curve.y, chance=curve.chance, variance=variance))
    count, wanted = curve.sizes, fewest_scales(curve.chance)
    if count < wanted:
        reason = f"not enough sizes: {count}, wanted {wanted} to tell a break from a gradual change"
        return Shaped("not-enough-sizes", found, _no_break(count, reason))
    gradual = _best([one for one in found if one.model != "flat" and not one.sharp])
    sharp = _best([one for one in found if one.sharp])
    bend = _best([one for one in found if one.sharp and one.line is not None])
    if gradual is None or sharp is None or bend is None:
        reason = next((one.reason for one in found if one.reason), "no curve leaves what was before it")
        return Shaped("gradual", found, _no_break(count, reason), gradual, sharp, bend)
    assert gradual.aicc is not None
    assert sharp.aicc is not None
    advantage = gradual.aicc - sharp.aicc
    if advantage <= SUPPORT:
        way = f"lower by {advantage:.3g}" if advantage > 0 else f"higher by {-advantage:.3g}"
        told = f"AICc of {sharp.model} is {way} than of {gradual.model}"
        reason = f"no break is supported: {told}, wanted lower by {SUPPORT:g}"
        return Shaped("gradual", found, _no_break(count, reason), gradual, sharp, bend, advantage)
    at = _break_of(curve, bend, errors, seed=seed, resamples=resamples)
    return Shaped("sharp", found, at, gradual, sharp, bend, advantage)


def _linearity(y: Floats) -> float:
    step = float((np.diff(y) ** 2).mean()) ** 0.5
    return _improvement(y) / (len(y) - 1) / step if step > 0 else 0.0


def _breakthroughness(y: Floats) -> float:
    """NaN where the median step changes nothing."""
    step = float(np.median(np.diff(y) ** 2)) ** 0.5
    return _improvement(y) / step if step > 0 else math.nan


def _improvement(y: Floats) -> float:
    """I(y) above; of several largest or smallest values the first counts."""
    return float(np.sign(int(y.argmax()) - int(y.argmin())) * (y.max() - y.min()))


def _with_interval(
    name: str, figure: Callable[[Floats], float], curve: Curve, *, seed: int, resamples: int
) -> Interval:
    """The figure, and the percentiles of it under the errors of measuring where all are known."""
    y, n = curve.y, len(curve.values)
    if n < 2:
        return Interval(None, None, None, n, "big-bench", f"not enough sizes: {n}, wanted 2")
    value = figure(y)
    if math.isnan(value):
        flat = "all values are equal: nothing changes with scale"
        steps = "half of the steps or more change nothing: their median is 0"
        return Interval(None, None, None, n, "big-bench", flat if y.max() == y.min() else steps)
    if curve.errors is None or not any(curve.errors) or resamples == 0:
        return Interval(value, None, None, n, "big-bench", NO_ERRORS)
    noise = generator(seed, name, curve.name).standard_normal((resamples, n)) * np.asarray(curve.errors)
    drawn = [one for one in map(figure, y + noise) if not math.isnan(one)]
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(one) for one in np.quantile(drawn, [tail, 1 - tail]))
    return Interval(value, min(low, value), max(high, value), n, "parametric bootstrap of what was measured")


def _best(found: Sequence[Fit]) -> Fit | None:
    known = [one for one in found if one.aicc is not None]
    return min(known, key=lambda one: one.aicc or 0.0) if known else None


def _no_break(count: int, reason: str) -> Interval:
    return Interval(None, None, None, count, "broken line", reason)


def _break_of(curve: Curve, bend: Fit, errors: Floats | None, *, seed: int, resamples: int) -> Interval:
    """The break in units of scale."""
    assert bend.line is not None
    before: Before = "line" if bend.model == "piecewise" else "level" if curve.chance is None else "chance"
    rng = generator(seed, "breakpoint", curve.name)
    told = break_interval(
        curve.x,
        curve.y,
        bend.line,
        before,
        curve.chance or 0.0,
        errors=errors,
        rng=rng,
        resamples=resamples,
    )
    value, low, high = (None if one is None else float(10**one) for one in (told.value, told.low, told.high))
    return Interval(value, low, high, told.n, told.method, told.reason)
