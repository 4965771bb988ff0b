"""Tiny models with random weights and a real tokenizer of ours, made in memory in a blink."""

from functools import cache
from typing import Any

import torch

from trainer.language_models import LanguageModel
from trainer.pretraining.tokenizer import train_tokenizer
from trainer.pretraining.train import new_model
from trainer.specs import PretrainSpec

TEXTS = [
    "Ada asks where Lima lies.",
    "Lima lies in Peru.",
    "Ben says that Lima lies in Peru.",
    "利马在秘鲁。",
] * 3


@cache
def tiny_tokenizer() -> Any:
    """Byte-level BPE learned from a few sentences; any text can be written in it."""
    return train_tokenizer(TEXTS, vocabulary=300, context=96)


def tiny_model(seed: int = 0, *, layers: int = 2) -> LanguageModel:
    """A model of width 16 with weights so wide that its choices are neither certain nor even.

    One token in twenty ends a response, for random weights would hardly ever choose the one end token.
    """
    torch.manual_seed(seed)
    spec = PretrainSpec(texts=("-",), out="-", steps=1, layers=layers, width=16, heads=2, context=96)
    tokenizer = tiny_tokenizer()
    model = new_model(spec, tokenizer).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(0.0, 0.4)
    ends = (tokenizer.eos_token_id, *range(20, len(tokenizer), 20))
    model.generation_config.eos_token_id = list(ends)
    return LanguageModel(model, tokenizer, ends, tokenizer.pad_token_id)
