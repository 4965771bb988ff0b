"""Rows without what no loss reads give the states, and the gradients, of the model's own whole pass."""

from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaModel

from tests.trainer.reward_model.tiny import ragged_groups, tiny_language_model
from trainer.ppo.row_states import predicting_states
from trainer.reward_model.shared_prompt import PromptGroup, run_groups

GROUPS = ragged_groups(counts=(1, 1, 1, 1))


def gradients(trunk: torch.nn.Module, states: Tensor, mask: Tensor) -> list[Tensor]:
    trunk.zero_grad()
    weights = torch.linspace(-1, 1, states.shape[-1])
    torch.autograd.backward(((states * weights).sum(-1).square() * mask).sum())
    return [part.grad.clone() for part in trunk.parameters() if part.grad is not None]


def test_states_and_gradients_are_those_of_the_shared_pass() -> None:
    trunk = tiny_language_model().model.get_decoder()
    found = predicting_states(trunk, GROUPS, pad_id=0)
    wanted = run_groups(trunk, GROUPS, pad_id=0, way="cache")
    real = wanted.mask.bool()
    assert torch.equal(found.mask, wanted.mask)
    assert torch.equal(found.tokens, wanted.tokens)
    torch.testing.assert_close(found.states[real], wanted.before()[real], atol=1e-5, rtol=0)
    for one, other in zip(
        gradients(trunk, found.states, found.mask),
        gradients(trunk, wanted.before(), wanted.mask),
        strict=True,
    ):
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("number", range(4))
def test_each_row_is_what_the_model_says_of_it_alone(number: int) -> None:
    trunk = tiny_language_model().model.get_decoder()
    group = GROUPS[number]
    row = torch.tensor([[*group.prompt, *group.responses[0]]])
    with torch.no_grad():
        alone = trunk(input_ids=row).last_hidden_state[0, len(group.prompt) - 1 : -1]
        found = predicting_states(trunk, GROUPS, pad_id=0).states[number, : len(group.responses[0])]
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=0)


def test_fewer_key_heads_than_query_heads_are_shared_as_the_model_shares_them() -> None:
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=40,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
        attn_implementation="sdpa",
    )
    trunk = LlamaModel(shape).eval()
    group = PromptGroup((5, 6, 7), ((8, 9, 10, 1),))
    with torch.no_grad():
        found = predicting_states(trunk, [group], pad_id=0).states[0]
        alone = trunk(input_ids=torch.tensor([[5, 6, 7, 8, 9, 10, 1]])).last_hidden_state[0, 2:6]
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=0)


def test_prompts_with_several_responses_go_the_shared_way() -> None:
    trunk = tiny_language_model().model.get_decoder()
    groups = ragged_groups()
    with torch.no_grad():
        found = predicting_states(trunk, groups, pad_id=0)
        wanted = run_groups(trunk, groups, pad_id=0)
    torch.testing.assert_close(found.states, wanted.before(), atol=1e-6, rtol=0)


class Called:
    """Stands in a trunk's place and counts how often the whole of it is run."""

    def __init__(self, trunk: Any) -> None:
        self.trunk, self.calls = trunk, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trunk, name)

    def __call__(self, **told: Any) -> Any:
        self.calls += 1
        return self.trunk(**told)


def test_what_stands_in_a_trunks_place_is_called_and_not_taken_apart() -> None:
    trunk = tiny_language_model().model.get_decoder()
    standing = Called(trunk)
    with torch.no_grad():
        found, wanted = (predicting_states(one, GROUPS, pad_id=0) for one in (standing, trunk))
    assert standing.calls > 0
    real = wanted.mask.bool()
    torch.testing.assert_close(found.states[real], wanted.states[real], atol=1e-5, rtol=0)
