"""The reward model: a causal trunk with one linear unit on the state of a response's last token."""

import copy
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from trainer.errors import BadInput
from trainer.language_models import (
    LanguageModel,
    encode_prompt,
    encode_response,
    load_language_model,
    save_language_model,
)
from trainer.language_models.folders import (
    ModelFolderError,
    PrecisionName,
    load_tokenizer,
    load_whole,
    require_files,
)
from trainer.prompts import Message
from trainer.reward_model.shared_prompt import PromptGroup, Way, last_states
from trainer.start_checks import require_trainable

ARCHITECTURE = "ForSequenceClassification"


@dataclass(frozen=True)
class RewardModel:
    """A model of class AutoModelForSequenceClassification with its tokenizer (both untyped in transformers).

    `bias` is added to what the model gives, so that good responses score 0 on average; other libraries read
    the same model without it, and differ by that constant alone. `units` is above 1 while the heads of an ensemble
    learn on one trunk (`heads`).
    """

    model: Any
    tokenizer: Any
    end_id: int
    pad_id: int
    bias: float = 0.0
    bias_from: str = "nothing"
    units: int = 1

    @property
    def context(self) -> int:
        """Tokens of prompt and response together that the model was made for."""
        return int(self.model.config.max_position_embeddings)

    @property
    def head(self) -> nn.Linear:
        """The one linear unit that reads a state."""
        return find_head(self.model, self.units)


def find_head(model: Any, units: int = 1) -> nn.Linear:
    """The linear layer outside the trunk. Refuses (BadInput) a model without exactly one of so many units."""
    heads = [
        part
        for name, part in model.named_children()
        if name != model.base_model_prefix and isinstance(part, nn.Linear) and part.out_features == units
    ]
    if len(heads) != 1:
        raise BadInput(
            f"{type(model).__name__}: found {len(heads)} heads of {units} units, wanted a reward model with one"
        )
    return heads[0]


def initialise_head(head: nn.Linear, generator: torch.Generator) -> None:
    """Draws the weights from a normal of standard deviation 1/sqrt(d + 1), bias 0 (Stiennon et al. 2020)."""
    with torch.no_grad():
        head.weight.normal_(0.0, (head.in_features + 1) ** -0.5, generator=generator)
        if head.bias is not None:
            head.bias.zero_()


def start_reward_model(folder: str | Path, *, seed: int, device: str = "cpu") -> RewardModel:
    """A reward model whose trunk is that of the causal model in `folder` and whose head is drawn by `seed`.

    Always in evaluation mode: training without dropout makes the score a function of the text alone.
    """
    lm = load_language_model(folder, device=device)
    require_trainable(lm, folder)
    return with_new_head(lm, seed=seed)


def with_new_head(lm: LanguageModel, *, seed: int) -> RewardModel:
    """`lm`'s trunk under a new head; the trunk's weights are copied."""
    config = copy.deepcopy(lm.model.config)
    config.num_labels, config.architectures = 1, None
    config.pad_token_id, config.eos_token_id = lm.pad_id, lm.end_id
    config.get_text_config().pad_token_id = lm.pad_id
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="sdpa")
    model.base_model.load_state_dict(lm.model.base_model.state_dict())
    initialise_head(find_head(model), torch.Generator().manual_seed(seed))
    model.to(lm.device).eval()
    return RewardModel(model, lm.tokenizer, lm.end_id, lm.pad_id)


def load_reward_model(
    folder: str | Path, *, device: str = "cpu", precision: PrecisionName = "float32"
) -> RewardModel:
    """The reward model of `folder` with its bias, in evaluation mode.

    Refuses (BadInput) a folder that holds another kind of model, or one whose pad token is its end token:
    the last real token could not be told from padding.
    """
    folder = Path(folder)
    require_files(folder)
    wanted = f"a reward model ({ARCHITECTURE}, one label)"
    try:
        model = load_whole(
            AutoModelForSequenceClassification, folder, precision, endings=(ARCHITECTURE,), wanted=wanted
        )
    except ModelFolderError as error:
        raise BadInput(str(error)) from error
    config = model.config
    if config.num_labels != 1:
        raise BadInput(f"{folder}: found {config.num_labels} labels, wanted {wanted}")
    tokenizer = load_tokenizer(folder)
    end_id = tokenizer.eos_token_id
    pad_id = config.get_text_config().pad_token_id
    if pad_id is None or end_id is None or pad_id == end_id:
        raise BadInput(
            f"{folder}: found pad token {pad_id} and end token {end_id}, wanted one of each, not the same"
        )
    model.to(device).eval()
    bias, source = (
        float(getattr(config, "score_bias", 0.0)),
        str(getattr(config, "score_bias_from", "nothing")),
    )
    return RewardModel(model, tokenizer, int(end_id), int(pad_id), bias, source)


def with_bias(reward_model: RewardModel, bias: float, source: str) -> RewardModel:
    """The same model whose scores are raised by `bias`; `source` says which responses it was made from."""
    return replace(reward_model, bias=bias, bias_from=source)


def save_reward_model(reward_model: RewardModel, folder: str | Path) -> None:
    """Writes the model folder; its config keeps `score_bias` and where it came from."""
    reward_model.model.config.score_bias = reward_model.bias
    reward_model.model.config.score_bias_from = reward_model.bias_from
    save_model(reward_model.model, reward_model.tokenizer, folder)


def save_model(model: Any, tokenizer: Any, folder: str | Path) -> None:
    """Writes config, safetensors and tokenizer into `folder`, each file whole or not at all."""
    partial = Path(folder) / f".model.{os.getpid()}.partial"
    partial.mkdir(parents=True)
    try:
        save_language_model(model, tokenizer, partial)
        for path in sorted(partial.iterdir()):
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
            path.replace(Path(folder) / path.name)
    finally:
        shutil.rmtree(partial)


def encode_group(
    reward_model: RewardModel, prompt: Sequence[Message], responses: Sequence[str], where: str
) -> PromptGroup:
    """The prompt with its responses, each ended by the end token.

    `where` opens the error. Refuses (BadInput) what is longer than the model's context.
    """
    ids = tuple(encode_prompt(reward_model.tokenizer, prompt))
    encoded = tuple(
        tuple(encode_response(reward_model.tokenizer, text, reward_model.end_id)) for text in responses
    )
    group = PromptGroup(ids, encoded)
    longest = len(ids) + max(map(len, encoded))
    if longest > reward_model.context:
        raise BadInput(
            f"{where}: found {longest} tokens of prompt and response, wanted at most {reward_model.context}, "
            "the model's context"
        )
    return group


def raw_scores(reward_model: RewardModel, groups: Sequence[PromptGroup], way: Way = "auto") -> Tensor:
    """What the model itself gives each response, [N] ([N, units] of several), with gradients and without the bias.

    Read at the last real token of each response (its end token), never at a pad.
    """
    states = last_states(reward_model.model.base_model, groups, pad_id=reward_model.pad_id, way=way)
    scores: Tensor = reward_model.head(states).squeeze(-1)
    return scores.float()


def mean_scores(scores: Tensor) -> Tensor:
    """[N] as they are; the mean of several heads' scores [N, units] by response."""
    return scores if scores.dim() == 1 else scores.mean(dim=1)


@torch.no_grad()
def scores_of(
    reward_model: RewardModel, groups: Sequence[PromptGroup], *, batch_tokens: int = 8192
) -> list[list[float]]:
    """The score of each response of each group, bias included; `batch_tokens` are run at one time."""
    found: list[list[float]] = []
    for start, end in token_budget_spans([group.tokens for group in groups], batch_tokens):
        chunk = groups[start:end]
        raw = iter((mean_scores(raw_scores(reward_model, chunk)).double() + reward_model.bias).tolist())
        found.extend([[next(raw) for _ in group.responses] for group in chunk])
    return found


def token_budget_spans(tokens: Sequence[int], budget: int) -> Iterator[tuple[int, int]]:
    """Spans (start, end) of neighbours that hold at most `budget` tokens together; one that is larger alone
    stands alone. The rule of every batch here: a group is never split."""
    start, held = 0, 0
    for place, count in enumerate(tokens):
        if held and held + count > budget:
            yield start, place
            start, held = place, 0
        held += count
    if held:
        yield start, len(tokens)
