"""The verb `reward-model`: a scalar model from rankings, kept at its best held-out epoch."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainer import json_lines
from trainer.errors import BadInput
from trainer.progress import ProgressMode, ProgressWriter
from trainer.prompts import read_demonstrations
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
from trainer.reward_model.soft_labels import merge_annotators
from trainer.run_folder import open_run_folder
from trainer.snapshots import Snapshot, read_snapshot
from trainer.specs import RewardModelSpec
from trainer.training_loop import Stepper, apply_tuning, autocast, prepare


def run(spec: RewardModelSpec, mode: ProgressMode) -> None:
    """Trains and writes the run folder `spec.out`, heldout_scores.jsonl and heldout_report.json among it.

    Metrics: heldout_accuracy with bounds and the other figures of `headline`, heldout_loss, score_by_flag (held
    out), pairs and rankings (trained on), heldout_pairs, heldout_rankings, kept_epoch, score_bias,
    score_bias_from, cpu_seconds. Several members make an ensemble (`train_members`).
    """
    if spec.members > 1:
        train_members(spec, mode, run)
        return
    started = time.process_time()
    snapshot = _read(spec)
    demonstrations = read_demonstrations(spec.demonstrations) if spec.demonstrations else None
    generator = prepare(spec)
    model = start_reward_model(spec.model, seed=spec.seed, device=spec.device)
    train = encode_rankings(model, snapshot.split("train"), spec.rankings)
    heldout = encode_rankings(model, snapshot.split("heldout"), spec.rankings)
    several = merge_annotators(train, spec.tie_weight) if spec.soft_labels else train
    taught = [encoded for encoded in several if teaches(encoded, spec)]
    if not taught:
        raise BadInput(
            f"{spec.rankings}: found no pair to learn from in {len(train)} training rankings, "
            "wanted one ranking at least whose responses do not all tie"
        )
    with (folder := open_run_folder(spec.out, spec)).progress(mode) as progress:
        kept = train_reward_model(model, taught, heldout, spec, generator=generator, progress=progress)
    model = normalised(model, train, snapshot, demonstrations, spec)
    lines = heldout_lines(model, heldout)
    report, figures = heldout_figures(lines, spec.seed)
    write_report(report, folder.path)
    json_lines.write_atomically(folder.path / HELDOUT_SCORES, lines)
    save_reward_model(model, folder.path)
    folder.finish(
        {
            **figures,
            "heldout_loss": kept.heldout.loss,
            "pairs": sum(len(encoded.pairs) for encoded in taught),
            "rankings": len(taught),
            "heldout_pairs": kept.heldout.pairs,
            "heldout_rankings": len(heldout),
            "score_by_flag": mean_score_by_flag(lines),
            "kept_epoch": kept.epoch,
            "score_bias": model.bias,
            "score_bias_from": model.bias_from,
            "cpu_seconds": round(time.process_time() - started, 2),
        }
    )


def _read(spec: RewardModelSpec) -> Snapshot:
    snapshot = read_snapshot(spec.rankings)
    if spec.empty_responses == "refuse":
        require_text(snapshot.rankings, spec.rankings)
    return snapshot


@dataclass
class Kept:
    """The best epoch so far: its number, its held-out figures and its weights."""

    epoch: int = 0
    heldout: Heldout = field(default_factory=lambda: Heldout(None, None, 0))
    weights: dict[str, Tensor] = field(default_factory=dict)

    def offer(self, epoch: int, heldout: Heldout, model: RewardModel) -> bool:
        """Takes the epoch when its held-out loss is lower (always where none can be told); True when taken."""
        if self.heldout.loss is not None and heldout.loss is not None and heldout.loss >= self.heldout.loss:
            return False
        self.epoch, self.heldout = epoch, heldout
        self.weights = {name: value.detach().clone() for name, value in model.model.state_dict().items()}
        return True


def train_reward_model(
    model: RewardModel,
    taught: Sequence[EncodedRanking],
    heldout: Sequence[EncodedRanking],
    spec: RewardModelSpec,
    *,
    generator: torch.Generator,
    progress: ProgressWriter,
) -> Kept:
    """Trains `model` in place and leaves it with the weights of the epoch of the lowest held-out loss.

    Stops after `patience` epochs without a lower one. Without held-out rankings the last epoch is kept.
    """
    apply_tuning(model.model, spec.tuning)
    tokens = [encoded.group.tokens for encoded in taught]
    steps = spec.epochs * -(-len(taught) // spec.rankings_per_step)
    stepper = Stepper(model.model.parameters(), spec, steps, betas=(0.9, 0.999))
    kept = Kept()
    for epoch in range(1, spec.epochs + 1):
        for places in epoch_steps(tokens, spec.rankings_per_step, generator):
            loss, accuracy = _step(model, stepper, [taught[place] for place in places], spec)
            progress.step(stepper.taken, steps, loss=loss, accuracy=accuracy)
        found = measure_heldout(model, heldout, spec)
        better = kept.offer(epoch, found, model)
        progress.step(
            stepper.taken, steps, epoch=epoch, heldout_loss=found.loss, heldout_accuracy=found.accuracy
        )
        if not better and epoch - kept.epoch >= spec.patience:
            break
    model.model.load_state_dict(kept.weights)
    return kept


def _step(
    model: RewardModel, stepper: Stepper, rankings: Sequence[EncodedRanking], spec: RewardModelSpec
) -> tuple[float, float | None]:
    """One optimiser step on whole rankings; its loss, and its accuracy before the step."""
    loss, differences = 0.0, []
    for start, end in token_budget_spans([one.group.tokens for one in rankings], spec.batch_tokens):
        part = rankings[start:end]
        with autocast(spec):
            scores = raw_scores(model, [encoded.group for encoded in part])
        loss += stepper.accumulate(batch_loss(scores, part, spec) * (len(part) / len(rankings)))
        known = iter(scores.tolist())
        for encoded in part:
            differences += pair_differences([next(known) for _ in encoded.group.responses], encoded)
    stepper.step()
    right = sum(1.0 if difference > 0 else 0.5 * (difference == 0) for difference in differences)
    return loss, right / len(differences) if differences else None
