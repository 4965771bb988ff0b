"""Figures of held-out pairs, against numbers worked out by hand or by a direct simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.reward_model.clustered import (
    calibration_error,
    correlation,
    reliability,
    share,
    wilson,
)


def test_wilson_of_eight_in_ten() -> None:
    # (0.8 + 0.192073 ± 1.959964 sqrt(0.016 + 0.009604)) / 1.384146
    assert wilson(0.8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


def test_pairs_each_of_their_own_prompt_are_independent() -> None:
    found = share([1.0] * 8 + [0.0] * 2, [str(n) for n in range(10)])
    assert (found.value, found.n, found.clusters) == (0.8, 10, 10)
    # V = 10/9 · (8·0.04 + 2·0.64)/100 = 0.0177778, n_eff = 0.16/V = 9.
    assert (found.low, found.high) == pytest.approx(wilson(0.8, 9.0))


def test_pairs_of_one_prompt_are_no_independent_witnesses() -> None:
    values = [1.0] * 4 + [0.0] * 4 + [1.0] * 4 + [0.0] * 4
    alone, together = (
        share(values, [str(n) for n in range(16)]),
        share(values, [str(n // 4) for n in range(16)]),
    )
    assert (together.n, together.clusters, together.value) == (16, 4, 0.5)
    # Four sums ±2: V = 4/3 · 16/256 = 1/12, n_eff = 3 · (t_15 / t_3)² = 3 · (2.1314495 / 3.1824463)².
    assert (together.low, together.high) == pytest.approx(
        wilson(0.5, 3 * (2.1314495 / 3.1824463) ** 2), abs=1e-6
    )
    assert (together.high or 0.0) > (alone.high or 1.0)
    assert (together.low or 1.0) < (alone.low or 0.0)


def test_figures_without_spread_count_prompts_not_pairs() -> None:
    found = share([1.0] * 12, [str(n // 6) for n in range(12)])
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(wilson(1.0, 2)[0])
    assert share([1.0, 0.0], ["one", "one"]).low == pytest.approx(wilson(0.5, 1)[0])
    assert share([], []) == (None, None, None, 0, 0)


def test_prompts_that_differ_less_than_chance_add_no_certainty() -> None:
    found = share([1.0, 0.0] * 6, [str(n // 2) for n in range(12)])
    assert (found.low, found.high) == pytest.approx(wilson(0.5, 6))
    nearly = share([1.0, 0.0] * 6 + [1.0], [str(n // 2) for n in range(13)])
    assert (nearly.low, nearly.high) == pytest.approx(wilson(7 / 13, 13))


def test_the_interval_of_a_share_holds_it_as_often_as_it_says() -> None:
    drawn, hits = np.random.default_rng(0), 0
    for _ in range(400):
        means = drawn.beta(3, 2, size=30)
        values = [float(drawn.random() < mean) for mean in means for _ in range(5)]
        found = share(values, [str(n // 5) for n in range(150)])
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.6 <= found.high
    assert 0.93 <= hits / 400 <= 0.98


def test_correlation_and_its_bounds() -> None:
    x, y = [1.0, -1.0, 2.0, -2.0, 1.0, -1.0], [2.0, -2.0, 1.0, -1.0, -1.0, 1.0]
    found = correlation(x, y, ["a", "a", "b", "b", "c", "c"])
    assert found.value == pytest.approx(6 / 12)
    # Leaving out a, b, c: 2/10 · …: sums (4,2,8), (4,8,2), (-2,2,2).
    left_out = [2 / math.sqrt(10 * 4), 2 / math.sqrt(4 * 10), 8 / 10]
    z = [math.atanh(one) for one in left_out]
    error = math.sqrt(2 / 3 * sum((one - sum(z) / 3) ** 2 for one in z))
    assert found.low == pytest.approx(math.tanh(math.atanh(0.5) - 4.3026527 * error), abs=1e-6)
    assert found.high == pytest.approx(math.tanh(math.atanh(0.5) + 4.3026527 * error), abs=1e-6)
    assert correlation([0.0, 0.0], [1.0, -1.0], ["a", "b"]).value is None
    few = correlation([1.0, -1.0], [1.0, -1.0], ["a", "b"])
    assert few.value == pytest.approx(1.0)
    assert few[1:] == (None, None, 2, 2)


def test_reliability_reads_how_sure_the_model_is_of_what_it_prefers() -> None:
    # σ(2) = 0.880797, σ(0.1) = 0.524979; 0 is a confidence of one half, right by half.
    bins = reliability([2.0, -2.0, 2.0, 0.1, 0.0])
    assert [(one.low, one.n) for one in bins] == [(0.5, 2), (pytest.approx(0.85), 3)]
    assert bins[0].confidence == pytest.approx((0.5 + 0.5249791875) / 2)
    assert bins[0].accuracy == 0.75
    assert bins[1].accuracy == pytest.approx(2 / 3)
    assert bins[1].confidence == pytest.approx(0.8807970780)


def test_check_17_expected_calibration_error() -> None:
    found = calibration_error([2.0, -2.0, 2.0, 0.1, 0.0], ["a", "a", "b", "b", "c"])
    # 3/5 |2/3 - 0.880797| + 2/5 |0.75 - 0.5124896|
    assert found.value == pytest.approx(0.2234824, abs=1e-6)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0.2234824 <= found.high
    assert found == calibration_error([2.0, -2.0, 2.0, 0.1, 0.0], ["a", "a", "b", "b", "c"])
    assert calibration_error([], []).value is None


def test_sure_and_right_is_calibrated_sure_and_wrong_is_not() -> None:
    prompts = [str(n) for n in range(20)]
    assert calibration_error([30.0] * 20, prompts).value == pytest.approx(0.0, abs=1e-9)
    assert calibration_error([-30.0] * 20, prompts).value == pytest.approx(1.0, abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from("abc")), min_size=1, max_size=30))
def test_bounds_of_a_share_hold_it(rows: list[tuple[float, str]]) -> None:
    found = share([value for value, _ in rows], [name for _, name in rows])
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0.0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1.0
