"""How far ratings of the same answers lie apart: answer by answer, and one annotator from all the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np

from evaluator.statistics.chance_corrected import RatingLabel
from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import numbered
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by

AMONG = "items that another annotator rated too"


@dataclass(frozen=True)
class RatedItem:
    """One item: its labels, and the mean distance |v - w| over all pairs of annotators who rated the same answer."""

    item: str
    labels: int
    distance: float


@dataclass(frozen=True)
class RatingAnnotator:
    """One annotator beside the others who rated the same answers.

    `distance` is the mean of |own - other|, `leaning` the mean of own - other (above 0: gives more than the others),
    each over all pairs of one of their ratings with another's; 95 % intervals over prompts.
    """

    annotator: str
    ratings: int
    distance: Interval
    leaning: Interval


def rated_items(ratings: Sequence[RatingLabel]) -> list[RatedItem]:
    """The items with an answer that two annotators rated, in the order of first appearance."""
    by_item: dict[str, dict[str, list[RatingLabel]]] = {}
    for one in _first(ratings):
        by_item.setdefault(one.item, {}).setdefault(one.response, []).append(one)
    found = []
    for item, responses in by_item.items():
        apart = [
            abs(one.value - other.value)
            for labels in responses.values()
            for one, other in combinations(labels, 2)
        ]
        people = {one.annotator for labels in responses.values() for one in labels}
        if apart:
            found.append(RatedItem(item, len(people), fmean(apart)))
    return found


def rating_annotators(
    ratings: Sequence[RatingLabel], sampling: Sampling = Sampling()
) -> list[RatingAnnotator]:
    """Each annotator's figures, by name; None with a reason where fewer than `sampling.fewest` items tell."""
    first = _first(ratings)
    of_answer: dict[tuple[str, str], list[RatingLabel]] = {}
    for one in first:
        of_answer.setdefault((one.item, one.response), []).append(one)
    found = []
    for name in sorted({one.annotator for one in first}):
        own = [one for one in first if one.annotator == name]
        pairs = [
            (one, one.value - other.value)
            for one in own
            for other in of_answer[one.item, one.response]
            if other.annotator != name
        ]
        distance = _figure([(one, abs(apart)) for one, apart in pairs], f"distance of {name}", sampling)
        leaning = _figure(pairs, f"leaning of {name}", sampling)
        found.append(RatingAnnotator(name, len(own), distance, leaning))
    return found


def _first(ratings: Sequence[RatingLabel]) -> list[RatingLabel]:
    """Each annotator's first value of an answer."""
    first: dict[tuple[str, str, str], RatingLabel] = {}
    for one in ratings:
        first.setdefault((one.item, one.response, one.annotator), one)
    return list(first.values())


def _figure(pairs: Sequence[tuple[RatingLabel, float]], name: str, sampling: Sampling) -> Interval:
    """The mean over the pairs; whole prompts are resampled (where none is told, items)."""
    items = len({one.item for one, _value in pairs})
    if items < sampling.fewest:
        return not_enough(items, sampling.fewest, AMONG)
    cluster = numbered(
        ("item", one.item) if one.prompt is None else ("prompt", one.prompt) for one, _ in pairs
    )
    values = np.array([value for _one, value in pairs], dtype=np.float64)
    rows = sums_by(cluster, int(cluster.max()) + 1, values, np.ones(len(values)))
    return bootstrap_sums(rows, ratio, n=items, undefined="no pair", name=name, sampling=sampling)
