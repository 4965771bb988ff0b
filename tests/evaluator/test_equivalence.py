"""What an interval rules out, and what several answers to one prompt are worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.equivalence import equivalent, no_worse
from evaluator.statistics.intervals import Interval
from evaluator.statistics.paired import sums_within
from evaluator.statistics.power import smallest_difference
from tests.evaluator.lines import steady


def gap(low: float | None, high: float | None) -> Interval:
    return Interval(0.0, low, high, 10, "bca-bootstrap", None if low is not None else "one cluster")


@pytest.mark.parametrize(
    ("low", "high", "same", "higher", "lower"),
    [
        (-0.01, 0.01, True, True, True),
        (-0.011, 0.009, False, False, True),
        (-0.009, 0.011, False, True, False),
        (0.02, 0.03, False, True, False),
        (-0.03, -0.02, False, False, True),
        (None, None, None, None, None),
    ],
)
def test_what_an_interval_rules_out(
    low: float | None, high: float | None, same: bool | None, higher: bool | None, lower: bool | None
) -> None:
    found = gap(low, high)
    assert equivalent(found, 0.01) is same
    assert no_worse(found, 0.01, "higher") is higher
    assert no_worse(found, 0.01, "lower") is lower


@steady
@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_no_change_is_no_worse_in_both_directions(low: float, width: float, margin: float) -> None:
    found = gap(low, low + width)
    both = no_worse(found, margin, "higher") and no_worse(found, margin, "lower")
    assert equivalent(found, margin) is both


def test_sums_within_stand_in_the_order_of_appearance() -> None:
    assert sums_within([1.0, 2.0, 4.0, 8.0], ["b", "a", "b", "c"]) == [5.0, 2.0, 8.0]
    with pytest.raises(ValueError, match="shorter"):
        sums_within([1.0, 2.0], ["a"])


def test_answers_that_repeat_each_other_find_no_more_than_one_answer() -> None:
    alone = smallest_difference([0.0, 1.0, 0.0, 1.0, 1.0], [1.0] * 5, level=0.05)
    three = [d for d in (0.0, 1.0, 0.0, 1.0, 1.0) for _ in range(3)]
    prompts = [prompt for prompt in "abcde" for _ in range(3)]
    assert smallest_difference(three, [1.0] * 15, level=0.05, clusters=prompts) == pytest.approx(alone)
    assert smallest_difference(three, [1.0] * 15, level=0.05, clusters=["a"] * 15) is None
    by_item = smallest_difference(three, [1.0] * 15, level=0.05)
    assert by_item is not None
    assert alone is not None
    assert by_item < alone / 1.5
