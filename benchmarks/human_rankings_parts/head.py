"""A linear reward on fixed features, fitted to pairs: the head of a reward model whose trunk is frozen."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.human_rankings_parts.sources import HumanRanking

PENALTIES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
FOLDS = 4


def fit(features: Sequence[Tensor], rankings: Sequence[HumanRanking], penalty: float) -> Tensor:
    """Weights [d] of least mean over rankings of the mean over pairs of p·softplus(-Δ) + (1-p)·softplus(Δ),
    plus penalty · |w|² / 2, by L-BFGS in float64. Δ is the difference of the two scores."""
    rows, targets, shares = _pairs(features, rankings)
    weights = torch.zeros(rows.shape[1], dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        gap = rows @ weights
        losses = targets * functional.softplus(-gap) + (1 - targets) * functional.softplus(gap)
        loss = (shares * losses).sum() + penalty * weights.square().sum() / 2
        torch.autograd.backward(loss)
        return loss

    solver.step(closure)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return weights.detach()


def best_penalty(features: Sequence[Tensor], rankings: Sequence[HumanRanking], folds: Sequence[int]) -> float:
    """The penalty of the least loss on the left-out of `folds` (one number a ranking, by cluster)."""
    losses = []
    for penalty in PENALTIES:
        total = 0.0
        for fold in range(FOLDS):
            inside = [place for place, one in enumerate(folds) if one != fold]
            outside = [place for place, one in enumerate(folds) if one == fold]
            weights = fit([features[n] for n in inside], [rankings[n] for n in inside], penalty)
            rows, _, _ = _pairs([features[n] for n in outside], [rankings[n] for n in outside])
            total += float(functional.softplus(-(rows @ weights)).sum())
        losses.append(total)
    return PENALTIES[losses.index(min(losses))]


def _pairs(features: Sequence[Tensor], rankings: Sequence[HumanRanking]) -> tuple[Tensor, Tensor, Tensor]:
    """Differences [P, d] better less worse, the annotators' shares [P], and each pair's weight [P], in sum 1."""
    rows, targets, shares = [], [], []
    for own, ranking in zip(features, rankings, strict=True):
        for better, worse, share in ranking.pairs:
            rows.append(own[better] - own[worse])
            targets.append(share)
            shares.append(1 / len(ranking.pairs) / len(rankings))
    return (
        torch.stack(rows).double(),
        torch.tensor(targets, dtype=torch.float64),
        torch.tensor(shares, dtype=torch.float64),
    )
