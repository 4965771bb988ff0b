"""From ranking lines to what one optimiser step runs: whole rankings, never a part of one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainer.errors import BadInput
from trainer.rankings import Pair, Ranking, pairs, tied_pairs
from trainer.reward_model.loss import (
    PairTable,
    best_of_loss,
    centering_penalty,
    pairwise_loss,
    plackett_luce_loss,
)
from trainer.reward_model.model import RewardModel, encode_group
from trainer.reward_model.shared_prompt import PromptGroup
from trainer.specs import RewardModelSpec

# Rankings of like length are put into one step within windows of this many steps: less padding, and the
# order is still one of chance.
STEPS_OF_A_WINDOW = 8


@dataclass(frozen=True)
class EncodedRanking:
    """A ranking with its token ids and with what it says: pairs that are decided, pairs that tie.

    `targets`: the share of annotators behind each pair where several were merged (empty: 1 each).
    `weight`: what its loss is multiplied by in the mean over rankings.
    """

    ranking: Ranking
    group: PromptGroup
    pairs: tuple[Pair, ...]
    ties: tuple[tuple[int, int], ...]
    targets: tuple[float, ...] = ()
    weight: float = 1.0

    @property
    def tiers(self) -> list[list[int]]:
        """Places of the responses in the ranking, best tier first."""
        place = {response.id: number for number, response in enumerate(self.ranking.responses)}
        return [[place[name] for name in tier] for tier in self.ranking.tiers]

    @property
    def unranked(self) -> list[int]:
        """Places of the responses that stand in no tier: below all others, mutually unknown."""
        ranked = {number for tier in self.tiers for number in tier}
        return [number for number in range(len(self.ranking.responses)) if number not in ranked]


def encode_rankings(
    reward_model: RewardModel, rankings: Sequence[Ranking], source: str
) -> list[EncodedRanking]:
    """The rankings with token ids, in order. `source` opens the error; refuses what exceeds the context."""
    return [
        EncodedRanking(
            ranking,
            encode_group(
                reward_model,
                ranking.prompt,
                [response.text for response in ranking.responses],
                f"{source}: ranking {ranking.id}",
            ),
            tuple(pairs(ranking)),
            tuple(tied_pairs(ranking)),
        )
        for ranking in rankings
    ]


def require_text(rankings: Sequence[Ranking], source: str) -> None:
    """Refuses (BadInput) a response without text: its score would be read from the end token alone."""
    for ranking in rankings:
        for response in ranking.responses:
            if not response.text:
                raise BadInput(
                    f"{source}: ranking {ranking.id}: found the empty response {response.id}, wanted text "
                    "(or --empty-responses keep, where answering nothing is an answer)"
                )


def teaches(encoded: EncodedRanking, spec: RewardModelSpec) -> bool:
    """True when the ranking has something to say under the spec's loss."""
    if spec.loss == "best-of":
        return bool(encoded.pairs) and len(encoded.ranking.tiers[0]) == 1
    return bool(encoded.pairs) or bool(spec.tie_weight and encoded.ties)


def epoch_steps(
    tokens: Sequence[int], rankings_per_step: int, generator: torch.Generator
) -> Iterator[list[int]]:
    """Places of the rankings of each step: every ranking once an epoch, in an order drawn by the generator.

    Every step but the last holds `rankings_per_step`.
    """
    order = torch.randperm(len(tokens), generator=generator).tolist()
    window = rankings_per_step * STEPS_OF_A_WINDOW
    alike: list[int] = []
    for start in range(0, len(order), window):
        alike += sorted(order[start : start + window], key=lambda place: tokens[place])
    full = len(alike) // rankings_per_step
    for step in torch.randperm(full, generator=generator).tolist():
        yield alike[step * rankings_per_step : (step + 1) * rankings_per_step]
    if len(alike) > full * rankings_per_step:
        yield alike[full * rankings_per_step :]


def pair_table(rankings: Sequence[EncodedRanking], spec: RewardModelSpec, device: str = "cpu") -> PairTable:
    """All pairs of the rankings; indices count the responses of all rankings, one ranking after the other.

    A tie has target 0.5 and comes in only where the spec gives ties a weight.
    """
    rows: list[tuple[int, int, float, float, int, float]] = []
    start = 0
    for number, encoded in enumerate(rankings):
        for pair, target in zip(encoded.pairs, encoded.targets or (1.0,) * len(encoded.pairs), strict=True):
            margin = pair.margin if spec.use_margins else 0.0
            rows.append((start + pair.chosen, start + pair.rejected, margin, target, number, 1.0))
        if spec.tie_weight:
            tie = (0.0, 0.5, number, spec.tie_weight)
            rows.extend((start + one, start + other, *tie) for one, other in encoded.ties)
        start += len(encoded.group.responses)
    chosen, rejected, margin_of, targets, ranking, weight = (
        list(column) for column in zip(*rows, strict=True)
    )
    return PairTable(
        torch.tensor(chosen, device=device),
        torch.tensor(rejected, device=device),
        torch.tensor(margin_of, device=device),
        torch.tensor(targets, device=device),
        torch.tensor(ranking, device=device),
        torch.tensor(weight, device=device),
        torch.tensor([encoded.weight for encoded in rankings], device=device),
    )


def batch_loss(scores: Tensor, rankings: Sequence[EncodedRanking], spec: RewardModelSpec) -> Tensor:
    """The spec's loss, a scalar: the mean over rankings of weight times loss. `scores` [N] lie end to end."""
    if spec.loss == "pairwise":
        table = pair_table(rankings, spec, str(scores.device))
        loss = pairwise_loss(scores, table)
        return loss + spec.centering * centering_penalty(scores, table) if spec.centering else loss
    losses, start = [], 0
    for encoded in rankings:
        own = scores[start : start + len(encoded.group.responses)]
        start += len(encoded.group.responses)
        if spec.loss == "best-of":
            loss = best_of_loss(own, encoded.tiers[0][0])
        else:
            loss = plackett_luce_loss(own, encoded.tiers, encoded.unranked)
        losses.append(encoded.weight * loss)
    return torch.stack(losses).mean()


def pair_differences(scores: Sequence[float], encoded: EncodedRanking) -> list[float]:
    """Score of the better less score of the worse, for each decided pair of one ranking.

    A pair on which merged annotators are split evenly has no better one.
    """
    targets = encoded.targets or (1.0,) * len(encoded.pairs)
    return [
        scores[pair.chosen] - scores[pair.rejected]
        for pair, target in zip(encoded.pairs, targets, strict=True)
        if target != 0.5
    ]
