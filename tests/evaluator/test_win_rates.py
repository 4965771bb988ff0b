"""Predicted win rates, their fit, and how many comparisons would tell two policies apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluator.statistics.counted_rankings import count_rankings
from evaluator.statistics.rating_intervals import Draws, Resampling, rate_counted
from evaluator.statistics.rating_pairs import PolicyRanking
from evaluator.statistics.win_rates import pair_counts, predicted, undecided, win_rate_fit, win_rates


def comparisons(**counts: int) -> list[PolicyRanking]:
    """`ab=3` is three wins of a over b, `a_b=2` two ties."""
    found = []
    for names, count in counts.items():
        first, second = names[0], names[-1]
        for at in range(count):
            found.append(
                PolicyRanking(f"{names}{at}", ((first, 0), (second, 0 if "_" in names else 1)), f"a{at % 9}")
            )
    return found


def draws_of(rankings: list[PolicyRanking], resamples: int = 60, ties: str = "davidson") -> Draws:
    found = rate_counted(count_rankings(rankings), Resampling(0, resamples), tie_model=ties).draws
    assert found is not None
    return found


def test_of_two_the_model_predicts_what_was_seen() -> None:
    draws = draws_of(comparisons(ab=6, ba=3, a_b=3))
    assert win_rates(draws) == pytest.approx(np.array([[0.5, 7.5 / 12], [4.5 / 12, 0.5]]), abs=1e-6)
    win, tie = predicted(draws.point.strengths, draws.point.log_tie)
    assert (win[0, 1], win[1, 0], tie[0, 1]) == pytest.approx((6 / 12, 3 / 12, 3 / 12), abs=1e-6)


def test_pairs_are_counted_whole_and_by_policy() -> None:
    rankings = [
        PolicyRanking("k", (("c", 0), ("a", 0), ("b", 1)), "ada"),
        *comparisons(ab=2, bc=1, ca=1, ba=2),
    ]
    wins, losses, ties = pair_counts(draws_of(rankings))
    assert wins.tolist() == [[0, 3, 0], [2, 0, 1], [1, 1, 0]]
    assert losses.tolist() == wins.T.tolist()
    assert ties.tolist() == [[0, 0, 1], [0, 0, 0], [1, 0, 0]]


def test_a_circle_does_not_fit_and_a_line_does() -> None:
    """Rock, paper, scissors: every prediction is 1/2, every observation 3/4; chi² = 3·(2·5²/20·…)."""
    circle = win_rate_fit(draws_of(comparisons(ab=30, ba=10, bc=30, cb=10, ca=30, ac=10)))
    assert circle.mean_difference == pytest.approx(0.25, abs=1e-6)
    assert circle.pairs == 3
    # three pairs, expected 20 and 20 each, seen 30 and 10: chi² = 3·(100/20 + 100/20) = 30 on one degree of freedom
    assert circle.p_value == pytest.approx(math.erfc(math.sqrt(30 / 2)), rel=1e-6)
    line = win_rate_fit(draws_of(comparisons(ab=60, ba=20, bc=60, cb=20, ac=72, ca=8)))
    assert line.p_value is not None
    assert line.p_value > 0.9


def test_ties_are_part_of_the_test() -> None:
    """All ties between a and b, none elsewhere, as no single tie parameter would have it."""
    odd = win_rate_fit(draws_of(comparisons(ab=10, ba=10, a_b=40, bc=30, cb=30, ca=30, ac=30)))
    assert odd.p_value is not None
    assert odd.p_value < 1e-6


def test_pairs_of_rankings_are_not_tested() -> None:
    rankings = [
        PolicyRanking(f"k{at}", (("a", at % 2), ("b", 1 - at % 2), ("c", 2 * (at % 3 == 0))), f"n{at}")
        for at in range(60)
    ]
    found = win_rate_fit(draws_of(rankings))
    assert found.p_value is None
    assert "hang together" in (found.reason or "")


def test_too_few_pairs_are_not_tested() -> None:
    found = win_rate_fit(draws_of(comparisons(ab=3, ba=2)))
    assert found.p_value is None
    assert "not enough data" in (found.reason or "")


def test_neighbours_whose_order_is_open() -> None:
    """a and b: 22 to 18. d = ln(22/18); the information of one comparison is p(1 - p); so far 40 of them."""
    draws = draws_of(comparisons(ab=22, ba=18, bc=90, cb=10), resamples=400)
    found = undecided(draws)
    assert [(one.first, one.second) for one in found] == [("a", "b")]
    gap, p = math.log(22 / 18), 22 / 40
    assert found[0].difference == pytest.approx(gap * 400 / math.log(10), rel=1e-6)
    wanted = (1.959964 + 0.841621) ** 2 / gap**2 / (p * (1 - p)) - 40
    assert found[0].comparisons == pytest.approx(wanted, rel=0.02)


def test_ties_tell_less_of_an_order() -> None:
    few = undecided(draws_of(comparisons(ab=22, ba=18), resamples=200))[0].comparisons
    many = undecided(draws_of(comparisons(ab=22, ba=18, a_b=120), resamples=200))[0].comparisons
    assert few is not None
    assert many is not None
    assert many > 2.5 * few


def test_equal_policies_would_take_more_than_anyone_has() -> None:
    found = undecided(draws_of(comparisons(ab=20, ba=20)))
    assert found[0].comparisons is None
    assert undecided(draws_of(comparisons(ab=20, ba=20), resamples=0)) == []
