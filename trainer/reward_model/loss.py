"""Losses of a batch of rankings. Exponentials go through softplus or logsumexp, so that no score overflows.

Notation: N responses of R rankings lie one after the other; P pairs point into them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class PairTable:
    """The pairs of a batch: int64 [P] chosen, rejected and ranking; float [P] margin, target and weight.

    `target` is the probability that the chosen response is the better one: 1 for a plain pair, 0.5 for a tie,
    the share of annotators who say so for a soft label. No weight is 1 each.
    `importance` is float [R]: what the loss of each ranking is multiplied by; none is 1 each.
    """

    chosen: Tensor
    rejected: Tensor
    margin: Tensor
    target: Tensor
    ranking: Tensor
    weight: Tensor | None = None
    importance: Tensor | None = None


def pair_losses(difference: Tensor, margin: Tensor, target: Tensor) -> Tensor:
    """Loss of each pair, [P]: p·softplus(-(d-m)) + (1-p)·softplus(d-m), a cross-entropy with target p."""
    gap = difference - margin
    return target * functional.softplus(-gap) + (1 - target) * functional.softplus(gap)


def mean_over_rankings(
    losses: Tensor, ranking: Tensor, weight: Tensor | None = None, importance: Tensor | None = None
) -> Tensor:
    """Mean over rankings of each ranking's weighted mean: a ranking of nine weighs as much as one pair.

    All are [P], the mean a scalar; no weight is 1 each. InstructGPT (Ouyang et al. 2022), equation 1.
    `importance` [R] multiplies the mean of each ranking: Σ_r i_r L_r / R.
    Refuses an empty batch.
    """
    if losses.numel() == 0:
        raise ValueError("a batch without one pair has no loss; leave out rankings whose responses all tie")
    weight = torch.ones_like(losses) if weight is None else weight.to(losses)
    totals = losses.new_zeros(int(ranking.max()) + 1).index_add(0, ranking, weight)
    present = int((totals > 0).sum())
    if importance is not None:
        losses = losses * importance.to(losses)[ranking]
    return (weight * losses / totals[ranking]).sum() / present


def pairwise_loss(scores: Tensor, pairs: PairTable) -> Tensor:
    """Mean over rankings of the (weighted) mean over pairs of -log sigmoid(r_chosen - r_rejected - margin)."""
    difference = scores[pairs.chosen] - scores[pairs.rejected]
    return mean_over_rankings(
        pair_losses(difference, pairs.margin, pairs.target), pairs.ranking, pairs.weight, pairs.importance
    )


def centering_penalty(scores: Tensor, pairs: PairTable) -> Tensor:
    """Mean over rankings of the mean over pairs of (r_chosen + r_rejected)², a scalar."""
    total = scores[pairs.chosen] + scores[pairs.rejected]
    return mean_over_rankings(total.square(), pairs.ranking, importance=pairs.importance)


def plackett_luce_loss(scores: Tensor, tiers: Sequence[Sequence[int]], below: Sequence[int] = ()) -> Tensor:
    """-log probability of one ranking under Plackett-Luce, a scalar: Σ_i logsumexp(r_i … r_K) - r_i.

    `scores` is [K], `tiers` holds indices best first, `below` the unranked ones: they are beaten by all, and
    beat none. The members of a tier are each chosen from the tier and all below it (Breslow's rule for ties).
    """
    remaining = list(below)
    terms: list[Tensor] = []
    for tier in reversed(tiers):
        remaining.extend(tier)
        normaliser = torch.logsumexp(scores[torch.tensor(remaining, device=scores.device)], dim=0)
        terms.extend(normaliser - scores[index] for index in tier if len(remaining) > 1)
    if not terms:
        raise ValueError("a ranking of one response has no order to learn")
    return torch.stack(terms).sum()


def best_of_loss(scores: Tensor, best: int) -> Tensor:
    """-log softmax(r)[best], a scalar: only who won counts (Ziegler et al. 2019). `scores` is [K]."""
    return torch.logsumexp(scores, dim=0) - scores[best]


def pair_accuracy(differences: Tensor) -> Tensor:
    """Share of pairs whose chosen response scores higher, a scalar; equal scores count one half. [P] → []."""
    return ((differences > 0).to(torch.float64) + 0.5 * (differences == 0).to(torch.float64)).mean()
