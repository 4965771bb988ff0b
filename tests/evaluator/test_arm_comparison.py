"""Figures of both arms against numbers reckoned by hand."""

from __future__ import annotations

import math

import pytest

from evaluator.statistics.arm_comparison import ArmComparison, ArmFigure, compare_arms
from evaluator.statistics.control_arm import Arm
from evaluator.statistics.ranking_labels import RankingLabel
from evaluator.statistics.resampling import Sampling

LN3 = math.log(3)
POINTS = Sampling(resamples=0, fewest=1)


def label(item: str, tiers: dict[str, int | None], annotator: str = "ada") -> RankingLabel:
    return RankingLabel(item, annotator, tuple(tiers), tuple(tiers.values()))


def compare(
    labels: list[RankingLabel],
    arms: dict[str, Arm],
    scores: dict[str, dict[str, list[float]]],
    sampling: Sampling = POINTS,
) -> ArmComparison:
    return compare_arms(labels, arm_of=arms, scores_of=scores, sampling=sampling)


def figures(found: ArmComparison) -> dict[str, ArmFigure]:
    return {figure.name: figure for figure in found.figures}


# Members hold a over b with 3/4 and 1/2: the mean is 5/8; b over c with 1/4 each; a over c with 1/2 and 1/4: 3/8.
SCORES = {"a": [LN3, 0.0], "b": [0.0, 0.0], "c": [LN3, LN3]}


def test_figures_are_those_reckoned_by_hand() -> None:
    labels = [
        # a > b (5/8, right), a > c (3/8, wrong), b = c.
        label("x", {"a": 1, "b": 2, "c": 2}),
        # c > a (5/8), c > b (3/4), a = b; said in another order of the responses.
        label("x", {"c": 1, "b": 2, "a": 2}, "ben"),
        # b > a alone is known, with 3/8: c is unranked beside nothing else, below both.
        label("y", {"a": 2, "b": 1, "c": None}),
    ]
    arms: dict[str, Arm] = {"x": "chosen", "y": "control"}
    found = compare(labels, arms, {"x": SCORES, "y": SCORES})
    told = figures(found)
    assert told["decided"].chosen.value == pytest.approx(4 / 6)
    assert told["decided"].control.value == 1.0
    chosen_loss = -(math.log(5 / 8) + math.log(3 / 8) + math.log(5 / 8) + math.log(3 / 4)) / 4
    # y: b over a 3/8, a over c 3/8, b over c 1/4.
    control_loss = -(math.log(3 / 8) + math.log(3 / 8) + math.log(1 / 4)) / 3
    assert told["log_loss"].chosen.value == pytest.approx(chosen_loss)
    assert told["log_loss"].control.value == pytest.approx(control_loss)
    assert told["log_loss"].difference.value == pytest.approx(chosen_loss - control_loss)
    assert told["accuracy"].chosen.value == pytest.approx(3 / 4)
    assert told["accuracy"].control.value == 0.0
    # Of x's pairs ada and ben say the same of none: a > b and a = b, a > c and c > a, b = c and c > b.
    assert told["agreement"].chosen.value == 0.0
    assert told["agreement"].control.reason == "not enough data: 0 items of this arm, wanted 1"
    assert dict(found.labels) == {"chosen": 2, "control": 1}
    assert dict(found.items) == {"chosen": 1, "control": 1}


def test_a_model_that_knows_nothing_has_the_loss_of_a_coin() -> None:
    even = {"a": [0.0], "b": [0.0]}
    found = figures(compare([label("x", {"a": 1, "b": 2})], {"x": "chosen"}, {"x": even}))
    assert found["log_loss"].chosen.value == pytest.approx(math.log(2))
    assert found["accuracy"].chosen.value == 0.5


def test_a_score_of_a_thousand_is_no_infinite_loss() -> None:
    sure = {"a": [0.0], "b": [5000.0]}
    found = figures(compare([label("x", {"a": 1, "b": 2})], {"x": "chosen"}, {"x": sure}))
    assert found["log_loss"].chosen.value == pytest.approx(708.4, abs=0.1)


def test_items_of_unlike_size_and_without_an_arm() -> None:
    labels = [
        label("two", {"a": 1, "b": 2}),
        label("three", {"a": 1, "b": 2, "c": 3}),
        label("none", {"a": 1, "b": 2}),
        # A second label of one person says nothing new.
        label("two", {"a": 2, "b": 1}),
    ]
    arms: dict[str, Arm] = {"two": "control", "three": "control"}
    scores = {"two": {"a": [0.0], "b": [LN3]}, "three": {"a": [0.0], "b": [0.0], "c": [0.0]}}
    found = compare(labels, arms, scores)
    told = figures(found)
    assert told["log_loss"].control.value == pytest.approx((math.log(4) + 3 * math.log(2)) / 4)
    assert told["log_loss"].chosen.value is None
    assert told["decided"].control.value == 1.0
    assert dict(found.labels) == {"chosen": 0, "control": 2}


def many(
    count: int, right: int, arm: str
) -> tuple[list[RankingLabel], dict[str, Arm], dict[str, dict[str, list[float]]]]:
    names = [f"{arm}{number}" for number in range(count)]
    labels = [
        label(name, {"a": 1, "b": 2} if number < right else {"a": 2, "b": 1})
        for number, name in enumerate(names)
    ]
    sure = {"a": [LN3], "b": [0.0]}
    return labels, dict.fromkeys(names, arm), dict.fromkeys(names, sure)  # type: ignore[arg-type]


def test_a_difference_has_an_interval_clustered_by_prompt() -> None:
    chosen, control = many(40, 10, "chosen"), many(30, 27, "control")
    found = compare(
        [*chosen[0], *control[0]],
        chosen[1] | control[1],
        chosen[2] | control[2],
        Sampling(seed=3, resamples=400),
    )
    accuracy = figures(found)["accuracy"]
    assert (accuracy.chosen.value, accuracy.control.value) == (0.25, 0.9)
    difference = accuracy.difference
    assert difference.value == pytest.approx(-0.65)
    assert difference.low is not None
    assert difference.high is not None
    # The normal interval of two independent shares is ± 1.96 · sqrt(.1875 / 40 + .09 / 30) = ± 0.172.
    assert difference.low == pytest.approx(-0.822, abs=0.05)
    assert difference.high == pytest.approx(-0.478, abs=0.05)
    assert difference.n == 70


def test_too_few_items_in_one_arm_are_not_enough() -> None:
    chosen, control = many(12, 6, "chosen"), many(9, 5, "control")
    found = figures(
        compare(
            [*chosen[0], *control[0]], chosen[1] | control[1], chosen[2] | control[2], Sampling(resamples=100)
        )
    )["log_loss"]
    assert found.chosen.value is not None
    assert found.control.reason == "not enough data: 9 items of this arm, wanted 10"
    assert found.difference.reason == "not enough data: 9 items in the smaller arm, wanted 10"


def test_no_label_at_all_is_not_enough() -> None:
    found = compare([], {"x": "chosen"}, {"x": SCORES}, Sampling(resamples=10))
    assert all(figure.difference.value is None for figure in found.figures)
