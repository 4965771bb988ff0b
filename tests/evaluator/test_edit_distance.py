"""Edit distance by hand and by its laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.metrics.edit_distance import edit_distance, edit_similarity
from tests.evaluator.lines import steady

WORDS = st.lists(st.sampled_from("abc"), max_size=6)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("kitten", "sitting", 3),
        ("", "abc", 3),
        ("abc", "", 3),
        ("abc", "abc", 0),
        ("ab", "ba", 2),
        ("abcd", "bcd", 1),
        ("abcd", "abc", 1),
        ("abc", "abcd", 1),
        ("flaw", "lawn", 2),
    ],
)
def test_distances_known_by_hand(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == distance


def test_similarity_is_the_share_left_alike_of_the_longer() -> None:
    assert edit_similarity("kitten", "sitting") == pytest.approx(4 / 7)
    assert edit_similarity("ab", "") == 0.0
    assert edit_similarity("", "") == 1.0
    assert edit_similarity(["kj", "eh"], ["kj", "uh"]) == 0.5


@steady
@given(WORDS, WORDS, WORDS)
def test_it_is_a_distance(one: list[str], other: list[str], third: list[str]) -> None:
    assert edit_distance(one, other) == edit_distance(other, one)
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)
    assert abs(len(one) - len(other)) <= edit_distance(one, other) <= max(len(one), len(other))
    assert 0 <= edit_similarity(one, other) <= 1
