"""What a comparison could have found at all."""

import math
from collections.abc import Sequence
from statistics import NormalDist

POWER = 0.8


def smallest_difference(
    differences: Sequence[float], weights: Sequence[float], *, level: float, power: float = POWER
) -> float | None:
    """The smallest true mean difference these paired items show with 80 % power: (z_{1-α/2} + z_power)·SE.

    SE of the weighted mean: sqrt(Σw²(d - mean)²) / Σw · sqrt(n/(n-1)), normal approximation, one test. None with fewer
    than two items or without any spread.
    """
    count, mass = len(differences), sum(weights)
    if count < 2:
        return None
    mean = sum(w * d for w, d in zip(weights, differences, strict=True)) / mass
    spread = sum((w * (d - mean)) ** 2 for w, d in zip(weights, differences, strict=True))
    if spread == 0:
        return None
    error = math.sqrt(spread * count / (count - 1)) / mass
    return (NormalDist().inv_cdf(1 - level / 2) + NormalDist().inv_cdf(power)) * error
