"""Agreement less what chance alone would give: Krippendorff's alpha (2011) and Fleiss' kappa (1971)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import numbered, pairs_within
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Level = Literal["nominal", "ordinal", "interval"]


@dataclass(frozen=True)
class RatingLabel:
    """One value that one annotator gave to one response of an item under one name (helpful, honest, overall …)."""

    item: str
    response: str
    annotator: str
    value: float
    prompt: str | None = None


def rating_alpha(
    ratings: Sequence[RatingLabel],
    *,
    level: Level = "ordinal",
    sampling: Sampling = Sampling(),
) -> Interval:
    """Krippendorff's alpha of ratings; a unit is one response, each annotator's first value of it counts.

    None with a reason where fewer than `sampling.fewest` items have a response that two annotators rated.
    """
    first: dict[tuple[str, str, str], RatingLabel] = {}
    for rating in ratings:
        first.setdefault((rating.item, rating.response, rating.annotator), rating)
    kept = list(first.values())
    unit = numbered((one.item, one.response) for one in kept)
    cluster = numbered(("item", one.item) if one.prompt is None else ("prompt", one.prompt) for one in kept)
    told = np.bincount(unit)[unit] > 1 if len(unit) else np.zeros(0, dtype=np.bool_)
    found = len({one.item for one, twice in zip(kept, told, strict=True) if twice})
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, "items rated by two annotators")
    values = np.array([one.value for one in kept], dtype=np.float64)
    return krippendorff_alpha(unit, values, level=level, n=found, cluster=cluster, sampling=sampling)


def krippendorff_alpha(
    unit: Integers,
    values: Floats,
    *,
    level: Level,
    n: int,
    cluster: Integers | None = None,
    weight: Floats | None = None,
    sampling: Sampling = Sampling(),
) -> Interval:
    """alpha = 1 - (n - 1)·Σ o_ck·δ²_ck / Σ n_c·n_k·δ²_ck (Krippendorff 2011); `unit` and `values` are [N].

    o_ck counts the ordered pairs (c, k) within units, each 1/(m - 1) in a unit of m values; n_c are its row sums. What
    is missing is left out; a value alone in its unit pairs with none. δ: nominal c ≠ k; interval c - k; ordinal the
    values that lie between, Σ n_g from c to k less (n_c + n_k) / 2. The interval draws whole `cluster`s (None: units)
    and counts n_c anew in each resample. A unit of `weight` w, [N] as its values are, counts as w equal units. None
    where all paired values are equal. Refuses another level (ValueError).
    """
    if level not in get_args(Level):
        raise ValueError(f"level {level!r}: wanted one of {', '.join(get_args(Level))}")
    from scipy.sparse import csr_array  # here, not above: pages that want no alpha need not wait for SciPy

    known, code = np.unique(values, return_inverse=True)
    size = len(known)
    a, b = pairs_within(unit)
    times = np.ones(len(a)) if weight is None else weight[a]
    mass = times / (np.bincount(unit)[unit[a]] - 1)
    row = numbered((unit if cluster is None else cluster)[a].tolist())
    cells = np.concatenate([code[a] * size + code[b], code[b] * size + code[a]])
    shape = (int(row.max(initial=-1)) + 1, size * size)
    rows = csr_array((np.tile(mass, 2), (np.tile(row, 2), cells)), shape=shape)
    undefined = "all values are equal: alpha is not defined" if len(a) else "no two values of one unit"
    value = partial(_alpha, values=known, level=level)
    return bootstrap_sums(rows, value, n=n, undefined=undefined, name=f"alpha {level}", sampling=sampling)


def _alpha(coincidences: Floats, *, values: Floats, level: Level) -> Floats:
    """alpha from flattened coincidence matrices, [...] from [..., V·V]; NaN where no two values differ."""
    size = len(values)
    o = coincidences.reshape(*coincidences.shape[:-1], size, size)
    n_c = o.sum(axis=-1)
    if level == "nominal":
        distance = 1.0 - np.eye(size)
    else:
        place = values if level == "interval" else np.cumsum(n_c, axis=-1) - n_c / 2
        distance = (place[..., :, None] - place[..., None, :]) ** 2
    observed = (o * distance).sum(axis=(-2, -1))
    expected = (n_c[..., :, None] * n_c[..., None, :] * distance).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = 1.0 - (n_c.sum(axis=-1) - 1) * observed / expected
    return np.where(expected > 0, alpha, np.nan)


def fleiss_kappa(counts: Integers) -> float | None:
    """kappa = (P - P_e) / (1 - P_e) of `counts` [subjects, categories]; None where it is not defined.

    P is the mean over subjects of Σ n_j(n_j - 1) / (m(m - 1)), P_e = Σ p_j² with p_j the share of category j in all.
    The number m of raters may differ between subjects (Fleiss 1971 has one m); subjects of fewer than two are left out.
    """
    value = float(_kappa(_kappa_columns(counts).sum(axis=0)))
    return None if np.isnan(value) else value


def fleiss_kappa_figure(
    counts: Integers, *, cluster: Integers, n: int, sampling: Sampling = Sampling()
) -> Interval:
    """`fleiss_kappa` with its interval over whole `cluster`s of subjects, [subjects]."""
    columns = _kappa_columns(counts)
    clusters = int(cluster.max(initial=-1)) + 1
    rows = np.zeros((clusters, columns.shape[1]))
    np.add.at(rows, cluster, columns)
    undefined = "all annotators always chose one category: kappa is not defined"
    return bootstrap_sums(rows, _kappa, n=n, undefined=undefined, name="kappa", sampling=sampling)


def _kappa_columns(counts: Integers) -> Floats:
    """What each subject adds: its agreement, 1, and its counts by category; [subjects, 2 + categories]."""
    raters = counts.sum(axis=1)
    told = raters > 1
    counts, raters = counts[told], raters[told]
    agreeing = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    columns = np.zeros((len(told), 2 + counts.shape[1]))
    columns[told] = np.column_stack([agreeing, np.ones(len(counts)), counts])
    return columns


def _kappa(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = sums[..., 0] / sums[..., 1]
        shares = sums[..., 2:] / sums[..., 2:].sum(axis=-1, keepdims=True)
        expected = (shares**2).sum(axis=-1)
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
