"""Tests of two runs on the same items: exact McNemar for 0/1 scores, a sign-flip permutation test for the rest."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr

EXACT_UP_TO = 14  # items that differ: 2^14 sign patterns are enumerated, more are sampled
NUMBERS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class PairedTest:
    """A two-sided p-value and the name of the test that gave it."""

    p_value: float
    test: str


def mcnemar_exact(lost: int, gained: int) -> float:
    """Two-sided p of `lost` against `gained` changed items under a fair coin: min(1, 2·P(X <= min)), X ~ B(n, 1/2).

    McNemar (1947), exact form. Items that did not change say nothing and do not enter. Refuses negative counts.
    """
    if lost < 0 or gained < 0:
        raise ValueError(f"lost {lost}, gained {gained}: counts are not negative")
    changed = lost + gained
    return min(1.0, 2.0 * float(bdtr(min(lost, gained), changed, 0.5))) if changed else 1.0


def permutation_test(
    differences: Sequence[float], *, rng: np.random.Generator, permutations: int = 20_000
) -> PairedTest:
    """Two-sided p of Σd under exchange of the two runs item by item (each sign flipped with probability 1/2).

    Exact over all sign patterns when at most 14 items differ; else (1 + hits) / (1 + permutations), which never
    is 0 (Phipson and Smyth 2010). Weighted means: pass weight·difference; several items of one prompt: the sums
    within it, which are exchanged together.
    """
    sizes = np.abs(np.array([d for d in differences if d != 0], dtype=np.float64))
    observed = abs(float(np.sum(differences)))
    reached = observed - 1e-9 * max(1.0, observed)  # equal sums in another order may differ in the last bit
    if len(sizes) <= EXACT_UP_TO:
        signs = 1 - 2 * ((np.arange(2 ** len(sizes))[:, None] >> np.arange(len(sizes))) & 1)
        return PairedTest(float((np.abs(signs @ sizes) >= reached).mean()), "exact-permutation")
    hits = 0
    block = max(1, NUMBERS_AT_ONCE // len(sizes))
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        flips = rng.integers(0, 2, size=(rows, len(sizes)), dtype=np.int8)
        sums = 2 * (flips @ sizes) - sizes.sum()
        hits += int((np.abs(sums) >= reached).sum())
    return PairedTest((1 + hits) / (1 + permutations), "sampled-permutation")


def sums_within(values: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """The sum of the values of each cluster, in the order in which clusters appear. Refuses lengths that differ."""
    found: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        found[cluster] = found.get(cluster, 0.0) + value
    return list(found.values())
