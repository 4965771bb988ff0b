"""Whether stated probabilities mean what they say, and what is left wrong when the unsure answers are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics import detection
from evaluator.statistics.intervals import CONFIDENCE, Interval, generator

Floats = NDArray[np.float64]
BINS = 10
METHOD = "percentile-bootstrap over items"


@dataclass(frozen=True)
class Bin:
    """One bin of the reliability diagram: mean stated confidence, share that came true, and how many."""

    confidence: float
    share: float
    n: int

    def record(self) -> dict[str, object]:
        """The bin as JSON values."""
        return {"confidence": self.confidence, "share": self.share, "n": self.n}


def reliability_bins(confidence: Floats, true: Floats, bins: int = BINS) -> list[Bin]:
    """Bins of equal width over [0, 1], 1 in the last; empty ones are left out. `confidence`, `true` are [N].

    Refuses (ValueError) no value, and a confidence outside [0, 1].
    """
    if len(confidence) == 0 or len(confidence) != len(true):
        raise ValueError(
            f"{len(confidence)} confidences and {len(true)} outcomes; wanted as many, at least one"
        )
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise ValueError("a confidence outside 0 to 1")
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return [
        Bin(float(confidence[own].mean()), float(true[own].mean()), int(own.sum()))
        for own in (place == number for number in range(bins))
        if own.any()
    ]


def expected_calibration_error(confidence: Floats, true: Floats, bins: int = BINS) -> float:
    """ECE = Σ n_b / N · |mean confidence_b - share true_b| (Naeini et al. 2015), bins of equal width."""
    found = reliability_bins(confidence, true, bins)
    return sum(one.n * abs(one.confidence - one.share) for one in found) / len(confidence)


def brier_score(confidence: Floats, true: Floats) -> float:
    """Mean (confidence - true)² (Brier 1950)."""
    return float(((confidence - true) ** 2).mean())


def risk_coverage(confidence: Floats, wrong: Floats) -> list[tuple[float, float]]:
    """(coverage, risk) when only the most confident are answered (El-Yaniv and Wiener 2010), coverage growing to 1.

    Risk is the share wrong of those answered. Equal confidences are answered together: their order is nobody's choice.
    """
    if len(confidence) == 0 or len(confidence) != len(wrong):
        raise ValueError(
            f"{len(confidence)} confidences and {len(wrong)} outcomes; wanted as many, at least one"
        )
    order = np.argsort(-confidence, kind="stable")
    last = np.flatnonzero(np.diff(confidence[order], append=-np.inf))
    taken = last + 1
    risk = np.cumsum(wrong[order])[last] / taken
    return [(float(part), float(one)) for part, one in zip(taken / len(wrong), risk, strict=True)]


def area_under_risk_coverage(confidence: Floats, wrong: Floats) -> float:
    """Mean risk over all coverages (AURC): each point's risk weighted by the coverage it adds. 0 is best."""
    area, before = 0.0, 0.0
    for coverage, risk in risk_coverage(confidence, wrong):
        area += (coverage - before) * risk
        before = coverage
    return area


def auroc(score: Floats, true: Floats) -> float | None:
    """P(score of a true one > score of a false one) + ½ P(equal) (Hanley and McNeil 1982); None without both kinds."""
    found = float(detection.auroc(score, (true > 0.5).astype(np.float64)))
    return None if np.isnan(found) else found


def resampled_interval(
    value: float | None,
    resampled: Sequence[float | None],
    n: int,
    *,
    undefined: str = "not defined on these items",
) -> Interval:
    """Percentile interval of `value` from its resamples; None bounds where more than 2.5 % of them are undefined."""
    if value is None:
        return Interval(None, None, None, n, METHOD, undefined)
    kept = [one for one in resampled if one is not None]
    if len(resampled) - len(kept) > (1 - CONFIDENCE) / 2 * len(resampled) or not kept:
        lost = len(resampled) - len(kept)
        return Interval(value, None, None, n, METHOD, f"{lost} of {len(resampled)} resamples are not defined")
    low, high = np.quantile(kept, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, min(float(low), value), max(float(high), value), n, METHOD)


def resampled_rows(
    clusters: Sequence[str], *, seed: int, name: str, resamples: int
) -> list[NDArray[np.int64]]:
    """Row numbers of each resample: whole clusters drawn with replacement, in the order of their names."""
    rng = generator(seed, name)
    members: dict[str, list[int]] = {}
    for row, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(row)
    blocks = [np.array(members[cluster]) for cluster in sorted(members)]
    drawn = rng.integers(0, len(blocks), size=(resamples, len(blocks)))
    return [np.concatenate([blocks[number] for number in one]) for one in drawn]
