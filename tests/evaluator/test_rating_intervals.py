"""Leaderboard figures: recovery from simulated data, order, ranks, and data that cannot be rated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.statistics.rating_intervals import PolicyRating, rate
from evaluator.statistics.rating_pairs import PolicyRanking
from tests.evaluator.lines import steady

TRUE = {"ada": 0.9, "ben": 0.2, "cyd": -0.1, "dot": -1.0}
TRUE_NU = 0.6


def simulated(rankings: int, seed: int) -> list[PolicyRanking]:
    """Comparisons drawn from Davidson's model with known strengths and tie parameter."""
    rng = np.random.default_rng(seed)
    names = list(TRUE)
    found = []
    for number in range(rankings):
        first, second = rng.choice(len(names), size=2, replace=False)
        a, b = math.exp(TRUE[names[first]]), math.exp(TRUE[names[second]])
        shares = np.array([a, b, TRUE_NU * math.sqrt(a * b)])
        outcome = rng.choice(3, p=shares / shares.sum())
        tiers = [(0, 1), (1, 0), (0, 0)][outcome]
        found.append(PolicyRanking(f"k{number:04d}", ((names[first], tiers[0]), (names[second], tiers[1]))))
    return found


def by_policy(rows: tuple[PolicyRating, ...]) -> dict[str, PolicyRating]:
    return {row.policy: row for row in rows}


@pytest.mark.parametrize("seed", [2, 3])
def test_known_strengths_lie_within_their_intervals(seed: int) -> None:
    ratings = rate(simulated(1500, seed), seed=0, resamples=150)
    mean = sum(TRUE.values()) / len(TRUE)
    for policy, row in by_policy(ratings.rows).items():
        assert row.low is not None
        assert row.high is not None
        assert row.low <= 1000 + 400 / math.log(10) * (TRUE[policy] - mean) <= row.high
        assert 20 < row.high - row.low < 80
    assert ratings.tie_parameter == pytest.approx(TRUE_NU, abs=0.12)
    assert ratings.rows[0].policy == "ada"
    assert ratings.warnings == ()


def test_intervals_are_as_wide_as_the_information_says() -> None:
    """a beats b in 300 of 400: the rating is half the log odds, whose standard error is sqrt(1/300 + 1/100)."""
    rankings = [PolicyRanking(f"k{i}", (("a", int(i % 4 == 0)), ("b", int(i % 4 != 0)))) for i in range(400)]
    row = by_policy(rate(rankings, seed=0, resamples=1000).rows)["a"]
    expected = 2 * 1.96 * 400 / math.log(10) * math.sqrt(1 / 300 + 1 / 100) / 2
    assert row.rating == pytest.approx(1000 + 200 * math.log10(3))
    assert (row.high or 0) - (row.low or 0) == pytest.approx(expected, rel=0.08)
    assert (row.rankings, row.wins, row.losses, row.ties) == (400, 300, 100, 0)


@settings(steady, max_examples=15)
@given(st.permutations(simulated(40, 5)))
def test_the_order_of_rankings_changes_nothing(rankings: list[PolicyRanking]) -> None:
    assert rate(rankings, seed=0, resamples=20) == rate(simulated(40, 5), seed=0, resamples=20)


def test_seeds_change_intervals_and_nothing_else() -> None:
    rankings = simulated(200, 3)
    first, second = rate(rankings, seed=0, resamples=40), rate(rankings, seed=1, resamples=40)
    assert [row.rating for row in first.rows] == [row.rating for row in second.rows]
    assert [row.low for row in first.rows] != [row.low for row in second.rows]


def pair(name: str, better: str, worse: str) -> PolicyRanking:
    return PolicyRanking(name, ((better, 0), (worse, 1)))


def both_ways(prefix: str, first: str, second: str, times: int) -> list[PolicyRanking]:
    return [
        pair(f"{prefix}{i}{way}", *names)
        for i in range(times)
        for way, names in enumerate(((first, second), (first, second), (second, first)))
    ]


def test_ranks_that_the_data_leave_open() -> None:
    """a and b beat each other equally often and c mostly: who is first stays open, who is last does not."""
    even = [pair(f"e{i}", *(("a", "b") if i % 2 else ("b", "a"))) for i in range(40)]
    above = [pair(f"{top}{i}", *((top, "c") if i % 5 else ("c", top))) for top in "ab" for i in range(40)]
    rows = by_policy(rate(even + above, seed=0, resamples=200).rows)
    assert {policy: (row.rank_best, row.rank_worst) for policy, row in rows.items()} == {
        "a": (1, 2),
        "b": (1, 2),
        "c": (3, 3),
    }


def test_disconnected_groups_never_share_a_scale() -> None:
    ratings = rate([*both_ways("k", "a", "b", 10), *both_ways("m", "c", "d", 10)], seed=0, resamples=20)
    assert all(row.rating is None and row.reason for row in ratings.rows)
    assert all(row.low is None and row.rank_best is None for row in ratings.rows)
    assert len(ratings.warnings) == 1
    assert "disconnected" in ratings.warnings[0]
    assert "{a, b} and {c, d}" in ratings.warnings[0]


def test_only_the_group_with_most_rankings_is_rated() -> None:
    ratings = rate([*both_ways("k", "a", "b", 20), *both_ways("m", "c", "d", 10)], seed=0, resamples=20)
    rows = by_policy(ratings.rows)
    assert rows["a"].rating == pytest.approx(1000 + 200 * math.log10(2))
    assert rows["c"].rating is None
    assert "not connected" in (rows["c"].reason or "")
    assert [row.policy for row in ratings.rows] == ["a", "b", "c", "d"]


def test_a_policy_met_by_nobody_is_said_to_be_so() -> None:
    lonely = PolicyRanking("alone", (("z", 0), ("z", 1)))
    rows = by_policy(rate([*both_ways("k", "a", "b", 20), lonely], seed=0, resamples=20).rows)
    assert rows["z"].rating is None
    assert "no ranking together" in (rows["z"].reason or "")
    assert rows["a"].rating is not None


def test_perfect_separation_gives_ranks_and_no_rating() -> None:
    wins = [pair(f"k{i}", "a", "b") for i in range(5)] + both_ways("m", "b", "c", 3)
    ratings = rate(wins, seed=0, resamples=20)
    rows = by_policy(ratings.rows)
    assert all(
        row.rating is None and row.low is None and "separated" in (row.reason or "") for row in ratings.rows
    )
    assert (rows["a"].rank_best, rows["a"].rank_worst) == (1, 1)
    assert (rows["b"].rank_best, rows["b"].rank_worst) == (2, 3)
    assert (rows["c"].rank_best, rows["c"].rank_worst) == (2, 3)
    assert "separated" in ratings.warnings[0]


def test_too_few_rankings_give_a_rating_without_an_interval() -> None:
    row = rate(both_ways("k", "a", "b", 1), seed=0, resamples=100).rows[0]
    assert row.rating == pytest.approx(1000 + 200 * math.log10(2))
    assert (row.low, row.high) == (None, None)
    assert "too few rankings" in (row.reason or "")
    assert (row.rank_best, row.rank_worst) == (1, 2)


def test_no_pair_at_all() -> None:
    ratings = rate([PolicyRanking("k", (("a", 0), ("a", 1)))], seed=0, resamples=20)
    assert ratings.rows[0].rating is None
    assert ratings.warnings == ("no ranking holds two different policies",)
    assert rate([], seed=0, resamples=20).rows == ()


def test_half_ties_need_no_tie_parameter() -> None:
    ratings = rate(simulated(100, 6), seed=0, resamples=20, tie_model="half")
    assert ratings.tie_parameter is None
