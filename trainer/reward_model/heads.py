"""Ensembles by heads: one trunk, N heads, each learning from a resample of its own of the training prompts.

A score is linear in its head, so the mean of the heads' scores is the score of the mean head (and of the mean bias).
The run folder is therefore one plain reward model, that mean, which any library opens; the heads stand beside it in
`heads.safetensors`: "weight" [N, d] (and "bias" [N] where heads have one), row m for member m. Put a row into the
plain model's head, and any library scores as that member. A pass costs what one model's pass costs.
"""

import copy
import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from trainer.errors import BadInput
from trainer.reward_model.batches import EncodedRanking, batch_loss, with_mean_weight_one
from trainer.reward_model.model import (
    RewardModel,
    find_head,
    initialise_head,
    token_budget_spans,
    with_bias,
)
from trainer.reward_model.prompt_groups import PromptGroup
from trainer.reward_model.shared_prompt import last_states
from trainer.specs import RewardModelSpec

HEADS = "heads.safetensors"


def with_heads(model: RewardModel, count: int, *, seed: int) -> RewardModel:
    """The model with `count` heads in place of its one; head m begins as that of a single model of seed + m."""
    name, single = _named_head(model)
    heads = nn.Linear(single.in_features, count, bias=single.bias is not None, device=single.weight.device)
    for number in range(count):
        initialise_head(single, torch.Generator().manual_seed(seed + number))
        with torch.no_grad():
            heads.weight[number] = single.weight[0]
            if heads.bias is not None:
                heads.bias[number] = 0.0
    setattr(model.model, name, heads)
    return replace(model, units=count)


def resampled(rankings: Sequence[EncodedRanking], count: int, *, seed: int) -> list[EncodedRanking]:
    """The rankings with the weight each of `count` heads gives them.

    Head m draws as many prompts as there are, with replacement, by seed + m (a bootstrap, Efron 1979; rankings of
    one prompt go together, being no independent witnesses), and a ranking weighs as often as its prompt was drawn,
    times its own weight; the mean weight of each head is 1.
    """
    names = list(dict.fromkeys(encoded.ranking.prompt_key for encoded in rankings))
    by_head = []
    for number in range(count):
        generator = torch.Generator().manual_seed(seed + number)
        drawn = Counter(torch.randint(len(names), (len(names),), generator=generator).tolist())
        often = {name: drawn[place] for place, name in enumerate(names)}
        counted = [replace(one, weight=one.weight * often[one.ranking.prompt_key]) for one in rankings]
        by_head.append([one.weight for one in with_mean_weight_one(counted)])
    return [
        replace(encoded, head_weights=weights)
        for encoded, weights in zip(rankings, zip(*by_head, strict=True), strict=True)
    ]


def heads_loss(scores: Tensor, rankings: Sequence[EncodedRanking], spec: RewardModelSpec) -> Tensor:
    """Mean over the heads of the spec's loss, each head under its own weights, a scalar. `scores` are [N, heads]."""
    losses = []
    for number in range(scores.shape[1]):
        own = [replace(encoded, weight=encoded.head_weights[number]) for encoded in rankings]
        losses.append(batch_loss(scores[:, number], own, spec))
    return torch.stack(losses).mean()


def separated(model: RewardModel) -> tuple[RewardModel, ...]:
    """The members of a model with several heads, each with one; they share its trunk."""
    head = model.head
    biases = [None] * model.units if head.bias is None else list(head.bias)
    return tuple(_member(model, row, bias) for row, bias in zip(head.weight, biases, strict=True))


def mean_of(members: Sequence[RewardModel]) -> RewardModel:
    """The model whose score is the mean of the members' scores, biases included; on the trunk they share."""
    with torch.no_grad():
        weight = torch.stack([member.head.weight[0] for member in members]).mean(dim=0)
        biases = [member.head.bias[0] for member in members if member.head.bias is not None]
        bias = torch.stack(biases).mean() if biases else None
    mean = _member(members[0], weight, bias)
    return with_bias(mean, math.fsum(one.bias for one in members) / len(members), members[0].bias_from)


def share_a_trunk(members: Sequence[RewardModel]) -> bool:
    """True for members by heads: one pass serves them all."""
    return all(member.model.base_model is members[0].model.base_model for member in members)


@torch.no_grad()
def scores_of_heads(
    members: Sequence[RewardModel], groups: Sequence[PromptGroup], *, batch_tokens: int = 8192
) -> list[list[float]]:
    """Each member's score of every response, in order: [members][responses], biases included, by one pass of the
    trunk they share.
    """
    found: list[list[float]] = [[] for _ in members]
    first = members[0]
    for start, end in token_budget_spans([group.tokens for group in groups], batch_tokens):
        states = last_states(first.model.base_model, groups[start:end], pad_id=first.pad_id)
        for own, member in zip(found, members, strict=True):
            raw: Tensor = member.head(states).squeeze(-1).float().double()
            own.extend((raw + member.bias).tolist())
    return found


def save_heads(members: Sequence[RewardModel], folder: Path) -> None:
    """Writes heads.safetensors into `folder`, whole or not at all."""
    tensors = {"weight": torch.cat([member.head.weight.detach() for member in members]).cpu().contiguous()}
    if members[0].head.bias is not None:
        tensors["bias"] = torch.cat([member.head.bias.detach() for member in members]).cpu().contiguous()
    partial = folder / f".{HEADS}.{os.getpid()}.partial"
    save_file(tensors, partial)
    with partial.open("rb") as stream:
        os.fsync(stream.fileno())
    partial.replace(folder / HEADS)


def load_heads(mean: RewardModel, folder: Path, biases: Sequence[float]) -> tuple[RewardModel, ...]:
    """The members whose heads stand in `folder`, on the trunk of their mean; `biases` are their score biases.

    Refuses (BadInput) heads that are missing, of another width, or not as many as the biases.
    """
    try:
        tensors = load_file(folder / HEADS)
    except (OSError, SafetensorError) as error:
        raise BadInput(
            f"{folder / HEADS}: {' '.join(str(error).split())}, wanted the ensemble's heads"
        ) from None
    weight, bias, width = tensors.get("weight"), tensors.get("bias"), mean.head.in_features
    if weight is None or tuple(weight.shape) != (len(biases), width):
        found = "no weight" if weight is None else f"a weight of shape {tuple(weight.shape)}"
        raise BadInput(f"{folder / HEADS}: found {found}, wanted ({len(biases)}, {width})")
    return tuple(
        with_bias(_member(mean, weight[number], None if bias is None else bias[number]), own, mean.bias_from)
        for number, own in enumerate(biases)
    )


def _member(model: RewardModel, weight: Tensor, bias: Tensor | None) -> RewardModel:
    """A model of one head on the trunk of `model`: its module is another one, what it holds is the same."""
    name, head = _named_head(model)
    own = nn.Linear(head.in_features, 1, bias=bias is not None, device=head.weight.device)
    with torch.no_grad():
        own.weight[0] = weight
        if bias is not None:
            own.bias[0] = bias
    view = copy.copy(model.model)
    # The shallow copy has the same table of parts; a head put into it must not reach the other models.
    view._modules = dict(model.model._modules)
    setattr(view, name, own)
    return replace(model, model=view, units=1)


def _named_head(model: RewardModel) -> tuple[str, nn.Linear]:
    head = find_head(model.model, model.units)
    return next(name for name, part in model.model.named_children() if part is head), head
