"""Correlation of a metric with human judgement: pooled over responses, between systems, within items, with intervals.

Items (one source text with the responses of all systems) are drawn again as a whole; a metric of a response that is
not there leaves that response out. Where a side does not vary, nothing correlates: no figure, and the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.intervals import CONFIDENCE, RESAMPLES, Interval, bootstrap_mean, generator

Floats = NDArray[np.float64]
METHOD = "percentile-bootstrap over items"
NUMBERS_AT_ONCE = 4_000_000
MOST_ROWS = 3_000  # of a pooled Kendall with an interval: each resample sums over all pairs of rows
FEWEST_SYSTEMS = 3
FLAT = "one side is the same everywhere"


@dataclass(frozen=True)
class Scored:
    """Responses with a human score and a metric's, each of an item and of a system; all of length N."""

    items: Sequence[str]
    systems: Sequence[str]
    human: Floats
    metric: Floats


def pearson(x: Floats, y: Floats, weights: Floats | None = None) -> Floats:
    """Σw(x-x̄)(y-ȳ) / sqrt(Σw(x-x̄)² Σw(y-ȳ)²) over the last axis; NaN where a side does not vary."""
    mass = np.ones(x.shape[-1]) if weights is None else weights
    total = np.maximum(mass.sum(axis=-1, keepdims=True), 1e-300)  # no row at all is flat, too
    a = x - (mass * x).sum(axis=-1, keepdims=True) / total
    b = y - (mass * y).sum(axis=-1, keepdims=True) / total
    spread_a, spread_b = (mass * a * a).sum(axis=-1), (mass * b * b).sum(axis=-1)
    flat = (spread_a <= 1e-24 * _size(x, mass)) | (spread_b <= 1e-24 * _size(y, mass))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (mass * a * b).sum(axis=-1) / np.sqrt(spread_a * spread_b)
    return np.where(flat, np.nan, np.clip(found, -1.0, 1.0))


def midranks(values: Floats, weights: Floats) -> Floats:
    """The rank of each value [N] when it stands `weights` [..., N] times; ties share their mean rank. [..., N]."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    sums = np.add.reduceat(weights[..., order], starts, axis=-1)
    rank = np.cumsum(sums, axis=-1) - sums + (sums + 1) / 2
    group = np.empty(len(values), dtype=np.int64)
    group[order] = np.searchsorted(starts, np.arange(len(values)), side="right") - 1
    return np.asarray(rank[..., group])


def spearman(x: Floats, y: Floats, weights: Floats | None = None) -> Floats:
    """Pearson's correlation of the midranks of x and y [N], rows counted by `weights` [..., N]."""
    mass = np.ones(len(x)) if weights is None else weights
    return pearson(midranks(x, mass), midranks(y, mass), mass)


def kendall_b(x: Floats, y: Floats, weights: Floats | None = None) -> Floats:
    """Kendall's τ-b of x and y [N]: Σ sign(Δx) sign(Δy) / sqrt(pairs untied in x · pairs untied in y)."""
    mass = np.ones(len(x)) if weights is None else weights
    together = alone_x = alone_y = np.zeros(mass.shape[:-1])
    block = max(1, NUMBERS_AT_ONCE // len(x))
    for start in range(0, len(x), block):
        a, b = (np.sign(v[start : start + block, None] - v[None, :]) for v in (x, y))
        part = mass[..., start : start + block]
        together = together + _form(part, a * b, mass)
        alone_x, alone_y = alone_x + _form(part, a * a, mass), alone_y + _form(part, b * b, mass)
    below = np.asarray(alone_x) * np.asarray(alone_y)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, np.asarray(together) / np.sqrt(below), np.nan)


MEASURES: dict[str, Callable[..., Floats]] = {
    "pearson": pearson,
    "spearman": spearman,
    "kendall_b": kendall_b,
}


def pooled(scored: Scored, measure: str, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """The correlation over all responses as one list."""
    figure = MEASURES[measure]
    point = float(figure(scored.metric, scored.human))
    n = len(scored.human)
    if measure == "kendall_b" and n > MOST_ROWS:
        return _bare(point, n, f"{n} responses: an interval is reckoned for at most {MOST_ROWS}")
    weights = _item_weights(scored, generator(seed, "pooled", measure), resamples)
    block = max(1, NUMBERS_AT_ONCE // n)
    drawn = [
        figure(scored.metric, scored.human, weights[at : at + block]) for at in range(0, resamples, block)
    ]
    return _interval(point, np.concatenate(drawn), n, FLAT)


def between_systems(scored: Scored, measure: str, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """The correlation of the systems' means; items are drawn again, the systems stay."""
    names = sorted(set(scored.systems))
    if len(names) < FEWEST_SYSTEMS:
        reason = f"not enough data: {len(names)} systems, wanted {FEWEST_SYSTEMS}"
        return Interval(None, None, None, len(names), METHOD, reason)
    number = {name: place for place, name in enumerate(names)}
    member = np.eye(len(names))[[number[name] for name in scored.systems]]
    weights = _item_weights(scored, generator(seed, "system", measure), resamples)
    means = [_means(np.ones(len(member)), member, side) for side in (scored.metric, scored.human)]
    point = float(MEASURES[measure](*means))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = [_means(weights, member, side) for side in (scored.metric, scored.human)]
    figure = MEASURES[measure]
    resampled = np.array(
        [float(figure(a, b)) if np.isfinite(a).all() else np.nan for a, b in zip(*drawn, strict=True)]
    )
    return _interval(point, resampled, len(names), FLAT)


def within_items(scored: Scored, measure: str, *, seed: int, resamples: int = RESAMPLES) -> Interval:
    """The mean over items of the correlation between the systems' responses to one item, where it is defined."""
    rows: dict[str, list[int]] = {}
    for place, item in enumerate(scored.items):
        rows.setdefault(item, []).append(place)
    found = [
        float(MEASURES[measure](scored.metric[own], scored.human[own]))
        for _, own in sorted(rows.items())
        if len(own) > 1
    ]
    defined = [value for value in found if np.isfinite(value)]
    if not defined:
        return Interval(None, None, None, 0, METHOD, "no item has responses that differ on both sides")
    return bootstrap_mean(defined, rng=generator(seed, "item", measure), resamples=resamples)


def _form(part: Floats, signs: Floats, mass: Floats) -> Floats:
    """Σ_ij part_i signs_ij mass_j, [...]."""
    return np.asarray(((part @ signs) * mass).sum(axis=-1))


def _size(values: Floats, mass: Floats) -> Floats:
    return np.asarray((mass * values * values).sum(axis=-1))


def _means(weights: Floats, member: Floats, values: Floats) -> Floats:
    """Weighted mean of each system, [..., S]; NaN for a system without a row."""
    return np.asarray((weights * values) @ member / (weights @ member))


def _item_weights(scored: Scored, rng: np.random.Generator, resamples: int) -> Floats:
    numbers = {item: place for place, item in enumerate(dict.fromkeys(scored.items))}
    member = np.array([numbers[item] for item in scored.items])
    drawn = rng.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), size=resamples)
    return drawn[:, member].astype(np.float64)


def _interval(point: float, drawn: Floats, n: int, undefined: str) -> Interval:
    if np.isnan(point):
        return Interval(None, None, None, n, METHOD, undefined)
    kept = drawn[np.isfinite(drawn)]
    tail = (1 - CONFIDENCE) / 2
    lost = len(drawn) - len(kept)
    if lost > tail * len(drawn):
        return _bare(point, n, f"{lost} of {len(drawn)} resamples are not defined")
    low, high = (float(bound) for bound in np.quantile(kept, [tail, 1 - tail]))
    return Interval(point, min(low, point), max(high, point), n, METHOD)


def _bare(point: float, n: int, reason: str) -> Interval:
    if np.isnan(point):
        return Interval(None, None, None, n, METHOD, FLAT)
    return Interval(point, None, None, n, METHOD, reason)
