"""Ratings with style held equal: the strength of a response is its policy's plus coefficients times its style."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.counted_rankings import count_rankings
from evaluator.statistics.intervals import CONFIDENCE, Interval, generator
from evaluator.statistics.rating_intervals import Resampling
from evaluator.statistics.rating_models import Model, model_of
from evaluator.statistics.rating_pairs import PolicyRanking, pairs_in_order, tells
from evaluator.statistics.ratings import CENTRE, SCALE, Fit
from evaluator.statistics.style import STYLE_NAMES

Floats = NDArray[np.float64]
DOUBLING = math.log(2)


@dataclass(frozen=True)
class StyleControlled:
    """Of each feature, by how many points a response with twice as much (one added) stands higher, all else equal.

    `ratings` are those of the policies, on the usual scale, with every response as long and as plain as the others.
    """

    coefficients: tuple[tuple[str, Interval], ...]
    ratings: tuple[tuple[str, Interval], ...]


def style_controlled(
    rankings: Sequence[PolicyRanking], group: Sequence[str], resampling: Resampling, *, tie_model: str
) -> StyleControlled:
    """Coefficients and ratings of the policies in `group` from the rankings among them, each with its `style`.

    Features are centred and scaled for the search only. A feature that no response differs in has no coefficient. Where
    the likelihood has no maximum nothing has a value.
    """
    used = sorted(
        (one for one in rankings if tells(one.places) and _inside(one, group)), key=lambda one: one.id
    )
    looks = [np.array(one.style, dtype=np.float64) for one in used]
    every = np.concatenate(looks)
    spread = every.std(axis=0)
    varying = np.flatnonzero(spread > 0)
    scaled = [(one[:, varying] - every[:, varying].mean(axis=0)) / spread[varying] for one in looks]
    pairs = pairs_in_order(used, tuple(group))
    patterns = [one.places for one in used]
    model = model_of(
        pairs, patterns, range(len(group)), "efron" if tie_model == "efron" else "davidson", scaled
    )
    drawn = _fits(model, used, resampling)
    if drawn is None:
        return _nothing(group, len(used), "no finite ratings explain these rankings once style is free to")
    point, kept = drawn
    size, ties = len(group), 0 if model.choices is None else len(model.choices.sizes)
    points = DOUBLING * SCALE / spread[varying]
    found = {
        STYLE_NAMES[feature]: _interval(
            point[size + ties + at] * points[at],
            kept[:, size + ties + at] * points[at],
            resampling,
            len(used),
        )
        for at, feature in enumerate(varying)
    }
    missing = Interval(None, None, None, len(used), "none", "no response differs in it")
    rated = [
        (name, _interval(CENTRE + SCALE * point[at], CENTRE + SCALE * kept[:, at], resampling, len(used)))
        for at, name in enumerate(group)
    ]
    coefficients = tuple((name, found.get(name, missing)) for name in STYLE_NAMES)
    return StyleControlled(coefficients, tuple(rated))


def _inside(ranking: PolicyRanking, group: Sequence[str]) -> bool:
    return all(policy in group for policy, _ in ranking.places)


def _fits(
    model: Model, used: Sequence[PolicyRanking], resampling: Resampling
) -> tuple[Floats, Floats] | None:
    """All parameters at the point, [N], and in each resample that has a fit, [B, N]."""
    once = np.ones(len(used))
    names = count_rankings(used).annotators
    people = np.array([names.index(one.annotator) for one in used], dtype=np.int64)
    try:
        point = model.fit(once)
    except ArithmeticError:
        return None
    shaped = model.shaped_by(point, once)
    kept = []
    for number in range(resampling.resamples):
        rng = generator(resampling.seed, "style", resampling.unit, str(number))
        count = len(names) if resampling.unit == "annotators" else len(used)
        drawn = rng.multinomial(count, np.full(count, 1 / count)).astype(np.float64)
        found = _fit_or_none(shaped, drawn[people] if resampling.unit == "annotators" else drawn, point)
        if found is not None:
            kept.append(found)
    assert point.parameters is not None
    return point.parameters, np.array(kept).reshape(len(kept), len(point.parameters))


def _fit_or_none(model: Model, times: Floats, point: Fit) -> Floats | None:
    try:
        return model.fit(times, start=point).parameters
    except ArithmeticError:
        return None


def _interval(value: float, drawn: Floats, resampling: Resampling, n: int) -> Interval:
    method = f"percentile bootstrap over {resampling.unit}"
    tail = (1 - CONFIDENCE) / 2
    if len(drawn) < (1 - tail) * resampling.resamples:
        reason = (
            f"{resampling.resamples - len(drawn)} of {resampling.resamples} resamples have no finite rating"
        )
        return Interval(float(value), None, None, n, method, reason)
    low, high = np.quantile(drawn, [tail, 1 - tail], method="weibull")
    return Interval(float(value), min(float(value), float(low)), max(float(value), float(high)), n, method)


def _nothing(group: Sequence[str], n: int, reason: str) -> StyleControlled:
    nothing = Interval(None, None, None, n, "none", reason)
    return StyleControlled(
        tuple((name, nothing) for name in STYLE_NAMES), tuple((name, nothing) for name in group)
    )
