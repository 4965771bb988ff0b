"""Style of responses, and ratings with it held equal: planted effects come back, none stays none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evaluator.statistics.rating_intervals import Resampling
from evaluator.statistics.rating_pairs import PolicyRanking
from evaluator.statistics.style import features
from evaluator.statistics.style_control import StyleControlled, style_controlled

LONGER = 0.8  # natural units for each doubling of length
POINTS = 400 / math.log(10)


def counts(text: str) -> list[int]:
    return [round(math.expm1(one)) for one in features(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [0, 0, 0, 0]),
        ("two words", [2, 0, 0, 0]),
        ("你好, world", [3, 0, 0, 0]),
        ("# A\n\n## B\n#no\n    # code", [4, 2, 0, 0]),
        ("- one\n* two\n+ three\n1. four\n2) five\n-six", [8, 0, 5, 0]),
        ("**bold** and __too__, ** not ** this", [5, 0, 0, 2]),
        ("```\n# A\n- b\n**c**\n```\n- d", [4, 0, 1, 0]),
    ],
)
def test_what_counts_as_style(text: str, found: list[int]) -> None:
    assert counts(text) == found


def planted(rankings: int, seed: int) -> list[PolicyRanking]:
    """a writes twice as long as b and c at first sight is better; a and b are equal once length is out of it."""
    rng = np.random.default_rng(seed)
    true, habit = {"a": 0.0, "b": 0.0, "c": 0.7}, {"a": 1.0, "b": 0.0, "c": 0.0}
    found = []
    for number in range(rankings):
        doublings = {name: habit[name] + rng.normal() for name in true}
        worth = {name: true[name] + LONGER * doublings[name] + rng.gumbel() for name in true}
        order = sorted(true, key=lambda name: -worth[name])
        looks = tuple((doublings[name] * math.log(2), 0.0, rng.random(), 0.0) for name in order)
        places = tuple((name, tier) for tier, name in enumerate(order))
        found.append(PolicyRanking(f"k{number}", places, f"n{number % 30}", style=looks))
    return found


@pytest.fixture(scope="module")
def controlled() -> StyleControlled:
    return style_controlled(planted(700, 1), ["a", "b", "c"], Resampling(0, 60), tie_model="davidson")


def test_the_planted_effect_comes_back(controlled: StyleControlled) -> None:
    length = dict(controlled.coefficients)["length"]
    assert length.low is not None
    assert length.high is not None
    assert length.low < LONGER * POINTS < length.high
    assert 5 < length.high - length.low < 60
    lists = dict(controlled.coefficients)["lists"]
    assert lists.low is not None
    assert lists.high is not None
    assert lists.low < 0 < lists.high


def test_what_nobody_differs_in_has_no_coefficient(controlled: StyleControlled) -> None:
    for name in ("headers", "bold"):
        assert dict(controlled.coefficients)[name].reason == "no response differs in it"


def test_ratings_are_those_of_equal_style(controlled: StyleControlled) -> None:
    rated = dict(controlled.ratings)
    assert rated["a"].value == pytest.approx(rated["b"].value, abs=35)
    gap = (rated["c"].value or 0) - (rated["b"].value or 0)
    assert gap == pytest.approx(0.7 * POINTS, abs=35)
    assert sum(one.value or 0 for one in rated.values()) == pytest.approx(3000)
    assert rated["c"].low is not None
    assert rated["c"].low < (rated["c"].value or 0)


def test_annotators_may_be_drawn(controlled: StyleControlled) -> None:
    found = style_controlled(
        planted(700, 1), ["a", "b", "c"], Resampling(0, 60, "annotators"), tie_model="davidson"
    )
    assert [one.value for _, one in found.ratings] == [one.value for _, one in controlled.ratings]
    assert [one.low for _, one in found.ratings] != [one.low for _, one in controlled.ratings]
    assert found.ratings[0][1].method == "percentile bootstrap over annotators"


def test_style_that_explains_everything_is_no_coefficient() -> None:
    """The longer one always wins: its coefficient has no end."""
    rankings = [
        PolicyRanking(
            f"k{at}",
            (("a", at % 2), ("b", 1 - at % 2)),
            "ada",
            style=((1.0 - at % 2, 0, 0, 0), (0.0 + at % 2, 0, 0, 0)),
        )
        for at in range(40)
    ]
    found = style_controlled(rankings, ["a", "b"], Resampling(0, 10), tie_model="davidson")
    assert all(one.value is None and "no finite ratings" in (one.reason or "") for _, one in found.ratings)


def test_rankings_with_others_are_left_out() -> None:
    rankings = planted(60, 2)
    stranger = PolicyRanking("x", (("a", 0), ("z", 1)), "ada", style=((9.0, 9.0, 9.0, 9.0), (0.0,) * 4))
    few = style_controlled([*rankings, stranger], ["a", "b", "c"], Resampling(0, 10), tie_model="davidson")
    assert few.ratings[0][1].n == 60
