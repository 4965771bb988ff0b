"""pass@k: the chance that at least one of k samples of a problem passes (Chen et al. 2021, equation 1)."""

from collections.abc import Mapping

from evaluator.statistics.intervals import Interval, bootstrap_mean, generator

Counts = Mapping[str, tuple[int, int]]


def pass_at_k(n: int, c: int, k: int) -> float:
    """1 - C(n-c, k) / C(n, k), unbiased from n samples of which c passed, as the product 1 - Π (1 - k/i), i = n-c+1…n.

    The product keeps large n within floating point. Refuses (ValueError) k outside 1…n and c outside 0…n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"found n={n}, c={c}, k={k}; wanted 0 <= c <= n and 1 <= k <= n")
    if n - c < k:
        return 1.0
    none_passes = 1.0
    for i in range(n - c + 1, n + 1):
        none_passes *= 1.0 - k / i
    return 1.0 - none_passes


def by_problem(counts: Counts, k: int) -> dict[str, float] | None:
    """pass@k of each problem from its (n, c), by sorted name; None when a problem has fewer than k samples:
    an average over the others would be of easier or harder problems than the one for smaller k.
    """
    if not counts or any(n < k for n, _ in counts.values()):
        return None
    return {name: pass_at_k(*counts[name], k) for name in sorted(counts)}


def mean_pass_at_k(counts: Counts, k: int, *, seed: int, resamples: int) -> Interval:
    """The mean over problems with its 95 % bootstrap interval, which resamples problems; None with a reason where
    not every problem has k samples.
    """
    values = by_problem(counts, k)
    if values is None:
        short = sorted((n, name) for name, (n, _) in counts.items() if n < k)
        reason = "no problem has samples"
        if short:
            reason = f"{len(short)} problems have fewer than {k} samples, {short[0][1]} only {short[0][0]}"
        return Interval(None, None, None, len(counts), "bca-bootstrap", reason)
    rng = generator(seed, f"pass@{k}")
    return bootstrap_mean(list(values.values()), rng=rng, resamples=resamples)
