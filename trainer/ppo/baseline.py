"""The best of n responses of the policy it began from: what a PPO run must beat at the same KL.

Best-of-n needs no training, and its KL is known: log n - (n - 1)/n nats at most (Stiennon et al. 2020).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

from trainer.json_lines import JsonObject
from trainer.language_models import LanguageModel
from trainer.ppo.reward_sources import WeightedSources
from trainer.ppo.rollouts import EncodedPrompt, sample_responses, sampling_settings
from trainer.specs import PpoSpec

# Prompts the comparison is made on: N responses to each are sampled and scored.
COMPARED_PROMPTS = 64
# Its noise is none of training's.
BASELINE_SEED = 7_919


@dataclass(frozen=True)
class BestOf:
    """The best of `n` by the trained-on score: its KL and its mean scores by the trained-on and held-out model."""

    n: int
    kl: float
    score: float
    heldout: float | None = None


def kl_of_best_of(n: int) -> float:
    """The KL of best-of-n from its policy in nats at most: log n - (n - 1)/n (Stiennon et al. 2020)."""
    return math.log(n) - (n - 1) / n


def best_of_curve(
    scores: Sequence[Sequence[float]], heldout: Sequence[Sequence[float]] | None = None
) -> list[BestOf]:
    """What the best of 1, 2, 4 … N would score, from N responses to each prompt.

    Unbiased: the mean over all subsets of n of the N, by the weight C(i-1, n-1)/C(N, n) of the i-th lowest score
    (as pass@k is). `heldout` scores of the same responses are read where the first are highest.
    """
    most = len(scores[0])
    sizes = [2**power for power in range(most.bit_length()) if 2**power <= most]
    found = []
    for n in sizes:
        means = [_mean_of_best(own, own, n) for own in scores]
        judged = None
        if heldout is not None:
            judged = [_mean_of_best(own, other, n) for own, other in zip(scores, heldout, strict=True)]
        found.append(BestOf(n, kl_of_best_of(n), _mean(means), None if judged is None else _mean(judged)))
    return found


def score_at_kl(curve: Sequence[BestOf], kl: float) -> float | None:
    """What best-of-n scores at this KL, between two n by a straight line; None beyond the largest n."""
    for below, above in pairwise(curve):
        if below.kl <= kl <= above.kl:
            share = (kl - below.kl) / (above.kl - below.kl)
            return below.score + share * (above.score - below.score)
    return None


def compare_with_best_of(
    start: LanguageModel,
    prompts: Sequence[EncodedPrompt],
    sources: WeightedSources,
    spec: PpoSpec,
    *,
    learned: tuple[float, Sequence[float]],
) -> JsonObject:
    """The outcome's comparison: the policy's KL and mean score beside the best of n of the policy `start`.

    `learned` holds the policy's KL and its scores of one response to each of the prompts, which the comparison takes
    the first of. `at_equal_kl` is what best-of-n scores at that KL, null beyond the largest n.
    """
    asked = prompts[:COMPARED_PROMPTS]
    sampled = sample_responses(
        start,
        asked,
        sampling_settings(spec, start),
        copies=spec.baseline_n,
        seed=spec.seed + BASELINE_SEED,
        batch_tokens=spec.batch_tokens,
    )
    scores = _by_prompt(sources.scores(sampled.lines)[0], spec.baseline_n)
    judged = None if sources.heldout is None else sources.heldout.scores(sampled.lines)
    curve = best_of_curve(scores, None if judged is None else _by_prompt(judged, spec.baseline_n))
    kl, own = learned
    return {
        "prompts": len(asked),
        "ppo": {"kl": kl, "score": _mean(own[: len(asked)])},
        "best_of_n": [asdict(one) for one in curve],
        "at_equal_kl": score_at_kl(curve, kl),
    }


def _by_prompt(scores: Sequence[float], copies: int) -> list[Sequence[float]]:
    return [scores[start : start + copies] for start in range(0, len(scores), copies)]


def _mean_of_best(by: Sequence[float], read: Sequence[float], n: int) -> float:
    """Mean over all subsets of n of `read` at the highest of `by`."""
    order = sorted(range(len(by)), key=by.__getitem__)
    subsets = math.comb(len(by), n)
    return sum(
        math.comb(place, n - 1) / subsets * read[number]
        for place, number in enumerate(order)
        if place >= n - 1
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
