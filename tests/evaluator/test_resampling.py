"""The bootstrap of sums: coverage, undefined resamples, shares without spread."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from evaluator.statistics.intervals import (
    Interval,
    bootstrap_mean,
    clopper_pearson,
    exact_share,
    generator,
    wilson,
)
from evaluator.statistics.resampling import NOT_ASKED, Sampling, bootstrap_sums, not_enough, ratio, sums_by

Floats = NDArray[np.float64]


def interval(rows: Floats, resamples: int = 1000, *, share: bool = False, seed: int = 0) -> Interval:
    sampling = Sampling(seed=seed, resamples=resamples)
    return bootstrap_sums(rows, ratio, n=7, undefined="nothing", name="x", sampling=sampling, share=share)


def test_ratio_of_sums_by_cluster() -> None:
    rows = sums_by(np.array([0, 2, 2]), 3, np.array([1, 0, 1]), np.array([1, 1, 2]))
    assert rows.tolist() == [[1, 1], [0, 0], [1, 3]]
    assert ratio(rows.sum(axis=0)) == 0.5
    assert np.isnan(ratio(np.array([1.0, 0.0])))


def test_interval_of_a_mean_is_the_one_of_the_bootstrap_of_means() -> None:
    values = np.random.default_rng(1).normal(size=40) ** 2
    found = interval(np.column_stack([values, np.ones(40)]), 40_000)
    wanted = bootstrap_mean(values.tolist(), rng=generator(0, "mean"), resamples=40_000)
    assert (found.value, found.low, found.high) == pytest.approx(
        (wanted.value, wanted.low, wanted.high), rel=0.04
    )
    assert found.n == 7


def test_sparse_rows_give_the_same() -> None:
    rows = np.random.default_rng(2).integers(0, 5, size=(30, 2)).astype(np.float64)
    told = {"n": 7, "undefined": "nothing", "name": "x", "sampling": Sampling(resamples=200)}
    sparse = bootstrap_sums(csr_array(rows), ratio, **told)  # type: ignore[arg-type]
    dense = bootstrap_sums(rows, ratio, **told)  # type: ignore[arg-type]
    assert (sparse.value, sparse.low, sparse.high) == pytest.approx((dense.value, dense.low, dense.high))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """95 % of 300: below 270 would be chance once in 500 times."""
    rng = np.random.default_rng(3)
    held = 0
    for seed in range(300):
        total = rng.integers(1, 6, size=60)
        hits = rng.binomial(total, 0.7)
        found = interval(np.column_stack([hits, total]).astype(np.float64), 400, seed=seed)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.7 <= found.high
    assert 270 <= held <= 297


def test_a_share_without_spread_has_wilsons_interval_over_rows_with_data() -> None:
    rows = np.array([[3.0, 3.0]] * 8 + [[0.0, 0.0]] * 5)
    found = interval(rows, share=True)
    assert (found.value, found.low, found.high) == (1.0, *wilson(8, 8))
    assert interval(rows).reason == "the same in every resample: no spread between prompts"


def test_rows_without_data_are_not_drawn() -> None:
    rows = np.random.default_rng(4).integers(1, 5, size=(12, 2)).astype(np.float64)
    padded = np.concatenate([rows, np.zeros((30, 2))])
    assert interval(padded) == interval(rows)


def test_what_gives_no_interval_says_so() -> None:
    rows = np.array([[1.0, 2.0], [2.0, 3.0]])
    assert interval(rows, 0).reason == NOT_ASKED
    assert interval(rows[:1]).reason == "one prompt shows no spread between prompts"
    nothing = interval(np.array([[1.0, 0.0]]))
    assert (nothing.value, nothing.reason) == (None, "nothing")
    mostly = interval(np.array([[1.0, 0.0], [2.0, 3.0], [2.0, 4.0]]), 1000)
    assert mostly.value is not None
    assert mostly.low is None
    assert str(mostly.reason).endswith("of 1000 resamples are not defined")
    assert not_enough(1, 10, "items").reason == "not enough data: 1 item, wanted 10"
    few = not_enough(3, 10, "items")
    assert (few.value, few.n, few.reason) == (None, 3, "not enough data: 3 items, wanted 10")


def test_clopper_and_pearsons_bounds_are_exact() -> None:
    """Published: 0 of 10 gives [0, 0.3085]; 5 of 10 gives [0.1871, 0.8129] (Clopper and Pearson 1934)."""
    assert clopper_pearson(0, 10) == pytest.approx((0, 0.3085), abs=5e-5)
    assert clopper_pearson(5, 10) == pytest.approx((0.1871, 0.8129), abs=5e-5)
    assert clopper_pearson(10, 10) == pytest.approx((0.6915, 1), abs=5e-5)
    with pytest.raises(ValueError, match="3 of 2"):
        clopper_pearson(3, 2)
    assert exact_share(5, 10, "things", fewest=10).low == pytest.approx(0.1871, abs=5e-5)
    assert exact_share(1, 1, "gold items of two kinds", fewest=2).reason == (
        "not enough data: 1 gold item of two kinds, wanted 2"
    )
    assert exact_share(5, 9, "things", fewest=10).reason == "not enough data: 9 things, wanted 10"
