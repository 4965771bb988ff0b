"""Checks of RLHF's fine print that span several parts; those of one part stand beside its other tests."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from tests.trainer.ppo.test_rollouts import rolled, spec
from tests.trainer.reward_model.tiny import ragged_groups, tiny_language_model
from trainer.errors import BadInput
from trainer.language_models import (
    Generated,
    LanguageModel,
    SamplingSettings,
    encode_prompt,
    generate,
    left_pad,
    positions,
)
from trainer.ppo.adam_form import use_tensorflow_form
from trainer.ppo.advantages import generalised_advantages, whiten
from trainer.ppo.policy import Evaluated, Policy, log_probabilities
from trainer.ppo.rewards import token_rewards
from trainer.ppo.rollouts import Sampled, rollout_of
from trainer.ppo.seeds import rank_seed, rollout_seed
from trainer.ppo.train import check_special_tokens
from trainer.ppo.update import Learner, minibatch_gradient
from trainer.prompts import Message
from trainer.reward_model.model import with_bias, with_new_head
from trainer.training_loop import Stepper

CERTAIN = 0.8807970780


def two_token_model() -> LanguageModel:
    """A model whose logits are always 1 for token 4, 0 for token 5, and out of reach for all others."""
    lm = tiny_language_model()
    head = nn.Linear(16, 35)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.fill_(-1e4)
        head.bias[4], head.bias[5] = 1.0, 0.0
    lm.model.set_output_embeddings(head)
    return lm


def test_check_18_decoding_draws_from_the_whole_softmax() -> None:
    lm = tiny_language_model()
    asked = encode_prompt(lm.tokenizer, [Message("user", "a b")])
    settings = SamplingSettings(temperature=1.3, max_new_tokens=1)
    answers = generate(lm, [asked], responses_per_prompt=20_000, settings=settings, seed=1, batch_size=20_000)
    counts = torch.bincount(torch.tensor([one.response_ids[0] for one in answers[0]]), minlength=35)
    with torch.no_grad():
        logits = lm.model(input_ids=torch.tensor([asked])).logits[0, -1].double()
    wanted = torch.softmax(logits / 1.3, dim=-1) * 20_000
    # 35 tokens: a chi-square of 34 degrees lies below 65.2 with probability 0.999.
    assert ((counts - wanted).square() / wanted).sum().item() < 65.2
    assert int((counts > 0).sum()) == 35


def test_check_19_temperature_one_half_in_rollout_reference_and_learning() -> None:
    lm = two_token_model()
    asked = encode_prompt(lm.tokenizer, [Message("user", "a")])
    settings = SamplingSettings(temperature=0.5, max_new_tokens=1)
    (answers,) = generate(
        lm, [asked], responses_per_prompt=20_000, settings=settings, seed=0, batch_size=20_000
    )
    first = [one for one in answers if one.response_ids == [4]]
    assert len(first) / 20_000 == pytest.approx(CERTAIN, abs=4 * math.sqrt(CERTAIN * (1 - CERTAIN) / 20_000))
    group = replace(ragged_groups(counts=(1,))[0], prompt=tuple(asked), responses=((4,),))
    reference = log_probabilities(lm.model, [group], 0.5, pad_id=0)
    learning = Policy(lm).evaluate([group], 0.5).log_probabilities
    for found in (first[0].log_probabilities[0], reference.item(), learning.item()):
        assert math.exp(found) == pytest.approx(CERTAIN, abs=1e-6)


@pytest.mark.parametrize("pads", [0, 5])
def test_check_22_logits_are_equal_with_five_pads_before_the_prompt(pads: int) -> None:
    lm = tiny_language_model()
    row = [5, 6, 7, 8]
    ids, mask = left_pad([row, [9] * (len(row) + pads)], lm.pad_id)
    with torch.no_grad():
        alone = lm.model(input_ids=torch.tensor([row])).logits[0]
        padded = lm.model(input_ids=ids, attention_mask=mask.long(), position_ids=positions(mask)).logits[0]
    torch.testing.assert_close(padded[pads:], alone, atol=1e-5, rtol=0)


def test_check_23_nothing_after_the_stop_token_reaches_the_update() -> None:
    rollout = rolled(spec(responses_per_prompt=16, minibatch_size=16, max_new_tokens=12))
    ended = [one for group in rollout.groups for one in group.responses if 1 in one]
    assert ended
    assert all(one.index(1) == len(one) - 1 for one in ended)
    lengths = [len(one) for group in rollout.groups for one in group.responses]
    assert rollout.mask.sum(dim=1).tolist() == lengths


def test_check_25_one_place_after_the_end_the_advantage_would_be_less() -> None:
    mask, zeros = torch.tensor([[1.0, 1.0, 0.0]]), torch.zeros(1, 3)
    ours = token_rewards(torch.tensor([1.0]), zeros, mask, 0.1)
    found = generalised_advantages(ours, zeros, mask, discount=1.0, smoothing=0.95)[0]
    assert found[0].tolist() == pytest.approx([0.95, 1.0, 0.0], abs=1e-6)
    # The rule of N+ and TRL, written out: the end token then earns 0.95 of its score, the one before 0.9025.
    late = torch.tensor([[0.0, 0.0, 1.0]])
    peers = generalised_advantages(late, zeros, torch.ones(1, 3), discount=1.0, smoothing=0.95)[0]
    assert peers[0].tolist() == pytest.approx([0.9025, 0.95, 1.0], abs=1e-6)


def test_check_27_the_rollout_charges_the_estimator_it_was_told() -> None:
    other = Policy(tiny_language_model(9))
    told = {"responses_per_prompt": 8, "minibatch_size": 8}
    by_one, by_three = (rolled(spec(kl_estimator=name, **told), reference=other) for name in ("k1", "k3"))
    assert by_one.figures["kl"] == by_three.figures["kl"]
    assert by_three.figures["reward"] < by_three.figures["score"]
    assert by_one.figures["reward"] != pytest.approx(by_three.figures["reward"], abs=1e-3)


def test_check_28_the_kl_of_the_curves_is_summed_over_each_response() -> None:
    sampled, old = three_responses()
    found = rollout_of(
        sampled, old, old.log_probabilities - 0.25 * old.mask, [0.0] * 3, spec(), kl_coefficient=0.1
    )
    # 3, 1 and 2 tokens of 0.25 nats each: 0.5 a response, not 0.25 a token.
    assert found.figures["kl"] == pytest.approx(0.5, abs=1e-6)


def test_check_29_the_rollout_keeps_the_mean_of_its_rewards() -> None:
    sampled, old = three_responses()
    told = spec(whiten_rewards=True, whiten_advantages=False, gae_lambda=1.0)
    found = rollout_of(sampled, old, old.log_probabilities, [1.0, 2.0, 4.0], told, kl_coefficient=0.0)
    # With λ 1 the first return is the sum of a response's rewards; six tokens earn 7 in all, before and after.
    assert found.returns[:, 0].sum().item() == pytest.approx(7.0, abs=1e-4)


def test_check_32_whitening_changes_advantages_and_no_return() -> None:
    sampled, old = three_responses()
    plain, white = (
        rollout_of(
            sampled,
            old,
            old.log_probabilities,
            [1.0, 2.0, 4.0],
            spec(whiten_advantages=told),
            kl_coefficient=0.0,
        )
        for told in (False, True)
    )
    assert torch.equal(plain.returns, white.returns)
    assert not torch.equal(plain.advantages, white.advantages)
    torch.testing.assert_close(plain.returns, plain.advantages + old.values)


def test_check_33_variance_with_bessels_correction() -> None:
    values, mask = torch.tensor([[1.0, 2.0, 3.0, 100.0]]), torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    assert whiten(values, mask, bessel=True)[0].tolist() == pytest.approx([-1, 0, 1, 0], abs=1e-6)
    assert whiten(values, mask)[0].tolist() == pytest.approx([-1.2247448, 0, 1.2247448, 0], abs=1e-6)


def test_check_33_the_rollout_whitens_by_the_variance_it_was_told() -> None:
    sampled, old = three_responses()
    told = spec(whiten_variance="bessel")
    found = rollout_of(sampled, old, old.log_probabilities, [1.0, 2.0, 4.0], told, kl_coefficient=0.0)
    real = found.advantages[found.mask.bool()]
    assert real.var(unbiased=True).item() == pytest.approx(1.0, abs=1e-5)


def three_responses(more: int = 0) -> tuple[Sampled, Evaluated]:
    """Three responses of 3, 1 and 2 tokens, the last without its end, in a rectangle `more` columns wider."""
    groups = ragged_groups(counts=(1, 1, 1))
    responses = [[5, 6, 1], [1], [7, 8]]
    generated = [Generated([4], ids, [-1.0] * len(ids), ids[-1] == 1) for ids in responses]
    mask = torch.tensor([[1.0, 1, 1], [1, 0, 0], [1, 1, 0]])
    drawn = torch.Generator().manual_seed(3)

    def figures(low: float) -> Tensor:
        return pad((low + torch.rand(3, 3, generator=drawn)) * mask, (0, more), value=-7.0)

    return Sampled(groups, [], generated), Evaluated(
        figures(-2), figures(0), pad(mask, (0, more)), figures(1)
    )


def test_check_43_twice_the_padding_changes_no_figure_of_a_rollout() -> None:
    found = []
    for more in (0, 3):
        sampled, old = three_responses(more)
        tied_to = old.log_probabilities - 0.3
        told = spec(whiten_rewards=True, missing_end_penalty=0.5)
        found.append(rollout_of(sampled, old, tied_to, [1.0, 2.0, 4.0], told, kl_coefficient=0.1))
    narrow, wide = found
    assert wide.figures == pytest.approx(narrow.figures, abs=1e-6)
    torch.testing.assert_close(wide.advantages[:, :3], narrow.advantages)
    assert not wide.advantages[:, 3:].any()
    assert narrow.figures["response_tokens"] == 2.0


def adam(form: str, **told: object) -> tuple[nn.Parameter, Stepper]:
    weight = nn.Parameter(torch.zeros(1))
    stepper = Stepper([weight], spec(learning_rate=1.0, schedule="constant", **told), 9, betas=(0.9, 0.999))
    if form == "tensorflow":
        use_tensorflow_form(stepper.optimiser, 1e-5)
    return weight, stepper


@pytest.mark.parametrize(("form", "first"), [("pytorch", 0.0909090909), ("tensorflow", 0.0031523092)])
def test_check_39_first_step_of_both_forms_of_adam(form: str, first: float) -> None:
    weight, stepper = adam(form)
    stepper.accumulate(weight.sum() * 1e-6)
    stepper.step()
    assert weight.item() == pytest.approx(-first, abs=1e-6)


def test_check_39_tensorflows_form_by_its_own_formula() -> None:
    weight, stepper = adam("tensorflow")
    wanted, mean, square = 0.0, 0.0, 0.0
    for step, gradient in enumerate([1e-6, -3e-6, 2e-5, 1e-6], start=1):
        stepper.accumulate(weight.sum() * gradient)
        stepper.step()
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        rate = math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        wanted -= rate * mean / (math.sqrt(square) + 1e-5)
        assert weight.item() == pytest.approx(wanted, rel=1e-4)


def test_check_41_a_critic_from_the_reward_model_begins_at_its_scores() -> None:
    reward_model = with_bias(with_new_head(tiny_language_model(3), seed=1), 0.75, "demonstrations")
    groups = ragged_groups(counts=(1, 1))
    with torch.no_grad():
        values = Policy(tiny_language_model(), reward_model).values(groups)
        for row, group in enumerate(groups):
            ids = torch.tensor([[*group.prompt, *group.responses[0][:-1]]])
            states = reward_model.model.base_model(input_ids=ids).last_hidden_state[0, -1]
            wanted = reward_model.head(states).item() + 0.75
            assert values[row, len(group.responses[0]) - 1].item() == pytest.approx(wanted, abs=1e-5)


def test_check_41_without_a_reward_model_a_separate_critic_is_the_policys_trunk_under_zeros() -> None:
    policy = Policy(tiny_language_model(), separate=True)
    assert policy.values(ragged_groups()).abs().max().item() == 0.0
    assert policy.value_trunk is not policy.model.get_decoder()
    theirs, ours = policy.value_trunk.state_dict(), policy.model.get_decoder().state_dict()
    assert all(torch.equal(theirs[name], ours[name]) for name in ours)


def test_check_42_a_loss_a_million_times_as_large_moves_no_further() -> None:
    moved = []
    for size in (1.0, 1e6):
        told = spec(responses_per_prompt=4, minibatch_size=12, value_coefficient=size, value_clip=100.0)
        policy = Policy(tiny_language_model())
        stepper = Stepper(policy.parameters(), told, 4, betas=(0.9, 0.999))
        rollout = rolled(told, reference=Policy(tiny_language_model(9)))
        far = replace(rollout, returns=rollout.returns + 50.0)
        minibatch_gradient(Learner(policy, stepper, told, torch.Generator()), far, [0, 1, 2])
        norm = stepper.step().gradient_norm
        squares = [
            (state["exp_avg"] / 0.1).square().sum()
            for state in stepper.optimiser.state.values()
            if len(state)
        ]
        moved.append((norm, math.sqrt(sum(square.item() for square in squares))))
    assert moved[1][0] > 1e4
    assert moved[1][1] == pytest.approx(1.0, abs=1e-4)
    assert moved[0][1] <= 1.0 + 1e-4


def test_check_44_two_ranks_sample_differently_and_one_rank_always_alike() -> None:
    assert [rank_seed(5, rank) for rank in (0, 1, 2)] == [5, 100_008, 200_011]
    policy = Policy(tiny_language_model())
    first, again, other, later = (
        rolled(spec(), policy=policy, seed=rollout_seed(5, update, rank=rank)).groups
        for update, rank in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    assert first == again
    assert first not in (other, later)


def test_the_pad_token_must_not_end_responses() -> None:
    lm = tiny_language_model()
    check_special_tokens(lm, "policy")
    with pytest.raises(
        BadInput, match="policy: found the pad token 0 among the end tokens, wanted one of its own"
    ):
        check_special_tokens(replace(lm, end_ids=(1, 0)), "policy")
