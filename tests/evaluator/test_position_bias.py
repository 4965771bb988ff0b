"""The position flag: exact levels over all looks, power, honest annotators with tastes, and what is no trial."""

from __future__ import annotations

import random
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from evaluator.statistics.position_bias import (
    FALSE_ALARMS,
    Trial,
    poisson_binomial_tail,
    position_flag,
    sequential_flag,
    spent,
    trials_of,
)
from evaluator.statistics.ranking_labels import RankingLabel
from tests.evaluator.lines import steady
from tests.evaluator.ranking_lists import NAMES, label


def flagged_by_chance(chances: list[float], level: float) -> float:
    """The chance of a flag under no bias, over all paths."""
    total = 0.0
    for path in product([True, False], repeat=len(chances)):
        probability = float(np.prod([c if hit else 1 - c for hit, c in zip(path, chances, strict=True)]))
        trials = [Trial(hit, chance) for hit, chance in zip(path, chances, strict=True)]
        total += probability * sequential_flag(trials, level=level).flagged
    return total


@pytest.mark.parametrize(
    "chances", [[0.5] * 10, [1 / 2, 1 / 3, 1 / 9, 2 / 3, 1 / 4, 1 / 2, 1 / 5, 1 / 2, 1 / 3, 1 / 2]]
)
@pytest.mark.parametrize("level", [0.5, 1.0])
def test_all_looks_together_flag_no_more_than_is_spent(chances: list[float], level: float) -> None:
    """At these levels some of it is used within ten looks; over all 1,024 paths it never exceeds what is spent."""
    found = flagged_by_chance(chances, level)
    assert 0 < found <= spent(len(chances), level=level)


def test_boundaries_are_as_low_as_they_may_be() -> None:
    """Hits at every look, chance 1/2: the first flag is at the first n with 2^-n within what is spent by then."""
    found = sequential_flag([Trial(True, 0.5)] * 30)
    first = next(n for n in range(1, 31) if 0.5**n <= spent(n))
    assert (found.flagged, found.looks, found.hits) == (True, first, first)
    assert found.p_value == pytest.approx(0.5**first)


def test_spending_has_most_of_its_level_by_fifty_and_never_all() -> None:
    assert spent(50) == pytest.approx(0.008)
    assert spent(25) == pytest.approx(0.002)
    assert spent(100) == pytest.approx(0.009)
    looks = [spent(n) for n in range(1, 5000)]
    assert all(a < b for a, b in pairwise(looks))
    assert looks[-1] < FALSE_ALARMS
    assert spent(51) - spent(50) < 0.0001


@steady
@given(st.integers(1, 40), st.floats(0.05, 0.95), st.data())
def test_the_tail_is_the_binomials_where_chances_are_equal(
    n: int, chance: float, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, n))
    assert poisson_binomial_tail([chance] * n, hits) == pytest.approx(float(binom.sf(hits - 1, n, chance)))


def test_the_tail_of_unequal_chances_by_hand() -> None:
    assert poisson_binomial_tail([0.5, 0.25], 2) == 0.125
    assert poisson_binomial_tail([0.5, 0.25], 1) == pytest.approx(1 - 0.5 * 0.75)
    with pytest.raises(ValueError, match="chance 1"):
        poisson_binomial_tail([1.0], 1)


def test_trials_are_items_with_an_order_and_a_best_tier_that_is_not_all() -> None:
    labels = [
        label("won", "ada", "102", shown=("b", "a", "c")),
        label("lost", "ada", "01", shown=("b", "a")),
        label("tied best", "ada", "100", shown=("c", "a", "b")),
        label("unranked below", "ada", "0--", shown=("c", "b", "a")),
        label("all tie", "ada", "00", shown=("b", "a")),
        label("unacceptable", "ada", "--", shown=("b", "a")),
        label("no order", "ada", "01"),
    ]
    assert trials_of(labels) == [
        Trial(True, 1 / 3),
        Trial(False, 1 / 2),
        Trial(True, 2 / 3),
        Trial(False, 1 / 3),
    ]


def annotator(seed: int, *, first: float, items: int, sizes: tuple[int, ...]) -> list[RankingLabel]:
    """Rankings of one annotator who takes the first shown in a share `first` of the items (None of them when honest).

    Else they follow their taste: quality, with some ties; response a is much the better in every item.
    """
    rng = random.Random(seed)
    found = []
    for item in range(items):
        size = rng.choice(sizes)
        names = list(NAMES[:size])
        shown = rng.sample(names, size)
        worth = {name: rng.gauss(1.5 if name == "a" else 0, 1) for name in names}
        order = sorted(names, key=lambda name: -worth[name])
        tiers, tier = {order[0]: 0}, 0
        for better, worse in pairwise(order):
            tier += worth[better] - worth[worse] > 0.15
            tiers[worse] = tier
        if first:
            taken = shown[0] if rng.random() < first else rng.choice(shown[1:])
            tiers = {name: tier + 1 for name, tier in tiers.items()} | {taken: 0}
        found.append(label(f"i{item}", "ada", [tiers[name] for name in names], shown=tuple(shown)))
    return found


def share_flagged(people: int, *, first: float, items: int, sizes: tuple[int, ...]) -> float:
    flags = [
        position_flag(annotator(seed, first=first, items=items, sizes=sizes)).flagged
        for seed in range(people)
    ]
    return sum(flags) / people


MIXED = tuple(range(2, 10))


def test_takers_of_the_first_are_flagged_within_fifty_and_honest_ones_are_not() -> None:
    """Comparisons are hardest: chance alone gives half. Of 100, 90 is four standard errors below 97.5 %."""
    assert share_flagged(100, first=0.8, items=50, sizes=(2,)) >= 0.9
    assert share_flagged(60, first=0.8, items=50, sizes=MIXED) == 1.0
    assert share_flagged(100, first=0.0, items=50, sizes=MIXED) <= 0.04


@pytest.mark.large
@pytest.mark.parametrize("sizes", [(2,), (3,), MIXED])
def test_show_6_in_1000_simulations(sizes: tuple[int, ...]) -> None:
    assert share_flagged(1000, first=0.8, items=50, sizes=sizes) >= 0.95
    assert share_flagged(1000, first=0.0, items=50, sizes=sizes) <= 0.018


@pytest.mark.large
def test_looking_on_for_1000_items_flags_no_more_honest_annotators() -> None:
    assert share_flagged(1000, first=0.0, items=1000, sizes=(2, 4)) <= 0.018


def test_the_power_within_fifty_comparisons_is_exact() -> None:
    """Of annotators who take the first of two in 80 %, 97.5 % are flagged; by the distribution, not by simulation."""
    chance, alive, biased, crossed, power = 0.5, np.ones(1), np.ones(1), 0.0, 0.0
    for look in range(1, 51):
        alive, biased = np.convolve(alive, [1 - chance, chance]), np.convolve(biased, [0.2, 0.8])
        boundary = next(h for h in range(look + 2) if alive[h:].sum() <= spent(look) - crossed)
        crossed, power = crossed + alive[boundary:].sum(), power + biased[boundary:].sum()
        alive[boundary:], biased[boundary:] = 0, 0
        hits = [True] * boundary + [False] * (look - boundary)
        if boundary <= look:
            assert sequential_flag([Trial(hit, 0.5) for hit in hits[::-1]]).flagged
    assert power == pytest.approx(0.9754, abs=0.0005)
    assert crossed <= 0.008


def test_a_weaker_habit_is_flagged_later() -> None:
    found = position_flag(annotator(1, first=0.65, items=600, sizes=(2,)))
    assert found.flagged
    assert found.looks > 50


def test_the_flag_says_when_and_why() -> None:
    found = position_flag(annotator(2, first=0.9, items=60, sizes=(2,)))
    assert found.flagged
    assert found.reason.startswith(
        f"the first shown was best in {found.hits} of {found.looks} items, chance gives"
    )
    assert "at most 1% of honest annotators" in found.reason
    assert found.expected == pytest.approx(found.looks / 2)
    assert found.spent == spent(found.looks)
    honest = position_flag(annotator(2, first=0.0, items=60, sizes=(3,)))
    assert not honest.flagged
    assert honest.reason.endswith("within what looking after every item allows")
    assert honest.looks == 60
    assert honest.p_value is not None
    assert honest.p_value > 0.001


def test_an_order_never_varied_flags_nobody() -> None:
    """Responses always shown as stored: the first may well be the best one."""
    labels = [label(f"i{at}", "ada", "01", shown=("a", "b")) for at in range(60)]
    found = position_flag(labels)
    assert (found.flagged, found.p_value) == (False, None)
    assert found.reason.startswith("not tested: all 60 labels were shown in the stored order")
    turned = [label("j", "ada", "10", shown=("b", "a")), *labels]
    assert position_flag(turned).flagged


def test_without_an_order_there_is_no_data() -> None:
    found = position_flag([label("i", "ada", "01")])
    assert (found.flagged, found.looks) == (False, 0)
    assert found.reason == "not enough data: no label with an order shown"
