"""What one update learns from its rollout: some epochs over it, in minibatches, each an optimiser step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor

from trainer.errors import TrainingStopped
from trainer.ppo.loss import (
    Aggregation,
    approximate_kl,
    clip_share,
    policy_losses,
    token_weights,
    value_losses,
)
from trainer.ppo.policy import Policy
from trainer.ppo.pretraining_mix import PretrainingMix
from trainer.ppo.rollouts import Rollout
from trainer.reward_model.model import token_budget_spans
from trainer.specs import PpoSpec
from trainer.training_loop import Stepper, autocast

# How far the first minibatch's ratio may be from 1 before anything was learned.
RATIO_TOLERANCE = {"float32": 1e-4, "bfloat16": 0.05, "float16": 0.05}


@dataclass(frozen=True)
class Learner:
    """What stays the same from update to update."""

    policy: Policy
    stepper: Stepper
    spec: PpoSpec
    generator: torch.Generator
    mix: PretrainingMix | None = None


class Means:
    """Means of figures over the minibatches they were told for."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, int]] = {}

    def add(self, **figures: float) -> None:
        """One minibatch's figures."""
        for name, value in figures.items():
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value, count + 1)

    def means(self) -> dict[str, float]:
        """The mean of each figure, by its name."""
        return {name: total / count for name, (total, count) in self._sums.items()}


def epoch_minibatches(groups: int, size: int, generator: torch.Generator) -> Iterator[list[int]]:
    """Places of the groups of each minibatch: every group once, in an order drawn by the generator."""
    order = torch.randperm(groups, generator=generator).tolist()
    for start in range(0, groups, size):
        yield order[start : start + size]


def learn(learner: Learner, rollout: Rollout, update: int) -> dict[str, float]:
    """The figures of update number `update` (from 0) after learning from its rollout.

    The learning rate falls once an update. Ends early when the policy has left its rollout by more than
    `kl_stop`. Refuses (TrainingStopped) a ratio that is not 1 before the first step, and losses not finite.
    """
    spec, means = learner.spec, Means()
    size = max(spec.minibatch_size // spec.responses_per_prompt, 1)
    first = True
    for _ in range(spec.epochs):
        for places in epoch_minibatches(len(rollout.groups), size, learner.generator):
            # First, so that the pass before the step is one that every parameter takes part in.
            mixed = _mix_gradient(learner)
            figures = {**minibatch_gradient(learner, rollout, places, check_ratio=first), **mixed}
            report = learner.stepper.step(at=update)
            means.add(**figures, learning_rate=report.learning_rate, gradient_norm=report.gradient_norm)
            first = False
            if spec.kl_stop is not None and figures["approximate_kl"] > spec.kl_stop:
                return {**means.means(), "stopped_early": 1.0}
    return means.means()


def _mix_gradient(learner: Learner) -> dict[str, float]:
    """Adds the gradient of the pretraining mix, where there is one, and returns its loss."""
    if learner.mix is None:
        return {}
    stepper, (inputs, targets) = learner.stepper, learner.mix.next_batch()
    own, weight = stepper.processes.share(range(len(inputs)))
    with autocast(learner.spec):
        run = partial(learner.mix.loss, learner.policy.lm, inputs[own], targets[own])
        loss = stepper.forward(run, last=False) * (weight * len(own) / len(inputs))
    stepper.accumulate(learner.mix.coefficient * loss)
    return {"loss_pretraining": stepper.processes.total(float(loss.detach()))[0]}


def minibatch_gradient(
    learner: Learner, rollout: Rollout, places: Sequence[int], *, check_ratio: bool = False
) -> dict[str, float]:
    """Adds the gradient of one minibatch (groups at `places`) and returns its figures.

    Token weights are those of the whole minibatch, so that micro-batches change nothing.
    """
    spec = learner.spec
    copies = spec.responses_per_prompt
    rows = torch.tensor([place * copies + copy for place in places for copy in range(copies)])
    weights = token_weights(rollout.mask[rows], cast(Aggregation, spec.loss_mean))
    totals: dict[str, float] = {}
    processes = learner.stepper.processes
    budget = spec.batch_tokens * processes.count
    for start, end in token_budget_spans([rollout.groups[place].tokens for place in places], budget):
        own, weight = processes.share(range(start, end))
        mine = torch.tensor([number * copies + copy for number in own for copy in range(copies)])
        figures = _micro_batch(
            learner,
            rollout,
            [places[number] for number in own],
            (rows[mine], weights[mine] * weight),
            check_ratio=check_ratio,
            last=end == len(places),
        )
        for name, value in figures.items():
            totals[name] = totals.get(name, 0.0) + value
    return dict(zip(totals, processes.total(*totals.values()), strict=True))


def _micro_batch(
    learner: Learner,
    rollout: Rollout,
    places: Sequence[int],
    weighted: tuple[Tensor, Tensor],
    *,
    check_ratio: bool,
    last: bool,
) -> dict[str, float]:
    """Adds the gradient of some groups; `weighted` are their rows of the rollout and the rows' token weights."""
    spec, (rows, weights) = learner.spec, weighted
    run = partial(
        learner.policy.evaluate,
        [rollout.groups[place] for place in places],
        spec.temperature,
        with_entropies=spec.entropy_coefficient > 0,
    )
    with autocast(spec):
        found = learner.stepper.forward(run, last=last)
    width = found.mask.shape[1]
    old, weights = rollout.old[rows, :width], weights[:, :width]
    new = found.log_probabilities
    if check_ratio:
        _check_ratio(new.detach(), old, spec)
    by_policy = policy_losses(new, old, rollout.advantages[rows, :width], spec.clip)
    by_value = value_losses(
        found.values, rollout.values[rows, :width], rollout.returns[rows, :width], spec.value_clip
    )
    loss_policy, loss_value = (weights * by_policy).sum(), (weights * by_value).sum()
    loss = loss_policy + spec.value_coefficient * loss_value
    if found.entropies is not None:
        loss = loss - spec.entropy_coefficient * (weights * found.entropies).sum()
    learner.stepper.accumulate(loss)
    return {
        "loss_policy": float(loss_policy.detach()),
        "loss_value": float(loss_value.detach()),
        "clip_share": float(clip_share(new.detach(), old, weights, spec.clip)),
        "approximate_kl": float(approximate_kl(new.detach(), old, weights)),
    }


def _check_ratio(new: Tensor, old: Tensor, spec: PpoSpec) -> None:
    apart = float((torch.exp(new - old) - 1).abs().max())
    if apart > RATIO_TOLERANCE[spec.precision]:
        raise TrainingStopped(
            f"found a ratio {apart:.3g} away from 1 in an update's first minibatch, wanted 1 before anything "
            "was learned: rollout and learning must use the same weights, temperature and precision"
        )
