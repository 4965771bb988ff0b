"""What both sides are given: a small Llama policy, a reward model of its shape, and prompts, made from a seed."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from trainer.language_models import LanguageModel, encode_prompt
from trainer.prompts import Message
from trainer.reward_model.model import save_model, save_reward_model, with_new_head

SPECIAL = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<|unknown|>")
TEMPLATE = "{% for m in messages %}<|user|>{{ m['content'] }}{% endfor %}<|assistant|>"
# One word in sixteen is paid by the count reward: w2, w18, w34 … No prompt says one.
PERIOD, PAID_WORD = 16, 2
PAID_ID = (PAID_WORD + len(SPECIAL)) % PERIOD


def count_paid(lines: Sequence[Mapping[str, object]]) -> list[float]:
    """How many words of each response are paid: our side's reward function."""
    return [
        float(sum(int(word[1:]) % PERIOD == PAID_WORD for word in _words(str(line["response"]))))
        for line in lines
    ]


def _words(text: str) -> list[str]:
    return [word for word in text.split() if word[:1] == "w"]


@dataclass(frozen=True)
class Shape:
    """Sizes of the models and of the texts. Prompts hold `shortest` to `longest` tokens."""

    vocabulary: int = 2048
    layers: int = 4
    width: int = 128
    shortest: int = 128
    longest: int = 128
    prompts: int = 64
    # Scales the first weights: wide ones make a policy that prefers some tokens, as a trained one does.
    spread: float = 0.02


def make_world(folder: Path, shape: Shape, seed: int) -> Path:
    """The folder, with policy/, reward-model/, prompts.jsonl and prompt_ids.json in it."""
    tokenizer = _tokenizer(shape.vocabulary)
    policy, scorer = (_language_model(shape, tokenizer, seed + number) for number in (0, 1))
    save_model(policy.model, tokenizer, folder / "policy")
    save_reward_model(with_new_head(scorer, seed=seed), folder / "reward-model")
    drawn = random.Random(seed)
    # The template's two marks are tokens of the prompt too.
    words = [
        f"w{number}" for number in range(shape.vocabulary - len(SPECIAL)) if number % PERIOD != PAID_WORD
    ]
    contents = [
        " ".join(drawn.choice(words) for _ in range(length - 2))
        for length in (drawn.randint(shape.shortest, shape.longest) for _ in range(shape.prompts))
    ]
    lines = [
        {"id": str(number), "prompt": [{"role": "user", "content": content}]}
        for number, content in enumerate(contents)
    ]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    ids = [encode_prompt(tokenizer, [Message("user", content)]) for content in contents]
    (folder / "prompt_ids.json").write_text(json.dumps(ids), "utf-8")
    return folder


def _tokenizer(size: int) -> Any:
    words = [*SPECIAL, *(f"w{number}" for number in range(size - len(SPECIAL)))]
    made = Tokenizer(
        models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=SPECIAL[4])
    )
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=SPECIAL[0],
        eos_token=SPECIAL[1],
        unk_token=SPECIAL[4],
        additional_special_tokens=list(SPECIAL[2:4]),
        chat_template=TEMPLATE,
        padding_side="left",
    )


def _language_model(shape: Shape, tokenizer: Any, seed: int) -> LanguageModel:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.width,
        intermediate_size=-(-shape.width // 3) * 8,
        num_hidden_layers=shape.layers,
        num_attention_heads=4,
        max_position_embeddings=256,
        initializer_range=shape.spread,
        tie_word_embeddings=True,
        attn_implementation="sdpa",
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    return LanguageModel(LlamaForCausalLM(config).eval(), tokenizer, (1,), 0)
