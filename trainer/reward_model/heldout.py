"""How well scores order rankings that were not trained on."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import torch

from trainer.errors import NotFinite
from trainer.json_lines import JsonObject
from trainer.rankings import to_line
from trainer.resumable import LESS
from trainer.reward_model.batches import EncodedRanking, batch_loss, pair_differences, teaches
from trainer.reward_model.heldout_report import headline, report, scored_of
from trainer.reward_model.loss import pair_accuracy
from trainer.reward_model.model import RewardModel, scores_of
from trainer.specs import RewardModelSpec

HELDOUT_SCORES = "heldout_scores.jsonl"


class Heldout(NamedTuple):
    """Accuracy over decided pairs (equal scores count one half) and mean loss; None where nothing decides."""

    accuracy: float | None
    loss: float | None
    pairs: int


def measure_heldout(
    reward_model: RewardModel, rankings: Sequence[EncodedRanking], spec: RewardModelSpec
) -> Heldout:
    """The held-out figures of the model as it is now. Refuses (NotFinite) a loss that is not finite."""
    scores = scores_of(reward_model, [encoded.group for encoded in rankings])
    differences = [
        difference
        for own, encoded in zip(scores, rankings, strict=True)
        for difference in pair_differences(own, encoded)
    ]
    accuracy = float(pair_accuracy(torch.tensor(differences))) if differences else None
    able = [(own, encoded) for own, encoded in zip(scores, rankings, strict=True) if teaches(encoded, spec)]
    if not able:
        return Heldout(accuracy, None, len(differences))
    flat = torch.tensor([score for own, _ in able for score in own])
    loss = float(batch_loss(flat, [encoded for _, encoded in able], spec))
    if not math.isfinite(loss):
        raise NotFinite(f"a held-out loss of {loss}", advice=LESS)
    return Heldout(accuracy, loss, len(differences))


def heldout_lines(reward_model: RewardModel, rankings: Sequence[EncodedRanking]) -> list[JsonObject]:
    """The ranking lines with `scores`, {response id: score}, bias included."""
    scores = scores_of(reward_model, [encoded.group for encoded in rankings])
    return [
        {
            **to_line(encoded.ranking),
            "scores": {
                response.id: score for response, score in zip(encoded.ranking.responses, own, strict=True)
            },
        }
        for own, encoded in zip(scores, rankings, strict=True)
    ]


def mean_score_by_flag(lines: Sequence[JsonObject]) -> dict[str, float]:
    """Mean score of the responses that carry each flag, by the flag's name."""
    found: dict[str, list[float]] = defaultdict(list)
    for line in lines:
        flags, scores = line.get("flags"), line["scores"]
        if not isinstance(flags, dict) or not isinstance(scores, dict):
            continue
        for response, names in flags.items():
            for name in names:
                found[name].append(scores[response])
    return {name: sum(scores) / len(scores) for name, scores in sorted(found.items())}


def heldout_figures(lines: Sequence[JsonObject], seed: int) -> tuple[JsonObject, JsonObject]:
    """The report of scored held-out lines, and the figures of it that an outcome tells."""
    found = report(scored_of(lines), seed)
    return found, headline(found)
