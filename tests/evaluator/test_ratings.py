"""Davidson's likelihood: closed forms, derivatives, an independent optimiser, known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize

from evaluator.statistics.rating_pairs import (
    PolicyRanking,
    RankedPairs,
    components,
    is_separated,
    pairs_in_order,
    reachable,
)
from evaluator.statistics.ratings import curvature, fit, gradient, log_likelihood

Floats = NDArray[np.float64]


def pairs_of(rankings: list[PolicyRanking]) -> RankedPairs:
    policies = sorted({policy for ranking in rankings for policy, _ in ranking.places})
    return pairs_in_order(rankings, tuple(policies))


def some_counts(seed: int, size: int = 4) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    wins = rng.integers(1, 9, size=(size, size)).astype(np.float64)
    ties = rng.integers(0, 5, size=(size, size)).astype(np.float64)
    np.fill_diagonal(wins, 0)
    return wins, np.triu(ties, 1) + np.triu(ties, 1).T


def naive_log_likelihood(point: Floats, wins: Floats, ties: Floats) -> float:
    """Davidson (1970) as printed: π_i / (π_i + π_j + ν sqrt(π_i π_j)), one pair after the other."""
    worth, nu = np.exp(point[:-1]), math.exp(point[-1])
    total = 0.0
    for i in range(len(worth)):
        for j in range(i + 1, len(worth)):
            even = nu * math.sqrt(worth[i] * worth[j])
            whole = worth[i] + worth[j] + even
            total += wins[i, j] * math.log(worth[i] / whole) + wins[j, i] * math.log(worth[j] / whole)
            total += ties[i, j] * math.log(even / whole)
    return total


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihood_is_davidsons(seed: int) -> None:
    wins, ties = some_counts(seed)
    point = np.random.default_rng(seed + 10).normal(size=5)
    ours = log_likelihood(point[:-1], float(point[-1]), wins, ties)
    assert ours == pytest.approx(naive_log_likelihood(point, wins, ties), rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_and_curvature_are_its_derivatives(seed: int) -> None:
    wins, ties = some_counts(seed)
    point = np.random.default_rng(seed + 20).normal(size=5)
    slope = gradient(point[:-1], float(point[-1]), wins, ties)
    bend = curvature(point[:-1], float(point[-1]), wins, ties)
    for index in range(5):
        step = np.zeros(5)
        step[index] = 1e-5
        up, down = point + step, point - step
        rise = log_likelihood(up[:-1], float(up[-1]), wins, ties) - log_likelihood(
            down[:-1], float(down[-1]), wins, ties
        )
        assert slope[index] == pytest.approx(rise / 2e-5, abs=1e-5)
        turn = gradient(up[:-1], float(up[-1]), wins, ties) - gradient(down[:-1], float(down[-1]), wins, ties)
        assert bend[index] == pytest.approx(-turn / 2e-5, abs=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_the_optimum_an_independent_optimiser_finds(seed: int) -> None:
    wins, ties = some_counts(seed, size=5)

    def loss(point: Floats) -> float:
        return -naive_log_likelihood(point, wins, ties)

    found = optimize.minimize(loss, np.zeros(6), method="BFGS", options={"gtol": 1e-7})
    ours = fit(wins, ties)
    assert ours.strengths == pytest.approx(found.x[:-1] - found.x[:-1].mean(), abs=1e-5)
    assert ours.log_tie == pytest.approx(found.x[-1], abs=1e-5)
    assert ours.log_likelihood == pytest.approx(-found.fun, abs=1e-8)


def two(wins: float, losses: float, ties: float) -> tuple[Floats, Floats]:
    return np.array([[0.0, wins], [losses, 0.0]]), np.array([[0.0, ties], [ties, 0.0]])


def test_two_policies_in_closed_form() -> None:
    """With two policies the model fits the observed shares: θ1 - θ2 = ln(w/l), ν = t / sqrt(w·l)."""
    found = fit(*two(8, 2, 4))
    assert found.strengths == pytest.approx([math.log(2), -math.log(2)])
    assert math.exp(found.log_tie) == pytest.approx(1.0)
    assert found.ratings() == pytest.approx([1000 + 200 * math.log10(4), 1000 - 200 * math.log10(4)])


def test_without_ties_it_is_bradley_terry() -> None:
    found = fit(*two(3, 1, 0))
    assert found.ratings()[0] - found.ratings()[1] == pytest.approx(400 * math.log10(3))
    assert found.log_tie == -math.inf


def test_ten_to_one_is_four_hundred_points() -> None:
    assert np.ptp(fit(*two(10, 1, 0)).ratings()) == pytest.approx(400.0)


def test_half_counts_a_tie_as_half_a_win_each_way() -> None:
    found = fit(*two(2, 0, 2), tie_model="half")
    assert np.ptp(found.ratings()) == pytest.approx(400 * math.log10(3 / 1))


def test_a_start_elsewhere_ends_in_the_same_place() -> None:
    wins, ties = some_counts(7)
    other = fit(*some_counts(8))
    assert fit(wins, ties, start=other).strengths == pytest.approx(fit(wins, ties).strengths, abs=1e-9)


def test_lopsided_data_still_converge() -> None:
    found = fit(*two(100_000, 1, 0))
    assert np.ptp(found.strengths) == pytest.approx(math.log(100_000), rel=1e-9)


def test_pairs_of_one_ranking_weigh_one_together() -> None:
    pairs = pairs_of(
        [PolicyRanking("k1", (("a", 0), ("b", 1), ("c", 1))), PolicyRanking("k2", (("b", 0), ("a", 1)))]
    )
    wins, ties = pairs.counts()
    third = pytest.approx(1 / 3)
    assert pairs.policies == ("a", "b", "c")
    assert (wins[0, 1], wins[0, 2], wins[1, 0], ties[1, 2], ties[2, 1]) == (third, third, 1.0, third, third)
    assert wins.sum() + ties.sum() / 2 == pytest.approx(2.0)
    again, _ = pairs.counts(np.array([3.0, 0.0]))
    assert (again[0, 1], again[1, 0]) == (pytest.approx(1.0), 0.0)


def test_responses_of_one_policy_make_no_pair_and_unranked_ones_only_lose() -> None:
    pairs = pairs_of([PolicyRanking("k", (("a", 0), ("a", 1), ("b", None), ("c", None)))])
    wins, ties = pairs.counts()
    assert wins == pytest.approx(np.array([[0, 0.5, 0.5], [0, 0, 0], [0, 0, 0]]))
    assert ties.sum() == 0


def test_a_lower_tier_loses_whatever_the_order_of_places() -> None:
    wins, _ = pairs_of([PolicyRanking("k", (("a", 1), ("b", 0)))]).counts()
    assert wins[1, 0] == 1.0


def test_reachable_follows_paths_of_any_length() -> None:
    chain = np.zeros((6, 6), dtype=np.bool_)
    for i in range(5):
        chain[i, i + 1] = True
    assert np.array_equal(reachable(chain), np.triu(np.ones((6, 6), dtype=np.bool_)))


def test_components() -> None:
    wins = np.zeros((4, 4))
    wins[0, 2] = 1
    ties = np.zeros((4, 4))
    ties[1, 3] = ties[3, 1] = 1
    assert components(wins, ties) == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    ("wins", "losses", "ties", "modelled", "separated"),
    [
        (3, 0, 0, True, True),
        (3, 1, 0, True, False),
        (3, 1, 2, True, False),
        # a never loses: with ν to rise along, the likelihood grows for ever; as half wins it has a maximum.
        (3, 0, 2, True, True),
        (3, 0, 2, False, False),
        (0, 0, 4, True, True),
        (0, 0, 4, False, False),
    ],
)
def test_separation_of_two(wins: int, losses: int, ties: int, modelled: bool, separated: bool) -> None:
    assert is_separated(*two(wins, losses, ties), ties_modelled=modelled) is separated


def test_separation_of_three() -> None:
    wins, ties = np.zeros((3, 3)), np.zeros((3, 3))
    wins[0, 1] = wins[1, 2] = 1
    assert is_separated(wins, ties, ties_modelled=True)
    ties[0, 2] = ties[2, 0] = 1
    assert not is_separated(wins, ties, ties_modelled=False)
    # Around the cycle two wins against one tie: -1 - 1 + 1 < 0, so no direction of growth is left.
    assert not is_separated(wins, ties, ties_modelled=True)
    assert np.isfinite(fit(wins, ties).strengths).all()
