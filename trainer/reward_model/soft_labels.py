"""Several annotators' rankings of one item as one: each pair aims at the share of them who say so."""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from trainer.rankings import Pair
from trainer.reward_model.batches import EncodedRanking

Votes = dict[tuple[int, int], float]


def merge_annotators(rankings: Sequence[EncodedRanking], tie_weight: float) -> list[EncodedRanking]:
    """The rankings with those of one item (same prompt, same responses) merged into the first of them.

    A pair's target is p = (votes for the chosen + ties / 2) / votes, the chosen one having p >= 1/2; a tie is
    `tie_weight` votes, so that without a weight it says nothing. A lone ranking keeps plain pairs and ties. The
    merged one weighs as much as its rankings on average.
    """
    found: dict[object, list[EncodedRanking]] = {}
    for encoded in rankings:
        ranking = encoded.ranking
        answers = frozenset((response.id, response.text) for response in ranking.responses)
        found.setdefault((ranking.item_key, ranking.prompt, answers), []).append(encoded)
    return [_merged(several, tie_weight) if len(several) > 1 else several[0] for several in found.values()]


def _merged(several: Sequence[EncodedRanking], tie_weight: float) -> EncodedRanking:
    votes, cast = _votes(several, tie_weight)
    pairs, targets = [], []
    for (first, second), total in cast.items():
        share = votes[first, second] / total
        pairs.append(Pair(first, second, 0.0) if share >= 0.5 else Pair(second, first, 0.0))
        targets.append(max(share, 1 - share))
    weight = fmean(encoded.weight for encoded in several)
    return replace(several[0], pairs=tuple(pairs), ties=(), targets=tuple(targets), weight=weight)


def _votes(several: Sequence[EncodedRanking], tie_weight: float) -> tuple[Votes, Votes]:
    """Votes for the first of each two responses (places in the first ranking), and votes cast on them."""
    place = {response.id: number for number, response in enumerate(several[0].ranking.responses)}
    votes: Votes = {}
    cast: Votes = {}

    def vote(one: int, other: int, share: float, weight: float) -> None:
        key, share = ((one, other), share) if one < other else ((other, one), 1 - share)
        votes[key] = votes.get(key, 0.0) + weight * share
        cast[key] = cast.get(key, 0.0) + weight

    for encoded in several:
        own = [place[response.id] for response in encoded.ranking.responses]
        for pair in encoded.pairs:
            vote(own[pair.chosen], own[pair.rejected], 1.0, 1.0)
        for one, other in encoded.ties if tie_weight else ():
            vote(own[one], own[other], 0.5, tie_weight)
    return votes, dict(sorted(cast.items()))
