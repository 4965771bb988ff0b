"""How far annotators agree on which characters of an answer are marked, and as what.

A character is a Unicode code point of the raw text. Each annotator's first label of an item counts; a label without
spans says that nothing is to be marked, and is heard like any other.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.chance_corrected import krippendorff_alpha
from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import numbered
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
AMONG = "items marked by two annotators"


@dataclass(frozen=True)
class MarkedSpan:
    """Characters `start` to `end` (not included), marked as `kind`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class SpanLabel:
    """What one annotator marked in an item's answer of `length` characters.

    `prompt` is what is resampled as a whole (None: the item itself). Refuses spans that are empty or leave the text
    (ValueError).
    """

    item: str
    annotator: str
    length: int
    spans: tuple[MarkedSpan, ...]
    prompt: str | None = None

    def __post_init__(self) -> None:
        for span in self.spans:
            if not 0 <= span.start < span.end <= self.length:
                raise ValueError(
                    f"item {self.item}: span {span.start} to {span.end} of {self.length} characters"
                )

    @property
    def cluster(self) -> Hashable:
        """What a resample takes or leaves as a whole."""
        return ("item", self.item) if self.prompt is None else ("prompt", self.prompt)


@dataclass(frozen=True)
class SpanAgreement:
    """All figures of one set of span labels, and how many labels, annotators and items it holds.

    `presence`: share of pairs of annotators who agree whether anything is marked at all. `f1`: mean over pairs of
    annotators of 2·|A ∩ B| / (|A| + |B|), sets of marked characters, 1 where both are empty. `f1_by_kind`: the same of
    sets of (character, kind). `alpha`: Krippendorff's, nominal, a unit is one character, marked or not.
    `alpha_by_kind`: its value is the set of kinds it is marked as (none, one, or several where spans overlap).
    """

    presence: Interval
    f1: Interval
    f1_by_kind: Interval
    alpha: Interval
    alpha_by_kind: Interval
    labels: int
    annotators: int
    items: int


@dataclass(frozen=True)
class SpanAnnotator:
    """One annotator: how many `labels`, how many of them mark anything, and the mean `f1` with each other's labels."""

    annotator: str
    labels: int
    marking: int
    f1: Interval


@dataclass(frozen=True)
class SpanItem:
    """One item that two or more annotators read: means over their pairs, each from 0 (nothing in common) to 1."""

    item: str
    labels: int
    presence: float
    f1: float
    f1_by_kind: float


@dataclass(frozen=True)
class _Runs:
    """One item's characters in runs that each label marks alike: `lengths` [R], `marked` [labels, R, kinds]."""

    cluster: Hashable
    annotators: tuple[str, ...]
    lengths: Integers
    marked: NDArray[np.bool_]


PairValue = Callable[[_Runs, int, int], float]


def span_agreement(labels: Sequence[SpanLabel], sampling: Sampling = Sampling()) -> SpanAgreement:
    """Every figure with its 95 % interval over prompts, or None with a reason where too few items tell.

    Refuses labels of one item whose texts differ in length (ValueError).
    """
    first = _first(labels)
    items = _by_item(first)
    told = [runs for runs in items if len(runs.marked) > 1]
    return SpanAgreement(
        presence=_pair_figure(told, _same_presence, name="span presence", sampling=sampling),
        f1=_pair_figure(told, _f1_marked, name="span f1", sampling=sampling),
        f1_by_kind=_pair_figure(told, _f1_by_kind, name="span f1 by kind", sampling=sampling),
        alpha=_alpha(told, by_kind=False, sampling=sampling),
        alpha_by_kind=_alpha(told, by_kind=True, sampling=sampling),
        labels=len(first),
        annotators=len({label.annotator for label in first}),
        items=len(items),
    )


def span_annotators(labels: Sequence[SpanLabel], sampling: Sampling = Sampling()) -> list[SpanAnnotator]:
    """Each annotator's figures, by name."""
    items = _by_item(_first(labels))
    found = []
    for name in sorted({who for runs in items for who in runs.annotators}):
        own = [runs for runs in items if name in runs.annotators]
        shared = [runs for runs in own if len(runs.annotators) > 1]
        marked = sum(bool(runs.marked[runs.annotators.index(name)].any()) for runs in own)
        with_others = _pair_figure(shared, _f1_marked, name=f"span f1 of {name}", sampling=sampling, of=name)
        found.append(SpanAnnotator(name, len(own), marked, with_others))
    return found


def span_items(labels: Sequence[SpanLabel]) -> list[SpanItem]:
    """How far the annotators of each item agree, in the order of first appearance; items of one label are left out."""
    first = _first(labels)
    names = list(dict.fromkeys(label.item for label in first))
    found = []
    for name, runs in zip(names, _by_item(first), strict=True):
        pairs = list(combinations(range(len(runs.marked)), 2))
        if pairs:
            figures = [
                fmean(value(runs, a, b) for a, b in pairs)
                for value in (_same_presence, _f1_marked, _f1_by_kind)
            ]
            found.append(SpanItem(name, len(runs.marked), *figures))
    return found


def _first(labels: Sequence[SpanLabel]) -> list[SpanLabel]:
    first: dict[tuple[str, str], SpanLabel] = {}
    for label in labels:
        first.setdefault((label.item, label.annotator), label)
    return list(first.values())


def _by_item(labels: Sequence[SpanLabel]) -> list[_Runs]:
    """The items in the order of first appearance."""
    kinds = sorted({span.kind for label in labels for span in label.spans})
    column = {kind: at for at, kind in enumerate(kinds)}
    of_item: dict[str, list[SpanLabel]] = {}
    for label in labels:
        of_item.setdefault(label.item, []).append(label)
    return [_runs(told, column) for told in of_item.values()]


def _runs(labels: Sequence[SpanLabel], column: dict[str, int]) -> _Runs:
    length = labels[0].length
    if any(label.length != length for label in labels):
        raise ValueError(f"item {labels[0].item}: labels of texts of different lengths")
    ends = {0, length, *(at for label in labels for span in label.spans for at in (span.start, span.end))}
    places = np.array(sorted(ends), dtype=np.int64)
    marked = np.zeros((len(labels), len(places) - 1, len(column)), dtype=np.bool_)
    for row, label in enumerate(labels):
        for span in label.spans:
            from_run, to_run = np.searchsorted(places, (span.start, span.end))
            marked[row, from_run:to_run, column[span.kind]] = True
    return _Runs(labels[0].cluster, tuple(label.annotator for label in labels), np.diff(places), marked)


def _same_presence(runs: _Runs, a: int, b: int) -> float:
    return float(runs.marked[a].any() == runs.marked[b].any())


def _f1_marked(runs: _Runs, a: int, b: int) -> float:
    one, other = (runs.marked[who].any(axis=1) for who in (a, b))
    return _f1(int(runs.lengths @ (one & other)), int(runs.lengths @ one), int(runs.lengths @ other))


def _f1_by_kind(runs: _Runs, a: int, b: int) -> float:
    one, other = runs.marked[a], runs.marked[b]
    both, first, second = (int(runs.lengths @ part.sum(axis=1)) for part in (one & other, one, other))
    return _f1(both, first, second)


def _f1(both: int, one: int, other: int) -> float:
    return 2 * both / (one + other) if one + other else 1.0


def _pair_figure(
    items: Sequence[_Runs], value: PairValue, *, name: str, sampling: Sampling, of: str | None = None
) -> Interval:
    """Mean of `value` over the pairs of labels of one item (`of` one annotator); whole prompts are resampled."""
    if len(items) < sampling.fewest:
        return not_enough(len(items), sampling.fewest, AMONG)
    found = [
        (runs.cluster, value(runs, a, b))
        for runs in items
        for a, b in combinations(range(len(runs.marked)), 2)
        if of is None or of in (runs.annotators[a], runs.annotators[b])
    ]
    cluster = numbered(who for who, _ in found)
    values = np.array([one for _, one in found], dtype=np.float64)
    rows = sums_by(cluster, int(cluster.max()) + 1, values, np.ones(len(values)))
    return bootstrap_sums(
        rows, ratio, n=len(items), undefined="no pair", name=name, share=True, sampling=sampling
    )


def _alpha(items: Sequence[_Runs], *, by_kind: bool, sampling: Sampling) -> Interval:
    """A run of characters is one unit that counts as many times as it is long."""
    if len(items) < sampling.fewest:
        return not_enough(len(items), sampling.fewest, AMONG)
    units, values, weights, clusters, before = [], [], [], [], 0
    for at, runs in enumerate(items):
        people, size = runs.marked.shape[:2]
        bits = 1 << np.arange(runs.marked.shape[2])
        said = runs.marked @ bits if by_kind else runs.marked.any(axis=2)
        units.append(np.tile(np.arange(before, before + size), people))
        values.append(said.ravel().astype(np.float64))
        weights.append(np.tile(runs.lengths, people).astype(np.float64))
        clusters.append(np.full(people * size, at))
        before += size
    prompts = numbered(runs.cluster for runs in items)
    return krippendorff_alpha(
        np.concatenate(units),
        np.concatenate(values),
        level="nominal",
        n=len(items),
        cluster=prompts[np.concatenate(clusters)],
        weight=np.concatenate(weights),
        sampling=sampling,
    )
