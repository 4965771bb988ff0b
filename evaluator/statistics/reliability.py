"""Annotators' reliabilities from how their rankings fit with those of others, and the item scores that follow."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.annotator_effects import (
    SaidPairs,
    condensed,
    item_gradients,
    log_posterior,
    prior_means,
    prior_precision,
    said_pairs,
)
from evaluator.statistics.intervals import CONFIDENCE, Interval, too_few
from evaluator.statistics.ranking_labels import AlignedRankings, RankingLabel, align, first_and_repeated
from evaluator.statistics.resampling import FEWEST_ITEMS
from evaluator.statistics.response_quality import qualities

Floats = NDArray[np.float64]
METHOD = "sandwich over items"
NODES = 64
FARTHEST = 8.0
STEP = 1e-4


@dataclass(frozen=True)
class AnnotatorReliability:
    """β with its 95 % interval: 0 is a coin, below 0 upside down; `accuracy` is the chance of telling the better of two
    random responses of one item (ties aside), with the bounds that β's give. None, with the reason, for too few items.
    """

    annotator: str
    reliability: Interval
    accuracy: Interval


@dataclass(frozen=True)
class ItemScores:
    """Scores of an item's responses, best first, with their standard deviations: mean 0, spread 1 over all items.

    An unlabelled response would be 0 ± 1; weights of annotators are their reliabilities.
    """

    item: str
    scores: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Reliabilities:
    """Annotators by name, items in order of first appearance; empty items with too little data."""

    annotators: tuple[AnnotatorReliability, ...]
    items: tuple[ItemScores, ...]


def reliabilities(labels: Sequence[RankingLabel], *, fewest: int = FEWEST_ITEMS) -> Reliabilities:
    """Fit of the model of `annotator_effects` to each annotator's first labels of items that two annotators labelled.

    β and η at the maximum of their posterior (L-BFGS with the exact gradient); the interval is ± 1.96 standard errors
    of the sandwich H⁻¹(Σ ss' + prior)H⁻¹ over items' scores s, right also where pairs of a ranking hang together.
    """
    first, _ = first_and_repeated(labels)
    annotators_of = Counter(label.item for label in first)
    shared = [label for label in first if annotators_of[label.item] > 1]
    names = sorted({label.annotator for label in first})
    if len({label.item for label in shared}) < fewest:
        held = Counter(label.annotator for label in shared)
        return Reliabilities(tuple(_unknown(name, held[name], fewest) for name in names), ())
    aligned = align(shared)
    pairs = said_pairs(aligned)
    patterns = condensed(pairs)
    parameters = _maximum(patterns)
    scores = item_gradients(pairs, parameters)
    deviations = np.sqrt(np.diag(_sandwich(patterns, parameters, scores)))
    held = Counter(label.annotator for label in shared)
    at = {name: number for number, name in enumerate(pairs.annotators)}
    rows = [
        _unknown(name, held[name], fewest)
        if held[name] < fewest
        else _known(name, float(parameters[at[name]]), float(deviations[at[name]]), held[name])
        for name in names
    ]
    return Reliabilities(tuple(rows), tuple(_item_scores(aligned, pairs, parameters)))


def annotator_weights(found: Reliabilities) -> dict[str, float]:
    """What each annotator's rankings weigh in ratings: their β, 0 below 0, by the mean of all β above 0.

    In Bradley-Terry with β the evidence of a pair grows with it. Who has no β yet weighs 1, as the mean does.
    """
    known = {
        one.annotator: max(0.0, one.reliability.value) for one in found.annotators if one.reliability.value
    }
    above = [beta for beta in known.values() if beta > 0]
    mean = sum(above) / len(above) if above else 1.0
    return {name: beta / mean for name, beta in known.items()} if above else {}


def accuracy(beta: float) -> float:
    """E[sigmoid(β·|θ_i - θ_j|)] over independent standard normal qualities; 1/2 at β = 0, below for β < 0."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    size = FARTHEST * (nodes + 1) / 2  # of the gap, in its standard deviations, sqrt(2)
    mass = weights * np.exp(-(size**2) / 2)  # half a normal: Hermite's nodes would miss the bend at 0
    return float((mass / (1 + np.exp(-beta * np.sqrt(2) * size))).sum() / mass.sum())


def _maximum(pairs: SaidPairs) -> Floats:
    from scipy.optimize import minimize  # here, not above: it takes half a second to load

    def downhill(parameters: Floats) -> tuple[float, Floats]:
        value, slope = log_posterior(pairs, parameters)
        return -value, -slope

    start = prior_means(pairs)
    found = minimize(downhill, start, jac=True, method="L-BFGS-B", options={"gtol": 1e-6, "ftol": 1e-13})
    return np.asarray(found.x, dtype=np.float64)


def _sandwich(pairs: SaidPairs, parameters: Floats, scores: Floats) -> Floats:
    """Covariance of (β, η), [2A, 2A], `scores` being [I, 2A]; curvature by differences of the exact gradient."""
    size = len(parameters)
    bread = np.empty((size, size))
    for column, step in enumerate(STEP * np.eye(size)):
        up, down = (log_posterior(pairs, parameters + sign * step)[1] for sign in (1, -1))
        bread[:, column] = (down - up) / (2 * STEP)
    meat = scores.T @ scores + np.diag(prior_precision(pairs))
    inverse = np.linalg.inv((bread + bread.T) / 2)
    return np.asarray(inverse @ meat @ inverse, dtype=np.float64)


def _known(name: str, beta: float, deviation: float, items: int) -> AnnotatorReliability:
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * deviation
    low, high = beta - reach, beta + reach
    told = Interval(accuracy(beta), accuracy(low), accuracy(high), items, METHOD)
    return AnnotatorReliability(name, Interval(beta, low, high, items, METHOD), told)


def _unknown(name: str, items: int, fewest: int) -> AnnotatorReliability:
    reason = too_few(items, "items that another annotator labelled too", fewest)
    nothing = Interval(None, None, None, items, METHOD, reason)
    return AnnotatorReliability(name, nothing, nothing)


def _item_scores(aligned: AlignedRankings, pairs: SaidPairs, parameters: Floats) -> list[ItemScores]:
    found = qualities(pairs, parameters)
    names: dict[str, set[str]] = {}
    for label in aligned.labels:
        names.setdefault(label.item, set()).update(label.responses)
    rows = []
    for number, item in enumerate(aligned.items):
        scored = [
            (name, float(found.mode[number, at]), float(found.deviation[number, at]))
            for at, name in enumerate(sorted(names[item]))
        ]
        rows.append(ItemScores(item, tuple(sorted(scored, key=lambda one: (-one[1], one[0])))))
    return rows
