"""How much a ranking weighs in the loss beside the others: the key `weight` of its line, 1 where there is none.

A snapshot of several rounds writes it, so that older rankings may count for less.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from trainer.errors import BadInput
from trainer.json_lines import kind_of
from trainer.rankings import Ranking
from trainer.reward_model.batches import EncodedRanking

WEIGHT = "weight"


def weight_of(ranking: Ranking, source: str) -> float:
    """The line's weight. `source` opens the error; refuses what is no finite number above 0."""
    told = ranking.extra.get(WEIGHT, 1.0)
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < math.inf:
        found = f"{source}: ranking {ranking.id}: {WEIGHT}: found {kind_of(told)}"
        raise BadInput(f"{found}, wanted a number above 0")
    return float(told)


def with_weights(rankings: Sequence[EncodedRanking], source: str) -> list[EncodedRanking]:
    """The rankings, each with the weight of its line. Refuses what `weight_of` refuses."""
    return [replace(encoded, weight=weight_of(encoded.ranking, source)) for encoded in rankings]


def relative(rankings: Sequence[EncodedRanking]) -> list[EncodedRanking]:
    """The rankings with w_i / mean(w): Σ w_i L_i / Σ w_i over the set, so that weights leave the step size alone.

    Equal weights are 1 each exactly, whatever they were. Refuses none.
    """
    weights = [encoded.weight for encoded in rankings]
    # The mean of equal numbers need not be that number to the last bit.
    mean = weights[0] if len(set(weights)) == 1 else fmean(weights)
    return [replace(encoded, weight=encoded.weight / mean) for encoded in rankings]
