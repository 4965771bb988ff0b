"""The clipped losses of PPO (Schulman et al. 2017). N responses, right-padded to R tokens.

Every loss is Σ weight·loss over tokens, with weights of the whole minibatch that sum to 1: so a minibatch
taken in micro-batches has exactly the gradient of the minibatch taken at once.
"""

from typing import Literal

import torch
from torch import Tensor

Aggregation = Literal["token", "sequence"]


def token_weights(mask: Tensor, aggregation: Aggregation = "token") -> Tensor:
    """Weight of each token in the minibatch's loss, [N, R]; they sum to 1 and are 0 on pads.

    "token": every token alike. "sequence": every response alike, its tokens sharing its weight.
    """
    if aggregation == "token":
        return mask / mask.sum()
    return mask / mask.sum(dim=1, keepdim=True).clamp(min=1) / mask.shape[0]


def policy_losses(log_probabilities: Tensor, old: Tensor, advantages: Tensor, clip_range: float) -> Tensor:
    """Loss of each token, the same shape: max(-A·ρ, -A·clip(ρ, 1-ε, 1+ε)) with ρ = exp(log π - log π_old)."""
    ratio = torch.exp(log_probabilities - old)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return torch.maximum(-advantages * ratio, -advantages * clipped)


def value_losses(values: Tensor, old: Tensor, returns: Tensor, clip_range: float) -> Tensor:
    """Loss of each token: 0.5·max((V-R)², (clip(V, V_old±ε)-R)²)."""
    clipped = torch.minimum(torch.maximum(values, old - clip_range), old + clip_range)
    return 0.5 * torch.maximum((values - returns).square(), (clipped - returns).square())


def clip_share(log_probabilities: Tensor, old: Tensor, weights: Tensor, clip_range: float) -> Tensor:
    """Weighted share of tokens whose ratio left 1±ε, a scalar."""
    distance = (torch.exp(log_probabilities - old) - 1).abs()
    return ((distance > clip_range) * weights).sum()


def approximate_kl(log_probabilities: Tensor, old: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of (log π_old - log π)²/2, a scalar: how far the policy has left its own rollout."""
    return ((log_probabilities - old).square() / 2 * weights).sum()


def entropies(logits: Tensor) -> Tensor:
    """Entropy of each next-token distribution in nats, [..., V] → [...]: logsumexp(z) - Σ softmax(z)·z."""
    return torch.logsumexp(logits, dim=-1) - (torch.softmax(logits, dim=-1) * logits).sum(dim=-1)
