"""How often 95 % intervals hold the truth, over simulated leaderboards: rankings or annotators drawn again, and pairs.

The truth of leaderboards with annotator effects is what an endless number of annotators would give: Plackett-Luce
fitted to very many rankings, each by an annotator of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluator.statistics.counted_rankings import count_rankings
from evaluator.statistics.rating_intervals import Resampling, few_units_factor, rate_counted
from evaluator.statistics.rating_pairs import PolicyRanking

Floats = NDArray[np.float64]
POLICIES, SHOWN, RANKINGS, ANNOTATORS = 10, 6, 2000, 40
TRUE = np.linspace(-1.0, 1.0, POLICIES)
EFFECT = 0.6
RESAMPLES = 120
NAMES = [f"p{number}" for number in range(POLICIES)]
Simulated = list[PolicyRanking]


def simulated(rng: np.random.Generator, annotators: int, rankings: int, *, effect: float) -> Simulated:
    """Rankings by Plackett-Luce; each annotator likes each policy more or less than the others do, by `effect`."""
    likes = TRUE + effect * rng.normal(size=(annotators, POLICIES))
    found = []
    for number in range(rankings):
        annotator = number % annotators
        shown = rng.choice(POLICIES, SHOWN, replace=False)
        order = shown[np.argsort(-(likes[annotator, shown] + rng.gumbel(size=SHOWN)))]
        places = tuple((NAMES[policy], tier) for tier, policy in enumerate(order))
        found.append(PolicyRanking(f"k{number:06d}", places, f"a{annotator:06d}"))
    return found


def as_pairs(rankings: Simulated) -> Simulated:
    """Every pair of every ranking as a comparison that stands alone: what must not be drawn again."""
    return [
        PolicyRanking(f"{one.id}-{a}-{b}", (one.places[a], one.places[b]), one.annotator)
        for one in rankings
        for a, b in combinations(range(SHOWN), 2)
    ]


def ratings_of(rankings: Simulated) -> dict[str, float]:
    found = rate_counted(count_rankings(rankings), Resampling(resamples=0), tie_model="efron")
    return {row.policy: row.rating or 0.0 for row in found.rows}


def coverage(
    leaderboards: int,
    *,
    effect: float,
    unit: str,
    seed: int,
    change: Callable[[Simulated], Simulated] = list,
) -> float:
    """Share of (leaderboard, policy) whose interval holds the truth."""
    many = 20_000 if leaderboards < 100 else 100_000
    plain = {name: 1000 + 400 / np.log(10) * value for name, value in zip(NAMES, TRUE, strict=True)}
    truth = ratings_of(simulated(np.random.default_rng(seed), many, many, effect=effect)) if effect else plain
    held = 0
    for number in range(leaderboards):
        rng = np.random.default_rng([seed, number])
        rankings = change(simulated(rng, ANNOTATORS, RANKINGS, effect=effect))
        found = rate_counted(count_rankings(rankings), Resampling(number, RESAMPLES, unit), tie_model="efron")
        held += sum(row.low <= truth[row.policy] <= row.high for row in found.rows if row.low and row.high)
    return held / (leaderboards * POLICIES)


def test_intervals_cover_and_pairs_do_not() -> None:
    """In small: wide bounds, which the ways to be wrong miss all the same."""
    assert coverage(8, effect=0.0, unit="rankings", seed=1) >= 0.85
    assert coverage(8, effect=EFFECT, unit="annotators", seed=2) >= 0.85
    assert coverage(8, effect=EFFECT, unit="rankings", seed=2, change=as_pairs) <= 0.6


@pytest.mark.large
@pytest.mark.timeout(7200)
def test_coverage_of_500_leaderboards() -> None:
    assert 0.93 <= coverage(500, effect=0.0, unit="rankings", seed=1) <= 0.97
    assert 0.93 <= coverage(500, effect=EFFECT, unit="annotators", seed=2) <= 0.97
    assert coverage(100, effect=EFFECT, unit="rankings", seed=2, change=as_pairs) < 0.5


def test_few_units_ask_for_wider_intervals() -> None:
    """t(19; 97.5 %) = 2.0930240544, z = 1.9599639845."""
    assert few_units_factor(20) == pytest.approx(2.0930240544 / 1.9599639845 * (20 / 19) ** 0.5, rel=1e-9)
    assert few_units_factor(1) == 1.0
    assert few_units_factor(1000) == pytest.approx(1.0, abs=2e-3)
