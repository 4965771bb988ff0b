"""What each token earns: the score on the last real token, less β times the KL of each token.

N responses, right-padded to R tokens; `mask` is 1.0 on real tokens, the end token among them.
"""

from typing import Literal

import torch
from torch import Tensor

KlEstimator = Literal["k1", "k2", "k3"]
MissingEnd = Literal["keep", "set", "subtract"]
KL_BOUND = 10.0


def token_kl(log_probabilities: Tensor, reference: Tensor, estimator: KlEstimator = "k1") -> Tensor:
    """Estimated KL of each token, the same shape, bounded to ±10: k1 d, k2 d²/2, k3 exp(-d) - 1 + d.

    d = log π - log π_ref of the sampled token (Schulman, "Approximating KL divergence", 2020).
    """
    difference = log_probabilities - reference
    if estimator == "k2":
        difference = difference.square() / 2
    elif estimator == "k3":
        difference = torch.expm1(-difference) + difference
    return difference.clamp(-KL_BOUND, KL_BOUND)


def clip_scores(scores: Tensor, bound: float | None) -> Tensor:
    """Scores bounded to ±bound, [N], before the KL is added; no bound leaves them as they are."""
    return scores if bound is None else scores.clamp(-bound, bound)


def scores_without_end(scores: Tensor, finished: Tensor, rule: MissingEnd, value: float) -> Tensor:
    """Scores [N] after the rule for responses that ran into the length limit (`finished` is bool [N]).

    "set" gives them `value` (Ziegler et al. 2019), "subtract" takes `value` away, "keep" does nothing.
    """
    if rule == "keep":
        return scores
    punished = torch.full_like(scores, value) if rule == "set" else scores - value
    return torch.where(finished, scores, punished)


def token_rewards(scores: Tensor, kl: Tensor, mask: Tensor, coefficient: float) -> Tensor:
    """Reward of each token, [N, R], 0 on pads: -β·KL_t, plus the score on the last real token itself.

    One position later, where some put it, the end token's advantage would be λ times the score.
    Refuses a response without one token.
    """
    lengths = mask.sum(dim=1).long()
    if bool((lengths == 0).any()):
        raise ValueError("a response without one token cannot earn a reward")
    rewards = -coefficient * kl * mask
    last = (lengths - 1).unsqueeze(1)
    return rewards.scatter_add(1, last, scores.to(rewards.dtype).unsqueeze(1))
