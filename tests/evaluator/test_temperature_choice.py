"""The best temperature for each k: on the same problems it flatters itself, on others it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.intervals import generator
from evaluator.statistics.temperature_choice import choose_temperature
from tests.evaluator.lines import steady


def test_each_half_is_scored_at_the_temperature_the_other_chose() -> None:
    names = [f"p{n}" for n in range(6)]
    order = generator(0, "halves of the problems").permutation(6)
    first = {names[int(place)] for place in order[:3]}
    # Hot is best on the first half, cold on the second: each half gets what is worse for it.
    values = {
        0.2: {name: 0.0 if name in first else 1.0 for name in names},
        0.8: {name: 0.9 if name in first else 0.2 for name in names},
    }
    found = choose_temperature(values, seed=0)
    assert found.chosen == (0.8, 0.2)
    assert found.held_out == {name: 0.0 if name in first else 0.2 for name in names}
    assert list(found.held_out) == names
    assert found.best == 0.8
    assert found.flattering == pytest.approx((3 * 0.9 + 3 * 0.2) / 6)


def test_of_equal_temperatures_the_lowest_is_chosen() -> None:
    same = {"a": 0.5, "b": 0.5}
    found = choose_temperature({0.8: same, 0.2: same}, seed=1)
    assert (found.best, found.chosen) == (0.2, (0.2, 0.2))


@pytest.mark.parametrize(
    "values", [{}, {0.2: {"a": 1.0}}, {0.2: {"a": 1.0, "b": 0.0}, 0.8: {"a": 1.0, "c": 0.0}}]
)
def test_what_gives_no_choice_is_refused(values: dict[float, dict[str, float]]) -> None:
    with pytest.raises(ValueError, match="the same two or more problems"):
        choose_temperature(values, seed=0)


FIGURES = st.lists(st.floats(0, 1), min_size=7, max_size=7)


@steady
@given(st.lists(FIGURES, min_size=1, max_size=4), st.integers(0, 5))
def test_the_choice_on_the_same_problems_is_never_below_the_other(rows: list[list[float]], seed: int) -> None:
    names = [f"p{n}" for n in range(7)]
    values = {0.1 * (place + 1): dict(zip(names, row, strict=True)) for place, row in enumerate(rows)}
    found = choose_temperature(values, seed=seed)
    assert found.flattering >= sum(found.held_out.values()) / 7 - 1e-12
    assert found.flattering == pytest.approx(max(sum(one.values()) / 7 for one in values.values()))
    assert set(found.held_out) == set(names)


def test_pure_chance_flatters_only_the_choice_on_the_same_problems() -> None:
    """Ten temperatures that are alike: the best of them looks better than it is, what is held out does not."""
    above_flattering = above_held_out = 0.0
    for seed in range(200):
        draws = generator(seed, "chance").random((10, 40)) < 0.5
        values = {0.1 * t: {f"p{n}": float(draws[t, n]) for n in range(40)} for t in range(10)}
        found = choose_temperature(values, seed=seed)
        above_flattering += found.flattering - 0.5
        above_held_out += sum(found.held_out.values()) / 40 - 0.5
    assert above_flattering / 200 > 0.08
    assert abs(above_held_out / 200) < 0.02
