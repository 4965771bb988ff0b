"""How far ratings of the same answers lie apart: answer by answer, and one annotator from all the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np

from evaluator.statistics.chance_corrected import RatingLabel
from evaluator.statistics.intervals import Interval
from evaluator.statistics.ranking_labels import numbered
from evaluator.statistics.resampling import Sampling, bootstrap_sums, not_enough, ratio, sums_by

AMONG = "items that another annotator rated too"
# The middle of a scale from 1 to 7, which says neither yes nor no.
MIDDLE = 4


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


def within_one_step(given: float, right: float) -> bool:
    """Whether two ratings lie at most one point of the scale apart."""
    return abs(given - right) <= 1


def same_side(given: float, right: float) -> bool:
    """Whether two ratings from 1 to 7 answer a question the same: both above 4 (yes) or both below (no)."""
    return (given - MIDDLE) * (right - MIDDLE) > 0


def same_answer(given: float, other: float) -> bool:
    """Whether two ratings from 1 to 7 answer a question the same: yes, no, or neither of them."""
    return bool(np.sign(given - MIDDLE) == np.sign(other - MIDDLE))


def shared_agreement(ratings: Sequence[RatingLabel], agrees: Callable[[float, float], bool]) -> float | None:
    """Share of the pairs of two annotators' ratings of one answer that agree; None where there is no such pair."""
    of_answer: dict[tuple[str, str], list[float]] = {}
    for one in _first(ratings):
        of_answer.setdefault((one.item, one.response), []).append(one.value)
    pairs = [pair for values in of_answer.values() for pair in combinations(values, 2)]
    return fmean(agrees(one, other) for one, other in pairs) if pairs else None


def rating_consistency(
    again: Sequence[RatingLabel],
    before: Sequence[RatingLabel],
    agrees: Callable[[float, float], bool],
    sampling: Sampling = Sampling(),
) -> Interval:
    """Share of the ratings that one annotator gave `again` which agree with their own of the same answers `before`.

    None with a reason where fewer than `sampling.fewest` items were rated twice; whole prompts are resampled.
    """
    known = {(one.item, one.response): one.value for one in _first(before)}
    told = [
        (one, known[one.item, one.response]) for one in _first(again) if (one.item, one.response) in known
    ]
    hits = [(one, float(agrees(one.value, earlier))) for one, earlier in told]
    return _figure(hits, "self-consistency", sampling, "items labelled twice")


def known_agreement(
    ratings: Sequence[RatingLabel],
    known: Mapping[tuple[str, str], float],
    agrees: Callable[[float, float], bool],
    sampling: Sampling = Sampling(),
) -> Interval:
    """Share of the ratings of known answers that agree with what is known of them; ratings of others do not count.

    `known` tells the right rating by item and response (where one answer is rated under several names, by item and
    name). None with a reason where fewer than `sampling.fewest` items tell; whole prompts are resampled.
    """
    told = [
        (one, known[one.item, one.response]) for one in _first(ratings) if (one.item, one.response) in known
    ]
    hits = [(one, float(agrees(one.value, right))) for one, right in told]
    return _figure(hits, "agreement with gold", sampling, "gold items")


def _first(ratings: Sequence[RatingLabel]) -> list[RatingLabel]:
    """Each annotator's first value of an answer."""
    first: dict[tuple[str, str, str], RatingLabel] = {}
    for one in ratings:
        first.setdefault((one.item, one.response, one.annotator), one)
    return list(first.values())


def _figure(
    pairs: Sequence[tuple[RatingLabel, float]], name: str, sampling: Sampling, among: str = AMONG
) -> Interval:
    """The mean over the pairs; whole prompts are resampled (where none is told, items)."""
    items = len({one.item for one, _value in pairs})
    if items < sampling.fewest:
        return not_enough(items, sampling.fewest, among)
    cluster = numbered(
        ("item", one.item) if one.prompt is None else ("prompt", one.prompt) for one, _ in pairs
    )
    values = np.array([value for _one, value in pairs], dtype=np.float64)
    rows = sums_by(cluster, int(cluster.max()) + 1, values, np.ones(len(values)))
    return bootstrap_sums(rows, ratio, n=items, undefined="no pair", name=name, sampling=sampling)
