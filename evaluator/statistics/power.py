"""What a comparison could have found at all."""

import math
from collections.abc import Hashable, Sequence
from statistics import NormalDist

from evaluator.statistics.paired import sums_within

POWER = 0.8


def smallest_difference(
    differences: Sequence[float],
    weights: Sequence[float],
    *,
    level: float,
    power: float = POWER,
    clusters: Sequence[Hashable] | None = None,
) -> float | None:
    """The smallest true mean difference these paired items show with 80 % power: (z_{1-α/2} + z_power)·SE.

    SE of the weighted mean: sqrt(Σ_c(Σw(d - mean))²) / Σw · sqrt(n/(n-1)) over the n clusters c (without them: items),
    normal approximation, one test. None with fewer than two clusters or without any spread.
    """
    mass = sum(weights)
    mean = sum(w * d for w, d in zip(weights, differences, strict=True)) / mass
    left = [w * (d - mean) for w, d in zip(weights, differences, strict=True)]
    parts = left if clusters is None else sums_within(left, clusters)
    count = len(parts)
    if count < 2:
        return None
    spread = sum(part**2 for part in parts)
    if spread == 0:
        return None
    error = math.sqrt(spread * count / (count - 1)) / mass
    return (NormalDist().inv_cdf(1 - level / 2) + NormalDist().inv_cdf(power)) * error
