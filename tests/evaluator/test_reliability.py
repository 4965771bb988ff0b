"""Bradley-Terry with annotator effects: likelihood against integration, gradient, recovery of what was planted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import norm

from evaluator.statistics import annotator_effects
from evaluator.statistics.annotator_effects import (
    SaidPairs,
    condensed,
    item_gradients,
    log_posterior,
    outcomes,
    prior_means,
    said_pairs,
)
from evaluator.statistics.ranking_labels import RankingLabel, align
from evaluator.statistics.reliability import Reliabilities, accuracy, reliabilities
from evaluator.statistics.response_quality import qualities
from tests.evaluator.ranking_lists import label, utilities

Floats = NDArray[np.float64]
PLANTED = [2.0, 1.0, 0.5, 0.0, -1.0]


def pairs_of(labels: list[RankingLabel]) -> SaidPairs:
    return said_pairs(align(labels))


def mixed() -> SaidPairs:
    """Ties, two lengths, unranked responses."""
    labels = utilities(12, PLANTED, seed=1, tie=0.4) + [
        RankingLabel(f"j{one.item}", one.annotator, one.responses, one.tiers)
        for one in utilities(6, PLANTED, seed=2, size=2)
    ]
    return pairs_of([*labels, label("u", "a0", "0---"), label("u", "a1", "01--")])


def parameters(pairs: SaidPairs, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(0.5, 1, size=2 * len(pairs.annotators))


def test_three_outcomes_add_up_to_one_and_have_their_derivatives() -> None:
    x, eta, step = np.array([-2.0, 0.0, 0.3, 4.0]), np.array([-1.0, 0.5, -3.0, 1.0]), 1e-6
    found = outcomes(x, eta)
    assert np.exp(found.log_probability).sum(axis=-1) == pytest.approx(1)
    assert found.log_probability[:, 2] - found.log_probability[:, 0] == pytest.approx(x)
    by_x = (outcomes(x + step, eta).log_probability - outcomes(x - step, eta).log_probability) / (2 * step)
    by_eta = (outcomes(x, eta + step).log_probability - outcomes(x, eta - step).log_probability) / (2 * step)
    bend = (outcomes(x + step, eta).by_x - outcomes(x - step, eta).by_x) / (2 * step)
    assert found.by_x == pytest.approx(by_x, abs=1e-8)
    assert found.by_eta == pytest.approx(by_eta, abs=1e-8)
    assert np.repeat(found.curvature[:, None], 3, axis=1) == pytest.approx(-bend, abs=1e-8)


def test_the_likelihood_is_the_integral_over_the_gap() -> None:
    """ada says first, ben tie, of one pair (weight 2/K = 1); prior of (β, η) by SciPy's normal density."""
    pairs = pairs_of([label("i", "ada", "01"), label("i", "ben", "00")])
    told = np.array([1.3, 0.4, -0.7, 0.2])

    def integrand(gap: float) -> float:
        first, second = (
            np.exp(outcomes(np.array(beta * gap), np.array(eta)).log_probability)
            for beta, eta in ((1.3, -0.7), (0.4, 0.2))
        )
        return float(first[2] * second[1] * norm.pdf(gap, scale=math.sqrt(2)))

    wanted = math.log(quad(integrand, -15, 15)[0])
    off = told - np.array([1, 1, -1, -1])
    wanted -= float((off**2 / np.array([1, 1, 2.25, 2.25])).sum()) / 2
    assert log_posterior(pairs, told)[0] == pytest.approx(wanted, abs=1e-6)


def test_pairs_of_longer_rankings_weigh_less() -> None:
    pairs = mixed()
    assert {float(one) for one in pairs.weight} == {0.5, 1.0}
    whole = [label("i", "a", "0123")]
    assert pairs_of(whole).weight.sum() == pytest.approx(3)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_is_the_derivative(seed: int) -> None:
    pairs = mixed()
    told, step = parameters(pairs, seed), 1e-5
    slope = log_posterior(pairs, told)[1]
    for at in range(len(told)):
        move = np.zeros(len(told))
        move[at] = step
        difference = log_posterior(pairs, told + move)[0] - log_posterior(pairs, told - move)[0]
        assert slope[at] == pytest.approx(difference / (2 * step), rel=1e-5, abs=1e-5)


def test_items_gradients_add_up_to_the_whole() -> None:
    pairs = mixed()
    told = prior_means(pairs)  # where the prior is flat
    assert item_gradients(pairs, told).sum(axis=0) == pytest.approx(log_posterior(pairs, told)[1])


def test_patterns_and_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = pairs_of(utilities(80, [1.0, 0.5], seed=4, per_item=2, tie=0.3))
    told = parameters(pairs, 3)
    value, slope = log_posterior(pairs, told)
    fewer = condensed(pairs)
    assert len(fewer.cell) <= 2 * 9
    assert log_posterior(fewer, told)[0] == pytest.approx(value)
    assert log_posterior(fewer, told)[1] == pytest.approx(slope)
    monkeypatch.setattr(annotator_effects, "ENTRIES_AT_ONCE", 7)
    assert log_posterior(pairs, told)[0] == pytest.approx(value)
    assert log_posterior(pairs, told)[1] == pytest.approx(slope)
    assert log_posterior(condensed(mixed()), parameters(mixed(), 5))[0] == pytest.approx(
        log_posterior(mixed(), parameters(mixed(), 5))[0]
    )


def found_betas(found: Reliabilities) -> dict[str, tuple[float, float, float]]:
    return {
        one.annotator: (one.reliability.value, one.reliability.low, one.reliability.high)  # type: ignore[misc]
        for one in found.annotators
    }


@pytest.mark.parametrize(("size", "tie"), [(2, 0.0), (4, 0.0), (4, 0.3)])
def test_planted_reliabilities_are_recovered(size: int, tie: float) -> None:
    """Within their intervals, which tell a coin from a weak annotator and an upside-down one from both."""
    found = found_betas(reliabilities(utilities(600, PLANTED, seed=11, size=size, tie=tie)))
    for name, planted in zip(sorted(found), PLANTED, strict=True):
        value, low, high = found[name]
        assert low - 0.05 <= planted <= high + 0.05
        assert low < value < high
        assert high - low < 2.5
    assert found["a4"][2] < 0 < found["a2"][1]
    assert found["a3"][1] < 0 < found["a3"][2]


def coverage(simulations: int) -> float:
    planted, held = [1.5, 1.0, 0.5, 0.0], 0
    for seed in range(simulations):
        found = found_betas(reliabilities(utilities(150, planted, seed=seed, size=4)))
        held += sum(low <= beta <= high for (_, low, high), beta in zip(found.values(), planted, strict=True))
    return held / (4 * simulations)


def test_intervals_hold_the_planted_value() -> None:
    """Of 60 intervals at 95 %: 52 or fewer would be chance once in 150 times."""
    assert coverage(15) >= 53 / 60


@pytest.mark.large
def test_intervals_hold_the_planted_value_in_200_simulations() -> None:
    assert coverage(200) >= 0.92


def test_accuracy_is_the_chance_to_tell_the_better() -> None:
    assert accuracy(0.0) == pytest.approx(0.5)
    assert accuracy(1.0) + accuracy(-1.0) == pytest.approx(1.0)

    def integrand(gap: float) -> float:
        return float(2 * norm.pdf(gap, scale=math.sqrt(2)) / (1 + math.exp(-1.7 * gap)))

    assert accuracy(1.7) == pytest.approx(quad(integrand, 0, 20)[0], abs=1e-6)


def test_scores_follow_the_reliable_annotator() -> None:
    """Two coins say b, one reliable annotator says a: a majority would be wrong."""
    known = utilities(300, [3.0, 3.0, 0.0, 0.0], seed=8, size=2)
    votes = [label("vote", "a0", "01"), label("vote", "a2", "10"), label("vote", "a3", "10")]
    found = reliabilities([*known, *votes])
    scores = next(one for one in found.items if one.item == "vote").scores
    assert [name for name, _, _ in scores] == ["a", "b"]
    assert scores[0][1] > 0 > scores[1][1]
    assert all(0 < deviation < 1 for _, _, deviation in scores)


def test_scores_are_where_the_posterior_is_flat() -> None:
    pairs = mixed()
    told = parameters(pairs, 9)
    found = qualities(pairs, told)
    count = len(pairs.annotators)
    beta, eta = told[:count][pairs.annotator], told[count:][pairs.annotator]

    def posterior(theta: Floats) -> float:
        gap = theta[pairs.item, pairs.left] - theta[pairs.item, pairs.right]
        said = outcomes(beta * gap, eta).log_probability[np.arange(len(gap)), pairs.said + 1]
        return float((pairs.weight * said).sum() - (theta**2).sum() / 2)

    best = posterior(found.mode)
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert posterior(found.mode + rng.normal(0, 0.01, size=found.mode.shape)) < best
    step = np.zeros_like(found.mode)
    step[0, 0] = 1e-4
    bend = (posterior(found.mode + step) - 2 * best + posterior(found.mode - step)) / 1e-8
    assert found.deviation[0, 0] > 0
    assert 1 / found.deviation[0, 0] ** 2 <= -bend + 1e-3


def test_too_few_shared_items_give_a_reason() -> None:
    alone = [label(f"i{at}", "ada", "01") for at in range(30)]
    found = reliabilities(alone)
    assert found.annotators[0].reliability.reason == (
        "not enough data: 0 items that another annotator labelled too, wanted 10"
    )
    assert found.items == ()
    labels = [*utilities(20, [1.0, 1.0], seed=1, per_item=2), label("i0", "rare", "0123")]
    by_name = {one.annotator: one for one in reliabilities(labels).annotators}
    assert by_name["rare"].reliability.value is None
    assert by_name["rare"].accuracy.reason == by_name["rare"].reliability.reason
    assert by_name["a0"].reliability.n == 20
    assert reliabilities([]) == Reliabilities((), ())


def test_what_one_annotator_alone_labelled_changes_nothing() -> None:
    labels = utilities(30, [1.0, 0.5], seed=2, per_item=2)
    more = [label(f"only{at}", "a0", "0123") for at in range(20)]
    assert reliabilities([*labels, *more]).annotators == reliabilities(labels).annotators
