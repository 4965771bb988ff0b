"""How well scores tell two classes apart: AUROC, AUPRC and balanced accuracy, with bootstrap intervals.

Whole clusters (rows of one text) are drawn again, inside each stratum (set) by itself, so that a resample holds as
many texts of each set as the data do. Scores of two models on the same rows are compared on the same resamples.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.intervals import CONFIDENCE, NUMBERS_AT_ONCE, RESAMPLES, Interval

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]
METHOD = "percentile-bootstrap over texts"


@dataclass(frozen=True)
class Labelled:
    """Rows with a label: `positive` [N] is 0 or 1, `clusters` name what is drawn as a whole, `strata` the sets.

    Refuses lengths that differ and labels other than 0 and 1 (ValueError).
    """

    positive: Floats
    clusters: Sequence[Hashable]
    strata: Sequence[str]

    def __post_init__(self) -> None:
        if not len(self.positive) == len(self.clusters) == len(self.strata):
            raise ValueError("labels, clusters and strata differ in length")
        if not np.isin(self.positive, (0.0, 1.0)).all():
            raise ValueError("a label is neither 0 nor 1")


def auroc(scores: Floats, positive: Floats, weights: Floats | None = None) -> Floats:
    """P(score of a positive > score of a negative) + ½ P(equal), Mann and Whitney (1947).

    `weights` [..., N] count each row (absent: once each); gives [...], NaN where a class has no row.
    """
    order, starts = _tie_groups(scores)
    mass = np.ones(len(scores)) if weights is None else weights
    ones = _group_sums((mass * positive)[..., order], starts)
    zeros = _group_sums((mass * (1 - positive))[..., order], starts)
    below = np.cumsum(zeros, axis=-1) - zeros
    wins = (ones * (below + zeros / 2)).sum(axis=-1)
    return _ratio(wins, ones.sum(axis=-1) * zeros.sum(axis=-1))


def auprc(scores: Floats, positive: Floats, weights: Floats | None = None) -> Floats:
    """Average precision Σ (R_n - R_{n-1}) P_n over the distinct scores from high to low; no interpolation.

    `weights` as in `auroc`; NaN where there is no positive row.
    """
    order, starts = _tie_groups(-scores)
    mass = np.ones(len(scores)) if weights is None else weights
    ones = _group_sums((mass * positive)[..., order], starts)
    every = _group_sums(mass[..., order], starts)
    precision = _ratio(np.cumsum(ones, axis=-1), np.cumsum(every, axis=-1))
    return _ratio((ones * np.nan_to_num(precision)).sum(axis=-1), ones.sum(axis=-1))


def balanced_accuracy(called: Floats, positive: Floats, weights: Floats | None = None) -> Floats:
    """Mean of the shares of positives called positive and of negatives not; `called` [N] is 0 or 1. NaN as `auroc`."""
    mass = np.ones(len(called)) if weights is None else weights
    ones, zeros = mass * positive, mass * (1 - positive)
    hit = _ratio((ones * called).sum(axis=-1), ones.sum(axis=-1))
    passed = _ratio((zeros * (1 - called)).sum(axis=-1), zeros.sum(axis=-1))
    return np.asarray((hit + passed) / 2)


def best_threshold(scores: Floats, positive: Floats) -> float:
    """The score from which on rows are called positive so that balanced accuracy is highest; the lowest such score.

    It lies half-way to the next lower score. Refuses rows of one class (ValueError).
    """
    if positive.min() == positive.max():
        raise ValueError("all labels are the same: no threshold parts them")
    values = np.unique(scores)
    cuts = np.append(values[0], (values[1:] + values[:-1]) / 2)
    reached = [float(balanced_accuracy((scores >= cut) * 1.0, positive)) for cut in cuts]
    return float(cuts[int(np.argmax(reached))])


def resampled_weights(
    labelled: Labelled, *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """How often each row stands in each resample, [resamples, N]: clusters drawn with replacement in each stratum."""
    found = np.zeros((resamples, len(labelled.positive)))
    for stratum in sorted(set(labelled.strata)):
        rows = [row for row, name in enumerate(labelled.strata) if name == stratum]
        numbers = {
            cluster: n for n, cluster in enumerate(dict.fromkeys(labelled.clusters[row] for row in rows))
        }
        member = np.array([numbers[labelled.clusters[row]] for row in rows])
        count = len(numbers)
        drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
        found[:, rows] = drawn[:, member]
    return found


def interval_of(
    figure: Figure,
    labelled: Labelled,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    undefined: str = "one class has no row",
) -> Interval:
    """`figure` of the row weights [..., N] with its percentile interval over the resamples it is defined in.

    None with the reason where the data have one class only; no bounds where more than 2.5 % of the resamples do.
    """
    n = len(labelled.positive)
    point = float(figure(np.ones(n)))
    if np.isnan(point):
        return Interval(None, None, None, n, METHOD, undefined)
    weights = resampled_weights(labelled, rng=rng, resamples=resamples)
    block = max(1, NUMBERS_AT_ONCE // n)
    drawn = np.concatenate([figure(weights[at : at + block]) for at in range(0, resamples, block)])
    kept = drawn[np.isfinite(drawn)]
    lost = resamples - len(kept)
    tail = (1 - CONFIDENCE) / 2
    if lost > tail * resamples:
        return Interval(point, None, None, n, METHOD, f"{lost} of {resamples} resamples are not defined")
    low, high = (float(bound) for bound in np.quantile(kept, [tail, 1 - tail]))
    return Interval(point, low, high, n, METHOD)


def _tie_groups(scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order of rising scores, and where each run of equal scores begins in it."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return order, starts


def _group_sums(values: Floats, starts: NDArray[np.int64]) -> Floats:
    return np.asarray(np.add.reduceat(values, starts, axis=-1))


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(np.asarray(below) != 0, above / below, np.nan))
