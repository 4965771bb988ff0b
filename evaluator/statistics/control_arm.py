"""An order of items by a rule, with a random control arm dealt over it, so that what the rule gains can be measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from evaluator.statistics.intervals import generator

Arm = Literal["chosen", "control"]
ARMS: tuple[Arm, Arm] = ("chosen", "control")


@dataclass(frozen=True)
class Placed:
    """One item of an order, and whether the rule put it there or chance."""

    item: str
    arm: Arm


def with_control_arm(
    values: Mapping[str, float], *, highest_first: bool, control_share: float, seed: int
) -> list[Placed]:
    """All items in the order in which they are to be labelled; only `values` and the seed decide it.

    round(share · items) of them, at least one and not all, are drawn without replacement whatever their value: the
    control arm, in random order. The others follow the rule, equal values in random order. The control arm is dealt
    over the whole order: cut into as many pieces of one length, each has one control item at a place drawn in it. So
    both arms are labelled over the same time by the same people, and nobody can tell from the place. Refuses fewer
    than two items and a share that is not between 0 and 1 (ValueError).
    """
    if len(values) < len(ARMS) or not 0 < control_share < 1:
        raise ValueError(f"{len(values)} items, share {control_share}: wanted two or more, 0 < share < 1")
    names = sorted(values)
    drawn = [names[at] for at in generator(seed, "control arm").permutation(len(names))]
    count = max(1, min(len(names) - 1, round(control_share * len(names))))
    control, rest = drawn[:count], drawn[count:]
    # The rest is in random order already: a stable sort leaves equal values so.
    rest.sort(key=lambda name: values[name], reverse=highest_first)
    places = _places(len(names), count, generator(seed, "places"))
    chosen, by_chance = iter(rest), iter(control)
    return [
        Placed(next(by_chance), "control") if place in places else Placed(next(chosen), "chosen")
        for place in range(len(names))
    ]


def _places(items: int, count: int, rng: np.random.Generator) -> set[int]:
    """One place in each of `count` pieces of 0 … items - 1."""
    ends = [number * items // count for number in range(count + 1)]
    return {int(rng.integers(start, end)) for start, end in pairwise(ends)}
