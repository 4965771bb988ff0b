"""Bradley-Terry with annotator effects: how reliable each annotator is, with a likelihood whose gradient is exact.

Response i of an item has quality θ_i ~ N(0, 1). Annotator a sees x = β_a·(θ_i - θ_j) and says, with
Z = e^{x/2} + e^{-x/2} + e^{η_a}:  P(i above j) = e^{x/2} / Z,  P(tie) = e^{η_a} / Z  (Davidson 1970; without ties the
sigmoid of x). β = 0 is a coin, β < 0 an order upside down. Priors β ~ N(1, 1) and η ~ N(-1, 1.5²) say which side is up
and keep what few labels tell finite; the scale is that of θ.

Qualities are as many as responses and each is seen a few times: maximised together with β they would take annotators'
noise for signal. They are integrated out, pair by pair: θ_i - θ_j ~ N(0, 2), so that what all annotators said of one
pair has the probability E[Π_a P_a(said | gap)], by Gauss-Hermite quadrature. Its logarithms add up to a composite
likelihood (Lindsay 1988); the pairs of K responses weigh 2/K each, K - 1 together.
"""

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.ranking_labels import TIE, UNKNOWN, AlignedRankings, numbered

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
BETA_MEAN, BETA_SPREAD = 1.0, 1.0
ETA_MEAN, ETA_SPREAD = -1.0, 1.5
NODES = 40
SAID = np.array([-1.0, 0.0, 1.0])
ENTRIES_AT_ONCE = 100_000


@dataclass(frozen=True)
class SaidPairs:
    """All P pairs that annotators order or tie, those of one response pair (cell) together.

    [P] each: item, annotator, columns of the two responses, 1 | 0 | -1, weight; `cell` numbers response pairs from 0.
    """

    items: int
    annotators: tuple[str, ...]
    width: int
    item: Integers
    annotator: Integers
    left: Integers
    right: Integers
    said: Integers
    weight: Floats
    cell: Integers


@dataclass(frozen=True)
class Outcomes:
    """Of what is said of x: log-probability of each of -1, 0, 1, its derivatives by x and η, minus the second by x.

    The first three are [..., 3], `curvature` is [...].
    """

    log_probability: Floats
    by_x: Floats
    by_eta: Floats
    curvature: Floats


def said_pairs(aligned: AlignedRankings) -> SaidPairs:
    """The pairs of all labels of `aligned`, ordered by response pair."""
    label, pair = np.nonzero(aligned.relations != UNKNOWN)
    count = aligned.relations.shape[1]
    order = np.argsort(aligned.item[label] * count + pair, kind="stable")
    label, pair = label[order], pair[order]
    item = aligned.item[label]
    width = aligned.ranks.shape[1]
    left, right = np.array(list(combinations(range(width), 2)), dtype=np.int64).T
    return SaidPairs(
        items=len(aligned.items),
        annotators=tuple(dict.fromkeys(one.annotator for one in aligned.labels)),
        width=width,
        item=item,
        annotator=numbered(one.annotator for one in aligned.labels)[label],
        left=left[pair],
        right=right[pair],
        said=aligned.relations[label, pair].astype(np.int64),
        weight=2 / aligned.sizes[item],
        cell=np.unique(item * count + pair, return_inverse=True)[1],
    )


def outcomes(x: Floats, eta: Floats) -> Outcomes:
    """Davidson's three outcomes at `x` and `eta`, which broadcast to [...]."""
    half = x / 2
    log_z = np.logaddexp(np.logaddexp(half, -half), eta)
    below, above, tie = np.exp(-half - log_z), np.exp(half - log_z), np.exp(eta - log_z)
    mean = (above - below) / 2
    said = half[..., None] * SAID
    tied = (SAID == TIE).astype(np.float64)
    return Outcomes(
        log_probability=said + tied * np.asarray(eta)[..., None] - log_z[..., None],
        by_x=SAID / 2 - mean[..., None],
        by_eta=tied - tie[..., None],
        curvature=(above + below) / 4 - mean**2,
    )


def condensed(pairs: SaidPairs) -> SaidPairs:
    """Response pairs of which the same annotators said the same, as one that weighs as much, all in one item.

    The log-posterior and its gradient stay the same; few annotators leave few such patterns however many the items.
    """
    code = pairs.annotator * 3 + pairs.said + 2
    order = np.lexsort((code, pairs.cell))
    cell, code = pairs.cell[order], code[order]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    place = np.arange(len(cell)) - starts[cell]
    pattern = np.zeros(len(starts), dtype=np.int64)
    for column in range(int(place.max(initial=-1)) + 1):
        at = place == column
        here = np.zeros(len(starts), dtype=np.int64)
        here[cell[at]] = code[at]
        pattern = np.unique(pattern * (3 * len(pairs.annotators) + 2) + here, return_inverse=True)[1]
    _, first = np.unique(pattern, return_index=True)
    mass = np.bincount(pattern, weights=pairs.weight[order][starts]).astype(np.float64)
    kept = order[np.isin(cell, first)]
    found = pattern[pairs.cell[kept]]
    kept, found = kept[np.argsort(found, kind="stable")], np.sort(found)
    return SaidPairs(
        items=1,
        annotators=pairs.annotators,
        width=pairs.width,
        item=np.zeros(len(kept), dtype=np.int64),
        annotator=pairs.annotator[kept],
        left=pairs.left[kept],
        right=pairs.right[kept],
        said=pairs.said[kept],
        weight=mass[found],
        cell=found,
    )


def log_posterior(pairs: SaidPairs, parameters: Floats) -> tuple[float, Floats]:
    """The log-posterior of (β, η) [2A] up to a constant, and its gradient, [2A]."""
    value, scores = _by_item(pairs, parameters)
    off, precision = parameters - prior_means(pairs), prior_precision(pairs)
    prior = -float((precision * off**2).sum()) / 2
    return float(value.sum()) + prior, scores.sum(axis=0) - precision * off


def item_gradients(pairs: SaidPairs, parameters: Floats) -> Floats:
    """What each item adds to the gradient, [I, 2A], without the prior."""
    return _by_item(pairs, parameters)[1]


def prior_precision(pairs: SaidPairs) -> Floats:
    """One over the prior variances of (β, η), [2A]."""
    return np.repeat([BETA_SPREAD**-2, ETA_SPREAD**-2], len(pairs.annotators))


def prior_means(pairs: SaidPairs) -> Floats:
    """The prior means of (β, η), [2A]; where a search begins."""
    return np.repeat([BETA_MEAN, ETA_MEAN], len(pairs.annotators))


def _by_item(pairs: SaidPairs, parameters: Floats) -> tuple[Floats, Floats]:
    """Log-likelihood [I] and its gradient [I, 2A] of each item, in blocks of whole cells so that memory stays flat."""
    count = len(pairs.annotators)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    gaps = np.sqrt(2) * nodes
    beta, eta = parameters[:count, None], parameters[count:, None]
    table = outcomes(beta * gaps, np.broadcast_to(eta, (count, NODES)))
    # Probabilities depend on (annotator, said, node) only: reckoned once there, looked up for each pair.
    log_probability, by_beta, by_eta = (
        part.transpose(0, 2, 1).reshape(count * 3, NODES)
        for part in (table.log_probability, table.by_x * gaps[None, :, None], table.by_eta)
    )
    value, scores = np.zeros(pairs.items), np.zeros(pairs.items * 2 * count)
    log_weights = np.log(weights / weights.sum())
    for block in _blocks(pairs.cell):
        row = pairs.annotator[block] * 3 + pairs.said[block] + 1
        cell = pairs.cell[block] - pairs.cell[block.start]
        starts = np.flatnonzero(np.diff(cell, prepend=-1))
        joint = np.add.reduceat(log_probability[row], starts, axis=0) + log_weights
        top = joint.max(axis=1, keepdims=True)
        mass = np.exp(joint - top)
        total = mass.sum(axis=1, keepdims=True)
        weight = pairs.weight[block]
        told = weight[starts] * (top + np.log(total))[:, 0]
        value += np.bincount(pairs.item[block][starts], told, minlength=pairs.items)
        likely = (mass / total)[cell]
        place = pairs.item[block] * 2 * count + pairs.annotator[block]
        for shift, derivative in ((0, by_beta), (count, by_eta)):
            moved = weight * np.einsum("pq,pq->p", likely, derivative[row])
            scores += np.bincount(place + shift, moved, minlength=len(scores))
    return value, scores.reshape(pairs.items, 2 * count)


def _blocks(cell: Integers) -> list[slice]:
    """Slices of about ENTRIES_AT_ONCE entries that part no cell."""
    edges = [0]
    while edges[-1] < len(cell):
        end = edges[-1] + ENTRIES_AT_ONCE
        edges.append(len(cell) if end >= len(cell) else int(np.searchsorted(cell, cell[end - 1], "right")))
    return [slice(start, end) for start, end in pairwise(edges)]
