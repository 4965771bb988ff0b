"""The policy with its value model, and what both say of given responses.

N responses of G prompts, right-padded to R tokens; logits are made on real response tokens only.
"""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from trainer.language_models import LanguageModel, Reader, token_log_probabilities
from trainer.ppo.loss import entropies
from trainer.ppo.row_states import Predicting, predicting_states
from trainer.reward_model.model import RewardModel, find_head
from trainer.reward_model.shared_prompt import PromptGroup


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
    Separate: another trunk with its head, a copy of a reward model's with its bias, as in InstructGPT; or a copy
    of the policy's trunk under a head of zeros.
    """

    def __init__(
        self, lm: LanguageModel, value_from: RewardModel | None = None, *, separate: bool = False
    ) -> None:
        super().__init__()
        self.lm = lm
        self.model = lm.model
        self.value_trunk: Any = None
        width = lm.model.config.get_text_config().hidden_size
        if value_from is None:
            self.value_head = nn.Linear(width, 1, device=lm.device)
            nn.init.zeros_(self.value_head.weight)
            nn.init.zeros_(self.value_head.bias)
            if separate:
                self.value_trunk = copy.deepcopy(lm.model.get_decoder())
        else:
            model = copy.deepcopy(value_from.model)
            self.value_trunk = model.base_model
            head = find_head(model)
            self.value_head = nn.Linear(head.in_features, 1, device=lm.device)
            self.value_head.weight.data.copy_(head.weight.data)
            self.value_head.bias.data.fill_(value_from.bias)

    def evaluate(
        self, groups: Sequence[PromptGroup], temperature: float, *, with_entropies: bool = False
    ) -> Evaluated:
        """What policy and value model say of the groups' responses, with gradients."""
        found = predicting_states(self.model.get_decoder(), groups, pad_id=self.lm.pad_id)
        logits = _logits(self.model, found)
        spoken = _spread(found, token_log_probabilities(logits, _real(found), temperature=temperature))
        spread = _spread(found, entropies(_tempered(logits, temperature))) if with_entropies else None
        values = self._read_values(found) if self.value_trunk is None else self.values(groups)
        return Evaluated(spoken, values, found.mask, spread)

    def values(self, groups: Sequence[PromptGroup]) -> Tensor:
        """What the value model alone says of the groups' responses, [N, R], 0 on pads."""
        trunk = self.model.get_decoder() if self.value_trunk is None else self.value_trunk
        return self._read_values(predicting_states(trunk, groups, pad_id=self.lm.pad_id))

    def reader(self, temperature: float) -> Reader:
        """Reads values (0 of a separate value model) and entropies while the policy decodes."""

        def read(states: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
            spread = entropies(_tempered(logits, temperature))
            if self.value_trunk is not None:
                return torch.zeros_like(spread), spread
            return self.value_head(states).squeeze(-1), spread

        return read

    def _read_values(self, found: Predicting) -> Tensor:
        values: Tensor = self.value_head(found.states).squeeze(-1).float() * found.mask
        return values


def log_probabilities(
    model: Any, groups: Sequence[PromptGroup], temperature: float, *, pad_id: int
) -> Tensor:
    """Log-probabilities [N, R] under softmax(logits / temperature) of `model`, 0 on pads."""
    found = predicting_states(model.get_decoder(), groups, pad_id=pad_id)
    logits = _logits(model, found)
    return _spread(found, token_log_probabilities(logits, _real(found), temperature=temperature))


def frozen_copy(model: Any) -> Any:
    """A copy of the model that does not learn: the reference the policy is tied to."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def copy_weights(policy: Policy) -> dict[str, Tensor]:
    """All weights of policy and value model as they are now."""
    return {name: value.detach().clone() for name, value in policy.state_dict().items()}


def _real(found: Predicting) -> Tensor:
    return found.tokens[found.mask.bool()]


def _tempered(logits: Tensor, temperature: float) -> Tensor:
    """Logits in float32, divided as sampling divides them."""
    return logits.float() / temperature


def _logits(model: Any, found: Predicting) -> Tensor:
    logits: Tensor = model.get_output_embeddings()(found.states[found.mask.bool()])
    return logits


def _spread(found: Predicting, figures: Tensor) -> Tensor:
    """Figures of the real tokens, end to end, put back into their places [N, R]."""
    return torch.zeros_like(found.mask).masked_scatter(found.mask.bool(), figures.float())
