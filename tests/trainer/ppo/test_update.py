"""One update: which rows, which gradient, which step."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import pad

from tests.trainer.ppo.test_rollouts import rolled, spec
from tests.trainer.reward_model.tiny import tiny_language_model
from trainer.errors import TrainingStopped
from trainer.ppo.policy import Policy
from trainer.ppo.pretraining_mix import PretrainingMix
from trainer.ppo.rollouts import Rollout
from trainer.ppo.update import Learner, epoch_minibatches, learn, minibatch_gradient
from trainer.pretraining.train import next_token_loss
from trainer.specs import PpoSpec
from trainer.training_loop import Stepper

SETTINGS = {"responses_per_prompt": 4, "minibatch_size": 12, "episodes": 12, "learning_rate": 1e-3}


def learner(told: PpoSpec, *, mix: PretrainingMix | None = None, steps: int = 4) -> Learner:
    policy = Policy(tiny_language_model())
    stepper = Stepper(policy.parameters(), told, steps, betas=(0.9, 0.999))
    return Learner(policy, stepper, told, torch.Generator().manual_seed(0), mix)


def gradient(policy: Policy) -> Tensor:
    found = [part.grad.flatten() for part in policy.parameters() if part.grad is not None]
    return torch.cat(found)


def rollout_of(told: PpoSpec) -> Rollout:
    """From another reference and with values, so that every term has a gradient."""
    found = rolled(told, reference=Policy(tiny_language_model(9)))
    return replace(found, returns=found.returns + 1.0)


def test_check_37_every_response_is_used_once_an_epoch() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (list(epoch_minibatches(10, 4, generator)) for _ in range(2))
    assert [len(places) for places in first] == [4, 4, 2]
    assert sorted(place for places in first for place in places) == list(range(10))
    assert sorted(place for places in second for place in places) == list(range(10))
    assert first != second


def test_check_36_micro_batches_have_the_gradient_of_the_minibatch() -> None:
    whole, parts = learner(spec(**SETTINGS)), learner(spec(**SETTINGS, batch_tokens=1))
    rollout = rollout_of(whole.spec)
    figures = [minibatch_gradient(one, rollout, [0, 1, 2]) for one in (whole, parts)]
    found, wanted = gradient(parts.policy), gradient(whole.policy)
    assert (found - wanted).abs().max().item() < 1e-6
    assert figures[1] == pytest.approx(figures[0], abs=1e-6)


def test_check_43_pads_change_no_figure_and_no_gradient() -> None:
    narrow, wide = learner(spec(**SETTINGS)), learner(spec(**SETTINGS))
    rollout = rollout_of(narrow.spec)
    more = (0, rollout.mask.shape[1])
    padded = replace(
        rollout,
        old=pad(rollout.old, more),
        values=pad(rollout.values, more),
        advantages=pad(rollout.advantages, more),
        returns=pad(rollout.returns, more),
        mask=pad(rollout.mask, more),
    )
    figures = minibatch_gradient(narrow, rollout, [0, 2])
    assert minibatch_gradient(wide, padded, [0, 2]) == pytest.approx(figures, abs=1e-7)
    torch.testing.assert_close(gradient(wide.policy), gradient(narrow.policy), atol=1e-7, rtol=0)


def test_check_34_the_ratio_is_to_the_rollouts_policy() -> None:
    one = learner(spec(**SETTINGS, value_coefficient=0.0))
    rollout = rollout_of(one.spec)
    # Were every ratio 2 and every advantage above 0, all would be clipped: no gradient at all.
    far = replace(rollout, old=rollout.old - math.log(2.0), advantages=rollout.mask.clone())
    figures = minibatch_gradient(one, far, [0, 1, 2])
    assert gradient(one.policy).abs().max().item() == 0.0
    assert figures["loss_policy"] == pytest.approx(-1.2, abs=1e-5)
    assert figures["clip_share"] == pytest.approx(1.0)


def test_check_36_a_minibatch_weighs_its_own_tokens() -> None:
    one = learner(spec(**SETTINGS))
    rollout = replace(rollout_of(one.spec), advantages=torch.ones_like(rollout_of(one.spec).advantages))
    for places in ([0], [1, 2]):
        # Equal policies: every token's loss is -1, and so is any mean of them.
        assert minibatch_gradient(one, rollout, places)["loss_policy"] == pytest.approx(-1.0, abs=1e-5)


def test_rows_of_a_minibatch_are_those_of_its_groups() -> None:
    one = learner(spec(**SETTINGS))
    rollout = rollout_of(one.spec)
    # The ratio check compares row by row: it would stop at any row that stands in another's place.
    for places in ([0], [1], [2], [2, 0]):
        minibatch_gradient(one, rollout, places, check_ratio=True)


def test_check_20_the_first_minibatch_has_ratio_one_or_the_run_stops() -> None:
    one = learner(spec(**SETTINGS))
    rollout = rollout_of(one.spec)
    figures = minibatch_gradient(one, rollout, [0, 1, 2], check_ratio=True)
    assert figures["clip_share"] == 0.0
    assert figures["approximate_kl"] < 1e-10
    with pytest.raises(TrainingStopped, match=r"ratio 0.105 away from 1"):
        learn(one, replace(rollout, old=rollout.old - 0.1), 0)


def test_check_20_a_model_that_does_not_say_again_what_it_sampled_stops_the_run() -> None:
    one = learner(spec(**SETTINGS))
    # Some architectures scale their logits after the output embeddings; PPO would then learn from a lie.
    one.policy.model.register_forward_hook(
        lambda _, __, found: replace(found, logits=found.logits * 2) if hasattr(found, "logits") else found
    )
    with pytest.raises(TrainingStopped, match=r"ratio .* output embeddings on its trunk's states"):
        learn(one, rolled(one.spec, policy=one.policy), 0)


def test_values_that_learning_does_not_read_again_stop_the_run() -> None:
    one = learner(spec(**SETTINGS))
    rollout = rolled(one.spec, policy=one.policy)
    with pytest.raises(TrainingStopped, match=r"values that differ by 0.0833 between rollout and learning"):
        learn(one, replace(rollout, values=rollout.values + rollout.mask / 11), 0)


@pytest.mark.parametrize("copies", [1, 4])
@pytest.mark.parametrize("separate", [False, True])
def test_check_20_what_decoding_read_is_what_learning_reads(copies: int, *, separate: bool) -> None:
    policy = Policy(tiny_language_model(), separate=separate)
    with torch.no_grad():
        policy.value_head.weight.normal_(generator=torch.Generator().manual_seed(2))
    told = spec(responses_per_prompt=copies, minibatch_size=4 * copies, temperature=0.7)
    rollout = rolled(told, policy=policy)
    with torch.no_grad():
        again = policy.evaluate(rollout.groups, 0.7, with_entropies=True)
    assert (torch.exp(again.log_probabilities - rollout.old) - 1).abs().max().item() < 1e-5
    torch.testing.assert_close(rollout.values, again.values, atol=1e-5, rtol=0)
    assert again.entropies is not None
    mean = (again.entropies.sum() / again.mask.sum()).item()
    assert rollout.figures["entropy"] == pytest.approx(mean, abs=1e-5)
    assert rollout.values.abs().max().item() > 0.1


def batches() -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    while True:
        ids = torch.randint(4, 34, (2, 9), generator=generator)
        yield ids[:, :-1], ids[:, 1:]


def test_check_38_the_pretraining_mix_is_one_gradient_and_one_step() -> None:
    told = spec(**SETTINGS)
    rollout = rollout_of(told)
    ppo, text = learner(told), learner(told)
    minibatch_gradient(ppo, rollout, [0, 1, 2])
    inputs, targets = next(batches())
    torch.autograd.backward(2.0 * next_token_loss(text.policy.model, inputs, targets))
    by_ppo, by_text = dict(grads(ppo.policy)), dict(grads(text.policy))
    mixed = learner(told, mix=PretrainingMix(batches(), 2.0))
    seen: dict[str, Tensor] = {}
    take = mixed.stepper.step
    mixed.stepper.step = lambda *, at=None: (seen.update(grads(mixed.policy)), take(at=at))[1]  # type: ignore[method-assign]
    figures = learn(replace(mixed, spec=replace(told, epochs=1)), rollout, 0)
    for name, found in seen.items():
        wanted = by_ppo[name] + by_text.get(name, torch.zeros_like(by_ppo[name]))
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)
    assert mixed.stepper.taken == 1
    assert figures["loss_pretraining"] == pytest.approx(
        next_token_loss(text.policy.model, inputs, targets).item(), abs=1e-5
    )


def test_check_38_two_optimiser_steps_would_lead_elsewhere() -> None:
    told = spec(**SETTINGS, epochs=1)
    rollout = rollout_of(told)
    once = learner(told, mix=PretrainingMix(batches(), 2.0))
    learn(once, rollout, 0)
    twice = learner(told)
    minibatch_gradient(twice, rollout, [0, 1, 2])
    twice.stepper.step(at=0)
    inputs, targets = next(batches())
    twice.stepper.accumulate(2.0 * next_token_loss(twice.policy.model, inputs, targets))
    twice.stepper.step(at=0)
    assert twice.stepper.taken == 2
    ours, theirs = once.policy.state_dict(), twice.policy.state_dict()
    apart = max((ours[name] - theirs[name]).abs().max().item() for name in ours)
    # One step of Adam moves a weight by the learning rate of 1e-3.
    assert apart > 5e-4


def grads(policy: Policy) -> list[tuple[str, Tensor]]:
    return [(name, part.grad.clone()) for name, part in policy.named_parameters() if part.grad is not None]


def test_check_39_adam_has_the_epsilon_of_the_paper_in_the_form_of_pytorch() -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    stepper = Stepper([weight], spec(learning_rate=1.0), 1, betas=(0.9, 0.999))
    stepper.accumulate(weight.sum() * 1e-6)
    stepper.step()
    assert weight.item() == pytest.approx(-0.0909090909, abs=1e-6)


def test_check_40_the_learning_rate_falls_evenly_over_the_updates() -> None:
    one = learner(spec(**SETTINGS), steps=4)
    rates = []
    for update in range(4):
        rollout = rolled(one.spec, policy=one.policy, seed=update)
        rates.append(learn(one, rollout, update)["learning_rate"] / 1e-3)
    assert rates == pytest.approx([1, 0.75, 0.5, 0.25])


def test_check_40_the_rate_falls_by_updates_and_not_by_steps() -> None:
    told = spec(**{**SETTINGS, "minibatch_size": 4, "epochs": 3})
    one = learner(told, steps=4)
    assert learn(one, rolled(told, policy=one.policy), 1)["learning_rate"] == pytest.approx(0.75e-3)
    assert one.stepper.taken == 9


def test_an_update_ends_early_when_the_policy_has_left_its_rollout() -> None:
    told = spec(**{**SETTINGS, "epochs": 50, "learning_rate": 0.01, "kl_stop": 1e-3, "minibatch_size": 4})
    one = learner(told)
    figures = learn(one, rollout_of(told), 0)
    assert figures["stopped_early"] == 1.0
    assert one.stepper.taken < 150


def test_the_value_loss_counts_by_its_coefficient_and_entropy_is_rewarded() -> None:
    told = spec(**SETTINGS, value_coefficient=0.0)
    rollout = rollout_of(told)
    without, valued = learner(told), learner(replace(told, value_coefficient=0.3))
    calm = learner(replace(told, entropy_coefficient=0.7))
    for one in (without, valued, calm):
        minibatch_gradient(one, rollout, [0, 1, 2])
    plain, spread = dict(grads(without.policy)), dict(grads(calm.policy))
    head = dict(grads(valued.policy))["value_head.bias"].item()
    weights = rollout.mask / rollout.mask.sum()
    wanted = -0.3 * (weights * rollout.returns.clamp(max=10)).sum().item()
    assert plain["value_head.bias"].item() == 0.0
    assert head == pytest.approx(wanted, abs=1e-5)
    direct = Policy(tiny_language_model())
    found = direct.evaluate(rollout.groups, 1.0, with_entropies=True).entropies
    assert found is not None
    torch.autograd.backward(-0.7 * (weights * found).sum())
    for name, wanted_gradient in grads(direct):
        torch.testing.assert_close(spread[name] - plain[name], wanted_gradient, atol=1e-6, rtol=1e-3)
