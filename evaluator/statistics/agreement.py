"""How far annotators agree on rankings with ties, unranked responses and unequal coverage.

Only what two annotators said of the same two responses of the same item is compared. Each annotator's first label of
an item counts; later ones are repeats (`annotators` has their self-consistency).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.chance_corrected import fleiss_kappa_figure, krippendorff_alpha
from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import (
    FIRST,
    SECOND,
    TIE,
    UNKNOWN,
    AlignedRankings,
    Floats,
    Integers,
    RankingLabel,
    align,
    first_and_repeated,
    pairs_within,
)
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by

FEWEST_FOR_CONCORDANCE = 3  # of two annotators, Kendall's W is only Spearman's correlation on another scale


@dataclass(frozen=True)
class Agreement:
    """All figures of one set of rankings, and how many labels, annotators and items (of any number of labels) it holds.

    `pairwise`: share of response pairs, over all pairs of annotators, on which both say the same of three (first,
    second, tie). `strict`: the same among pairs that both order strictly. `tau_b`: mean Kendall's tau-b over items and
    pairs of annotators. `concordance`: mean Kendall's W over items (no agreement at all gives 1/m, not 0, with m
    annotators). `alpha`: Krippendorff's, of ranks within items. `kappa`: Fleiss', over response pairs.
    """

    pairwise: Interval
    strict: Interval
    tau_b: Interval
    concordance: Interval
    alpha: Interval
    kappa: Interval
    labels: int
    annotators: int
    items: int


@dataclass(frozen=True)
class ItemAgreement:
    """Agreement on one item, None where not defined; `labels` counts the annotators."""

    item: str
    labels: int
    pairwise: float | None
    strict: float | None
    tau_b: float | None
    concordance: float | None


@dataclass(frozen=True)
class LabelPairs:
    """M pairs of labels of one item, by index, with what they say of its response pairs.

    `known` counts response pairs both know, `same` those they say the same of; `strict` and `same_strict` count among
    pairs both order strictly. `tau` is Kendall's tau-b, NaN where one of the two ties everything.
    """

    first: Integers
    second: Integers
    known: Integers
    same: Integers
    strict: Integers
    same_strict: Integers
    tau: Floats

    def only(self, kept: NDArray[np.bool_]) -> "LabelPairs":
        """The pairs of labels marked in `kept`, [M]."""
        return LabelPairs(*(getattr(self, column.name)[kept] for column in fields(self)))


def agreement(labels: Sequence[RankingLabel], sampling: Sampling = Sampling()) -> Agreement:
    """Every figure with its 95 % interval over prompts, or None with a reason where too few items tell."""
    first, _ = first_and_repeated(labels)
    aligned = align(first)
    pairs = label_pairs(aligned, *pairs_within(aligned.item))
    return Agreement(
        pairwise=share_figure(aligned, pairs, pairs.same, pairs.known, name="pairwise", sampling=sampling),
        strict=share_figure(
            aligned, pairs, pairs.same_strict, pairs.strict, name="strict", sampling=sampling
        ),
        tau_b=tau_figure(aligned, pairs, name="tau", sampling=sampling),
        concordance=_concordance_figure(aligned, sampling),
        alpha=_alpha_of_ranks(aligned, sampling),
        kappa=_kappa_of_pairs(aligned, sampling),
        labels=len(first),
        annotators=len({label.annotator for label in first}),
        items=len(aligned.items),
    )


def item_agreement(labels: Sequence[RankingLabel]) -> list[ItemAgreement]:
    """Agreement on each item, in the order of first appearance."""
    first, _ = first_and_repeated(labels)
    aligned = align(first)
    pairs = label_pairs(aligned, *pairs_within(aligned.item))
    item, count = aligned.item[pairs.first], len(aligned.items)
    defined = np.isfinite(pairs.tau)
    columns = [
        ratio(sums_by(item, count, pairs.same, pairs.known)),
        ratio(sums_by(item, count, pairs.same_strict, pairs.strict)),
        ratio(sums_by(item, count, np.where(defined, pairs.tau, 0.0), defined)),
        concordances(aligned),
    ]
    labelled = np.bincount(aligned.item, minlength=count)
    return [
        ItemAgreement(name, int(labelled[at]), *(_defined(column[at]) for column in columns))
        for at, name in enumerate(aligned.items)
    ]


def label_pairs(aligned: AlignedRankings, first: Integers, second: Integers) -> LabelPairs:
    """What the labels `first[m]` and `second[m]` of one item say of the same response pairs.

    tau-b = Σab / sqrt(Σa²·Σb²), sums over response pairs that both know, a and b in {1, 0, -1} (Kendall 1948): with
    every response ranked, scipy's `kendalltau` of the two vectors of ranks.
    """
    a, b = aligned.relations[first], aligned.relations[second]
    known = (a != UNKNOWN) & (b != UNKNOWN)
    strict = known & (a != TIE) & (b != TIE)
    same = known & (a == b)
    a_strict, b_strict = (known & (one != TIE) for one in (a, b))
    agreeing, deciding = (same & strict).sum(axis=1), strict.sum(axis=1)
    spread = np.sqrt(a_strict.sum(axis=1) * b_strict.sum(axis=1).astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = np.where(spread > 0, (2 * agreeing - deciding) / spread, np.nan)
    return LabelPairs(first, second, known.sum(axis=1), same.sum(axis=1), deciding, agreeing, tau)


def concordances(aligned: AlignedRankings) -> Floats:
    """Kendall's W with ties of each item, [I]: 12·S / (m²(K³ - K) - m·ΣT), T = Σ(t³ - t) over an annotator's ties.

    S is the squared deviation of the K rank sums from their mean. NaN with fewer than three annotators who rank every
    response (two unranked ones have no known ranks), and where all of them tie everything.
    """
    usable = aligned.complete
    item, count = aligned.item[usable], len(aligned.items)
    annotators = np.bincount(item, minlength=count)
    ties = np.bincount(item, weights=aligned.tied[usable], minlength=count)
    sums = np.zeros((count, aligned.ranks.shape[1]))
    np.add.at(sums, item, np.nan_to_num(aligned.ranks[usable]))
    size = aligned.sizes.astype(np.float64)
    there = np.arange(sums.shape[1]) < aligned.sizes[:, None]
    mean = annotators * (size + 1) / 2
    squares = (np.where(there, sums - mean[:, None], 0.0) ** 2).sum(axis=1)
    most = annotators**2 * (size**3 - size) - annotators * ties
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((annotators >= FEWEST_FOR_CONCORDANCE) & (most > 0), 12 * squares / most, np.nan)


def share_figure(
    aligned: AlignedRankings,
    pairs: LabelPairs,
    hits: Integers,
    total: Integers,
    *,
    name: str,
    sampling: Sampling,
    among: str = "items with two annotators",
) -> Interval:
    """Σ`hits` / Σ`total` over label pairs (both [M]) with its interval; `n` counts items with a total above 0."""
    item = aligned.item[pairs.first]
    found = len(np.unique(item[total > 0]))
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, among)
    rows = sums_by(aligned.cluster[item], aligned.clusters, hits, total)
    return bootstrap_sums(rows, ratio, n=found, undefined="no pair", name=name, share=True, sampling=sampling)


def tau_figure(
    aligned: AlignedRankings,
    pairs: LabelPairs,
    *,
    name: str,
    sampling: Sampling,
    among: str = "items with two annotators",
) -> Interval:
    """Mean tau-b over pairs of labels where it is defined."""
    defined = np.isfinite(pairs.tau)
    item = aligned.item[pairs.first][defined]
    found = len(np.unique(item))
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, f"{among} who both order some pair strictly")
    rows = sums_by(aligned.cluster[item], aligned.clusters, pairs.tau[defined], defined[defined])
    return bootstrap_sums(rows, ratio, n=found, undefined="no pair", name=name, sampling=sampling)


def _concordance_figure(aligned: AlignedRankings, sampling: Sampling) -> Interval:
    by_item = concordances(aligned)
    defined = np.isfinite(by_item)
    found = int(defined.sum())
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, "items with three annotators who rank every response")
    rows = sums_by(aligned.cluster[defined], aligned.clusters, by_item[defined], defined[defined])
    return bootstrap_sums(rows, ratio, n=found, undefined="no item", name="concordance", sampling=sampling)


def _alpha_of_ranks(aligned: AlignedRankings, sampling: Sampling) -> Interval:
    """Krippendorff's ordinal alpha; a unit is one response of one item, its value (midrank - 1) / (K - 1).

    Raw ranks of items of unequal K would let K itself look like agreement: rank 8 is found in long rankings only. On
    this scale every complete label has mean 1/2, so that unrelated rankings give 0 whatever the mixture of K.
    """
    label, column = np.nonzero(np.isfinite(aligned.ranks))
    item = aligned.item[label]
    sizes = np.array([len(one.responses) for one in aligned.labels], dtype=np.int64)
    values = (aligned.ranks[label, column] - 1) / (sizes[label] - 1)
    unit = item * aligned.ranks.shape[1] + column
    paired = np.bincount(unit)[unit] > 1 if len(unit) else np.zeros(0, dtype=np.bool_)
    found = len(np.unique(item[paired]))
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, "items with two annotators")
    return krippendorff_alpha(
        unit, values, level="ordinal", n=found, cluster=aligned.cluster[item], sampling=sampling
    )


def _kappa_of_pairs(aligned: AlignedRankings, sampling: Sampling) -> Interval:
    """Fleiss' kappa; a subject is one response pair of one item, the categories first, second and tie.

    Every subject enters a second time with first and second exchanged: which of two responses is called the first is
    arbitrary, and must not move the agreement expected by chance.
    """
    width = aligned.relations.shape[1]
    counts = np.zeros((len(aligned.items), width, 3), dtype=np.int64)
    for category, relation in enumerate((FIRST, SECOND, TIE)):
        np.add.at(counts[:, :, category], aligned.item, aligned.relations == relation)
    told_twice = counts.sum(axis=2) > 1
    found = int(told_twice.any(axis=1).sum())
    if found < sampling.fewest:
        return not_enough(found, sampling.fewest, "items with two annotators")
    item, pair = np.nonzero(told_twice)
    subjects: NDArray[np.int64] = counts[item, pair]
    both_ways = np.concatenate([subjects, subjects[:, [1, 0, 2]]])
    cluster = np.tile(aligned.cluster[item], 2)
    return fleiss_kappa_figure(both_ways, cluster=cluster, n=found, sampling=sampling)


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
