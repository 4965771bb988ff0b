"""Intervals: seeded bootstrap of a (weighted, clustered) mean, and Wilson's and the exact one for shares."""

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
CONFIDENCE = 0.95
RESAMPLES = 2000
NUMBERS_AT_ONCE = 2_000_000  # of one block of resamples, so that memory does not grow with the items


@dataclass(frozen=True)
class Interval:
    """A point and the bounds around it; `n` counts values. None bounds have a `reason`."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    reason: str | None = None


def generator(seed: int, *names: str) -> np.random.Generator:
    """A random generator of its own for each (seed, names), so that no figure depends on which came before it."""
    digest = hashlib.sha256("\x00".join(names).encode("utf-8")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def wilson(successes: float, n: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's (1927) interval of a share: (c ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), c = p + z²/2n.

    Refuses n < 1.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def too_few(found: int, among: str, wanted: int) -> str:
    """Why there is no figure, in words: "not enough data: 1 item with two annotators, wanted 10".

    `among` names what is counted in the plural; of one its first plural is said in the singular.
    """
    counted = re.sub(r"\b(\w+)s\b", r"\1", among, count=1) if found == 1 else among
    return f"not enough data: {found} {counted}, wanted {wanted}"


def exact_share(hits: int, n: int, among: str, *, fewest: int) -> Interval:
    """`hits` of `n` with Clopper and Pearson's (1934) exact 95 % interval; None with a reason below `fewest`."""
    if n < fewest:
        return Interval(None, None, None, n, "clopper-pearson", too_few(n, among, fewest))
    return Interval(hits / n, *clopper_pearson(hits, n), n, "clopper-pearson")


def clopper_pearson(hits: int, n: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds with P(X >= hits | low) = P(X <= hits | high) = (1 - confidence) / 2, X ~ B(n, p); 0 and 1 at the ends."""
    from scipy.special import (
        betaincinv,
    )  # here: most figures need no SciPy, and it takes half a second to load

    if not 0 <= hits <= n or n < 1:
        raise ValueError(f"{hits} of {n} is no share")
    tail = (1 - confidence) / 2
    low = float(betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return low, high


def bootstrap_mean(
    values: Sequence[float],
    *,
    rng: np.random.Generator,
    weights: Sequence[float] | None = None,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Interval:
    """BCa bootstrap interval (Efron 1987) of Σwv / Σw, resampling whole clusters (without them: values).

    Values that are all 0 or all 1 have no spread to resample: Wilson's interval is given then. The interval
    always contains the point. Refuses no values, weights that are not positive, and lengths that differ (ValueError).
    """
    sums, masses = _cluster_sums(values, weights, clusters)
    point = float(sums.sum() / masses.sum())
    n = len(values)
    if len(set(values)) == 1:
        return _without_spread(float(values[0]), n, len(sums), confidence)
    if len(sums) < 2:
        return Interval(point, None, None, n, "bca-bootstrap", "one cluster shows no spread between clusters")
    resampled = _resampled_means(sums, masses, rng, resamples)
    low, high = bca_bounds(point, resampled, jackknife(sums, masses), confidence)
    return Interval(point, min(low, point), max(high, point), n, "bca-bootstrap")


def paired_difference(
    before: Mapping[str, float],
    after: Mapping[str, float],
    *,
    seed: int,
    resamples: int = RESAMPLES,
    clusters: Mapping[str, Hashable] | None = None,
) -> Interval:
    """Bootstrap interval of the mean of after - before over the items both hold, in the order of their ids.

    `clusters` maps items to what is resampled as a whole. Items that only one side holds are left out. Refuses none in
    common.
    """
    shared = sorted(before.keys() & after.keys())
    differences = [after[item] - before[item] for item in shared]
    groups = None if clusters is None else [clusters[item] for item in shared]
    rng = generator(seed, "paired difference")
    return bootstrap_mean(differences, rng=rng, clusters=groups, resamples=resamples)


def _cluster_sums(
    values: Sequence[float], weights: Sequence[float] | None, clusters: Sequence[Hashable] | None
) -> tuple[Floats, Floats]:
    """Σwv and Σw of each cluster, [C] each, clusters in order of appearance."""
    if not values:
        raise ValueError("no values: a mean of nothing is not defined")
    mass = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    if len(mass) != len(values) or (clusters is not None and len(clusters) != len(values)):
        raise ValueError("values, weights and clusters differ in length")
    if not (mass > 0).all():
        raise ValueError("a weight is not positive")
    weighted = np.asarray(values, dtype=np.float64) * mass
    if clusters is None:
        return weighted, mass
    index = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    member = np.array([index[cluster] for cluster in clusters])
    sums, masses = (np.bincount(member, weights=part) for part in (weighted, mass))
    return np.asarray(sums, dtype=np.float64), np.asarray(masses, dtype=np.float64)


def _without_spread(value: float, n: int, units: int, confidence: float) -> Interval:
    if value in (0.0, 1.0):
        low, high = wilson(value * units, units, confidence=confidence)
        return Interval(value, low, high, n, "wilson")
    reason = f"all {n} values are {value:g}: no spread to resample"
    return Interval(value, None, None, n, "bca-bootstrap", reason)


def _resampled_means(sums: Floats, masses: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Means of `resamples` draws of as many clusters as there are, with replacement; [resamples]."""
    count = len(sums)
    block = max(1, NUMBERS_AT_ONCE // count)
    means = []
    for start in range(0, resamples, block):
        drawn = rng.integers(0, count, size=(min(block, resamples - start), count))
        means.append(sums[drawn].sum(axis=1) / masses[drawn].sum(axis=1))
    return np.concatenate(means)


def jackknife(sums: Floats, masses: Floats) -> Floats:
    """The mean Σs / Σm without each cluster in turn, [C]; `sums` and `masses` are [C]."""
    return (sums.sum() - sums) / (masses.sum() - masses)


def bca_bounds(point: float, resampled: Floats, left_out: Floats, confidence: float) -> tuple[float, float]:
    """BCa percentiles: Φ(z0 + (z0 + z) / (1 - a(z0 + z))), z0 from the median bias, a from the jackknife's skewness."""
    normal = NormalDist()
    equal = np.isclose(resampled, point, rtol=1e-12, atol=1e-15)
    below = float(((resampled < point) & ~equal).mean() + 0.5 * equal.mean())
    half = 0.5 / len(resampled)
    bias = normal.inv_cdf(min(max(below, half), 1 - half))
    centred = left_out.mean() - left_out
    spread = float((centred**2).sum())
    skew = float((centred**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0
    bounds = []
    for z in (normal.inv_cdf((1 - confidence) / 2), normal.inv_cdf((1 + confidence) / 2)):
        shifted = bias + (bias + z) / (1 - skew * (bias + z))
        bounds.append(float(np.quantile(resampled, normal.cdf(shifted))))
    return bounds[0], bounds[1]
