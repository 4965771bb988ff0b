"""Share of supported facts, and FActScore's aggregation of it (Min et al. 2023)."""

import math
from collections.abc import Sequence

ENOUGH_FACTS = 10


def length_penalty(facts: int, *, enough: int = ENOUGH_FACTS) -> float:
    """1 for more than `enough` facts, else exp(1 - enough / facts): a response that says little is not let off."""
    if facts < 1:
        raise ValueError(f"{facts} facts: a response without a fact has no score")
    return 1.0 if facts > enough else math.exp(1 - enough / facts)


def factscore(supported: Sequence[bool]) -> float:
    """The share of the facts that are supported, times the length penalty."""
    penalty = length_penalty(len(supported))
    return sum(supported) / len(supported) * penalty
