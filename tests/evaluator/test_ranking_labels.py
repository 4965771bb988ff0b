"""Rankings on one grid: midranks, relations, pairs of a group, repeats."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from evaluator.statistics.ranking_labels import (
    FIRST,
    SECOND,
    TIE,
    UNKNOWN,
    RankingLabel,
    align,
    first_and_repeated,
    numbered,
    pairs_within,
)
from tests.evaluator.lines import steady
from tests.evaluator.ranking_lists import label


def test_relations_of_one_label() -> None:
    """Pairs ab, ac, ad, bc, bd, cd."""
    found = align([label("i", "ada", "10--"), label("i", "ben", "0010")]).relations.tolist()
    assert found[0] == [SECOND, FIRST, FIRST, FIRST, FIRST, UNKNOWN]
    assert found[1] == [TIE, FIRST, TIE, FIRST, TIE, SECOND]


def test_a_response_that_one_label_lacks_is_unknown_to_it() -> None:
    grid = align(
        [label("i", "ada", "012"), RankingLabel("i", "ben", ("c", "a"), (0, 1)), label("j", "ben", "01")]
    )
    assert grid.relations.tolist() == [[FIRST] * 3, [UNKNOWN, SECOND, UNKNOWN], [FIRST, UNKNOWN, UNKNOWN]]
    assert grid.complete.tolist() == [True, False, True]
    assert (grid.sizes.tolist(), grid.item.tolist(), grid.items) == ([3, 2], [0, 0, 1], ("i", "j"))


@steady
@given(st.lists(st.integers(0, 4), min_size=2, max_size=9))
def test_midranks_are_scipys(tiers: list[int]) -> None:
    grid = align([label("i", "ada", tiers)])
    assert grid.ranks[0].tolist() == rankdata(tiers).tolist()
    assert grid.tied[0] == sum(tiers.count(one) ** 3 - tiers.count(one) for one in set(tiers))


def test_one_unranked_response_is_last_and_two_have_no_rank() -> None:
    grid = align([label("i", "ada", "01-"), label("i", "ben", "0--")])
    assert grid.ranks[0].tolist() == [1, 2, 3]
    assert grid.ranks[1][0] == 1
    assert [math.isnan(one) for one in grid.ranks[1]] == [False, True, True]
    assert grid.complete.tolist() == [True, False]
    assert grid.tied.tolist() == [0, 0]


@steady
@given(st.lists(st.integers(0, 4), max_size=12))
def test_pairs_of_a_group_are_all_and_once(names: list[int]) -> None:
    group = numbered(names)
    first, second = pairs_within(group)
    wanted = [(a, b) for a, b in combinations(range(len(names)), 2) if names[a] == names[b]]
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == wanted


def test_names_are_numbered_as_they_appear() -> None:
    assert numbered(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


def test_later_labels_of_an_item_are_repeats() -> None:
    one, two, other, three = (
        label("i", "ada", "01"),
        label("i", "ada", "10"),
        label("i", "ben", "01"),
        label("i", "ada", "00"),
    )
    first, repeated = first_and_repeated([one, two, other, three])
    assert first == [one, other]
    assert repeated == [(one, two), (one, three)]


def test_clusters_are_prompts_where_told() -> None:
    grid = align(
        [label("i", "ada", "01", prompt="p"), label("j", "ada", "01", prompt="p"), label("p", "ada", "01")]
    )
    assert (grid.cluster.tolist(), grid.clusters) == ([0, 0, 1], 2)
    assert align([]).clusters == 0


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"responses": ("a",), "tiers": (0,)}, "two or more"),
        ({"responses": ("a", "a"), "tiers": (0, 1)}, "two or more"),
        ({"responses": ("a", "b"), "tiers": (0,)}, "a tier for each"),
        ({"responses": ("a", "b"), "tiers": (0, 1), "shown": ("a",)}, "order shown"),
        ({"responses": ("a", "b"), "tiers": (0, 1), "words": (3,)}, "1 lengths of 2"),
    ],
)
def test_labels_that_contradict_themselves_are_refused(told: dict[str, tuple[int, ...]], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        RankingLabel("i", "ada", **told)  # type: ignore[arg-type]


def test_the_grid_of_nothing_is_empty() -> None:
    grid = align([])
    assert (len(grid.relations), grid.items, np.size(grid.ranks)) == (0, (), 0)
