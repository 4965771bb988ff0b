"""What the policy says of responses, against the library's own plain pass."""

import pytest
import torch

from tests.trainer.reward_model.tiny import ragged_groups, tiny_language_model
from trainer.language_models import response_batch, response_log_probabilities
from trainer.ppo.loss import entropies
from trainer.ppo.policy import Policy, frozen_copy, log_probabilities
from trainer.reward_model.model import with_new_head


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_check_19_temperature_divides_everywhere_alike(temperature: float) -> None:
    lm, groups = tiny_language_model(), ragged_groups()
    prompts = [list(group.prompt) for group in groups for _ in group.responses]
    responses = [list(response) for group in groups for response in group.responses]
    plain = response_log_probabilities(
        lm.model, response_batch(prompts, responses, lm.pad_id), temperature=temperature
    )
    policy = Policy(lm).evaluate(groups, temperature)
    reference = log_probabilities(lm.model, groups, temperature, pad_id=lm.pad_id)
    torch.testing.assert_close(policy.log_probabilities, plain, atol=1e-5, rtol=0)
    torch.testing.assert_close(reference, plain, atol=1e-5, rtol=0)


def test_check_41_a_value_head_from_zero_says_zero_exactly() -> None:
    found = Policy(tiny_language_model()).evaluate(ragged_groups(), 1.0)
    assert found.values.abs().max().item() == 0.0


def test_a_separate_value_model_begins_as_the_reward_model_and_shares_nothing_with_the_policy() -> None:
    reward_model = with_new_head(tiny_language_model(3), seed=1)
    policy = Policy(tiny_language_model(), reward_model)
    found = policy.evaluate(ragged_groups(), 1.0)
    assert torch.equal(policy.value_head.weight, reward_model.head.weight)
    torch.autograd.backward(found.values.sum())
    assert all(part.grad is None for part in policy.model.parameters())
    assert any(part.grad is not None for part in policy.value_trunk.parameters())
    assert all(part.grad is None for part in reward_model.model.parameters())


def test_values_and_log_probabilities_are_zero_on_pads() -> None:
    policy = Policy(tiny_language_model())
    torch.nn.init.ones_(policy.value_head.bias)
    found = policy.evaluate(ragged_groups(), 1.0, with_entropies=True)
    pads = found.mask == 0
    assert pads.any()
    assert found.entropies is not None
    for figures in (found.values, found.log_probabilities, found.entropies):
        assert figures[pads].abs().max().item() == 0.0
    assert found.values[~pads].tolist() == [1.0] * int(found.mask.sum())


def test_entropies_are_of_the_tempered_distribution() -> None:
    lm, groups = tiny_language_model(), ragged_groups(counts=(1,))
    found = Policy(lm).evaluate(groups, 0.5, with_entropies=True)
    row = torch.tensor([[*groups[0].prompt, *groups[0].responses[0]]])
    logits = lm.model(input_ids=row).logits[0, len(groups[0].prompt) - 1 : -1]
    assert found.entropies is not None
    torch.testing.assert_close(found.entropies[0], entropies(logits / 0.5), atol=1e-5, rtol=0)


def test_check_21_the_reference_is_the_policy_and_stays_as_it_is() -> None:
    lm, groups = tiny_language_model(), ragged_groups()
    policy, reference = Policy(lm), frozen_copy(lm.model)
    before = log_probabilities(reference, groups, 1.0, pad_id=0)
    assert (policy.evaluate(groups, 1.0).log_probabilities - before).abs().max().item() == 0.0
    with torch.no_grad():
        for part in policy.parameters():
            part.add_(0.1)
    assert torch.equal(log_probabilities(reference, groups, 1.0, pad_id=0), before)
    assert not any(part.requires_grad for part in reference.parameters())
