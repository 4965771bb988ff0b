"""Distances of ratings of the same answers: exact on small numbers, and what is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.chance_corrected import RatingLabel
from evaluator.statistics.rating_agreement import (
    known_agreement,
    rated_items,
    rating_annotators,
    rating_consistency,
    same_answer,
    same_side,
    shared_agreement,
    within_one_step,
)
from evaluator.statistics.resampling import Sampling

FEW = Sampling(seed=0, resamples=200, fewest=1)


def label(item: str, who: str, value: float, response: str = "r", prompt: str | None = None) -> RatingLabel:
    return RatingLabel(item, response, who, value, prompt)


def test_an_items_distance_is_the_mean_over_all_pairs() -> None:
    told = [label("a", "x", 1), label("a", "y", 4), label("a", "z", 7), label("b", "x", 2)]
    (one,) = rated_items(told)
    # |1-4|, |1-7|, |4-7|
    assert (one.item, one.labels, one.distance) == ("a", 3, 4.0)


def test_only_ratings_of_the_same_answer_are_compared_and_the_first_counts() -> None:
    apart = [label("a", "x", 1, "r"), label("a", "y", 7, "s")]
    assert rated_items(apart) == []
    (one,) = rated_items([label("a", "x", 3), label("a", "y", 4), label("a", "x", 7)])
    assert (one.labels, one.distance) == (2, 1.0)


def test_items_keep_the_order_they_came_in() -> None:
    told = [label(item, who, 1) for item in "cab" for who in "xy"]
    assert [one.item for one in rated_items(told)] == ["c", "a", "b"]


def test_one_annotator_beside_all_others() -> None:
    told = [
        label("a", "x", 5),
        label("a", "y", 3),
        label("a", "z", 6),
        label("b", "x", 2),
        label("b", "y", 1),
    ]
    x, y, z = rating_annotators(told, FEW)
    # x: 5-3, 5-6, 2-1
    assert (x.annotator, x.ratings, x.distance.n) == ("x", 2, 2)
    assert x.distance.value == pytest.approx(4 / 3)
    assert x.leaning.value == pytest.approx(2 / 3)
    # y: 3-5, 3-6, 1-2
    assert y.leaning.value == pytest.approx(-2)
    assert y.distance.value == pytest.approx(2)
    assert z.leaning.value == pytest.approx(2)
    assert z.distance.value == pytest.approx(2)


def test_too_few_items_give_no_figure_but_a_reason() -> None:
    told = [label("a", "x", 5), label("a", "y", 3), label("b", "x", 5)]
    x, y = rating_annotators(told)
    assert x.distance.value is None
    assert x.distance.reason == "not enough data: 1 item that another annotator rated too, wanted 10"
    assert (x.ratings, y.ratings) == (2, 1)


def test_whole_prompts_are_drawn_again() -> None:
    told = [
        label(f"{n}", who, 1 + (n % 7) * (who == "x"), prompt=f"{n % 2}") for n in range(14) for who in "xy"
    ]
    alone = [label(one.item, one.annotator, one.value) for one in told]
    by_prompt, by_item = (rating_annotators(labels, FEW)[0].leaning for labels in (told, alone))
    assert by_prompt.value == by_item.value
    assert (by_prompt.low, by_prompt.high) != (by_item.low, by_item.high)


@given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 7)), min_size=2, max_size=12))
def test_what_one_leans_above_the_other_leans_below(pairs: list[tuple[int, int]]) -> None:
    told = [
        label(str(n), who, value)
        for n, pair in enumerate(pairs)
        for who, value in zip("xy", pair, strict=True)
    ]
    x, y = rating_annotators(told, Sampling(resamples=0, fewest=1))
    assert x.leaning.value == pytest.approx(-(y.leaning.value or 0))
    assert x.distance.value == pytest.approx(y.distance.value)
    assert abs(x.leaning.value or 0) <= (x.distance.value or 0) + 1e-9


@pytest.mark.parametrize(
    ("value", "right", "near", "same"),
    [
        (4, 4, True, False),
        (5, 4, True, False),
        (3, 4, True, False),
        (6, 4, False, False),
        (2, 4, False, False),
        (7, 5, False, True),
        (5, 6, True, True),
        (3, 5, False, False),
        (4, 5, True, False),
        (3, 1, False, True),
        (5, 3, False, False),
    ],
)
def test_ratings_agree_within_one_step_and_answers_on_one_side(
    value: int, right: int, near: bool, same: bool
) -> None:
    assert (within_one_step(value, right), same_side(value, right)) == (near, same)


def test_of_known_answers_the_share_that_agrees() -> None:
    """Of four known ratings three lie within a step; a second rating of an answer and unknown ones do not count."""
    known = {("a", "helpful"): 4.0, ("a", "honest"): 7.0, ("b", "helpful"): 1.0, ("c", "helpful"): 5.0}
    first = [("a", "helpful", 5), ("a", "honest", 5), ("b", "helpful", 1), ("c", "helpful", 6)]
    more = [("a", "helpful", 1), ("a", "harmless", 1), ("d", "helpful", 1)]
    ratings = [RatingLabel(item, name, "x", value) for item, name, value in [*first, *more]]
    found = known_agreement(ratings, known, within_one_step, Sampling(resamples=0, fewest=3))
    assert (found.value, found.n) == (0.75, 3)
    few = known_agreement(ratings, known, within_one_step, Sampling(resamples=0, fewest=4))
    assert (few.value, few.n, few.reason) == (None, 3, "not enough data: 3 gold items, wanted 4")


def test_an_answer_is_the_same_where_it_is_yes_no_or_neither() -> None:
    same = {(a, b) for a in range(1, 8) for b in range(1, 8) if same_answer(a, b)}
    groups = [{1, 2, 3}, {4}, {5, 6, 7}]
    assert same == {(a, b) for group in groups for a in group for b in group}


def test_the_share_of_pairs_that_agree() -> None:
    told = [label("a", "x", 4), label("a", "y", 5), label("a", "z", 6), label("a", "x", 1, response="s")]
    # 4 and 5, 5 and 6 are a point apart, 4 and 6 are two; the other answer has nobody to agree with.
    assert shared_agreement(told, within_one_step) == pytest.approx(2 / 3)
    assert shared_agreement(told[:1], within_one_step) is None
    assert shared_agreement([told[0], told[3]], within_one_step) is None


def test_what_was_said_first_is_what_is_said_again() -> None:
    before = [label("a", "x", 4), label("a", "x", 7), label("b", "x", 4), label("c", "x", 4)]
    again = [label("a", "x", 4), label("a", "x", 7), label("b", "x", 6), label("d", "x", 4)]
    found = rating_consistency(again, before, within_one_step, FEW)
    assert (found.value, found.n) == (0.5, 2)
    few = rating_consistency(again, before, within_one_step, Sampling(seed=0, resamples=0, fewest=3))
    assert (few.value, few.n) == (None, 2)
    assert "items labelled twice" in str(few.reason)
