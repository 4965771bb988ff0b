"""Intervals against SciPy, by hand, and as properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluator.statistics.intervals import bootstrap_mean, generator, jackknife, paired_difference, wilson
from tests.evaluator.lines import steady

numbers = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
SKEWED = [0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.5, 0.6, 0.9, 1.4, 2.5, 6.0]


@pytest.mark.parametrize(("successes", "n"), [(8, 10), (0, 10), (10, 10), (1, 3), (250, 1000)])
def test_wilson_equals_scipy(successes: int, n: int) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(0.95, method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_refuses_what_is_no_share() -> None:
    for successes, n in ((1, 0), (-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="no share"):
            wilson(successes, n)


@pytest.mark.parametrize("values", [SKEWED, [-value for value in SKEWED], [0.0] * 3 + [1.0] * 9])
def test_bca_equals_scipy(values: list[float]) -> None:
    ours = bootstrap_mean(values, rng=generator(0, "x"), resamples=40_000)
    theirs = stats.bootstrap(
        (np.array(values),), np.mean, n_resamples=40_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.015 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.015 * width)
    assert ours.method == "bca-bootstrap"


def test_the_jackknife_leaves_out_sums_and_weights() -> None:
    left_out = jackknife(np.array([1.0, 2.0, 6.0]), np.array([1.0, 2.0, 3.0]))
    assert left_out == pytest.approx([8 / 5, 7 / 4, 3 / 3])


def test_percentiles_would_be_another_interval() -> None:
    """The oracle above tells BCa from a plain percentile interval: on skewed values they lie apart."""
    plain = stats.bootstrap(
        (np.array(SKEWED),), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    ours = bootstrap_mean(SKEWED, rng=generator(0, "x"), resamples=20_000)
    assert ours.high is not None
    assert ours.high - plain.high > 0.1 * (plain.high - plain.low)


@steady
@given(st.lists(numbers, min_size=2, max_size=30), st.integers(0, 5))
def test_the_interval_contains_the_point(values: list[float], seed: int) -> None:
    interval = bootstrap_mean(values, rng=generator(seed, "p"), resamples=200)
    assert interval.value == pytest.approx(np.mean(values), abs=1e-9)
    if interval.low is not None and interval.high is not None:
        assert interval.low <= (interval.value or 0) <= interval.high
    assert interval.n == len(values)


def test_values_of_one_cluster_are_resampled_as_one() -> None:
    values, doubled = [0.0, 1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    plain = bootstrap_mean(values, rng=generator(3, "c"))
    clustered = bootstrap_mean(doubled, rng=generator(3, "c"), clusters=list("aabbccddee"))
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high))
    unclustered = bootstrap_mean(doubled, rng=generator(3, "c"))
    assert (unclustered.high or 0) - (unclustered.low or 0) < (plain.high or 0) - (plain.low or 0)


def test_weights_count_like_repeated_values() -> None:
    weighted = bootstrap_mean([0.0, 1.0, 0.5], rng=generator(3, "w"), weights=[1, 3, 2])
    repeated = bootstrap_mean([0.0, 1.0, 1.0, 1.0, 0.5, 0.5], rng=generator(3, "w"), clusters=list("abbbcc"))
    assert weighted.value == pytest.approx(4 / 6)
    assert (weighted.low, weighted.high) == pytest.approx((repeated.low, repeated.high))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_share_of_none_or_all_gets_wilsons_interval(value: float) -> None:
    interval = bootstrap_mean([value] * 10, rng=generator(0, "s"))
    assert interval.method == "wilson"
    assert (interval.low, interval.high) == wilson(10 * value, 10)


def test_no_spread_gives_no_bounds_but_a_reason() -> None:
    equal = bootstrap_mean([0.5] * 10, rng=generator(0, "s"))
    assert (equal.value, equal.low, equal.high) == (0.5, None, None)
    assert equal.reason
    single = bootstrap_mean([0.2, 0.4], rng=generator(0, "s"), clusters=["a", "a"])
    assert single.value == pytest.approx(0.3)
    assert (single.low, single.high) == (None, None)
    assert single.reason


def test_refusals() -> None:
    with pytest.raises(ValueError, match="no values"):
        bootstrap_mean([], rng=generator(0))
    with pytest.raises(ValueError, match="not positive"):
        bootstrap_mean([1.0, 2.0], rng=generator(0), weights=[1.0, 0.0])
    with pytest.raises(ValueError, match="differ in length"):
        bootstrap_mean([1.0, 2.0], rng=generator(0), clusters=["a"])


def test_blocks_of_resamples_do_not_change_the_mean_of_many_items() -> None:
    """More numbers than fit in one block: the interval is still about ±1.96 standard errors."""
    values = [float(i % 2) for i in range(4000)]
    interval = bootstrap_mean(values, rng=generator(0, "big"), resamples=1200)
    assert interval.low == pytest.approx(0.5 - 1.96 * 0.5 / 4000**0.5, abs=0.001)
    assert interval.high == pytest.approx(0.5 + 1.96 * 0.5 / 4000**0.5, abs=0.001)


def test_generators_differ_by_name_and_seed_only() -> None:
    draws = [generator(*name).integers(0, 2**60) for name in ((0, "a"), (0, "b"), (1, "a"), (0, "a"))]
    assert draws[0] == draws[3]
    assert len(set(draws)) == 3


def test_paired_difference_is_after_minus_before_over_shared_items() -> None:
    before = {"q1": 0.0, "q2": 0.0, "q3": 1.0, "only before": 0.0}
    after = {"q3": 1.0, "q2": 1.0, "q1": 0.5, "only after": 0.0}
    interval = paired_difference(before, after, seed=0)
    assert (interval.value, interval.n) == (0.5, 3)
    turned = paired_difference(dict(reversed(before.items())), dict(reversed(after.items())), seed=0)
    assert turned == interval
