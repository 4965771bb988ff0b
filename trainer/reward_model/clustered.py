"""Figures of held-out pairs with intervals clustered by prompt: pairs of one prompt are no independent witnesses.

All intervals are 95 %. Clusters are resampled or summed whole.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CONFIDENCE, RESAMPLES, BINS = 0.95, 1000, 10
Floats = NDArray[np.float64]


class Figure(NamedTuple):
    """A value with its bounds, the number of values and of clusters behind it; None where nothing can be said."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int


class Bin(NamedTuple):
    """Pairs whose confidence lies in [low, high): how sure the model was, how often it was right, how many."""

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int


def share(values: Sequence[float], clusters: Sequence[str]) -> Figure:
    """Mean of values in [0, 1] with Wilson's interval at the effective number of values, n_eff.

    n_eff = p(1-p) / V, V = G/(G-1) Σ_g (Σ_{i in g} (v_i - p))² / n² over G clusters, times
    (t_{n-1} / t_{G-1})², at most n (Korn and Graubard 1998). Without spread each cluster counts as one value.
    """
    n = len(values)
    if not n:
        return Figure(None, None, None, 0, 0)
    groups = _sums(np.asarray(values, dtype=np.float64)[:, None], clusters)
    count, mean = len(groups), float(np.mean(values))
    sizes = _sums(np.ones((n, 1)), clusters)
    spread = float(((groups - mean * sizes) ** 2).sum()) * count / max(count - 1, 1) / n**2
    effective = float(count)
    if count > 1 and spread > 1e-15:
        ratio = _student(n - 1) / _student(count - 1)
        effective = min(mean * (1 - mean) / spread * ratio**2, float(n))
    low, high = wilson(mean, effective)
    return Figure(mean, low, high, n, count)


def wilson(mean: float, n: float) -> tuple[float, float]:
    """Wilson's (1927) bounds of a share of n values: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)."""
    z = 1.959963984540054
    centre, scale = mean + z * z / (2 * n), 1 + z * z / n
    half = z * math.sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def correlation(first: Sequence[float], second: Sequence[float], clusters: Sequence[str]) -> Figure:
    """Pearson's r of values that have mean 0 within their ranking; bounds by a jackknife of clusters on atanh r.

    None where one side does not vary, no bounds below three clusters.
    """
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    sums = _sums(np.stack([x * y, x * x, y * y], axis=1), clusters) if len(x) else np.zeros((0, 3))
    value = _pearson(sums.sum(0))
    if value is None or len(sums) < 3:
        return Figure(value, None, None, len(x), len(sums))
    left_out = [_pearson(sums.sum(0) - one) for one in sums]
    known = np.arctanh(np.clip([one for one in left_out if one is not None], -1 + 1e-12, 1 - 1e-12))
    count = len(known)
    error = math.sqrt((count - 1) / count * float(((known - known.mean()) ** 2).sum()))
    centre, reach = math.atanh(min(max(value, -1 + 1e-12), 1 - 1e-12)), _student(count - 1) * error
    return Figure(value, math.tanh(centre - reach), math.tanh(centre + reach), len(x), len(sums))


def reliability(differences: Sequence[float]) -> list[Bin]:
    """Pairs by how sure the model is of the response it prefers, max(σ(d), σ(-d)), in equal bins of [1/2, 1]."""
    found = []
    for number, row in enumerate(_binned(differences, ["all"] * len(differences))[0] if differences else ()):
        right, sure, n = (float(one) for one in row)
        low = 0.5 + number * 0.5 / BINS
        if n:
            found.append(Bin(low, low + 0.5 / BINS, sure / n, right / n, int(n)))
    return found


def calibration_error(differences: Sequence[float], clusters: Sequence[str], seed: int = 0) -> Figure:
    """Expected calibration error Σ_b n_b/n |accuracy_b - confidence_b| (Guo et al. 2017) of `reliability`'s bins.

    Bounds: 2.5 % and 97.5 % of a bootstrap of clusters by `seed`, widened to hold the value: the error is at
    least 0, so that resamples lie above it.
    """
    if not differences:
        return Figure(None, None, None, 0, 0)
    table = _binned(differences, clusters)
    count = len(table)
    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=RESAMPLES)
    resampled = _calibration(np.einsum("rc,cbk->rbk", drawn.astype(np.float64), table))
    value = float(_calibration(table.sum(0)[None])[0])
    low, high = (float(one) for one in np.quantile(resampled, [0.025, 0.975]))
    return Figure(value, min(low, value), max(high, value), len(differences), count)


def _calibration(table: Floats) -> Floats:
    """Error of each of [R, bins, (right, sure, n)]: [R]."""
    return np.abs(table[..., 0] - table[..., 1]).sum(1) / table[..., 2].sum(1)


def _binned(differences: Sequence[float], clusters: Sequence[str]) -> Floats:
    """Per cluster and bin: how many were right (a tie half), how sure the model was in sum, how many there are."""
    d = np.asarray(differences, dtype=np.float64)
    sure = 1 / (1 + np.exp(-np.abs(d)))
    right = np.where(d == 0, 0.5, d > 0)
    place = np.minimum(((sure - 0.5) * 2 * BINS).astype(int), BINS - 1)
    cells = np.zeros((len(d), BINS, 3))
    cells[np.arange(len(d)), place] = np.stack([right, sure, np.ones_like(d)], axis=1)
    return _sums(cells, clusters)


def _sums(rows: Floats, clusters: Sequence[str]) -> Floats:
    """Sum of the rows of each cluster, clusters in order of their first row."""
    number = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    found = np.zeros((len(number), *rows.shape[1:]))
    np.add.at(found, [number[name] for name in clusters], rows)
    return found


def _pearson(sums: Floats) -> float | None:
    both, first, second = (float(one) for one in sums)
    return both / math.sqrt(first * second) if first > 1e-12 and second > 1e-12 else None


def _student(freedom: int) -> float:
    from scipy.special import stdtrit  # here: most of trainer needs no SciPy, and it takes a while to load

    return float(stdtrit(freedom, 0.5 + CONFIDENCE / 2))
