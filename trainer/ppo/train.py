"""The verb `ppo`: rollouts, rewards and updates until the last one, or the best one by a held-out measure."""

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from trainer import json_lines
from trainer.errors import BadInput, TrainingStopped
from trainer.failpoints import failpoint
from trainer.language_models import SamplingSettings, load_language_model
from trainer.launching import open_processes
from trainer.parallel import ONE_PROCESS, Processes
from trainer.ppo.kl_controller import KlController
from trainer.ppo.policy import Policy, log_probabilities
from trainer.ppo.pretraining_mix import open_mix
from trainer.ppo.reference import reference_of
from trainer.ppo.reward_sources import WeightedSources, open_sources
from trainer.ppo.rollouts import (
    EncodedPrompt,
    Rollout,
    Sampled,
    collect,
    encode_prompts,
    endless_prompts,
    sample_responses,
)
from trainer.ppo.run_state import Before, Coefficient, Curve, Kept, Sent
from trainer.ppo.update import Learner, learn
from trainer.ppo.validation import KeepBest, Validation, open_validation, parse_bound
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import read_prompts
from trainer.resumable import Checkpoints, Drawn, Replayed, Resumable, Weights, open_folder
from trainer.reward_model.model import load_reward_model, save_model
from trainer.run_folder import RunFolder
from trainer.specs import PpoSpec
from trainer.training_loop import Stepper, prepare
from trainer.tuning import apply_tuning, finish_tuning, merge, parameter_counts

# Prompts on which the policy is looked at before and after; the same noise both times.
LOOKED_AT = 256
SAMPLES, STOPPED, VALUE_HEAD = "samples.jsonl", "stopped_rollout.jsonl", "value_head.safetensors"


@dataclass
class Run:
    """All that a PPO run holds."""

    spec: PpoSpec
    learner: Learner
    reference: Any
    sources: WeightedSources
    prompts: list[EncodedPrompt]
    stream: Replayed[EncodedPrompt]
    controller: KlController
    validation: Validation | None
    keep: KeepBest | None
    before: Before = field(default_factory=Before)
    curve: Curve = field(default_factory=Curve)
    rollout: Rollout | None = None

    def parts(self) -> dict[str, Resumable]:
        """All that a later update depends on (the reference model is read again)."""
        learner = self.learner
        found: dict[str, Resumable] = {
            "weights": Weights(learner.policy),
            "stepper": learner.stepper,
            "minibatches": Drawn(learner.generator),
            "stream": self.stream,
            "coefficient": Coefficient(self.controller),
            "before": self.before,
            "curve": self.curve,
            "sent": Sent(self.sources),
        }
        if learner.mix is not None and isinstance(learner.mix.batches, Replayed):
            found["mix"] = learner.mix.batches
        if self.keep is not None:
            found["kept"] = Kept(self.keep)
        return found


def run(spec: PpoSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`: the kept policy, its value model, samples.jsonl.

    Metrics: score_before and score_after (mean score of the same prompts, same noise), kl (of the kept policy
    from the reference, per response), updates, kept_update, validation (the curve), cpu_seconds.
    """
    if spec.parallel != "ddp":
        raise BadInput(f"--parallel: found {spec.parallel}, wanted ddp: a rollout decodes with whole weights")
    processes, spec = open_processes(spec)
    with ExitStack() as stack:
        state = open_run(spec, stack, processes)
        folder = open_folder(spec, processes)
        if folder.finished:
            return
        with folder.progress(mode) as progress:
            checkpoints = Checkpoints(spec, folder, progress, processes)
            _train(state, folder, progress, checkpoints)
        if not processes.is_first:
            return
        failpoint("run.trained")
        kept = spec.updates
        if state.keep is not None:
            state.learner.policy.load_state_dict(state.keep.weights)
            kept = state.keep.update
        after = look(state)
    counts = parameter_counts(state.learner.policy)
    kl = kl_of(state, after[0])
    _save(state, folder, after)
    folder.finish(
        {
            "score_before": _mean(state.before.scores),
            "score_after": _mean(after[1]),
            "kl": kl,
            "kl_coefficient": state.controller.coefficient,
            "updates": spec.updates,
            "kept_update": kept,
            "validation": state.curve.points,
            **counts,
            "memory": state.learner.stepper.memory(),
            "cpu_seconds": checkpoints.cpu_seconds(),
        }
    )


def open_run(spec: PpoSpec, stack: ExitStack, processes: Processes = ONE_PROCESS) -> Run:
    """Everything a run needs, read and checked before its folder is made."""
    bound = parse_bound(spec.keep_bound)
    lines = read_prompts(spec.prompts)
    generator = prepare(spec)
    lm = load_language_model(spec.policy, device=spec.device)
    apply_tuning(lm.model, spec.tuning, seed=spec.seed)
    value_from = None
    if spec.value_model == "separate":
        value_from = load_reward_model(spec.reward_models[0], device=spec.device)
    policy = Policy(lm, value_from)
    if policy.value_trunk is not None:
        apply_tuning(policy.value_trunk, spec.tuning, seed=spec.seed)
    steps = max(spec.updates, 1)
    processes.wrap(policy)
    stepper = Stepper(policy.parameters(), spec, steps, betas=(0.9, 0.999), processes=processes)
    stepper.recompute(lm.model)
    prompts = encode_prompts(lm, lines)
    return Run(
        spec=spec,
        learner=Learner(policy, stepper, spec, generator, open_mix(spec, lm, _another(generator))),
        reference=reference_of(lm.model, spec.tuning),
        sources=open_sources(spec, stack),
        prompts=prompts,
        stream=Replayed(lambda drawn: endless_prompts(prompts, drawn), _another(generator)),
        controller=KlController(spec.kl_coefficient, spec.kl_target, int(spec.kl_horizon)),
        validation=open_validation(spec, lm),
        keep=KeepBest(spec.keep_best, bound) if spec.keep_best else None,
    )


def look(state: Run) -> tuple[Sampled, list[float]]:
    """One response of the policy to each of the first prompts, and their scores; always the same noise."""
    spec = state.spec
    settings = SamplingSettings(temperature=spec.temperature, max_new_tokens=spec.max_new_tokens)
    sampled = sample_responses(
        state.learner.policy.lm,
        state.prompts[:LOOKED_AT],
        settings,
        copies=1,
        seed=spec.seed,
        batch_tokens=spec.batch_tokens,
    )
    return sampled, state.sources.scores(sampled.lines)[0]


@torch.no_grad()
def kl_of(state: Run, sampled: Sampled) -> float:
    """Mean over the sampled responses of Σ_t log π - log π_ref, the KL a response in nats."""
    policy, temperature = state.learner.policy, state.spec.temperature
    ours, theirs = (
        log_probabilities(model, sampled.groups, temperature, pad_id=policy.lm.pad_id)
        for model in (policy.model, state.reference)
    )
    return float((ours - theirs).sum(dim=1).mean())


def _train(state: Run, folder: RunFolder, progress: ProgressWriter, checkpoints: Checkpoints) -> None:
    spec = state.spec
    done = checkpoints.begin(state.parts())
    if not done:
        sampled, state.before.scores = look(state)
        state.before.lines = sampled.lines
        _validate(state, 0, progress)
    for update in range(done, spec.updates):
        try:
            figures = _update(state, update)
        except TrainingStopped as error:
            _save_rollout(state.rollout, folder.path / STOPPED)
            raise TrainingStopped(f"update {update + 1}: {error}") from error
        told = _validated(state, update + 1)
        progress.step(update + 1, spec.updates, **figures, **told)
        checkpoints.after(update + 1, last=update + 1 == spec.updates)


def _update(state: Run, update: int) -> dict[str, float]:
    spec = state.spec
    prompts = list(islice(state.stream, spec.episodes // spec.responses_per_prompt))
    rollout = collect(
        state.learner.policy,
        state.reference,
        prompts,
        state.sources,
        spec,
        kl_coefficient=state.controller.coefficient,
        seed=spec.seed * 1_000_003 + update + 1,
    )
    state.rollout = rollout
    if update == 0 and abs(rollout.figures["kl"]) > 1e-2:
        raise TrainingStopped(
            f"found a KL of {rollout.figures['kl']:.3g} before anything was learned, wanted 0: policy and "
            "reference must be the same model"
        )
    started = time.perf_counter()
    figures = {**rollout.figures, "kl_coefficient": state.controller.coefficient}
    figures.update(learn(state.learner, rollout, update))
    figures["seconds_learn"] = time.perf_counter() - started
    state.controller.update(rollout.figures["kl"], spec.episodes)
    return figures


def _validate(state: Run, update: int, progress: ProgressWriter) -> None:
    told = _validated(state, update)
    if told:
        progress.step(update, state.spec.updates, **told)


def _validated(state: Run, update: int) -> dict[str, float]:
    """The validation figures where this update is due, else none; the best checkpoint is kept on the way."""
    spec = state.spec
    if state.validation is None or (update % spec.validate_every and update != spec.updates):
        return {}
    metrics = state.validation.measure(state.learner.policy.lm)
    state.curve.points.append({"update": update, **metrics})
    if state.keep is not None:
        state.keep.offer(update, metrics, state.learner.policy)
    return {f"validation_{name}": value for name, value in metrics.items()}


def _save(state: Run, folder: RunFolder, after: tuple[Sampled, list[float]]) -> None:
    policy = state.learner.policy
    finish_tuning(policy.model, state.spec.tuning, folder.path, base=state.spec.policy)
    if policy.value_trunk is not None:
        merge(policy.value_trunk, state.spec.tuning)
    save_model(policy.model, policy.lm.tokenizer, folder.path)
    value = {
        name: weight.detach().contiguous()
        for name, weight in policy.state_dict().items()
        if name.startswith("value_")
    }
    save_file(value, folder.path / VALUE_HEAD)
    samples = [
        {
            **{key: value for key, value in was.items() if key not in ("response", "policy", "sampling")},
            "before": was["response"],
            "after": now["response"],
            "score_before": score,
            "score_after": rescored,
        }
        for was, now, score, rescored in zip(
            state.before.lines, after[0].lines, state.before.scores, after[1], strict=True
        )
    ]
    json_lines.write_atomically(folder.path / SAMPLES, samples)


def _save_rollout(rollout: Rollout | None, path: Path) -> None:
    """Token ids of the rollout at which a run stopped, so that it can be looked into."""
    if rollout is not None:
        json_lines.write_atomically(
            path,
            (
                {"prompt": list(one.prompt), "responses": [*map(list, one.responses)]}
                for one in rollout.groups
            ),
        )


def _another(generator: torch.Generator) -> torch.Generator:
    """A generator of its own for each purpose, so that drawing more for one does not move the other."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    return torch.Generator().manual_seed(seed)


def _mean(scores: list[float]) -> float:
    return sum(scores) / len(scores)
