"""Acquisition functions against numbers reckoned by hand, and what must not move them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evaluator.statistics.acquisition import disagreement, expected_margin, preference_probabilities
from tests.evaluator.lines import steady

LN3 = math.log(3)  # sigma(ln 3) = 3/4
scores = arrays.arrays(
    np.float64,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=5),
    elements=st.floats(-8, 8, width=32),
)


def test_a_preference_is_the_logistic_of_the_difference() -> None:
    found = preference_probabilities(np.array([[LN3, 0.0, LN3], [0.0, 0.0, -LN3]]))
    assert found == pytest.approx(np.array([[0.75, 0.5, 0.25], [0.5, 0.75, 0.75]]))


def test_a_preference_overflows_nowhere() -> None:
    found = preference_probabilities(np.array([[1e6, -1e6]]))
    assert found.tolist() == [[1.0]]


def test_disagreement_is_the_mean_variance_over_pairs() -> None:
    # p is (3/4, 1/2, 1/4) and (1/2, 3/4, 3/4): variances 1/64, 1/64, 1/16.
    found = disagreement(np.array([[LN3, 0.0, LN3], [0.0, 0.0, -LN3]]))
    assert found == pytest.approx((1 / 64 + 1 / 64 + 1 / 16) / 3)
    # p is 3/4, 1/4, 1/2: mean 1/2, variance (1/16 + 1/16) / 3.
    assert disagreement(np.array([[LN3, 0.0], [0.0, LN3], [0.0, 0.0]])) == pytest.approx(1 / 24)


def test_two_members_sure_of_opposite_orders_disagree_most() -> None:
    assert disagreement(np.array([[99.0, 0.0], [0.0, 99.0]])) == pytest.approx(0.25)
    assert expected_margin(np.array([[99.0, 0.0], [0.0, 99.0]])) == pytest.approx(0.0)


def test_the_margin_is_of_the_mean_member() -> None:
    assert expected_margin(np.array([[LN3, 0.0]])) == pytest.approx(0.5)
    assert expected_margin(np.array([[0.0, LN3]])) == pytest.approx(0.5)
    # p is 3/4 and 1/2: mean 5/8, margin 1/4. Pairs: 1/4, and with a third response far below 1 and 1.
    assert expected_margin(np.array([[LN3, 0.0], [0.0, 0.0]])) == pytest.approx(0.25)
    far = np.array([[LN3, 0.0, -99.0], [0.0, 0.0, -99.0]])
    assert expected_margin(far) == pytest.approx(2.25 / 3)


@given(scores, st.randoms(use_true_random=False), st.floats(-50, 50, width=32))
@steady
def test_order_and_zero_of_the_scores_move_nothing(scores: np.ndarray, chance: object, shift: float) -> None:
    rng = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    moved = scores[rng.permutation(len(scores))]
    moved = moved[:, rng.permutation(scores.shape[1])] + shift * rng.normal(size=(len(scores), 1))
    for value in (disagreement, expected_margin):
        assert value(moved) == pytest.approx(value(scores), abs=1e-9)


@given(scores)
@steady
def test_values_keep_their_bounds(scores: np.ndarray) -> None:
    assert 0 <= disagreement(scores) <= 0.25
    assert 0 <= expected_margin(scores) <= 1
    equal = np.repeat(scores[:1], len(scores), axis=0)
    assert disagreement(equal) == pytest.approx(0, abs=1e-15)
    assert expected_margin(equal) == pytest.approx(expected_margin(scores[:1]))


@pytest.mark.parametrize(
    "bad",
    [np.zeros((1, 1)), np.zeros((0, 3)), np.zeros(3), np.array([[0.0, np.nan]]), np.array([[0, np.inf]])],
)
def test_what_is_no_scores_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="wanted finite"):
        preference_probabilities(bad)


def test_one_member_cannot_disagree() -> None:
    with pytest.raises(ValueError, match="wanted 2 or more"):
        disagreement(np.zeros((1, 3)))
