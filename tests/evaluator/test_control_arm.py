"""The order with its control arm: who is drawn, where they stand, and that nothing but values and seed decides."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.control_arm import Placed, with_control_arm
from tests.evaluator.lines import steady

VALUES = {f"item {number:02}": float(number % 7) for number in range(30)}


def order(
    values: dict[str, float] = VALUES, *, share: float = 0.2, seed: int = 0, high: bool = True
) -> list[Placed]:
    return with_control_arm(values, highest_first=high, control_share=share, seed=seed)


def arm(placed: list[Placed], name: str) -> list[str]:
    return [one.item for one in placed if one.arm == name]


@given(st.integers(2, 40), st.floats(0.01, 0.99), st.integers(0, 99), st.booleans())
@steady
def test_every_item_stands_once_and_the_rule_is_kept(count: int, share: float, seed: int, high: bool) -> None:
    values = {f"i{number}": float(number % 5) for number in range(count)}
    placed = order(values, share=share, seed=seed, high=high)
    assert sorted(one.item for one in placed) == sorted(values)
    chosen = [values[item] for item in arm(placed, "chosen")]
    assert chosen == sorted(chosen, reverse=high)
    control = len(placed) - len(chosen)
    assert control == min(count - 1, max(1, round(share * count)))
    # One in each of as many pieces of one length.
    places = [at for at, one in enumerate(placed) if one.arm == "control"]
    for piece, at in enumerate(places):
        assert piece * count // control <= at < (piece + 1) * count // control


def test_the_order_of_the_file_does_not_matter_and_the_seed_does() -> None:
    backwards = dict(reversed(VALUES.items()))
    assert order(backwards) == order()
    assert order(seed=1) != order()


def test_whom_chance_draws_has_nothing_to_do_with_the_value() -> None:
    drawn = Counter(item for seed in range(600) for item in arm(order(seed=seed), "control"))
    assert set(drawn) == set(VALUES)
    # 600 draws at 6 of 30: mean 120, standard deviation 9.8; five of these are 49.
    assert max(abs(count - 120) for count in drawn.values()) < 49


def test_control_items_stand_in_random_order_at_random_places() -> None:
    heads = {arm(order(seed=seed), "control")[0] for seed in range(200)}
    assert len(heads) > 25
    firsts = Counter([one.arm for one in order(seed=seed)].index("control") for seed in range(500))
    assert set(firsts) == {0, 1, 2, 3, 4}
    assert min(firsts.values()) > 60
    rising = [pairwise(arm(order(seed=seed), "control")) for seed in range(50)]
    assert 0.35 < sum(a < b for pairs in rising for a, b in pairs) / 250 < 0.65


def test_equal_values_stand_in_random_order() -> None:
    same = dict.fromkeys(VALUES, 1.0)
    assert len({arm(order(same, seed=seed), "chosen")[0] for seed in range(200)}) > 25


@pytest.mark.parametrize(("values", "share"), [({"a": 1.0}, 0.5), (VALUES, 0.0), (VALUES, 1.0)])
def test_what_cannot_be_dealt_is_refused(values: dict[str, float], share: float) -> None:
    with pytest.raises(ValueError, match="wanted two or more, 0 < share < 1"):
        order(values, share=share)
