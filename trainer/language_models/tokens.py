"""Between messages and token ids. Text of people and models never becomes a special token, whatever it
spells.
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol


class Spoken(Protocol):
    """Anything with a role and a content: messages of prompt lines, of the platform, of a test."""

    @property
    def role(self) -> str:
        """system, user or assistant."""
        ...

    @property
    def content(self) -> str:
        """What is said."""
        ...


# Private-use characters stand for the contents while the template is rendered, so that what the template
# wrote (and
# only that) is read for special tokens.
OPEN, CLOSE = "\ue0f0", "\ue0f1"
PLACE = re.compile(f"{OPEN}(\\d+){CLOSE}")


def encode_text(tokenizer: Any, text: str) -> list[int]:
    """Token ids of `text` as plain text: "<|end|>" in it is six or so ordinary tokens, not the end token."""
    return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])


def encode_prompt(tokenizer: Any, messages: Sequence[Spoken], *, open_response: bool = True) -> list[int]:
    """Token ids of `messages` in the tokenizer's chat template, up to where the response starts.

    Each content is turned into tokens on its own, so no token reaches over from the template into it.
    `open_response` False leaves the opening of the assistant's turn out (a finished conversation).
    Refuses (ValueError) a tokenizer without a chat template.
    """
    if not tokenizer.chat_template:
        raise ValueError("found a tokenizer without a chat template, wanted a model that can be talked to")
    marked = [
        {"role": entry.role, "content": f"{OPEN}{place}{CLOSE}"} for place, entry in enumerate(messages)
    ]
    rendered = tokenizer.apply_chat_template(marked, tokenize=False, add_generation_prompt=open_response)
    ids: list[int] = []
    for place, part in enumerate(PLACE.split(rendered)):
        if place % 2:
            ids += encode_text(tokenizer, messages[int(part)].content)
        elif part:
            ids += tokenizer(part, add_special_tokens=False)["input_ids"]
    return ids


def encode_response(tokenizer: Any, text: str, end_id: int) -> list[int]:
    """Token ids of `text` as plain text, then the end token."""
    return [*encode_text(tokenizer, text), end_id]


def decode_response(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of `ids` without special tokens and with its spaces as they were."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))
