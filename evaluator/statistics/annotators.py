"""How good each annotator's rankings are: against others, gold and themselves, and what else may have moved them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.agreement import label_pairs, share_figure, tau_figure
from evaluator.statistics.intervals import Interval, exact_share
from evaluator.statistics.position_bias import PositionFlag, position_flag
from evaluator.statistics.ranking_labels import (
    TIE,
    UNKNOWN,
    AlignedRankings,
    Floats,
    Integers,
    RankingLabel,
    align,
    first_and_repeated,
    numbered,
    pairs_within,
)
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by
from evaluator.statistics.speed import Speed, speed

FEWEST_CHECKS = 5  # of gold items and of hidden repeats, which are rare


@dataclass(frozen=True)
class AnnotatorQuality:
    """All figures of one annotator; `labels` counts their first labels, `repeats` the later ones of the same items.

    `agreement`, `strict` and `tau_b` as in `Agreement`, over pairs of labels that hold one of this annotator's. `gold`:
    share of the pairs that gold orders strictly which the annotator orders the same. `consistency`: what they said
    again of the same pair when they saw the item in another order. `position_slope`: ranks from 0 (best) to 1 on places
    shown from 0 (first) to 1, 0 where the order shown moves nothing, 1 where it is the ranking. `first_wins`: how often
    the first shown was alone in the best tier, of items with one winner. `length_preference`: by how much of the whole
    range of ranks a response twice as long stands higher.
    """

    annotator: str
    labels: int
    repeats: int
    agreement: Interval
    strict: Interval
    tau_b: Interval
    gold: Interval
    consistency: Interval
    position_slope: Interval
    first_wins: Interval
    first_wins_by_chance: float | None
    length_preference: Interval
    position: PositionFlag
    speed: Speed


def annotator_quality(
    labels: Sequence[RankingLabel],
    *,
    gold: Sequence[RankingLabel] = (),
    sampling: Sampling = Sampling(),
) -> list[AnnotatorQuality]:
    """The quality of every annotator, by name. Give labels in order of time; `gold` holds one ranking an item."""
    first, repeated = first_and_repeated(labels)
    own: dict[str, list[RankingLabel]] = defaultdict(list)
    every: dict[str, list[RankingLabel]] = defaultdict(list)
    again: dict[str, list[tuple[RankingLabel, RankingLabel]]] = defaultdict(list)
    for label in first:
        own[label.annotator].append(label)
    for label in labels:
        every[label.annotator].append(label)
    for pair in repeated:
        again[pair[0].annotator].append(pair)
    with_others = _with_others(first, sampling)
    right = {label.item: label for label in gold}
    found = []
    for name in sorted(own):
        agreeing, strict, tau = with_others(name)
        found.append(
            AnnotatorQuality(
                annotator=name,
                labels=len(own[name]),
                repeats=len(again[name]),
                agreement=agreeing,
                strict=strict,
                tau_b=tau,
                gold=gold_agreement(own[name], right, sampling),
                consistency=self_consistency(again[name], sampling),
                position_slope=position_slope(own[name], sampling),
                first_wins=first_wins(own[name], sampling),
                first_wins_by_chance=_chance(own[name]),
                length_preference=length_preference(own[name], sampling),
                position=position_flag(own[name]),
                speed=speed(every[name]),
            )
        )
    return found


def gold_agreement(
    labels: Iterable[RankingLabel], gold: Mapping[str, RankingLabel], sampling: Sampling = Sampling()
) -> Interval:
    """Share of the response pairs that gold orders strictly which `labels` order the same.

    A tie is not the same, nor are two responses left unranked: an annotator gains nothing by not answering. Gold's own
    ties ask for nothing.
    """
    matched = [label for label in labels if label.item in gold]
    both = align([*matched, *(replace(gold[label.item], annotator="gold") for label in matched)])
    given, right = both.relations[: len(matched)], both.relations[len(matched) :]
    asked = (right != UNKNOWN) & (right != TIE)
    item = both.item[: len(matched)]
    rows = (asked & (given == right)).sum(axis=1), asked.sum(axis=1)
    return _checked(both, item, rows, "gold items", sampling)


def self_consistency(
    repeated: Iterable[tuple[RankingLabel, RankingLabel]], sampling: Sampling = Sampling()
) -> Interval:
    """Share of response pairs of which both labels of one annotator say the same (first, second, tie).

    Repeats known to have been shown in the same order are left out: they test the eye, not the judgement.
    """
    kept = [(one, two) for one, two in repeated if not one.shown or one.shown != two.shown]
    both = align([one for one, _ in kept] + [two for _, two in kept])
    count = len(kept)
    pairs = label_pairs(both, np.arange(count), count + np.arange(count))
    return _checked(both, both.item[:count], (pairs.same, pairs.known), "items labelled twice", sampling)


def position_slope(labels: Sequence[RankingLabel], sampling: Sampling = Sampling()) -> Interval:
    """Least-squares slope of rank on place shown, both within the item from 0 to 1."""
    places = [np.array([label.shown.index(one) for one in label.responses]) for label in _placed(labels)]
    scaled = [place / (len(place) - 1) for place in places]
    return _slope(_placed(labels), scaled, "items with an order shown", "position slope", sampling)


def length_preference(labels: Sequence[RankingLabel], sampling: Sampling = Sampling()) -> Interval:
    """Least-squares slope, within items, of minus the rank (from 0 to 1) on log2 of the length in words."""
    kept = [label for label in labels if label.words]
    lengths = [-np.log2(np.maximum(np.array(label.words), 1)) for label in kept]
    return _slope(kept, lengths, "items of responses of unequal length", "length preference", sampling)


def first_wins(labels: Sequence[RankingLabel], sampling: Sampling = Sampling()) -> Interval:
    """How often the first shown won, of items with one winner, with Clopper and Pearson's interval."""
    won = [
        label.shown[0] in label.responses and _winner(label) == label.shown[0] for label in _decided(labels)
    ]
    return exact_share(sum(won), len(won), "items with an order shown and one winner", fewest=sampling.fewest)


def _chance(labels: Sequence[RankingLabel]) -> float | None:
    decided = _decided(labels)
    return sum(1 / len(label.responses) for label in decided) / len(decided) if decided else None


def _placed(labels: Sequence[RankingLabel]) -> list[RankingLabel]:
    return [label for label in labels if label.shown]


def _decided(labels: Sequence[RankingLabel]) -> list[RankingLabel]:
    return [label for label in _placed(labels) if _winner(label) is not None]


def _winner(label: RankingLabel) -> str | None:
    """The response alone in the best tier."""
    ranked = [tier for tier in label.tiers if tier is not None]
    best = [
        one for one, tier in zip(label.responses, label.tiers, strict=True) if ranked and tier == min(ranked)
    ]
    return best[0] if len(best) == 1 else None


def _with_others(
    labels: Sequence[RankingLabel], sampling: Sampling
) -> Callable[[str], tuple[Interval, Interval, Interval]]:
    """A function from an annotator to their agreement with all others; what it needs is reckoned once."""
    aligned = align(labels)
    pairs = label_pairs(aligned, *pairs_within(aligned.item))
    index = {name: at for at, name in enumerate(dict.fromkeys(label.annotator for label in labels))}
    who = numbered(label.annotator for label in labels)
    among = "items that another annotator labelled too"

    def figures(annotator: str) -> tuple[Interval, Interval, Interval]:
        mine = (who[pairs.first] == index[annotator]) | (who[pairs.second] == index[annotator])
        kept = pairs.only(mine)
        return (
            share_figure(
                aligned,
                kept,
                kept.same,
                kept.known,
                name=f"pairwise {annotator}",
                among=among,
                sampling=sampling,
            ),
            share_figure(
                aligned,
                kept,
                kept.same_strict,
                kept.strict,
                name=f"strict {annotator}",
                among=among,
                sampling=sampling,
            ),
            tau_figure(aligned, kept, name=f"tau {annotator}", among=among, sampling=sampling),
        )

    return figures


def _checked(
    aligned: AlignedRankings,
    item: Integers,
    counts: tuple[Integers, Integers],
    among: str,
    sampling: Sampling,
) -> Interval:
    hits, total = counts
    found = len(np.unique(item[total > 0]))
    if found < FEWEST_CHECKS:
        return not_enough(found, FEWEST_CHECKS, among)
    rows = sums_by(aligned.cluster[item], aligned.clusters, hits, total)
    return bootstrap_sums(
        rows, ratio, n=found, undefined="no pair", name=among, share=True, sampling=sampling
    )


def _slope(
    labels: Sequence[RankingLabel], causes: Sequence[Floats], among: str, name: str, sampling: Sampling
) -> Interval:
    """Σxy / Σx² with x and y centred within each label; a response whose rank is not known is left out."""
    aligned = align(labels)
    products = np.zeros((len(labels), 2))
    for row, (label, cause) in enumerate(zip(labels, causes, strict=True)):
        products[row] = _products(cause, _ranks(label))
    tells = products[:, 1] > 0
    found = len(np.unique(aligned.item[tells]))
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, among)
    rows = sums_by(aligned.cluster[aligned.item], aligned.clusters, *products.T)
    return bootstrap_sums(rows, ratio, n=found, undefined="no spread", name=name, sampling=sampling)


def _products(cause: Floats, ranks: Floats) -> tuple[float, float]:
    known = np.isfinite(ranks)
    if known.sum() < 2:
        return 0.0, 0.0
    x = cause[known] - cause[known].mean()
    y = ranks[known] - ranks[known].mean()
    return float(x @ y), float(x @ x)


def _ranks(label: RankingLabel) -> Floats:
    """Midranks in the order of the label's responses, from 0 (best) to 1 (worst); NaN where not known."""
    tiers: NDArray[np.float64] = np.array([np.inf if tier is None else tier for tier in label.tiers])
    unknown = np.isinf(tiers) & (np.isinf(tiers).sum() > 1)
    better = (tiers[None, :] < tiers[:, None]).sum(axis=1)
    equal = (tiers[None, :] == tiers[:, None]).sum(axis=1)
    return np.where(unknown, np.nan, (better + (equal - 1) / 2) / (len(tiers) - 1))
