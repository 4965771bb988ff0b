"""A metric over scale: what shape of curve its points support.

x is log10 of the scale, [N], in rising order (several models may share a scale); y the metric, [N]. Six curves are
fitted by least squares and compared by AICc (Hurvich and Tsai 1989), errors normal with one variance, which is a
parameter too (it is counted in k):

    flat              y = a                                               k = 2
    linear            y = a + b·x                                         k = 3
    power             y = a + h·10^(c·x), 0 < |c| <= 1          k = 4, or 3 with a the known chance (then c > 0)
    logistic          y = a + h / (1 + exp(-s·(x - m)))                   k = 5, or 4 with a the known chance
    piecewise         a line, then another that meets it at τ             k = 5
    flat-then-linear  a level, then a line that leaves it at τ            k = 4, or 3 with the level the known chance

AICc has N - k - 1 in its denominator: a curve with too many parameters for the different scales has none.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, minimize_scalar
from scipy.special import expit

from evaluator.statistics.broken_lines import Before, BrokenLine, broken_line

Floats = NDArray[np.float64]
Model = Literal["flat", "linear", "power", "logistic", "piecewise", "flat-then-linear"]
MODELS: tuple[Model, ...] = get_args(Model)
SUPPORT = (
    2.0  # a curve within 2 of the best AICc has substantial support too (Burnham and Anderson 2002, 2.6)
)
RISE = math.log(81)  # s times the width of a logistic's rise from a tenth to nine tenths
SHARP_WITHIN = 1.0  # decades: a rise that takes a tenfold of the scale or more is gradual
LEAST_SHARE = 1e-12  # of the variance of y: what is below is rounding, and no curve is better for it
STEEPEST_GAP = 0.5  # of the closest two scales: nothing tells a steeper logistic from a step
BEYOND = 1.0  # decades: a rise that has only begun has its middle after the largest scale
MIDPOINTS, SLOPES = 28, 16
LEAST_EXPONENT, EXPONENTS = (
    0.02,
    50,
)  # a power below is a line in log scale; one above 1 outruns the scale itself


@dataclass(frozen=True)
class Fit:
    """One curve fitted. `k` counts parameters, the variance included; `aicc` None has a reason.

    `sharp` tells a curve that leaves what was before within less than a decade of scale.
    """

    model: Model
    k: int
    rss: float | None
    aicc: float | None
    reason: str | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    line: BrokenLine | None = None
    sharp: bool = False

    def value(self, x: Floats) -> Floats:
        """The fitted curve at each x, [N]; only of a curve that was fitted."""
        told = self.parameters
        if self.line is not None:
            return self.line.value(x)
        if self.model == "power":
            return np.asarray(
                told["floor"] + told["factor"] * 10 ** (told["exponent"] * (x - told["origin"]))
            )
        if self.model == "logistic":
            return np.asarray(_logistic(x, told["floor"], told["height"], told["middle"], told["slope"]))
        return np.asarray(told["level"] + told.get("slope", 0.0) * x)


def fits(x: Floats, y: Floats, *, chance: float | None = None, variance: float = 0.0) -> list[Fit]:
    """The six curves in the order above. `variance` is that of measuring: no curve is better for following noise.

    Refuses x that falls and numbers that are not finite (ValueError).
    """
    if len(x) != len(y) or (np.diff(x) < 0).any() or not np.isfinite([x, y]).all():
        raise ValueError("wanted as many finite y as x, and x in rising order")
    spread = float(((y - y.mean()) ** 2).mean()) if len(y) else 0.0
    if spread == 0.0:
        return [Fit(model, _k(model, chance), None, None, "all values are equal") for model in MODELS]
    least = max(variance, LEAST_SHARE * spread)
    return [_fit(model, x, y, chance, least) for model in MODELS]


def aicc(rss: float, n: int, k: int, least_variance: float = 0.0) -> float:
    """n·ln σ² + rss/σ² - n + 2k + 2k(k+1)/(n-k-1), σ² = max(rss/n, least_variance); refuses n < k + 2 (ValueError).

    Where the variance is free this is the usual n·ln(rss/n) + 2k + 2k(k+1)/(n-k-1).
    """
    if n < k + 2:
        raise ValueError(f"{n} points are too few for {k} parameters; wanted {k + 2}")
    variance = max(rss / n, least_variance)
    return n * math.log(variance) + rss / variance - n + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def akaike_weights(found: list[Fit]) -> list[float | None]:
    """exp(-Δ/2) of each curve that has an AICc, by their sum: how much of the evidence each holds."""
    known = [one.aicc for one in found if one.aicc is not None]
    if not known:
        return [None] * len(found)
    raw = [None if one.aicc is None else math.exp((min(known) - one.aicc) / 2) for one in found]
    total = sum(one for one in raw if one is not None)
    return [None if one is None else one / total for one in raw]


def fewest_scales(chance: float | None) -> int:
    """How many scales it takes to tell a break from a gradual change: one more than AICc's n - k - 1 > 0 leaves out."""
    return _k("flat-then-linear", chance) + 2


def _k(model: Model, chance: float | None) -> int:
    full = {"flat": 2, "linear": 3, "power": 4, "logistic": 5, "piecewise": 5, "flat-then-linear": 4}[model]
    return full - (chance is not None and model in ("power", "logistic", "flat-then-linear"))


def _fit(model: Model, x: Floats, y: Floats, chance: float | None, least: float) -> Fit:
    n, k, sizes = len(x), _k(model, chance), len(np.unique(x))
    if sizes < k + 2:
        return Fit(model, k, None, None, f"not enough sizes: {sizes}, wanted {k + 2} for {k} parameters")
    if model in ("flat", "linear"):
        design = np.column_stack([np.ones(n), x])[:, : k - 1]
        found = np.linalg.lstsq(design, y)[0]
        rss = float(((y - design @ found) ** 2).sum())
        told = dict(zip(("level", "slope"), map(float, found), strict=False))
        return Fit(model, k, rss, aicc(rss, n, k, least), parameters=told)
    if model == "power":
        return _power_fit(x, y, chance, k, least)
    if model == "logistic":
        return _logistic_fit(x, y, chance, k, least)
    before: Before = "line" if model == "piecewise" else "level" if chance is None else "chance"
    line = broken_line(x, y, before, chance or 0.0)
    told = {"break": line.at, "level": line.start, "slope_before": line.before, "slope_after": line.after}
    score = aicc(line.rss, n, k, least)
    return Fit(model, k, line.rss, score, parameters=told, line=line, sharp=line.turns_up)


def _logistic(x: Floats, floor: float, height: float, middle: float, slope: float) -> Floats:
    return np.asarray(floor + height * expit(slope * (x - middle)))


def _logistic_fit(x: Floats, y: Floats, chance: float | None, k: int, least: float) -> Fit:
    """From the best point of a grid of middles and slopes, floor and height being linear there, downhill in all."""
    different = np.unique(x)
    reach = float(x[-1] - x[0])
    lowest, highest = RISE / (4 * reach), RISE / (STEEPEST_GAP * float(np.diff(different).min()))
    middles = np.linspace(x[0], x[-1] + BEYOND, MIDPOINTS)
    slopes = np.geomspace(lowest, highest, SLOPES)
    grid = [(float(middle), float(slope)) for middle in middles for slope in slopes]
    rises = np.array([expit(slope * (x - middle)) for middle, slope in grid])
    floors, heights, rss = _scaled(rises, y, chance)
    best = int(rss.argmin())
    start = (float(floors[best]), float(heights[best]), *grid[best])
    free = slice(0 if chance is None else 1, 4)
    low, high = [-np.inf, -np.inf, x[0], lowest], [np.inf, np.inf, x[-1] + BEYOND, highest]

    def residuals(told: Floats) -> Floats:
        floor = () if chance is None else (chance,)
        return np.asarray(_logistic(x, *floor, *told) - y)

    bounds = (low[free], high[free])
    found = least_squares(residuals, np.clip(start[free], *bounds), bounds=bounds, x_scale="jac", xtol=1e-12)
    floor, height, middle, slope = (
        float(one) for one in ((chance,) if chance is not None else ()) + tuple(found.x)
    )
    rss = float((found.fun**2).sum())
    told = {"floor": floor, "height": height, "middle": middle, "slope": slope, "decades": RISE / slope}
    # The tangent at the middle leaves the floor at m - 2/s: two sizes must have shown the floor.
    sharp = bool(RISE / slope < SHARP_WITHIN and middle - 2 / slope >= different[1] - 1e-9)
    return Fit("logistic", k, rss, aicc(rss, len(x), k, least), parameters=told, sharp=sharp)


def _power_fit(x: Floats, y: Floats, chance: float | None, k: int, least: float) -> Fit:
    """The best exponent of a grid, refined between its neighbours; floor and factor are linear for each."""
    origin = float(x[-1])  # the factor is the height at the largest scale, whatever the unit of scale
    grid = np.linspace(LEAST_EXPONENT, 1.0, EXPONENTS)
    exponents = grid if chance is not None else np.concatenate([-grid[::-1], grid])

    def left(exponent: float) -> float:
        return float(_scaled(10 ** (exponent * (x[None, :] - origin)), y, chance)[2][0])

    best = float(exponents[np.array([left(float(one)) for one in exponents]).argmin()])
    step = float(grid[1] - grid[0])
    least_size, most_size = max(abs(best) - step, LEAST_EXPONENT), min(abs(best) + step, 1.0)
    bounds = (least_size, most_size) if best > 0 else (-most_size, -least_size)
    found = minimize_scalar(left, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    exponent = float(found.x) if found.fun < left(best) else best
    floors, factors, rss = _scaled(10 ** (exponent * (x[None, :] - origin)), y, chance)
    told = {"floor": float(floors[0]), "factor": float(factors[0]), "exponent": exponent, "origin": origin}
    return Fit("power", k, float(rss[0]), aicc(float(rss[0]), len(x), k, least), parameters=told)


def _scaled(shapes: Floats, y: Floats, chance: float | None) -> tuple[Floats, Floats, Floats]:
    """(floor, height, rss), [S] each: y as floor + height·shape by least squares, for each of the shapes [S, N]."""
    middle = shapes.mean(axis=1, keepdims=True) if chance is None else 0.0
    level = y.mean() if chance is None else chance
    moved = shapes - middle
    size = (moved**2).sum(axis=1)
    # A rise that lies wholly beyond the points is flat among them: it has no height that could be told.
    heights = np.divide(moved @ (y - level), size, out=np.zeros(len(size)), where=size > LEAST_SHARE)
    floors = level - heights * np.ravel(middle)
    rss = ((y - floors[:, None] - heights[:, None] * shapes) ** 2).sum(axis=1)
    return floors, heights, rss
