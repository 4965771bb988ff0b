"""The policy with its value model, and what both say of given responses.

N responses of G prompts, right-padded to R tokens; logits are made on real response tokens only.
"""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainer.language_models import LanguageModel, token_log_probabilities
from trainer.ppo.loss import entropies
from trainer.reward_model.model import RewardModel, find_head
from trainer.reward_model.shared_prompt import PromptGroup, States, run_groups


class Evaluated(NamedTuple):
    """Log-probabilities, entropies and values of the response tokens, each [N, R] and 0 on pads.

    `mask` [N, R] is 1.0 on real tokens. Entropies are None where they were not asked for.
    """

    log_probabilities: Tensor
    values: Tensor
    mask: Tensor
    entropies: Tensor | None


class Policy(nn.Module):
    """A causal model (untyped in transformers) and its value model.

    Shared: a value head on the policy's own states, begun at zero, so that V = 0 exactly before it learns.
    Separate: another trunk with its head, a copy of a reward model's, as in InstructGPT.
    """

    def __init__(self, lm: LanguageModel, value_from: RewardModel | None = None) -> None:
        super().__init__()
        self.lm = lm
        self.model = lm.model
        self.value_trunk: Any = None
        width = lm.model.config.get_text_config().hidden_size
        if value_from is None:
            self.value_head = nn.Linear(width, 1, device=lm.device)
            nn.init.zeros_(self.value_head.weight)
        else:
            model = copy.deepcopy(value_from.model)
            self.value_trunk = model.base_model
            head = find_head(model)
            self.value_head = nn.Linear(head.in_features, 1, device=lm.device)
            self.value_head.weight.data.copy_(head.weight.data)
        nn.init.zeros_(self.value_head.bias)

    def evaluate(
        self, groups: Sequence[PromptGroup], temperature: float, *, with_entropies: bool = False
    ) -> Evaluated:
        """What policy and value model say of the groups' responses, with gradients."""
        states = run_groups(self.model.get_decoder(), groups, pad_id=self.lm.pad_id)
        before = states.before()
        if self.value_trunk is None:
            valued = before
        else:
            valued = run_groups(self.value_trunk, groups, pad_id=self.lm.pad_id).before()
        values = self.value_head(valued).squeeze(-1).float() * states.mask
        logits = _logits(self.model, states, before)
        found = _spread(states, token_log_probabilities(logits, _real(states), temperature=temperature))
        spread = _spread(states, entropies(logits.float() / temperature)) if with_entropies else None
        return Evaluated(found, values, states.mask, spread)


def log_probabilities(
    model: Any, groups: Sequence[PromptGroup], temperature: float, *, pad_id: int
) -> Tensor:
    """Log-probabilities [N, R] under softmax(logits / temperature) of `model`, 0 on pads."""
    states = run_groups(model.get_decoder(), groups, pad_id=pad_id)
    logits = _logits(model, states, states.before())
    return _spread(states, token_log_probabilities(logits, _real(states), temperature=temperature))


def frozen_copy(model: Any) -> Any:
    """A copy of the model that does not learn: the reference the policy is tied to."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def copy_weights(policy: Policy) -> dict[str, Tensor]:
    """All weights of policy and value model as they are now."""
    return {name: value.detach().clone() for name, value in policy.state_dict().items()}


def _real(states: States) -> Tensor:
    return states.tokens[states.mask.bool()]


def _logits(model: Any, states: States, before: Tensor) -> Tensor:
    logits: Tensor = model.get_output_embeddings()(before[states.mask.bool()])
    return logits


def _spread(states: States, found: Tensor) -> Tensor:
    """Figures of the real tokens, end to end, put back into their places [N, R]."""
    return torch.zeros_like(states.mask).masked_scatter(states.mask.bool(), found.float())
