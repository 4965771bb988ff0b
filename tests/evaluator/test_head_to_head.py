"""Wins of one policy over another, counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.head_to_head import Judged, win_rate
from evaluator.statistics.resampling import Sampling

ANY = Sampling(fewest=1)


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        ([1], [2], 1.0),
        ([2], [1], 0.0),
        ([1], [1], 0.5),
        ([1, 3], [2], 0.5),
        ([1, 2, 3], [2], 0.5),
        ([1, 1], [2, 1], 0.75),
        ([5], [None], 1.0),
        ([None], [5], 0.0),
        ([1, None], [None], 1.0),
        ([None], [None, 2], 0.0),
    ],
)
def test_a_ranking_is_the_share_of_its_pairs_won(
    ours: list[int | None], theirs: list[int | None], wanted: float
) -> None:
    assert win_rate([Judged("item", ours, theirs)], sampling=ANY).value == wanted


def test_rankings_weigh_the_same_however_many_answers_they_hold() -> None:
    found = win_rate([Judged("a", [1] * 4, [2] * 4), Judged("b", [2], [1])], sampling=ANY)
    assert (found.value, found.n) == (0.5, 2)


def test_what_decides_no_pair_is_left_out() -> None:
    silent = [Judged("a", [None], [None]), Judged("b", [], [1]), Judged("c", [1], [])]
    found = win_rate([*silent, Judged("d", [1], [2])], sampling=ANY)
    assert (found.value, found.n) == (1.0, 1)


def test_items_are_counted_and_drawn_again_not_rankings() -> None:
    twenty = [Judged(f"item {number % 9}", [1], [2]) for number in range(20)]
    found = win_rate(twenty)
    assert (found.value, found.n, found.reason) == (None, 9, "not enough data: 9 items that tell, wanted 10")
    mixed = [Judged(number, [1 + number % 2], [2 - number % 2]) for number in range(12)]
    once, fourfold = win_rate(mixed), win_rate([one for one in mixed for _person in range(4)])
    assert once.value == fourfold.value == 0.5
    # What four people say of the same twelve items tells no more of other items than what one says.
    assert (once.low, once.high) == (fourfold.low, fourfold.high)


def test_every_win_has_wilsons_interval_over_items() -> None:
    found = win_rate([Judged(number // 2, [1], [2]) for number in range(20)])
    assert (found.value, found.high, found.n) == (1.0, 1.0, 10)
    assert found.low == pytest.approx(0.7224672, abs=1e-6)


tiers = st.lists(st.one_of(st.none(), st.integers(1, 9)), min_size=1, max_size=4)


@given(st.lists(st.tuples(tiers, tiers), min_size=1, max_size=8))
def test_what_one_wins_the_other_loses(told: list[tuple[list[int | None], list[int | None]]]) -> None:
    quick = Sampling(fewest=1, resamples=0)
    mine = win_rate([Judged(at, ours, theirs) for at, (ours, theirs) in enumerate(told)], sampling=quick)
    other = win_rate([Judged(at, theirs, ours) for at, (ours, theirs) in enumerate(told)], sampling=quick)
    assert mine.n == other.n
    if mine.value is not None and other.value is not None:
        assert mine.value + other.value == pytest.approx(1)
