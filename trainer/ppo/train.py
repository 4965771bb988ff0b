"""The verb `ppo`: rollouts, rewards and updates until the last one, or the best one by a held-out measure."""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from trainer import json_lines
from trainer.errors import BadInput, TrainingStopped
from trainer.json_lines import JsonObject
from trainer.language_models import LanguageModel, SamplingSettings, load_language_model
from trainer.ppo.adam_form import use_tensorflow_form
from trainer.ppo.baseline import compare_with_best_of
from trainer.ppo.kl_controller import KlController
from trainer.ppo.overoptimisation import OverOptimisationWatch, watched
from trainer.ppo.policy import Policy, frozen_copy, log_probabilities
from trainer.ppo.pretraining_mix import open_mix
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
from trainer.ppo.seeds import rollout_seed
from trainer.ppo.update import Learner, learn
from trainer.ppo.validation import KeepBest, Validation, open_validation, parse_bound
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import read_prompts
from trainer.reward_model.model import load_reward_model, save_model
from trainer.run_folder import RunFolder, open_run_folder
from trainer.specs import PpoSpec
from trainer.training_loop import Stepper, apply_tuning, prepare

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
    stream: Iterator[EncodedPrompt]
    controller: KlController
    watch: OverOptimisationWatch
    validation: Validation | None
    keep: KeepBest | None
    curve: list[JsonObject] = field(default_factory=list)
    rollout: Rollout | None = None


def run(spec: PpoSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`: the kept policy, its value model, samples.jsonl.

    Metrics: score_before and score_after (mean score of the same prompts, same noise), kl (of the kept policy
    from the reference, per response), updates, kept_update, validation (the curve), baseline (best-of-n beside the
    policy), overoptimised_at and overoptimised_kl (update and KL of the watch's alarm, null without), cpu_seconds.
    """
    started = time.process_time()
    with ExitStack() as stack:
        state = open_run(spec, stack)
        # Looked at before the folder is made: a reward that is no number leaves nothing behind.
        before = look(state)
        folder = open_run_folder(spec.out, spec)
        with folder.progress(mode) as progress:
            kept = updates = _train(state, folder, progress)
        if state.keep is not None:
            state.learner.policy.load_state_dict(state.keep.weights)
            kept = state.keep.update
        after = look(state)
        kl = kl_of(state, after[0])
        baseline = _baseline(state, kl, after[1])
    _save(state, folder, before, after)
    folder.finish(
        {
            "score_before": _mean(before[1]),
            "score_after": _mean(after[1]),
            "kl": kl,
            "kl_coefficient": state.controller.coefficient,
            "updates": updates,
            "kept_update": kept,
            "validation": state.curve,
            "baseline": baseline,
            "overoptimised_at": state.watch.alarm_update,
            "overoptimised_kl": state.watch.alarm_kl,
            "cpu_seconds": round(time.process_time() - started, 2),
        }
    )


def open_run(spec: PpoSpec, stack: ExitStack) -> Run:
    """Everything a run needs, read and checked before its folder is made."""
    bound = parse_bound(spec.keep_bound)
    lines = read_prompts(spec.prompts)
    generator = prepare(spec)
    lm = load_language_model(spec.policy, device=spec.device)
    apply_tuning(lm.model, spec.tuning)
    check_special_tokens(lm, spec.policy)
    value_from, separate = None, spec.value_model == "separate"
    if separate and spec.reward_models:
        value_from = load_reward_model(spec.reward_models[0], device=spec.device)
    policy = Policy(lm, value_from, separate=separate)
    steps = max(spec.updates, 1)
    stepper = Stepper(policy.parameters(), spec, steps, betas=(0.9, 0.999))
    if spec.adam_form == "tensorflow":
        use_tensorflow_form(stepper.optimiser, spec.adam_eps)
    prompts = encode_prompts(lm, lines)
    return Run(
        spec=spec,
        learner=Learner(policy, stepper, spec, generator, open_mix(spec, lm, _another(generator))),
        reference=frozen_copy(lm.model),
        sources=open_sources(spec, stack),
        prompts=prompts,
        stream=endless_prompts(prompts, _another(generator)),
        controller=KlController(spec.kl_coefficient, spec.kl_target, int(spec.kl_horizon)),
        watch=OverOptimisationWatch(spec.watch_window),
        validation=open_validation(spec, lm),
        keep=KeepBest(spec.keep_best, bound) if spec.keep_best else None,
    )


def check_special_tokens(lm: LanguageModel, folder: str) -> None:
    """Refuses (BadInput) a pad token that also ends responses: real ends would be masked as padding."""
    if lm.pad_id in lm.end_ids:
        raise BadInput(
            f"{folder}: found the pad token {lm.pad_id} among the end tokens, wanted one of its own"
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


def _baseline(state: Run, kl: float, scores: list[float]) -> JsonObject | None:
    if not state.spec.baseline_n:
        return None
    # The start is read again from its folder: it is the same whatever was learned, adapted or resumed.
    start = load_language_model(state.spec.policy, device=state.spec.device)
    return compare_with_best_of(start, state.prompts, state.sources, state.spec, learned=(kl, scores))


def _train(state: Run, folder: RunFolder, progress: ProgressWriter) -> int:
    """The number of updates made: all, or those until the watch ended the run."""
    spec = state.spec
    _validate(state, 0, progress)
    for update in range(spec.updates):
        try:
            figures = _update(state, update)
        except TrainingStopped as error:
            _save_rollout(state.rollout, folder.path / STOPPED)
            raise TrainingStopped(f"update {update + 1}: {error}") from error
        told = _validated(state, update + 1)
        progress.step(update + 1, spec.updates, **figures, **told)
        if spec.watch_stop and state.watch.alarm_update is not None:
            return update + 1
    return spec.updates


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
        seed=rollout_seed(spec.seed, update),
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
    figures["tokens_per_second_learn"] = float(rollout.mask.sum()) / figures["seconds_learn"]
    figures["seconds_cpu"] = time.process_time()
    figures.update(watched(state.watch, update + 1, figures, spec.episodes))
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
    state.curve.append({"update": update, **metrics})
    if state.keep is not None:
        state.keep.offer(update, metrics, state.learner.policy)
    return {f"validation_{name}": value for name, value in metrics.items()}


def _save(
    state: Run, folder: RunFolder, before: tuple[Sampled, list[float]], after: tuple[Sampled, list[float]]
) -> None:
    policy = state.learner.policy
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
            before[0].lines, after[0].lines, before[1], after[1], strict=True
        )
    ]
    json_lines.write_atomically(folder.path / SAMPLES, samples)


def _save_rollout(rollout: Rollout | None, path: Path) -> None:
    """The batch at which a run stopped, so that it can be looked into: one line a prompt, null for what is not
    finite."""
    if rollout is None:
        return
    names = ("old", "values", "advantages", "returns")
    lines, row = [], 0
    for one in rollout.groups:
        rows = range(row, row + len(one.responses))
        told = {name: [_finite(getattr(rollout, name)[place]) for place in rows] for name in names}
        lines.append({"prompt": list(one.prompt), "responses": [*map(list, one.responses)], **told})
        row += len(one.responses)
    json_lines.write_atomically(path, lines)


def _finite(values: torch.Tensor) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _another(generator: torch.Generator) -> torch.Generator:
    """A generator of its own for each purpose, so that drawing more for one does not move the other."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    return torch.Generator().manual_seed(seed)


def _mean(scores: list[float]) -> float:
    return sum(scores) / len(scores)
