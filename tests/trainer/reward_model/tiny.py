"""A two-layer model built in memory, with a tokenizer of whole words: nothing is downloaded."""

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from trainer.language_models import LanguageModel
from trainer.reward_model.shared_prompt import PromptGroup

WORDS = [*"abcdefghijklmnopqrst", *map(str, range(10))]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|pad|>", "<|end|>", "<|user|>", "<|assistant|>"]


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, words parted by spaces."""
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS, "?"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        unk_token="?",
        additional_special_tokens=["<|user|>", "<|assistant|>"],
        chat_template=TEMPLATE,
    )


def tiny_language_model(seed: int = 0, *, width: int = 16, context: int = 64) -> LanguageModel:
    """Random weights by seed; 35 tokens, two layers."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(SPECIAL) + len(WORDS) + 1,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=context,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        attn_implementation="sdpa",
        initializer_range=0.2,
    )
    return LanguageModel(LlamaForCausalLM(config).eval(), tiny_tokenizer(), (1,), 0)


def ragged_groups(seed: int = 0, counts: tuple[int, ...] = (3, 1, 4)) -> list[PromptGroup]:
    """Prompts of 1 to 9 tokens with responses of 1 to 6, ended as the real ones are."""
    drawn = random.Random(seed)

    def ids(low: int, high: int) -> tuple[int, ...]:
        return tuple(drawn.randrange(4, 34) for _ in range(drawn.randint(low, high)))

    return [PromptGroup(ids(1, 9), tuple((*ids(0, 5), 1) for _ in range(count))) for count in counts]


def write_lines(path: Path, lines: Iterable[Mapping[str, object]]) -> Path:
    """The path, after one JSON object a line was written to it."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file, one a line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
