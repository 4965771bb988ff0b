"""What a rule that chose items brought, against a random control arm of the same queue.

`P(i over j)` is the mean over the reward models that made the order of sigma(r_i - r_j): what they held before anybody
labelled the item. Log loss and accuracy so say how much the labels told that those models did not know; they do not say
that a model trained on them is better, which only training on each arm shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.acquisition import preference_probabilities
from evaluator.statistics.agreement import label_pairs
from evaluator.statistics.control_arm import ARMS, Arm
from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import (
    FIRST,
    SECOND,
    UNKNOWN,
    AlignedRankings,
    RankingLabel,
    align,
    first_and_repeated,
    pairs_within,
)
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Scores = Mapping[str, Sequence[float]]
NO_PAIR = "no pair"


@dataclass(frozen=True)
class ArmFigure:
    """One figure in both arms, and chosen less control; `n` counts items."""

    name: str
    chosen: Interval
    control: Interval
    difference: Interval


@dataclass(frozen=True)
class ArmComparison:
    """All figures, and on how many labels of how many items of each arm they rest."""

    figures: list[ArmFigure]
    labels: Mapping[Arm, int]
    items: Mapping[Arm, int]


@dataclass(frozen=True)
class _Told:
    """What N rows (labels, or pairs of labels) tell: the item of each, the arm of each, whether chosen."""

    item: Integers
    cluster: Integers
    clusters: int
    chosen: NDArray[np.bool_]


def compare_arms(
    labels: Sequence[RankingLabel],
    *,
    arm_of: Mapping[str, Arm],
    scores_of: Mapping[str, Scores],
    sampling: Sampling = Sampling(),
) -> ArmComparison:
    """Figures of the labels of items in `arm_of`; `scores_of` gives each such item's members' scores by response.

    decided: pairs put in a strict order, of those a label knows. log_loss: mean of -ln P(preferred over other) over
    decided pairs, in nats; 0.693 is what a model that knows nothing has. accuracy: decided pairs that P orders the same
    way, P = 1/2 one half. agreement: pairs of which two annotators say the same. Intervals resample prompts, those of
    both arms together, so that the sizes of the arms are resampled too.
    """
    first, _ = first_and_repeated(label for label in labels if label.item in arm_of)
    aligned = align(first)
    chosen = np.array([arm_of[name] == "chosen" for name in aligned.items], dtype=np.bool_)
    told = _told(aligned, aligned.item, chosen)
    known = (aligned.relations != UNKNOWN).sum(axis=1)
    decided, loss, hits = _against(aligned, scores_of)
    pairs = label_pairs(aligned, *pairs_within(aligned.item))
    between = _told(aligned, aligned.item[pairs.first], chosen)
    figures = [
        _figure("decided", told, decided, known, sampling, share=True),
        _figure("log_loss", told, loss, decided, sampling),
        _figure("accuracy", told, hits, decided, sampling, share=True),
        _figure("agreement", between, pairs.same, pairs.known, sampling, share=True),
    ]
    of_label = dict(zip(ARMS, (chosen[aligned.item], ~chosen[aligned.item]), strict=True))
    items: dict[Arm, int] = {"chosen": int(chosen.sum()), "control": int((~chosen).sum())}
    return ArmComparison(figures, {arm: int(of_label[arm].sum()) for arm in ARMS}, items)


def _told(aligned: AlignedRankings, item: Integers, chosen: NDArray[np.bool_]) -> _Told:
    return _Told(item, aligned.cluster[item], aligned.clusters, chosen[item])


def _against(aligned: AlignedRankings, scores_of: Mapping[str, Scores]) -> tuple[Integers, Floats, Floats]:
    """Decided pairs, their summed log loss and hits of each label, [L]."""
    first = _probabilities(aligned, scores_of)[aligned.item]
    decided = (aligned.relations == FIRST) | (aligned.relations == SECOND)
    preferred = np.where(aligned.relations == FIRST, first, 1 - first)
    # The smallest number above 0 that a double tells from it: a score of a thousand is no infinite surprise.
    safe = np.maximum(preferred, np.finfo(np.float64).tiny)
    loss = np.where(decided, -np.log(safe, where=decided, out=np.zeros_like(safe)), 0.0).sum(axis=1)
    hits = np.where(decided, (1 + np.sign(2 * preferred - 1)) / 2, 0.0).sum(axis=1)
    return decided.sum(axis=1), loss, hits


def _probabilities(aligned: AlignedRankings, scores_of: Mapping[str, Scores]) -> Floats:
    """P(first over second) of each item's column pairs, [I, pairs of columns]; 1/2 where there is no such column."""
    width = aligned.ranks.shape[1]
    grid = np.full((len(aligned.items), width, width), 0.5)
    for at, name in enumerate(aligned.items):
        members = np.array([scores_of[name][one] for one in sorted(scores_of[name])], dtype=np.float64).T
        first, second = np.triu_indices(members.shape[1], 1)
        grid[at, first, second] = preference_probabilities(members).mean(axis=0)
    first, second = np.triu_indices(width, 1)
    return np.asarray(grid[:, first, second])


def _figure(
    name: str,
    told: _Told,
    part: NDArray[np.generic],
    whole: Integers,
    sampling: Sampling,
    *,
    share: bool = False,
) -> ArmFigure:
    """Σ`part` / Σ`whole` of each arm and their difference; both are [N]."""
    masks = {"chosen": told.chosen, "control": ~told.chosen}
    columns = [column * mask for mask in masks.values() for column in (part, whole)]
    rows = sums_by(told.cluster, told.clusters, *columns)
    found: dict[str, Interval] = {}
    items = {arm: len(np.unique(told.item[mask & (whole > 0)])) for arm, mask in masks.items()}
    for at, arm in enumerate(ARMS):
        found[arm] = (
            not_enough(items[arm], sampling.fewest, "items of this arm")
            if items[arm] < sampling.fewest
            else bootstrap_sums(
                rows[:, 2 * at : 2 * at + 2],
                ratio,
                n=items[arm],
                undefined=NO_PAIR,
                name=f"{name} {arm}",
                share=share,
                sampling=sampling,
            )
        )
    return ArmFigure(name, found["chosen"], found["control"], _difference(name, rows, items, sampling))


def _difference(name: str, rows: Floats, items: Mapping[str, int], sampling: Sampling) -> Interval:
    fewest = min(items.values())
    if fewest < sampling.fewest:
        return not_enough(fewest, sampling.fewest, "items in the smaller arm")
    return bootstrap_sums(
        rows,
        lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]),
        n=sum(items.values()),
        undefined=NO_PAIR,
        name=f"{name} difference",
        sampling=sampling,
    )
