"""Our side: whole steps over whole rankings through the trainer's own functions, and the checks of equality."""

import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSequenceClassification

from benchmarks.reward_model_peer.world import END, PAD, TokenRanking
from trainer.language_models import right_pad
from trainer.prompts import Message
from trainer.rankings import RankedResponse, Ranking, pairs
from trainer.reward_model.batches import EncodedRanking, batch_loss, epoch_steps, pair_differences
from trainer.reward_model.model import RewardModel, raw_scores, token_budget_spans
from trainer.reward_model.prompt_groups import PromptGroup
from trainer.specs import RewardModelSpec
from trainer.training_loop import Stepper


def spec_of(**told: object) -> RewardModelSpec:
    """The spec of a run: a constant learning rate, AdamW without decay, clipping at 1."""
    known = {"out": "-", "rankings": "-", "model": "-", "schedule": "constant", "warmup_share": 0.0}
    return RewardModelSpec.from_json({**known, "rankings_per_step": 1, **told}, "benchmark")


def load(folder: Path) -> RewardModel:
    """The reward model of `folder`; token ids are given, so that no tokenizer is read."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="sdpa").eval()
    return RewardModel(model, None, END, PAD)


def encoded(rankings: Sequence[TokenRanking]) -> list[EncodedRanking]:
    """The rankings as the trainer holds them; their texts were never there."""
    found = []
    for number, one in enumerate(rankings):
        names = [str(place) for place in range(len(one.responses))]
        ranking = Ranking(
            id=str(number),
            prompt=(Message("user", "-"),),
            responses=tuple(RankedResponse(name, "-") for name in names),
            tiers=tuple((name,) for name in names),
            annotator="-",
            kind="ranking",
        )
        group = PromptGroup(one.prompt, one.responses)
        found.append(EncodedRanking(ranking, group, tuple(pairs(ranking)), ()))
    return found


def train(
    model: RewardModel,
    rankings: Sequence[EncodedRanking],
    spec: RewardModelSpec,
    *,
    plain: bool = False,
    flops: bool = False,
) -> dict[str, Any]:
    """CPU seconds of one pass over the rankings: batches drawn, loss, gradient, clipping, AdamW.

    `plain` runs each response with its prompt (K-way without sharing).
    """
    stepper = Stepper(model.model.parameters(), spec, len(rankings), betas=(0.9, 0.999))
    counter = FlopCounterMode(display=False)
    start = time.process_time()
    if flops:
        with counter:
            _epoch(model, rankings, spec, stepper, plain=plain)
    else:
        _epoch(model, rankings, spec, stepper, plain=plain)
    return {
        "cpu": time.process_time() - start,
        "flops": counter.get_total_flops() if flops else None,
    }


def _epoch(
    model: RewardModel,
    rankings: Sequence[EncodedRanking],
    spec: RewardModelSpec,
    stepper: Stepper,
    *,
    plain: bool,
) -> None:
    generator = torch.Generator().manual_seed(spec.seed)
    for places in epoch_steps([one.group.tokens for one in rankings], spec.rankings_per_step, generator):
        chosen = [rankings[place] for place in places]
        for start, end in token_budget_spans([one.group.tokens for one in chosen], spec.batch_tokens):
            part = chosen[start:end]
            groups = [one.group for one in part]
            scores = plain_scores(model, groups) if plain else raw_scores(model, groups)
            stepper.accumulate(batch_loss(scores, part, spec) * (len(part) / len(chosen)))
        stepper.step()


def plain_scores(model: RewardModel, groups: Sequence[PromptGroup]) -> Tensor:
    """The stock model's scores of each prompt joined with each response, [N]: nothing shared."""
    rows = [(*group.prompt, *response) for group in groups for response in group.responses]
    ids, mask = right_pad(rows, PAD)
    scores: Tensor = model.model(input_ids=ids, attention_mask=mask.long()).logits.squeeze(-1)
    return scores


def gradient_difference(model: RewardModel, ranking: EncodedRanking) -> float:
    """|g - g'| / |g'|: our gradient of one ranking against that of its pairs, each response run in each pair."""
    found = []
    for shared in (True, False):
        model.model.zero_grad()
        if shared:
            loss = batch_loss(raw_scores(model, [ranking.group]), [ranking], spec_of())
        else:
            rows = plain_rows(ranking.group)
            ids, mask = right_pad(rows, PAD)
            logits = model.model(input_ids=ids, attention_mask=mask.long()).logits.squeeze(-1)
            loss = -functional.logsigmoid(logits[0::2] - logits[1::2]).mean()
        torch.autograd.backward(loss)
        grads = [weight.grad.flatten() for weight in model.model.parameters() if weight.grad is not None]
        found.append(torch.cat(grads))
    return float((found[0] - found[1]).norm() / found[1].norm())


def plain_rows(group: PromptGroup) -> list[tuple[int, ...]]:
    """Better and worse sequence of each pair in turn."""
    rows = [(*group.prompt, *response) for response in group.responses]
    return [rows[place] for pair in combinations(range(len(rows)), 2) for place in pair]


@torch.no_grad()
def hits(model: RewardModel, rankings: Sequence[EncodedRanking]) -> list[list[float]]:
    """For each ranking, 1 for each pair in the right order (equal scores one half), read by the stock model."""
    found = []
    for one in rankings:
        differences = pair_differences(plain_scores(model, [one.group]).tolist(), one)
        found.append([1.0 if d > 0 else 0.5 * (d == 0) for d in differences])
    return found
