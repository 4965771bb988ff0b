"""Validation while PPO runs, and which checkpoint is kept: the reward model that is trained on is no judge."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from trainer.errors import BadInput
from trainer.language_models import LanguageModel, SamplingSettings
from trainer.ppo.policy import Policy, copy_weights
from trainer.ppo.reward_sources import Function, import_function
from trainer.ppo.rollouts import EncodedPrompt, encode_prompts, sample_responses, sampling_settings
from trainer.prompts import read_prompts
from trainer.specs import PpoSpec


@dataclass(frozen=True)
class Validation:
    """Prompts that are not trained on, and the function that judges the responses to them."""

    prompts: list[EncodedPrompt]
    function: Function
    settings: SamplingSettings
    seed: int
    batch_tokens: int
    named: str

    def measure(self, lm: LanguageModel) -> dict[str, float]:
        """The mean of each metric over the prompts, one response each, always with the same noise."""
        sampled = sample_responses(
            lm, self.prompts, self.settings, copies=1, seed=self.seed, batch_tokens=self.batch_tokens
        )
        return mean_metrics(self.function(sampled.lines), len(sampled.lines), self.named)


def open_validation(spec: PpoSpec, lm: LanguageModel) -> Validation | None:
    """The spec's validation, None without one."""
    if spec.validation is None or spec.validation_function is None:
        return None
    return Validation(
        prompts=encode_prompts(lm, read_prompts(spec.validation)),
        function=import_function(spec.validation_function, "--validation-function"),
        settings=sampling_settings(spec, lm, spec.validation_temperature),
        seed=spec.seed,
        batch_tokens=spec.batch_tokens,
        named=spec.validation_function,
    )


def mean_metrics(found: Sequence[object], wanted: int, named: str) -> dict[str, float]:
    """Means of what a validation function returned. Refuses (BadInput) anything but one dict of the same
    finite numbers for each response."""
    if len(found) != wanted:
        raise BadInput(f"{named}: found {len(found)} results for {wanted} responses, wanted one each")
    sums: dict[str, float] = {}
    for result in found:
        if not isinstance(result, dict) or (sums and set(result) != set(sums)):
            raise BadInput(f"{named}: found {result!r}, wanted the same metrics for every response")
        for name, value in result.items():
            if not isinstance(value, (int, float)) or not math.isfinite(value):
                raise BadInput(f"{named}: found {name} = {value!r}, wanted a finite number")
            sums[name] = sums.get(name, 0.0) + float(value)
    return {name: total / wanted for name, total in sums.items()}


def parse_bound(told: str | None) -> tuple[str, float] | None:
    """("right", 0.05) of "right:0.05". Refuses (BadInput) another form and a negative loss."""
    if told is None:
        return None
    name, _, loss = told.rpartition(":")
    try:
        allowed = float(loss)
    except ValueError:
        allowed = math.nan
    if not name or not allowed >= 0:
        raise BadInput(f"--keep-bound: found {told!r}, wanted METRIC:LOSS with a loss of 0 or more")
    return name, allowed


@dataclass
class KeepBest:
    """The best eligible checkpoint so far, by one validation metric.

    A checkpoint whose bounded metric fell by more than the bound below its value at update 0 is not eligible;
    update 0 always is. Of equal ones the earlier is kept.
    """

    metric: str
    bound: tuple[str, float] | None = None
    update: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)

    def offer(self, update: int, metrics: dict[str, float], policy: Policy) -> bool:
        """Takes the checkpoint when it is eligible and better; True when taken. Refuses unknown metrics."""
        if not self.first:
            for name in (self.metric, *(self.bound[:1] if self.bound else ())):
                if name not in metrics:
                    raise BadInput(f"--keep-best: found {name!r}, wanted one of {', '.join(sorted(metrics))}")
            self.first = metrics
        elif not self.eligible(metrics) or metrics[self.metric] <= self.metrics[self.metric]:
            return False
        self.update, self.metrics, self.weights = update, metrics, copy_weights(policy)
        return True

    def eligible(self, metrics: dict[str, float]) -> bool:
        """True unless the bounded metric fell too far."""
        if self.bound is None:
            return True
        name, allowed = self.bound
        # Means of the same questions are sums of thirds and halves: a fall of exactly the bound may stay.
        return metrics[name] >= self.first[name] - allowed - 1e-9
