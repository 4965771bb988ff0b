"""Where the scores' zero lies: a bias kept beside the model, and on request a gain folded into its head."""

from collections.abc import Sequence

import torch

from trainer.errors import TrainingStopped
from trainer.prompts import Demonstration
from trainer.reward_model.batches import EncodedRanking
from trainer.reward_model.model import RewardModel, encode_group, scores_of, with_bias
from trainer.snapshots import Snapshot
from trainer.specs import RewardModelSpec


def gain_and_bias(
    mean: float, deviation: float, wanted_mean: float, wanted_deviation: float
) -> tuple[float, float]:
    """The gain and bias by which scores of `mean` and `deviation` get the wanted ones (Ziegler et al. 2019).

    gain = wanted deviation / deviation, bias = wanted mean - gain * mean. Refuses scores that do not vary.
    """
    if not deviation > 0:
        raise ValueError(f"found scores of standard deviation {deviation}, wanted some that vary")
    gain = wanted_deviation / deviation
    return gain, wanted_mean - gain * mean


def normalised(
    model: RewardModel,
    train: Sequence[EncodedRanking],
    snapshot: Snapshot,
    given: Sequence[Demonstration] | None,
    spec: RewardModelSpec,
) -> RewardModel:
    """The model with the bias its spec asks for; `bias_from` says which responses it was made from.

    demonstrations: those given, else the snapshot's, else the best tier of the training rankings score 0 on
    average (Stiennon et al. 2020). gain-and-bias: responses of the training rankings get mean 0 and variance 1;
    the gain goes into the head, so that other libraries still differ by the bias alone.
    """
    if spec.normalise == "none":
        return with_bias(model, 0.0, "nothing")
    if spec.normalise == "gain-and-bias":
        return _scaled(model, train)
    demonstrations = snapshot.demonstrations if given is None else given
    if demonstrations:
        where = spec.demonstrations or spec.rankings
        groups = [
            encode_group(model, one.prompt, [one.response], f"{where}: demonstration {one.id}")
            for one in demonstrations
        ]
        scores = [own[0] for own in scores_of(model, groups)]
        return with_bias(model, -sum(scores) / len(scores), "demonstrations")
    best = [
        own[place]
        for own, encoded in zip(scores_of(model, [one.group for one in train]), train, strict=True)
        for place in (encoded.tiers[0] if encoded.tiers else ())
    ]
    return with_bias(model, -sum(best) / len(best), "best tier")


def _scaled(model: RewardModel, train: Sequence[EncodedRanking]) -> RewardModel:
    scores = torch.tensor(
        [score for own in scores_of(model, [one.group for one in train]) for score in own],
        dtype=torch.float64,
    )
    try:
        gain, bias = gain_and_bias(float(scores.mean()), float(scores.std(correction=0)), 0.0, 1.0)
    except ValueError as error:
        raise TrainingStopped(f"--normalise gain-and-bias: {error}") from None
    with torch.no_grad():
        for weight in model.head.parameters():
            weight.mul_(gain)
    return with_bias(model, bias, f"training responses, gain {gain:.6g}")
