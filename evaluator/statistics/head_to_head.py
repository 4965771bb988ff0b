"""How often one policy's answers are preferred to another's where people ranked both together, with an interval."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from evaluator.statistics.intervals import Interval
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by

UNDECIDED = "no ranking places an answer of both"


@dataclass(frozen=True)
class Judged:
    """One ranking: its item, and the tiers (1 best, None in no tier) of the answers of each of the two policies."""

    item: Hashable
    ours: Sequence[int | None]
    theirs: Sequence[int | None]


def win_rate(rankings: Iterable[Judged], *, sampling: Sampling = Sampling()) -> Interval:
    """Mean over rankings of the share of pairs (one of ours, one of theirs) that ours win, a tie half; n counts items.

    In no tier is below every tier; two in no tier are mutually unknown and no pair. Every ranking that decides a pair
    weighs the same, however many answers it holds. BCa interval over resampled items: people who rank the same item
    are no independent witnesses. None with the reason below `sampling.fewest` items.
    """
    told = [(one.item, share) for one in rankings if (share := _share(one)) is not None]
    index = {item: number for number, item in enumerate(dict.fromkeys(item for item, _ in told))}
    if len(index) < sampling.fewest:
        return not_enough(len(index), sampling.fewest, "items that tell")
    cluster = np.array([index[item] for item, _ in told], dtype=np.int64)
    shares = np.array([share for _, share in told], dtype=np.float64)
    return bootstrap_sums(
        sums_by(cluster, len(index), shares, np.ones(len(shares))),
        ratio,
        n=len(index),
        undefined=UNDECIDED,
        name="win rate",
        share=True,
        sampling=sampling,
    )


def _share(one: Judged) -> float | None:
    """Mean over the pairs a ranking decides of 1 (ours above), 0.5 (tied) and 0; None where it decides none."""
    pairs = [
        _outcome(ours, theirs)
        for ours, theirs in product(one.ours, one.theirs)
        if ours is not None or theirs is not None
    ]
    return sum(pairs) / len(pairs) if pairs else None


def _outcome(ours: int | None, theirs: int | None) -> float:
    if ours is None or theirs is None:
        return 1.0 if theirs is None else 0.0
    return 1.0 if ours < theirs else 0.5 if ours == theirs else 0.0
