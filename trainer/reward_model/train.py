"""The verb `reward-model`: a scalar model from rankings, kept at its best held-out epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from trainer import json_lines
from trainer.checkpoints import State
from trainer.errors import BadInput
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject
from trainer.launching import open_processes
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import read_demonstrations
from trainer.resumable import Checkpoints, Replayed, Weights, open_folder
from trainer.reward_model.batches import (
    EncodedRanking,
    batch_loss,
    encode_rankings,
    epoch_steps,
    pair_differences,
    require_text,
    teaches,
)
from trainer.reward_model.ensemble import train_members
from trainer.reward_model.heldout import (
    HELDOUT_SCORES,
    Heldout,
    heldout_figures,
    heldout_lines,
    mean_score_by_flag,
    measure_heldout,
)
from trainer.reward_model.heldout_report import write_report
from trainer.reward_model.model import (
    RewardModel,
    raw_scores,
    save_reward_model,
    start_reward_model,
    token_budget_spans,
)
from trainer.reward_model.normalisation import normalised
from trainer.reward_model.ranking_weights import relative, with_weights
from trainer.reward_model.soft_labels import merge_annotators
from trainer.snapshots import Snapshot, read_snapshot
from trainer.specs import RewardModelSpec
from trainer.training_loop import Stepper, autocast, prepare
from trainer.tuning import apply_tuning, finish_tuning, parameter_counts


def run(spec: RewardModelSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`, heldout_scores.jsonl and heldout_report.json among it.

    Metrics: heldout_accuracy with bounds and the other figures of `headline`, heldout_loss, score_by_flag (held
    out), pairs and rankings (trained on), heldout_pairs, heldout_rankings, kept_epoch, score_bias,
    score_bias_from, cpu_seconds. Several members make an ensemble (`train_members`).
    """
    if spec.members > 1:
        train_members(spec, mode, run)
        return
    processes, spec = open_processes(spec)
    snapshot = _read(spec)
    demonstrations = read_demonstrations(spec.demonstrations) if spec.demonstrations else None
    generator = prepare(spec)
    model = start_reward_model(spec.model, seed=spec.seed, device=spec.device)
    train, heldout, taught = _encoded(model, snapshot, spec)
    folder = open_folder(spec, processes)
    if folder.finished:
        return
    with folder.progress(mode) as progress:
        checkpoints = Checkpoints(spec, folder, progress, processes)
        kept, stepper = train_reward_model(
            model, taught, heldout, spec, generator=generator, progress=progress, checkpoints=checkpoints
        )
    model = replace(model, model=processes.settled(model.model))
    if not processes.is_first:
        return
    failpoint("run.trained")
    counts: dict[str, object] = {**parameter_counts(model.model), "memory": stepper.memory()}
    finish_tuning(model.model, spec.tuning, folder.path, base=spec.model)
    model = normalised(model, train, snapshot, demonstrations, spec)
    told = _written(model, heldout, folder.path, spec)
    folder.finish(
        {
            **told,
            "heldout_loss": kept.heldout.loss,
            "pairs": sum(len(encoded.pairs) for encoded in taught),
            "rankings": len(taught),
            "heldout_pairs": kept.heldout.pairs,
            "heldout_rankings": len(heldout),
            "kept_epoch": kept.epoch,
            **counts,
            "cpu_seconds": checkpoints.cpu_seconds(),
        }
    )


def _written(
    model: RewardModel, heldout: Sequence[EncodedRanking], folder: Path, spec: RewardModelSpec
) -> JsonObject:
    """Writes model, held-out scores and report into `folder`; what the outcome tells of them."""
    lines = heldout_lines(model, heldout)
    report, figures = heldout_figures(lines, spec.seed)
    write_report(report, folder)
    json_lines.write_atomically(folder / HELDOUT_SCORES, lines)
    save_reward_model(model, folder)
    bias: JsonObject = {"score_bias": model.bias, "score_bias_from": model.bias_from}
    return {**figures, **bias, "score_by_flag": mean_score_by_flag(lines)}


def _read(spec: RewardModelSpec) -> Snapshot:
    snapshot = read_snapshot(spec.rankings)
    if spec.empty_responses == "refuse":
        require_text(snapshot.rankings, spec.rankings)
    return snapshot


def _encoded(
    model: RewardModel, snapshot: Snapshot, spec: RewardModelSpec
) -> tuple[list[EncodedRanking], list[EncodedRanking], list[EncodedRanking]]:
    """Training rankings, held-out ones, and those of the first that teach. Refuses a snapshot with none of these."""
    train = with_weights(encode_rankings(model, snapshot.split("train"), spec.rankings), spec.rankings)
    heldout = encode_rankings(model, snapshot.split("heldout"), spec.rankings)
    several = merge_annotators(train, spec.tie_weight) if spec.soft_labels else train
    taught = [encoded for encoded in several if teaches(encoded, spec)]
    if not taught:
        raise BadInput(
            f"{spec.rankings}: found no pair to learn from in {len(train)} training rankings, "
            "wanted one ranking at least whose responses do not all tie"
        )
    return train, heldout, relative(taught)


@dataclass
class Kept:
    """The best epoch so far: its number, its held-out figures and its weights."""

    epoch: int = 0
    heldout: Heldout = field(default_factory=lambda: Heldout(None, None, 0))
    weights: dict[str, Tensor] = field(default_factory=dict)
    stopped: bool = False

    def state(self) -> State:
        """All of it."""
        return {
            "epoch": self.epoch,
            "heldout": list(self.heldout),
            "weights": self.weights,
            "stopped": self.stopped,
        }

    def restore(self, state: State) -> None:
        """Puts all of it back."""
        self.epoch, self.heldout = state["epoch"], Heldout(*state["heldout"])
        self.weights, self.stopped = state["weights"], state["stopped"]

    def offer(self, epoch: int, heldout: Heldout, model: RewardModel) -> bool:
        """Takes the epoch when its held-out loss is lower (always where none can be told); True when taken."""
        if self.heldout.loss is not None and heldout.loss is not None and heldout.loss >= self.heldout.loss:
            return False
        self.epoch, self.heldout = epoch, heldout
        self.weights = {name: value.clone() for name, value in Weights(model.model).state().items()}
        return True


def train_reward_model(
    model: RewardModel,
    taught: Sequence[EncodedRanking],
    heldout: Sequence[EncodedRanking],
    spec: RewardModelSpec,
    *,
    generator: torch.Generator,
    progress: ProgressWriter,
    checkpoints: Checkpoints,
) -> tuple[Kept, Stepper]:
    """Trains `model` in place and leaves it with the weights of the epoch of the lowest held-out loss.

    Stops after `patience` epochs without a lower one. Without held-out rankings the last epoch is kept.
    """
    apply_tuning(model.model, spec.tuning, seed=spec.seed)
    tokens = [encoded.group.tokens for encoded in taught]
    steps = spec.epochs * -(-len(taught) // spec.rankings_per_step)
    processes = checkpoints.processes
    processes.wrap(model.model)
    stepper = Stepper(model.model.parameters(), spec, steps, betas=(0.9, 0.999), processes=processes)
    stepper.recompute(model.model)
    weights, kept = Weights(model.model), Kept()
    course = Replayed(lambda drawn: _course(tokens, spec, drawn), generator)
    checkpoints.begin({"weights": weights, "stepper": stepper, "course": course, "kept": kept})
    while not kept.stopped and (following := next(course, None)) is not None:
        epoch, places, ends_epoch = following
        loss, accuracy = _step(model, stepper, [taught[place] for place in places], spec)
        progress.step(stepper.taken, steps, loss=loss, accuracy=accuracy)
        if ends_epoch:
            found = processes.forward(partial(measure_heldout, model, heldout, spec), last=False)
            better = kept.offer(epoch, found, model)
            told = {"heldout_loss": found.loss, "heldout_accuracy": found.accuracy}
            progress.step(stepper.taken, steps, epoch=epoch, **told)
            kept.stopped = not better and epoch - kept.epoch >= spec.patience
        checkpoints.after(stepper.taken, last=kept.stopped or stepper.taken == steps)
    weights.restore(kept.weights)
    return kept, stepper


def _course(
    tokens: Sequence[int], spec: RewardModelSpec, generator: torch.Generator
) -> Iterator[tuple[int, list[int], bool]]:
    """Of each step of all epochs: the epoch (from 1), the places of its rankings, and whether it ends the epoch."""
    for epoch in range(1, spec.epochs + 1):
        steps = list(epoch_steps(tokens, spec.rankings_per_step, generator))
        for number, places in enumerate(steps, start=1):
            yield epoch, places, number == len(steps)


def _step(
    model: RewardModel, stepper: Stepper, rankings: Sequence[EncodedRanking], spec: RewardModelSpec
) -> tuple[float, float | None]:
    """One optimiser step on whole rankings; its loss, and its accuracy before the step."""
    loss, differences = 0.0, list[float]()
    processes = stepper.processes
    budget = spec.batch_tokens * processes.count
    for start, end in token_budget_spans([one.group.tokens for one in rankings], budget):
        part, weight = processes.share(rankings[start:end])
        with autocast(spec):
            run = partial(raw_scores, model, [encoded.group for encoded in part])
            scores = stepper.forward(run, last=end == len(rankings))
        share = weight * len(part) / len(rankings)
        loss += stepper.accumulate(batch_loss(scores, part, spec) * share)
        known = iter(scores.tolist())
        for encoded in part if weight else ():
            differences += pair_differences([next(known) for _ in encoded.group.responses], encoded)
    stepper.step()
    right = sum(1.0 if difference > 0 else 0.5 * (difference == 0) for difference in differences)
    loss, right, count = processes.total(loss, right, len(differences))
    return loss, right / count if count else None
