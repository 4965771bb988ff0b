"""Sharing the prompt changes the cost and nothing else."""

from typing import Literal

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2Model

from tests.trainer.reward_model.tiny import ragged_groups, tiny_language_model
from trainer.reward_model.shared_prompt import PromptGroup, choose_way, run_groups, tree_mask

WAYS: tuple[Literal["packed", "cache", "tree"], ...] = ("packed", "cache", "tree")


def alone(trunk: torch.nn.Module, group: PromptGroup, response: tuple[int, ...]) -> Tensor:
    """States of one response from a plain pass over prompt and response: no cache, no mask, no padding."""
    states: Tensor = trunk(input_ids=torch.tensor([[*group.prompt, *response]])).last_hidden_state
    return states[0, len(group.prompt) - 1 :]


@pytest.mark.parametrize("way", WAYS)
def test_states_are_those_of_a_plain_pass(way: Literal["packed", "cache", "tree"]) -> None:
    trunk, groups = tiny_language_model().model.base_model, ragged_groups()
    states = run_groups(trunk, groups, pad_id=0, way=way)
    number = 0
    for group in groups:
        for response in group.responses:
            plain = alone(trunk, group, response)
            torch.testing.assert_close(
                states.before()[number, : len(response)], plain[:-1], atol=1e-5, rtol=0
            )
            torch.testing.assert_close(states.last()[number], plain[-1], atol=1e-5, rtol=0)
            assert states.tokens[number, : len(response)].tolist() == list(response)
            assert states.mask[number].tolist() == [1.0] * len(response) + [0.0] * (
                states.mask.shape[1] - len(response)
            )
            number += 1
    assert number == 8
    assert states.group.tolist() == [0, 0, 0, 1, 2, 2, 2, 2]


def gradients(way: Literal["packed", "cache", "tree", "plain"]) -> list[Tensor]:
    trunk, groups = tiny_language_model().model.base_model, ragged_groups(3)
    if way == "plain":
        rows = [alone(trunk, group, response)[-1] for group in groups for response in group.responses]
        torch.autograd.backward(torch.stack(rows).pow(3).sum())
    else:
        torch.autograd.backward(run_groups(trunk, groups, pad_id=0, way=way).last().pow(3).sum())
    return [part.grad for part in trunk.parameters() if part.grad is not None]


@pytest.mark.parametrize("way", WAYS)
def test_check_02_gradients_flow_through_the_shared_prompt(way: Literal["packed", "cache", "tree"]) -> None:
    for found, plain in zip(gradients(way), gradients("plain"), strict=True):
        assert (found - plain).norm() <= 1e-5 * plain.norm() + 1e-6


def test_the_cache_fits_a_trunk_with_learned_positions() -> None:
    torch.manual_seed(0)
    trunk = GPT2Model(GPT2Config(vocab_size=35, n_positions=32, n_embd=16, n_layer=2, n_head=2)).eval()
    groups = ragged_groups(1)
    assert choose_way(trunk, groups) == "cache"
    states = run_groups(trunk, groups, pad_id=0)
    plain = alone(trunk, groups[2], groups[2].responses[3])
    torch.testing.assert_close(states.last()[7], plain[-1], atol=1e-5, rtol=0)


def test_short_rows_of_a_narrow_trunk_go_by_the_tree_and_all_else_of_a_llama_is_packed() -> None:
    trunk = tiny_language_model().model.base_model
    assert choose_way(trunk, [PromptGroup((5,) * 6, ((5,) * 50,) * 5)]) == "tree"
    assert choose_way(trunk, [PromptGroup((5,) * 7, ((5,) * 50,) * 5)]) == "packed"
    wide = tiny_language_model(width=128).model.base_model
    assert choose_way(wide, [PromptGroup((5,), ((5,),))]) == "packed"


def test_a_token_sees_the_prompt_and_its_own_branch_only() -> None:
    allowed = tree_mask(torch.tensor([[0, 0, 1, 1, 2, -1]]))[0, 0].int().tolist()
    assert allowed == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]


def test_empty_prompts_and_responses_are_refused() -> None:
    with pytest.raises(ValueError, match="prompt without one token"):
        PromptGroup((), ((5,),))
    with pytest.raises(ValueError, match="one token or more"):
        PromptGroup((5,), ((5,), ()))
