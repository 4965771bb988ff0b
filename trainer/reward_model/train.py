"""The verb `reward-model`: a scalar model from rankings, kept at its best held-out epoch."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from trainer import json_lines
from trainer.checkpoints import State
from trainer.errors import BadInput, NotFinite
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject
from trainer.launching import open_processes
from trainer.parallel import Processes
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import read_demonstrations
from trainer.rankings import to_line
from trainer.resumable import LESS, Checkpoints, Replayed, Weights, open_folder, require_finite
from trainer.reward_model.batches import (
    EncodedRanking,
    batch_loss,
    effective_number,
    encode_rankings,
    epoch_steps,
    pair_differences,
    require_text,
    teaches,
    weighted_evenly,
    with_mean_weight_one,
)
from trainer.reward_model.ensemble import joined, train_members, write_heads
from trainer.reward_model.heads import heads_loss, mean_of, resampled, separated, with_heads
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
    mean_scores,
    raw_scores,
    save_reward_model,
    start_reward_model,
    token_budget_spans,
)
from trainer.reward_model.normalisation import normalised
from trainer.reward_model.soft_labels import merge_annotators
from trainer.snapshots import Snapshot, read_snapshot
from trainer.specs import RewardModelSpec
from trainer.stopped_batch import batch_kept
from trainer.training_loop import Stepper, autocast, prepare
from trainer.tuning import apply_tuning, finish_tuning, parameter_counts


def run(spec: RewardModelSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`, heldout_scores.jsonl and heldout_report.json among it.

    Metrics: heldout_accuracy with bounds and the other figures of `headline`, heldout_loss, score_by_flag (held
    out), pairs and rankings (trained on), effective_rankings (how many of equal weight say as much), heldout_pairs,
    heldout_rankings, kept_epoch, score_bias, score_bias_from, cpu_seconds. Several members make an ensemble: of whole
    models (`train_members`), or of heads on one trunk (`heads`), then member_accuracies too.
    """
    if spec.members > 1 and spec.ensemble == "seeds":
        train_members(spec, mode, run)
        return
    processes, spec = open_processes(spec)
    snapshot = _read(spec)
    demonstrations = read_demonstrations(spec.demonstrations) if spec.demonstrations else None
    generator = prepare(spec)
    model, (train, heldout, taught) = _started(snapshot, spec, processes)
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
    require_finite(Weights(model.model).state(), stepper.taken)
    counts: dict[str, object] = {**parameter_counts(model.model), "memory": stepper.memory()}
    members = separated(model) if model.units > 1 else (model,)
    finish_tuning(_whole(members).model, spec.tuning, folder.path, base=spec.model)
    members = tuple(normalised(one, train, snapshot, demonstrations, spec) for one in members)
    told = _written(members, heldout, folder.path, spec)
    folder.finish(
        {
            **told,
            "heldout_loss": kept.heldout.loss,
            "pairs": sum(len(encoded.pairs) for encoded in taught),
            "rankings": len(taught),
            "effective_rankings": effective_number(taught),
            "heldout_pairs": kept.heldout.pairs,
            "heldout_rankings": len(heldout),
            "kept_epoch": kept.epoch,
            **counts,
            "cpu_seconds": checkpoints.cpu_seconds(),
        }
    )


def _started(
    snapshot: Snapshot, spec: RewardModelSpec, processes: Processes
) -> tuple[RewardModel, tuple[list[EncodedRanking], list[EncodedRanking], list[EncodedRanking]]]:
    """The model before training, with all its heads, and what `_encoded` tells, weighted for each head.

    Refuses (BadInput) heads in several processes.
    """
    if spec.members > 1 and processes.count > 1:
        raise BadInput("--ensemble heads: found several processes, wanted one")
    model = start_reward_model(spec.model, seed=spec.seed, device=spec.device)
    train, heldout, taught = _encoded(model, snapshot, spec)
    if spec.members > 1:
        model = with_heads(model, spec.members, seed=spec.seed)
        taught = resampled(taught, spec.members, seed=spec.seed)
    return model, (train, heldout, taught)


def _whole(members: Sequence[RewardModel]) -> RewardModel:
    """The one model, or the mean of several heads on one trunk."""
    return members[0] if len(members) == 1 else mean_of(members)


def _written(
    members: Sequence[RewardModel], heldout: Sequence[EncodedRanking], folder: Path, spec: RewardModelSpec
) -> JsonObject:
    """Writes model, heads of an ensemble, held-out scores and report into `folder`; what the outcome tells of them.

    Refuses (NotFinite) a bias that is not finite.
    """
    model = _whole(members)
    if not math.isfinite(model.bias):
        raise NotFinite(f"a score bias of {model.bias}", advice=LESS)
    each = [heldout_lines(member, heldout) for member in members]
    lines = each[0] if len(members) == 1 else joined(each)
    report, figures = heldout_figures(lines, spec.seed)
    write_report(report, folder)
    json_lines.write_atomically(folder / HELDOUT_SCORES, lines)
    save_reward_model(model, folder)
    told: JsonObject = {"score_bias": model.bias, "score_bias_from": model.bias_from}
    if len(members) > 1:
        write_heads(members, folder)
        told["member_accuracies"] = [heldout_figures(own, spec.seed)[1]["heldout_accuracy"] for own in each]
    return {**figures, **told, "score_by_flag": mean_score_by_flag(lines)}


def _read(spec: RewardModelSpec) -> Snapshot:
    snapshot = read_snapshot(spec.rankings)
    if spec.empty_responses == "refuse":
        require_text(snapshot.rankings, spec.rankings)
    return snapshot


def _encoded(
    model: RewardModel, snapshot: Snapshot, spec: RewardModelSpec
) -> tuple[list[EncodedRanking], list[EncodedRanking], list[EncodedRanking]]:
    """Training rankings, held-out ones, and those of the first that teach, their weights of mean 1.

    Refuses a snapshot with none of these.
    """
    train = encode_rankings(model, snapshot.split("train"), spec.rankings)
    heldout = weighted_evenly(encode_rankings(model, snapshot.split("heldout"), spec.rankings))
    several = merge_annotators(train, spec.tie_weight) if spec.soft_labels else train
    taught = [encoded for encoded in several if teaches(encoded, spec)]
    if not taught:
        raise BadInput(
            f"{spec.rankings}: found no pair to learn from in {len(train)} training rankings, "
            "wanted one ranking at least whose responses do not all tie"
        )
    return train, heldout, with_mean_weight_one(taught)


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
        batch = [taught[place] for place in places]
        with batch_kept(checkpoints, stepper, partial(_as_lines, batch)):
            loss, accuracy = _step(model, stepper, batch, spec)
            measure = partial(measure_heldout, model, heldout, spec)
            found = processes.forward(measure, last=False) if ends_epoch else None
        progress.step(stepper.taken, steps, loss=loss, accuracy=accuracy)
        if found is not None:
            better = kept.offer(epoch, found, model)
            told = {"heldout_loss": found.loss, "heldout_accuracy": found.accuracy}
            progress.step(stepper.taken, steps, epoch=epoch, **told)
            kept.stopped = not better and epoch - kept.epoch >= spec.patience
        checkpoints.after(stepper.taken, last=kept.stopped or stepper.taken == steps)
    weights.restore(kept.weights)
    return kept, stepper


def _as_lines(batch: Sequence[EncodedRanking]) -> list[JsonObject]:
    return [to_line(encoded.ranking) for encoded in batch]


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
        loss_of = batch_loss if model.units == 1 else heads_loss
        loss += stepper.accumulate(loss_of(scores, part, spec) * share)
        known = iter(mean_scores(scores).tolist())
        for encoded in part if weight else ():
            differences += pair_differences([next(known) for _ in encoded.group.responses], encoded)
    stepper.step()
    right = sum(1.0 if difference > 0 else 0.5 * (difference == 0) for difference in differences)
    loss, right, count = processes.total(loss, right, len(differences))
    return loss, right / count if count else None
