"""Parts that the public lines of several kinds have, read alike."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from trainer.errors import BadInput
from trainer.json_lines import kind_of
from trainer.prompts import Message, choice, prompt_digest, text
from trainer.rankings import SOURCES


def seconds_of(line: Mapping[str, Any]) -> float | None:
    """How long it took, where the line tells; BadInput for what is no time."""
    told = line.get("seconds")
    if told is None:
        return None
    if isinstance(told, bool) or not isinstance(told, int | float) or told < 0:
        raise BadInput(f"seconds: found {kind_of(told)}, wanted a number, at least 0")
    return told


def source_of_line(line: Mapping[str, Any]) -> str:
    """Where the label was first given; empty where the line does not tell."""
    return choice(line, "source", SOURCES, "line") or ""


def names_of(line: Mapping[str, Any], keys: Collection[str]) -> dict[str, str]:
    """Those of the keys that the line tells, each with its name; BadInput for an empty one."""
    return {key: text(line, key, "line") for key in keys if key in line}


def prompt_key_of(prompt: Collection[Message], context: str) -> str:
    """A name for a prompt that was given none: the public digest, or one of its context as well where it has one."""
    messages = tuple(prompt)
    return digest_of([prompt_digest(messages), context]) if context else prompt_digest(messages)


def digest_of(told: object) -> str:
    """sha256 of a text, or of several, in hexadecimal."""
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()
