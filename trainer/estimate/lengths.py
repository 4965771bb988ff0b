"""How many tokens the lines of a file are, by the model's own tokenizer, without its model or torch."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from trainer.errors import BadInput
from trainer.prompts import Message

# A message's role and its end; the opening of the response.
TEMPLATE_TOKENS, OPENING_TOKENS, END_TOKENS = 2, 1, 1


def tokenizer_of(folder: str) -> Tokenizer:
    """The tokenizer of a model folder. Refuses (BadInput) a folder without one."""
    path = Path(folder) / "tokenizer.json"
    if not path.is_file():
        raise BadInput(f"{path}: found no such file, wanted the tokenizer to count tokens by")
    return Tokenizer.from_file(str(path))


def prompt_tokens(tokenizer: Tokenizer, messages: Sequence[Message]) -> int:
    """Tokens of a prompt; those of the chat template are reckoned, not rendered."""
    spoken = sum(_count(tokenizer, message.content) for message in messages)
    return spoken + TEMPLATE_TOKENS * len(messages) + OPENING_TOKENS


def response_tokens(tokenizer: Tokenizer, text: str) -> int:
    """Tokens of a response and its end."""
    return _count(tokenizer, text) + END_TOKENS


def mean(lengths: Iterable[int]) -> int:
    """The mean length, rounded, at least 1."""
    return max(round(statistics.fmean(lengths)), 1)


def _count(tokenizer: Tokenizer, text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False).ids)
