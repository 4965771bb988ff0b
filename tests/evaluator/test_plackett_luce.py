"""Davidson-Luce and Efron's approximation: brute force over subsets, derivatives, another optimiser, Davidson."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize

from evaluator.statistics import ratings
from evaluator.statistics.plackett_luce import (
    Places,
    choices_of,
    elementary_symmetric,
    fit_choices,
    information,
    log_likelihood,
)
from tests.evaluator.lines import steady

Floats = NDArray[np.float64]
POLICIES = 5


def tiers_of(places: Places) -> list[list[int]]:
    """Slots by tier, best first; the unranked ones last, as None would be."""
    known = sorted({tier for _, tier in places if tier is not None})
    return [[slot for slot, (_, tier) in enumerate(places) if tier == one] for one in known]


def brute_force(rankings: list[Places], utilities: list[Floats], log_tie: dict[int, float]) -> float:
    """Firth, Kosmidis and Turner (2019) as printed, every subset listed."""
    total = 0.0
    for places, worth in zip(rankings, utilities, strict=True):
        left = list(range(len(places)))
        for tier in tiers_of(places):
            if len(left) > 1:
                own = log_tie.get(len(tier), 0.0) + sum(worth[slot] for slot in tier) / len(tier)
                weights = [
                    math.exp(log_tie.get(size, 0.0) + sum(worth[slot] for slot in chosen) / size)
                    for size in (1, *log_tie)
                    for chosen in combinations(left, size)
                ]
                total += own - math.log(sum(weights))
            left = [slot for slot in left if slot not in tier]
    return total


def efron_by_hand(rankings: list[Places], strengths: Floats) -> float:
    """Efron (1977): the tier's d-th denominator leaves out d/|C| of the tier's own sum."""
    total = 0.0
    for places in rankings:
        left = list(range(len(places)))
        for tier in tiers_of(places):
            if len(left) > 1:
                whole = sum(math.exp(strengths[places[slot][0]]) for slot in left)
                own = sum(math.exp(strengths[places[slot][0]]) for slot in tier)
                total += sum(strengths[places[slot][0]] for slot in tier)
                total -= sum(math.log(whole - step / len(tier) * own) for step in range(len(tier)))
            left = [slot for slot in left if slot not in tier]
    return total


@st.composite
def some_rankings(draw: st.DrawFn) -> list[Places]:
    """Rankings of two to five responses of five policies, a policy now and then twice, with ties and unranked ones."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        size = draw(st.integers(2, 5))
        policies = draw(st.lists(st.integers(0, POLICIES - 1), min_size=size, max_size=size))
        tiers = draw(st.lists(st.integers(0, 2) | st.none(), min_size=size, max_size=size))
        found.append(tuple(zip(policies, tiers, strict=True)))
    return found


def drawn(rankings: int, seed: int, *, tie_within: float = 0.5, size: int = 4) -> list[Places]:
    rng = np.random.default_rng(seed)
    true = np.linspace(-1, 1, POLICIES)
    found: list[Places] = []
    for _ in range(rankings):
        shown = rng.choice(POLICIES, size, replace=False)
        worth = true[shown] + rng.gumbel(size=size)
        order = np.argsort(-worth)
        tiers = np.empty(size, dtype=int)
        tiers[order] = np.concatenate([[0], np.cumsum(-np.diff(worth[order]) > tie_within)])
        found.append(tuple((int(policy), int(tier)) for policy, tier in zip(shown, tiers, strict=True)))
    return found


@steady
@given(some_rankings(), st.integers(0, 1000))
def test_the_likelihood_is_davidson_luces(rankings: list[Places], seed: int) -> None:
    choices = choices_of(rankings, POLICIES)
    parameters = np.random.default_rng(seed).normal(size=POLICIES + len(choices.sizes))
    ours, _ = log_likelihood(choices, choices.totals(np.ones(len(rankings))), parameters)
    utilities = [np.array([parameters[policy] for policy, _ in places]) for places in rankings]
    log_tie = dict(zip(choices.sizes, parameters[POLICIES:].tolist(), strict=True))
    assert ours == pytest.approx(brute_force(rankings, utilities, log_tie), rel=1e-10, abs=1e-10)


@steady
@given(some_rankings(), st.integers(0, 1000))
def test_the_approximation_is_efrons(rankings: list[Places], seed: int) -> None:
    choices = choices_of(rankings, POLICIES, efron=True)
    strengths = np.random.default_rng(seed).normal(size=POLICIES)
    ours, _ = log_likelihood(choices, choices.totals(np.ones(len(rankings))), strengths)
    assert ours == pytest.approx(efron_by_hand(rankings, strengths), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("efron", [False, True])
@pytest.mark.parametrize("styled", [False, True])
def test_the_gradient_is_the_derivative(efron: bool, styled: bool) -> None:
    rankings = drawn(30, 3)
    rng = np.random.default_rng(4)
    style = [rng.normal(size=(len(places), 2)) for places in rankings] if styled else None
    choices = choices_of(rankings, POLICIES, efron=efron, style=style)
    totals = choices.totals(rng.integers(0, 3, len(rankings)).astype(np.float64))
    point = rng.normal(size=POLICIES + len(choices.sizes) + 2 * styled)
    _, slope = log_likelihood(choices, totals, point)
    for at in range(len(point)):
        step = 1e-5 * np.eye(len(point))[at]
        rise = (
            log_likelihood(choices, totals, point + step)[0]
            - log_likelihood(choices, totals, point - step)[0]
        )
        assert slope[at] == pytest.approx(rise / 2e-5, abs=1e-5)


def test_style_adds_to_the_strength_of_a_response() -> None:
    rankings = drawn(12, 5)
    rng = np.random.default_rng(6)
    style = [rng.normal(size=(len(places), 2)) for places in rankings]
    choices = choices_of(rankings, POLICIES, style=style)
    point = rng.normal(size=POLICIES + len(choices.sizes) + 2)
    ours, _ = log_likelihood(choices, choices.totals(np.ones(12)), point)
    utilities = [
        np.array([point[policy] for policy, _ in places]) + looks @ point[-2:]
        for places, looks in zip(rankings, style, strict=True)
    ]
    log_tie = dict(zip(choices.sizes, point[POLICIES:-2].tolist(), strict=True))
    assert ours == pytest.approx(brute_force(rankings, utilities, log_tie), rel=1e-10)


def test_how_often_a_ranking_counts_is_its_weight() -> None:
    rankings = drawn(3, 7)
    choices = choices_of(rankings, POLICIES)
    twice = choices_of([rankings[0], rankings[2], rankings[2]], POLICIES)
    point = np.random.default_rng(8).normal(size=POLICIES + len(choices.sizes))
    assert twice.sizes == choices.sizes
    weighted = log_likelihood(choices, choices.totals(np.array([1.0, 0.0, 2.0])), point)
    plain = log_likelihood(twice, twice.totals(np.ones(3)), point)
    assert weighted[0] == pytest.approx(plain[0])
    assert weighted[1] == pytest.approx(plain[1])


@pytest.mark.parametrize("efron", [False, True])
def test_the_fit_is_the_optimum_another_optimiser_finds(efron: bool) -> None:
    rankings = drawn(60, 9)
    choices = choices_of(rankings, POLICIES, efron=efron)
    totals = choices.totals(np.ones(len(rankings)))
    size = POLICIES + len(choices.sizes)
    minimize: Any = optimize.minimize
    options = {"xtol": 1e-9, "ftol": 1e-14, "maxiter": 100_000}
    other = minimize(
        lambda point: -log_likelihood(choices, totals, point)[0],
        np.zeros(size),
        method="Powell",
        options=options,
    )
    found = fit_choices(choices, np.ones(60), start=np.zeros(size))
    assert found.strengths == pytest.approx(other.x[:POLICIES] - other.x[:POLICIES].mean(), abs=1e-4)
    assert found.log_ties == pytest.approx(other.x[POLICIES:], abs=1e-4)
    assert found.log_likelihood == pytest.approx(-float(other.fun), abs=1e-7)
    assert np.abs(log_likelihood(choices, totals, found.parameters())[1]).max() < 1e-4
    assert found.strengths.mean() == pytest.approx(0, abs=1e-12)


def test_for_two_it_is_davidson() -> None:
    rankings = drawn(300, 10, size=2)
    wins, ties = np.zeros((POLICIES, POLICIES)), np.zeros((POLICIES, POLICIES))
    for (a, first), (b, second) in rankings:
        assert first is not None
        assert second is not None
        if first == second:
            ties[a, b] += 1
            ties[b, a] += 1
        else:
            wins[(a, b) if first < second else (b, a)] += 1
    davidson = ratings.fit(wins, ties)
    choices = choices_of(rankings, POLICIES)
    found = fit_choices(choices, np.ones(300), start=np.zeros(POLICIES + 1))
    assert found.strengths == pytest.approx(davidson.strengths, abs=1e-6)
    assert found.log_ties == pytest.approx([davidson.log_tie], abs=1e-6)
    assert found.log_likelihood == pytest.approx(davidson.log_likelihood, abs=1e-8)


def test_warm_starts_end_where_cold_ones_do() -> None:
    rankings = drawn(150, 11)
    choices = choices_of(rankings, POLICIES)
    once = np.ones(150)
    point = fit_choices(choices, once, start=np.zeros(POLICIES + len(choices.sizes)))
    scale = information(choices, choices.totals(once), point.parameters())
    times = np.random.default_rng(12).multinomial(150, once / 150).astype(np.float64)
    warm = fit_choices(choices, times, start=point.parameters(), scale=scale, gradient=1e-3)
    cold = fit_choices(choices, times, start=point.parameters())
    assert warm.strengths == pytest.approx(cold.strengths, abs=1e-3)


def test_the_search_is_scaled_by_the_curvature() -> None:
    """Without ties the information is exact, but for the floor under the flat direction θ + constant."""
    rankings = drawn(200, 13, tie_within=0.0)
    choices = choices_of(rankings, POLICIES)
    totals = choices.totals(np.ones(200))
    point = np.linspace(-0.4, 0.4, POLICIES)
    found = information(choices, totals, point)
    steps = 1e-5 * np.eye(POLICIES)
    bend = np.array(
        [
            (
                log_likelihood(choices, totals, point - step)[1]
                - log_likelihood(choices, totals, point + step)[1]
            )
            / 2e-5
            for step in steps
        ]
    )
    apart = np.eye(POLICIES) - 1 / POLICIES
    assert apart @ found @ apart == pytest.approx(apart @ bend @ apart, rel=1e-4, abs=1e-3)


def test_what_runs_away_is_given_up() -> None:
    rankings: list[Places] = [((0, 0), (1, 1), (2, 2))] * 5
    with pytest.raises(ArithmeticError, match="no maximum within any rating"):
        fit_choices(choices_of(rankings, 3), np.ones(5), start=np.zeros(3))


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_elementary_symmetric_polynomials(degree: int) -> None:
    values = np.random.default_rng(degree).random((6, 3))
    found, slopes = elementary_symmetric(values, degree)
    for column in range(3):
        own = values[:, column]
        assert found[column] == pytest.approx(
            sum(math.prod(own[list(one)]) for one in combinations(range(6), degree))
        )
        for at in range(6):
            others = [slot for slot in range(6) if slot != at]
            without = sum(math.prod(own[list(one)]) for one in combinations(others, degree - 1))
            assert slopes[at, column] == pytest.approx(without)


def test_nine_responses_and_large_ties_are_exact() -> None:
    places: Places = tuple((at % POLICIES, [0, 0, 0, 0, 1, 2, 2, None, None][at]) for at in range(9))
    choices = choices_of([places], POLICIES)
    assert choices.sizes == (2, 4)
    point = np.random.default_rng(14).normal(size=POLICIES + 2)
    ours, _ = log_likelihood(choices, choices.totals(np.ones(1)), point)
    worth = np.array([point[policy] for policy, _ in places])
    assert ours == pytest.approx(brute_force([places], [worth], {2: point[-2], 4: point[-1]}))
