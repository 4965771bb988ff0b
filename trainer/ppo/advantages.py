"""Advantages and returns of a rollout: N responses right-padded to R tokens; `mask` is 1.0 on real tokens."""

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of the values where the mask is 1, a scalar; pads never count. Both [N, R]."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor, *, shift_mean: bool = True, bessel: bool = False) -> Tensor:
    """Values scaled to variance 1 over real tokens, [N, R]; pads come back as 0.

    The variance is over n tokens, with `bessel` over n - 1. With `shift_mean=False` the mean stays what it was,
    as rewards need it. Ziegler et al. 2019.
    """
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean).square(), mask)
    if bessel:
        count = mask.sum()
        variance = variance * count / (count - 1).clamp(min=1)
    whitened = (values - mean) * torch.rsqrt(variance + 1e-8)
    return (whitened if shift_mean else whitened + mean) * mask


def generalised_advantages(
    rewards: Tensor, values: Tensor, mask: Tensor, *, discount: float, smoothing: float
) -> tuple[Tensor, Tensor]:
    """Advantages and returns, both [N, R] and 0 on pads.

    A_t = δ_t + γλ·A_{t+1}, δ_t = r_t + γ·V_{t+1} - V_t, returns = A + V (Schulman et al. 2016).
    The value after the last real token is 0: what stands on the pads changes nothing.
    """
    rewards, values = rewards * mask, values * mask
    advantages = torch.zeros_like(rewards)
    following_advantage = torch.zeros_like(rewards[:, 0])
    following_value = torch.zeros_like(rewards[:, 0])
    for position in reversed(range(rewards.shape[1])):
        surprise = rewards[:, position] + discount * following_value - values[:, position]
        following_advantage = surprise + discount * smoothing * following_advantage
        following_value = values[:, position]
        advantages[:, position] = following_advantage
    return advantages, advantages + values
