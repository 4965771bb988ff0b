"""Is a trend with scale more than chance? Scales are dealt again among the models, and many curves share one level.

A curve's figure is the largest R² of y on a constant and (x - x_j)₊, over all x_j but the last: of a line (x_1) and of
a rise that begins anywhere. Curves measured on the same scales are dealt the same order, as they come from the same
models, so their dependence is kept; the correction is Westfall and Young's (1993) step-down of the smallest p, which
holds the chance of any false alarm at the level without paying for curves that say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.emergence import Curve
from evaluator.statistics.intervals import NUMBERS_AT_ONCE, generator

Floats = NDArray[np.float64]
FEWEST = 3  # of two scales every order is a trend
MOST_BEGINNINGS = 64
SAME = 10  # decimals: equal figures reckoned in another order may differ in the last bits


@dataclass(frozen=True)
class ScaleTest:
    """p of one curve, and p adjusted for all; None with a reason where it cannot be tested."""

    p_value: float | None
    adjusted: float | None
    reason: str | None = None


def permutation_tests(curves: Sequence[Curve], *, seed: int, permutations: int) -> list[ScaleTest]:
    """One test a curve, in the order given: p = (1 + hits) / (1 + permutations), never 0 (Phipson and Smyth 2010)."""
    tested = [place for place, curve in enumerate(curves) if _why_not(curve) is None]
    figures = np.array([_figures(curves[place], seed, permutations) for place in tested])
    p_values, adjusted = smallest_p_step_down(figures) if tested else (np.array([]), np.array([]))
    found = [ScaleTest(None, None, _why_not(curve)) for curve in curves]
    for place, p, corrected in zip(tested, p_values, adjusted, strict=True):
        found[place] = ScaleTest(float(p), float(corrected))
    return found


def smallest_p_step_down(figures: Floats) -> tuple[Floats, Floats]:
    """(p, adjusted p), [C] each, of figures [C, 1 + P]: column 0 as it was, the others under permutations.

    Larger figures speak for a trend. Westfall and Young (1993), algorithm 2.8, with p for the figure: for the curve of
    the j-th smallest p, the share of columns whose smallest p among it and all curves of larger p is as small.
    """
    rounded = np.round(figures, SAME)
    columns = rounded.shape[1]
    # How many of a row's figures reach each of them: from the right of its place in the sorted row.
    ranks = np.array([columns - np.searchsorted(np.sort(row), row, side="left") for row in rounded])
    shares = ranks / columns
    p_values = shares[:, 0]
    order = np.argsort(p_values, kind="stable")
    smallest = np.minimum.accumulate(shares[order[::-1]], axis=0)[::-1]
    adjusted = (smallest <= p_values[order][:, None]).mean(axis=1)
    found = np.empty(len(order))
    found[order] = np.maximum.accumulate(adjusted)
    return p_values, found


def trend_figures(x: Floats, rows: Floats) -> Floats:
    """The largest R² of each row of y, [B] from [B, N], over beginnings of a rise."""
    beginnings = np.unique(x)[:-1]
    stride = -(-len(beginnings) // MOST_BEGINNINGS)
    rises = np.maximum(x[:, None] - beginnings[None, ::stride], 0.0)
    rises -= rises.mean(axis=0)
    rises /= np.sqrt((rises**2).sum(axis=0))
    centred = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(((centred @ rises) ** 2).max(axis=1) / (centred**2).sum(axis=1))


def _figures(curve: Curve, seed: int, permutations: int) -> Floats:
    """Of the curve as it is, then of each permutation, [1 + P]; the same orders for all curves on the same scales."""
    rng = generator(seed, "scales", *(repr(scale) for scale in curve.scales))
    count, x = len(curve.scales), curve.x
    found = [trend_figures(x, curve.y[None, :])]
    block = max(1, NUMBERS_AT_ONCE // count)
    for start in range(0, permutations, block):
        places = np.tile(np.arange(count), (min(block, permutations - start), 1))
        found.append(trend_figures(x, curve.y[rng.permuted(places, axis=1)]))
    return np.concatenate(found)


def _why_not(curve: Curve) -> str | None:
    if curve.sizes < FEWEST:
        return f"not enough sizes: {curve.sizes}, wanted {FEWEST}"
    return "all values are equal" if len(set(curve.values)) == 1 else None
