"""What each verb is told: one frozen, checked dataclass a verb, the same for flags, spec.json and the
platform's forms.
"""

from dataclasses import dataclass
from typing import ClassVar

from trainer.ppo_options import PpoOptions
from trainer.shared_specs import LATER as LATER
from trainer.shared_specs import PRECISIONS as PRECISIONS
from trainer.shared_specs import SCHEDULES as SCHEDULES
from trainer.shared_specs import ModelSpec as ModelSpec
from trainer.shared_specs import TrainingSpec as TrainingSpec
from trainer.shared_specs import parse_tuning as parse_tuning
from trainer.shared_specs import refuse as refuse
from trainer.spec_fields import Spec, flag

LOSSES = ("pairwise", "plackett-luce", "best-of")
EMPTY_RESPONSES = ("refuse", "keep")
MEMBERS_BY = ("seeds", "heads")
# Beside a reward model that is an ensemble: what its members are.
ENSEMBLE = "ensemble.json"
NORMALISATIONS = ("demonstrations", "gain-and-bias", "none")
KL_ESTIMATORS = ("k1", "k2", "k3")
VALUES = ("shared", "separate")


@dataclass(frozen=True, kw_only=True)
class PretrainSpec(TrainingSpec):
    """A small Llama-style model, and its tokenizer, from text alone."""

    verb: ClassVar[str] = "pretrain"

    texts: tuple[str, ...] = flag(
        help='text files: .txt (documents parted by empty lines) or .jsonl ({"text"} or {"messages"})',
        positional=True,
        metavar="TEXT",
    )
    model: str | None = flag(
        None,
        help="model folder to go on from, with its tokenizer and shape (default: from nothing)",
        metavar="DIR",
    )
    layers: int = flag(4, help="layers of the model", minimum=1, maximum=128)
    width: int = flag(128, help="hidden size of the model", minimum=8)
    heads: int = flag(4, help="attention heads; must divide the width", minimum=1)
    vocabulary: int = flag(
        2048, help="most tokens in the vocabulary, special tokens and 256 bytes included", minimum=270
    )
    context: int = flag(128, help="tokens the model can look back", minimum=8)
    steps: int | None = flag(None, help="optimiser steps (give --steps or --minutes)", minimum=1)
    minutes: float | None = flag(None, help="minutes of wall time to train for, instead of --steps", above=0)
    batch_tokens: int = flag(4096, help="tokens of one optimiser step", minimum=8)
    heldout_share: float = flag(
        0.05, help="share of the documents kept for the held-out loss", minimum=0, maximum=0.5
    )
    learning_rate: float = flag(2e-3, help="peak learning rate", above=0)
    weight_decay: float = flag(0.1, help="AdamW weight decay of the matrices", minimum=0)

    def __post_init__(self) -> None:
        """Refuses shapes that do not fit together and a run without an end."""
        super().__post_init__()
        if self.width % self.heads or (self.width // self.heads) % 2:
            raise refuse(
                f"width {self.width} with {self.heads} heads", "an even number of units in each head"
            )
        if (self.steps is None) == (self.minutes is None):
            raise refuse("both or neither of steps and minutes", "one of them")
        if self.batch_tokens < self.context:
            raise refuse(f"batch-tokens {self.batch_tokens}", f"at least the context {self.context}")
        if self.tuning != "full" and self.model is None:
            wanted = "full, or a --model to go on from: one from nothing has no layer worth keeping"
            raise refuse(f"tuning {self.tuning}", wanted)


@dataclass(frozen=True, kw_only=True)
class SftSpec(TrainingSpec):
    """Fine-tuning on demonstrations; the loss is on the response tokens only."""

    verb: ClassVar[str] = "sft"

    demonstrations: str = flag(help="demonstration lines", positional=True, metavar="DEMOS.jsonl")
    model: str = flag(help="model folder to start from", metavar="DIR")
    epochs: int = flag(3, help="times each demonstration is used", minimum=1)
    batch_size: int = flag(16, help="demonstrations of one optimiser step", minimum=1)
    packing: bool = flag(
        True, help="lay the demonstrations of a step end to end, each seeing itself alone, instead of padding"
    )
    heldout_share: float = flag(
        0.1, help="share of the prompts kept for the held-out loss", minimum=0, maximum=0.5
    )
    learning_rate: float = flag(5e-4, help="peak learning rate", above=0)


@dataclass(frozen=True, kw_only=True)
class SamplingSpec(ModelSpec):
    """What every verb that samples responses is told."""

    temperature: float = flag(1.0, help="divides the logits; 0 takes the likeliest token", minimum=0)
    top_p: float = flag(
        1.0, help="sample from the fewest tokens that together have this probability", above=0, maximum=1
    )
    max_new_tokens: int = flag(32, help="most tokens of a response", minimum=1)
    batch_size: int = flag(64, help="responses sampled at one time", minimum=1)
    progress_file: str | None = flag(None, help="also write the progress lines to this file", metavar="FILE")


@dataclass(frozen=True, kw_only=True)
class SampleSpec(SamplingSpec):
    """K responses to each prompt."""

    verb: ClassVar[str] = "sample"

    prompts: str = flag(help="prompt lines", positional=True, metavar="PROMPTS.jsonl")
    model: str = flag(help="model folder of the policy", metavar="DIR")
    responses_per_prompt: int = flag(4, help="responses to each prompt", minimum=1)
    policy: str | None = flag(
        None, help="the policy's name in the lines written (default: name of the model folder)"
    )
    beams: int = flag(1, help=f"beams of a beam search (more than 1 {LATER})", minimum=1)
    template: str | None = flag(None, help=f"name of another prompt template ({LATER})", metavar="NAME")

    def __post_init__(self) -> None:
        """Refuses what comes later."""
        if self.beams != 1:
            raise ValueError(f"--beams: {LATER}")
        if self.template is not None:
            raise ValueError(f"--template: {LATER}")


@dataclass(frozen=True, kw_only=True)
class RewardModelSpec(TrainingSpec):
    """A reward model from rankings: every pair of a ranking in one step, the prompt read once for its K
    responses.
    """

    verb: ClassVar[str] = "reward-model"

    rankings: str = flag(
        help="a snapshot folder, or ranking lines; a line's weight (above 0, default 1) scales its loss",
        positional=True,
        metavar="SNAPSHOT|RANKINGS.jsonl",
    )
    model: str = flag(help="model folder to start from", metavar="DIR")
    loss: str = flag("pairwise", help="loss of one ranking", choices=LOSSES)
    demonstrations: str | None = flag(
        None,
        help="demonstration lines whose mean score is set to 0 (default: the snapshot's)",
        metavar="DEMOS.jsonl",
    )
    normalise: str = flag(
        "demonstrations",
        help="what the finished scores are shifted by: demonstrations (else the best tier) to mean 0, training "
        "responses to mean 0 and variance 1, or nothing",
        choices=NORMALISATIONS,
    )
    members: int = flag(1, help="reward models of one ensemble", minimum=1)
    ensemble: str = flag(
        "seeds",
        help="members are whole models by seeds that follow each other, or heads on one trunk, each learning from a "
        "resample of its own of the prompts",
        choices=MEMBERS_BY,
    )
    epochs: int = flag(3, help="most times each ranking is used", minimum=1)
    rankings_per_step: int = flag(8, help="rankings of one optimiser step; one is never split", minimum=1)
    use_margins: bool = flag(False, help="ask for the labelled margins between tiers in the pairwise loss")
    tie_weight: float = flag(
        0.0, help="weight of a tied pair (target 0.5) beside a decided pair's 1", minimum=0
    )
    soft_labels: bool = flag(
        False, help="make one of all annotators' rankings of an item, each pair aimed at the share who say so"
    )
    empty_responses: str = flag(
        "refuse", help="what to do with rankings of a response without text", choices=EMPTY_RESPONSES
    )
    centering: float = flag(
        0.0, help="weight of the squared sum of a pair's scores (keeps scores near 0)", minimum=0
    )
    batch_tokens: int = flag(4096, help="most tokens run at one time; a step may take several", minimum=1)
    patience: int = flag(1, help="epochs without a better held-out loss after which to stop", minimum=1)
    learning_rate: float = flag(1e-4, help="peak learning rate", above=0)

    def __post_init__(self) -> None:
        """Refuses what comes later and flags the chosen loss does not read."""
        super().__post_init__()
        asked = self.use_margins or self.tie_weight or self.centering or self.soft_labels
        if self.loss != "pairwise" and asked:
            raise refuse(
                f"margins, ties, soft labels or centering with {self.loss}", "the pairwise loss for them"
            )
        if self.ensemble == "heads" and self.members < 2:
            raise refuse("an ensemble of heads with 1 member", "--members 2 or more")
        if self.soft_labels and self.use_margins:
            raise refuse(
                "margins with soft labels", "one of them: shares of annotators say how clear a pair is"
            )


@dataclass(frozen=True, kw_only=True)
class PpoSpec(PpoOptions, TrainingSpec):
    """PPO against a learned or given reward, with a KL penalty to where it began and a pretraining mix."""

    verb: ClassVar[str] = "ppo"

    prompts: str = flag(help="prompt lines to practise on", positional=True, metavar="PROMPTS.jsonl")
    policy: str = flag(
        help="model folder of the policy to start from; also the reference model", metavar="DIR"
    )
    reward_model: str | None = flag(
        None, help="reward model folder, or several parted by commas", metavar="DIR[,DIR…]"
    )
    reward_function: str | None = flag(
        None, help="function from response lines to numbers", metavar="MODULE:NAME"
    )
    reward_program: str | None = flag(
        None, help="command: response lines in, score lines out", metavar="COMMAND"
    )
    reward_weights: tuple[float, ...] = flag(
        (), help="weight of each source in the score: models, function, program (default: 1 each)"
    )
    updates: int = flag(50, help="PPO updates", minimum=0)
    episodes: int = flag(64, help="responses sampled for one update", minimum=1)
    responses_per_prompt: int = flag(1, help="responses to each prompt of an update", minimum=1)
    minibatch_size: int = flag(32, help="responses of one optimiser step", minimum=1)
    epochs: int = flag(2, help="times each response is used in its update", minimum=1)
    temperature: float = flag(1.0, help="divides the logits in sampling and learning alike", above=0)
    max_new_tokens: int = flag(32, help="most tokens of a response", minimum=1)
    kl_coefficient: float = flag(0.05, help="weight of the per-token KL penalty", minimum=0)
    kl_target: float | None = flag(
        None, help="KL of a response the coefficient is steered to (default: fixed)", above=0
    )
    kl_horizon: float = flag(10_000.0, help="episodes over which the coefficient is steered", above=0)
    kl_estimator: str = flag("k1", help="estimator of a token's KL", choices=KL_ESTIMATORS)
    kl_stop: float | None = flag(
        None, help="end an update early when the policy has left its rollout by this KL", above=0
    )
    clip: float = flag(0.2, help="how far the probability ratio may move", above=0)
    value_clip: float = flag(0.2, help="how far the value may move", above=0)
    value_coefficient: float = flag(0.1, help="weight of the value loss", minimum=0)
    discount: float = flag(1.0, help="gamma of the returns", above=0, maximum=1)
    gae_lambda: float = flag(0.95, help="lambda of generalised advantage estimation", minimum=0, maximum=1)
    whiten_advantages: bool = flag(True, help="scale advantages to mean 0 and variance 1 over a rollout")
    whiten_rewards: bool = flag(False, help="scale rewards to variance 1 over a rollout, keeping their mean")
    loss_mean: str = flag("token", help="what counts alike in the loss", choices=("token", "sequence"))
    entropy_coefficient: float = flag(0.0, help="weight of the entropy that is rewarded", minimum=0)
    score_clip: float | None = flag(None, help="largest size of a score, before the KL comes in", above=0)
    value_model: str = flag(
        "shared",
        help="value head on the policy, or a model started from the reward model (the policy without one)",
        choices=VALUES,
    )
    batch_tokens: int = flag(4096, help="most tokens run at one time; a step may take several", minimum=1)
    missing_end_score: float | None = flag(
        None, help="score of a response that never ended (default: as scored)"
    )
    missing_end_penalty: float | None = flag(
        None, help="taken from the score of a response that never ended", minimum=0
    )
    pretraining_text: tuple[str, ...] = flag((), help="text files mixed into each step", metavar="FILE")
    pretraining_coefficient: float = flag(
        0.0, help="weight of the language modelling loss on that text", minimum=0
    )
    pretraining_tokens: int = flag(1024, help="tokens of that text in one optimiser step", minimum=1)
    validation: str | None = flag(None, help="prompt lines to validate on", metavar="PROMPTS.jsonl")
    validation_function: str | None = flag(
        None, help="function from response lines to metrics", metavar="MODULE:NAME"
    )
    validate_every: int = flag(10, help="updates between validations", minimum=1)
    validation_temperature: float | None = flag(
        None, help="temperature of validation responses (default: that of sampling)", minimum=0
    )
    keep_best: str | None = flag(
        None, help="validation metric by which the best checkpoint is kept", metavar="METRIC"
    )
    keep_bound: str | None = flag(
        None,
        help="a checkpoint whose METRIC fell by more than LOSS since update 0 is not kept",
        metavar="METRIC:LOSS",
    )
    learning_rate: float = flag(1e-4, help="peak learning rate", above=0)
    schedule: str = flag("linear", help="how the learning rate falls to zero after warmup", choices=SCHEDULES)
    warmup_share: float = flag(
        0.0, help="share of the steps over which the learning rate rises", minimum=0, below=1
    )
    adam_eps: float = flag(1e-5, help="Adam epsilon", above=0)

    def __post_init__(self) -> None:
        """Refuses a run without a reward source, and flags that need another one."""
        super().__post_init__()
        self._check_rewards()
        if bool(self.pretraining_text) != (self.pretraining_coefficient > 0):
            raise refuse("one of pretraining-text and pretraining-coefficient", "both or neither")
        if (self.validation is None) != (self.validation_function is None):
            raise refuse("one of validation and validation-function", "both or neither")
        if (self.keep_best or self.keep_bound) and self.validation is None:
            raise refuse("keep-best or keep-bound alone", "validation and validation-function beside it")
        for name in ("episodes", "minibatch_size"):
            # A prompt's responses share its computation, so they stay in one minibatch.
            if getattr(self, name) % self.responses_per_prompt:
                wanted = f"a multiple of responses-per-prompt {self.responses_per_prompt}"
                raise refuse(f"{name.replace('_', '-')} {getattr(self, name)}", wanted)

    @property
    def reward_models(self) -> tuple[str, ...]:
        """The folders named by `reward_model`, in order."""
        return tuple(filter(None, (self.reward_model or "").split(",")))

    def _check_rewards(self) -> None:
        given = sum(source is not None for source in (self.reward_function, self.reward_program))
        if not self.reward_models and not given:
            raise refuse("no reward source", "reward-model, reward-function or reward-program")
        self.check_options(len(self.reward_models), given, len(self.reward_weights))
        if self.missing_end_score is not None and self.missing_end_penalty is not None:
            raise refuse("missing-end-score and missing-end-penalty", "one of them")


@dataclass(frozen=True, kw_only=True)
class ScoreSpec(ModelSpec):
    """The reward model's score of each response line."""

    verb: ClassVar[str] = "score"

    responses: str = flag(help="response lines", positional=True, metavar="RESPONSES.jsonl")
    reward_model: str = flag(help="reward model folder", metavar="DIR")
    batch_size: int = flag(64, help="responses scored at one time", minimum=1)


@dataclass(frozen=True, kw_only=True)
class BestOfNSpec(SamplingSpec):
    """The best of N sampled responses to each prompt, by a reward model."""

    verb: ClassVar[str] = "best-of-n"

    prompts: str = flag(help="prompt lines", positional=True, metavar="PROMPTS.jsonl")
    policy: str = flag(help="model folder of the policy", metavar="DIR")
    reward_model: str = flag(help="reward model folder", metavar="DIR")
    n: int = flag(help="responses to choose from", minimum=1)


@dataclass(frozen=True, kw_only=True)
class ImportGgufSpec(Spec):
    """A GGUF file of a wheel as a model folder."""

    verb: ClassVar[str] = "import-gguf"

    file: str = flag(help="GGUF file", positional=True, metavar="FILE")
    out: str = flag(help="model folder to write; left alone when it is finished already", metavar="DIR")
    sha256: str | None = flag(None, help="refuse the file unless it has this sha256", metavar="HEX")
