"""What both sides train on: rankings as token ids, models by seed, and pairs written out for the peer."""

import json
import random
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForSequenceClassification, PreTrainedTokenizerFast

PAD, END, FIRST, VOCABULARY = 0, 1, 8, 2048


@dataclass(frozen=True)
class Shape:
    """A Llama: layers, width, heads; the feed-forward part is four times as wide."""

    name: str
    layers: int
    width: int
    heads: int


SMALL, LARGE = Shape("small", 4, 128, 4), Shape("large", 8, 512, 8)


@dataclass(frozen=True)
class TokenRanking:
    """Token ids of a prompt and of its responses, best first, each ended by the end token."""

    prompt: tuple[int, ...]
    responses: tuple[tuple[int, ...], ...]

    def pairs(self) -> list[tuple[list[int], list[int]]]:
        """All C(K, 2) pairs, prompt and response joined: what a trainer on pairs is given."""
        rows = [[*self.prompt, *response] for response in self.responses]
        return [(rows[better], rows[worse]) for better, worse in combinations(range(len(rows)), 2)]


def drawn_rankings(
    count: int, k: int, prompt: int, response: int, *, seed: int, vocabulary: int = VOCABULARY
) -> list[TokenRanking]:
    """Rankings of random tokens, ordered by the tokens' hidden worths plus noise: something can be learned."""
    chance = random.Random(seed)
    worth = [random.Random(f"worth {token}").gauss(0, 1) for token in range(vocabulary)]

    def ids(length: int) -> tuple[int, ...]:
        return tuple(chance.randrange(FIRST, vocabulary) for _ in range(length))

    found = []
    for _ in range(count):
        answers = [ids(response - 1) for _ in range(k)]
        value = [
            sum(worth[token] for token in one) / len(one) ** 0.5 + chance.gauss(0, 0.5) for one in answers
        ]
        order = sorted(range(k), key=value.__getitem__, reverse=True)
        found.append(TokenRanking(ids(prompt), tuple((*answers[place], END) for place in order)))
    return found


def real_rankings(path: Path, longest: int) -> list[TokenRanking]:
    """Rankings of sibling replies in Open-Assistant trees, as words hashed to ids; at most `longest` a part."""
    found: list[TokenRanking] = []
    for line in path.read_text("utf-8").splitlines():
        root = json.loads(line)["prompt"]
        _walk(root, [root["text"]], found, longest)
    return found


def _walk(node: dict[str, Any], texts: list[str], found: list[TokenRanking], longest: int) -> None:
    ranked = [one for one in node["replies"] if one.get("rank") is not None]
    if len(ranked) >= 2:
        ranked.sort(key=lambda one: one["rank"])
        prompt = _hashed(" ".join(texts))[-longest:]
        answers = tuple((*_hashed(one["text"])[: longest - 1], END) for one in ranked)
        found.append(TokenRanking(prompt, answers))
    for one in node["replies"]:
        _walk(one, [*texts, one["text"]], found, longest)


def _hashed(text: str) -> tuple[int, ...]:
    words = re.findall(r"\w+|[^\w\s]", text) or [text]
    return tuple(FIRST + zlib.crc32(word.encode()) % (VOCABULARY - FIRST) for word in words)


def write_model(shape: Shape, folder: Path, seed: int) -> Path:
    """The folder, with a reward model of random weights and a tokenizer that only names its special tokens."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape.width,
        intermediate_size=4 * shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=1024,
        pad_token_id=PAD,
        bos_token_id=None,
        eos_token_id=END,
        num_labels=1,
    )
    LlamaForSequenceClassification(config).save_pretrained(folder)
    words = {f"w{token}": token for token in range(FIRST, VOCABULARY)}
    named = {"<pad>": PAD, "<end>": END, **{f"<{token}>": token for token in range(2, FIRST)}, **words}
    tokenizer = Tokenizer(models.WordLevel(named, unk_token="<2>"))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<end>", unk_token="<2>"
    ).save_pretrained(folder)
    return folder


def write_pairs(rankings: Sequence[TokenRanking], path: Path) -> Path:
    """The path, after all pairs of all rankings were written to it."""
    path.write_text(json.dumps([pair for one in rankings for pair in one.pairs()]), "utf-8")
    return path
