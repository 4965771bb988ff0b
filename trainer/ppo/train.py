"""The verb `ppo`: rollouts, rewards and updates until the last one, or the best one by a held-out measure."""

import math
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from trainer import json_lines
from trainer.errors import BadInput, NotFinite, TrainingStopped
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject
from trainer.language_models import (
    LanguageModel,
    LogitsNotFiniteError,
    load_language_model,
)
from trainer.launching import open_processes
from trainer.parallel import ONE_PROCESS, Processes
from trainer.ppo.adam_form import use_tensorflow_form
from trainer.ppo.baseline import compare_with_best_of
from trainer.ppo.kl_controller import KlController
from trainer.ppo.overoptimisation import OverOptimisationWatch, watched
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
    sampling_settings,
)
from trainer.ppo.run_state import Before, Coefficient, Curve, Kept, Sent
from trainer.ppo.seeds import rollout_seed
from trainer.ppo.update import Learner, learn
from trainer.ppo.validation import KeepBest, Validation, open_validation, parse_bound
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import read_prompts
from trainer.resumable import Checkpoints, Drawn, Replayed, Resumable, Weights, open_folder, require_finite
from trainer.reward_model.model import load_reward_model, save_model
from trainer.run_folder import RunFolder
from trainer.specs import PpoSpec
from trainer.stopped_batch import before_the_first_step
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
    watch: OverOptimisationWatch
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
            "watch": self.watch,
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
    from the reference, a response), updates, kept_update, validation (the curve), baseline (best-of-n beside the
    policy), overoptimised_at and _kl (update and KL of the watch's alarm, null without), cpu_seconds.
    """
    if spec.parallel != "ddp":
        raise BadInput(f"--parallel: found {spec.parallel}, wanted ddp: a rollout decodes with whole weights")
    processes, spec = open_processes(spec)
    with ExitStack() as stack:
        state = open_run(spec, stack, processes)
        if not spec.resume:
            # Looked at before the folder is made: a reward that is no number leaves nothing behind.
            _look_before(state)
        folder = open_folder(spec, processes)
        if folder.finished:
            return
        with folder.progress(mode) as progress:
            checkpoints = Checkpoints(spec, folder, progress, processes)
            kept = updates = _train(state, folder, progress, checkpoints)
        if not processes.is_first:
            return
        failpoint("run.trained")
        if state.keep is not None:
            state.learner.policy.load_state_dict(state.keep.weights)
            kept = state.keep.update
        after = _look_after(state)
        baseline = _baseline(state, kl := kl_of(state, after[0]), after[1])
    counts = parameter_counts(state.learner.policy)
    _save(state, folder, after)
    folder.finish(
        {
            "score_before": _mean(state.before.scores),
            "score_after": _mean(after[1]),
            "kl": kl,
            "kl_coefficient": state.controller.coefficient,
            "updates": updates,
            "kept_update": kept,
            "validation": state.curve.points,
            "baseline": baseline,
            **state.watch.outcome(),
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
    check_special_tokens(lm, spec.policy)
    value_from, separate = None, spec.value_model == "separate"
    if separate and spec.reward_models:
        value_from = load_reward_model(spec.reward_models[0], device=spec.device)
    policy = Policy(lm, value_from, separate=separate)
    if value_from is not None:
        apply_tuning(policy.value_trunk, spec.tuning, seed=spec.seed)
    steps = max(spec.updates, 1)
    processes.wrap(policy)
    stepper = Stepper(policy.parameters(), spec, steps, betas=(0.9, 0.999), processes=processes)
    stepper.recompute(lm.model)
    if spec.adam_form == "tensorflow":
        use_tensorflow_form(stepper.optimiser, spec.adam_eps)
    prompts = encode_prompts(lm, lines)
    return Run(
        spec=spec,
        learner=Learner(policy, stepper, spec, generator, open_mix(spec, lm, _another(generator))),
        reference=reference_of(lm.model, spec.tuning),
        sources=open_sources(spec, stack),
        prompts=prompts,
        stream=Replayed(lambda drawn: endless_prompts(prompts, drawn), _another(generator)),
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
    lm = state.learner.policy.lm
    sampled = sample_responses(
        lm,
        state.prompts[:LOOKED_AT],
        sampling_settings(spec, lm),
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


def _look_before(state: Run) -> None:
    sampled, state.before.scores = look(state)
    state.before.lines = sampled.lines


def _look_after(state: Run) -> tuple[Sampled, list[float]]:
    """Refuses (TrainingStopped) a policy that learned to be no model any more."""
    require_finite(Weights(state.learner.policy).state(), state.spec.updates)
    try:
        return look(state)
    except LogitsNotFiniteError as error:
        raise TrainingStopped(f"after the last update: {error}") from error


def _is_ended(state: Run) -> bool:
    return state.spec.watch_stop and state.watch.alarm_update is not None


def _train(state: Run, folder: RunFolder, progress: ProgressWriter, checkpoints: Checkpoints) -> int:
    """The number of updates made: all, or those until the watch ended the run."""
    spec = state.spec
    done = checkpoints.begin(state.parts())
    if _is_ended(state):
        return done
    if not done:
        if not state.before.lines:
            _look_before(state)
        _validate(state, 0, progress)
    for update in range(done, spec.updates):
        try:
            figures = _update(state, update)
            told = _validated(state, update + 1)
        except (TrainingStopped, LogitsNotFiniteError) as error:
            if isinstance(error, NotFinite) and not state.learner.stepper.taken:
                checkpoints.discard()
                raise before_the_first_step(error) from error
            kept = _save_rollout(state.rollout, folder.path / STOPPED)
            raise TrainingStopped(f"update {update + 1}: {error}{kept}") from error
        progress.step(update + 1, spec.updates, **figures, **told)
        ended = _is_ended(state)
        checkpoints.after(update + 1, last=ended or update + 1 == spec.updates)
        if ended:
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


def _save_rollout(rollout: Rollout | None, path: Path) -> str:
    """The batch at which a run stopped, so that it can be looked into: one line a prompt, null for what is not
    finite. Tells where it is, nothing where there is none yet."""
    if rollout is None:
        return ""
    names = ("old", "values", "advantages", "returns")
    lines, row = [], 0
    for one in rollout.groups:
        rows = range(row, row + len(one.responses))
        told = {name: [_finite(getattr(rollout, name)[place]) for place in rows] for name in names}
        lines.append({"prompt": list(one.prompt), "responses": [*map(list, one.responses)], **told})
        row += len(one.responses)
    json_lines.write_atomically(path, lines)
    return f"; the last batch is in {path}"


def _finite(values: torch.Tensor) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values.tolist()]


def _another(generator: torch.Generator) -> torch.Generator:
    """A generator of its own for each purpose, so that drawing more for one does not move the other."""
    seed = int(torch.randint(2**62, (1,), generator=generator))
    return torch.Generator().manual_seed(seed)


def _mean(scores: list[float]) -> float:
    return sum(scores) / len(scores)
