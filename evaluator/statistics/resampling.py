"""Bootstrap of any figure that is a function of sums over clusters: whole clusters (prompts, items) are drawn again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.intervals import (
    CONFIDENCE,
    NUMBERS_AT_ONCE,
    RESAMPLES,
    Interval,
    bca_bounds,
    generator,
    too_few,
    wilson,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Value = Callable[[Floats], Floats]
METHOD = "bca-bootstrap over prompts"
NOT_ASKED = "no interval was asked for"
FEWEST_ITEMS = 10


@dataclass(frozen=True)
class Sampling:
    """How figures get their intervals: seed and number of resamples (0: no intervals, for pages that must be quick).

    A figure that fewer than `fewest` items tell of is None, with the reason.
    """

    seed: int = 0
    resamples: int = RESAMPLES
    fewest: int = FEWEST_ITEMS


def not_enough(found: int, wanted: int, among: str) -> Interval:
    """No figure, and the reason in words: "not enough data: 3 items with two annotators, wanted 10"."""
    return Interval(None, None, None, found, METHOD, too_few(found, among, wanted))


def ratio(sums: Floats) -> Floats:
    """The first sum by the second, [...] from [..., 2]; NaN where the second is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[..., 1] != 0, sums[..., 0] / sums[..., 1], np.nan)


def sums_by(cluster: NDArray[np.int64], clusters: int, *columns: NDArray[np.generic]) -> Floats:
    """Sums of each column within each cluster, [clusters, columns]; `cluster` and the columns are [N]."""
    return np.stack([np.bincount(cluster, weights=one, minlength=clusters) for one in columns], axis=1)


def bootstrap_sums(
    rows: "Floats | csr_array[np.float64]",
    value: Value,
    *,
    n: int,
    undefined: str,
    name: str,
    sampling: Sampling,
    share: bool = False,
) -> Interval:
    """`value` of the summed `rows` [C, F] with its BCa interval (Efron 1987) over resamples of C rows.

    `value` takes [..., F] to [...], NaN where it is not defined; then the point is None with the reason `undefined`.
    A `share` that is 0 or 1 in every row has no spread to resample: Wilson's interval over the rows is given. No
    interval, with the reason, where fewer than two rows hold data, or more than 2.5 % of the resamples are undefined.
    """
    held = np.flatnonzero(np.asarray((rows * rows) @ np.ones(rows.shape[1])))
    rows = rows[held]
    total = np.asarray(np.ones(len(held)) @ rows, dtype=np.float64)
    point = float(value(total))
    if np.isnan(point):
        return Interval(None, None, None, n, METHOD, undefined)
    resamples = sampling.resamples
    if resamples == 0:
        return Interval(point, None, None, n, METHOD, NOT_ASKED)
    if share and point in (0.0, 1.0):
        return Interval(point, *wilson(point * len(held), len(held)), n, "wilson")
    if len(held) < 2:
        return Interval(point, None, None, n, METHOD, "one prompt shows no spread between prompts")
    drawn = _resampled(rows, value, generator(sampling.seed, name), resamples)
    kept = drawn[np.isfinite(drawn)]
    lost = resamples - len(kept)
    if lost > (1 - CONFIDENCE) / 2 * resamples:
        return Interval(point, None, None, n, METHOD, f"{lost} of {resamples} resamples are not defined")
    if np.allclose(kept, point, rtol=1e-12, atol=1e-12):
        return Interval(point, None, None, n, METHOD, "the same in every resample: no spread between prompts")
    left_out = _left_out(rows, value, total)
    low, high = bca_bounds(point, kept, left_out[np.isfinite(left_out)], CONFIDENCE)
    return Interval(point, min(low, point), max(high, point), n, METHOD)


def _resampled(
    rows: "Floats | csr_array[np.float64]", value: Value, rng: np.random.Generator, resamples: int
) -> Floats:
    count, features = rows.shape
    block = max(1, NUMBERS_AT_ONCE // max(count, features))
    found = []
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, count, size=(size, count)) + count * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)
        found.append(value(np.asarray(times @ rows)))
    return np.concatenate(found)


def _left_out(rows: "Floats | csr_array[np.float64]", value: Value, total: Floats) -> Floats:
    """The figure without each row in turn, [C]."""
    count, features = rows.shape
    block = max(1, NUMBERS_AT_ONCE // features)
    found = []
    for start in range(0, count, block):
        part = rows[start : start + block]
        dense = part if isinstance(part, np.ndarray) else part.toarray()
        found.append(value(total - dense))
    return np.concatenate(found)
