"""Rating lines: numbers from 1 to 7 and flags that one person gave to one response."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of
from trainer.prompts import Message, choice, parse_messages, prompt_digest, text
from trainer.rankings import SOURCES, SPLITS

KINDS = ("rating", "honesty")
LOWEST, HIGHEST = 1, 7
ALWAYS = ("id", "prompt", "response", "ratings", "flags", "annotator")
SOMETIMES = ("item", "prompt_id", "response_id", "context", "policy", "kind", "source", "split", "seconds")


@dataclass(frozen=True)
class Rating:
    """One rating line. `flags` may be empty; `kind` "honesty" is a rating whose names are truthful and informative."""

    id: str
    prompt: tuple[Message, ...]
    response: str
    ratings: dict[str, float] = field(hash=False)
    flags: tuple[str, ...]
    annotator: str
    told: JsonObject = field(default_factory=dict, hash=False)
    extra: JsonObject = field(default_factory=dict, hash=False)

    @property
    def prompt_key(self) -> str:
        """`prompt_id`, or the digest of the prompt where the line names none: what splits go by."""
        return str(self.told.get("prompt_id") or prompt_digest(self.prompt))

    @property
    def item_key(self) -> str:
        """`item`, or the digest of the prompt and the response where the line names none."""
        if self.told.get("item"):
            return str(self.told["item"])
        parts = [prompt_digest(self.prompt), self.response_key]
        return hashlib.sha256(
            json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
        ).hexdigest()

    @property
    def response_key(self) -> str:
        """`response_id`, or a digest of the response's text where the line names none."""
        named = self.told.get("response_id")
        return str(named) if named else hashlib.sha256(self.response.encode()).hexdigest()[:16]

    @property
    def policy(self) -> str:
        """The model that wrote the response; empty where the line does not tell."""
        return str(self.told.get("policy", ""))

    @property
    def seconds(self) -> float | None:
        """How long the person took; None where the line does not tell."""
        told = self.told.get("seconds")
        return float(told) if isinstance(told, (int, float)) else None

    def to_line(self) -> JsonObject:
        """The rating as the JSON object it was read from."""
        return {
            "id": self.id,
            "prompt": [message.to_line() for message in self.prompt],
            "response": self.response,
            "ratings": self.ratings,
            "flags": list(self.flags),
            "annotator": self.annotator,
            **self.told,
            **self.extra,
        }


def parse_rating(line: JsonObject, where: str) -> Rating:
    """The rating in `line`. Refuses missing keys, no rating at all, numbers outside 1 to 7 and malformed messages."""
    for key in ("item", "prompt_id", "response_id", "policy"):
        if key in line:
            text(line, key, where)
    if "context" in line:
        text(line, "context", where, allow_empty=True)
    choice(line, "kind", KINDS, where)
    choice(line, "source", SOURCES, where)
    choice(line, "split", SPLITS, where)
    if "seconds" in line:
        _number(line["seconds"], 0, math.inf, f"{where}: seconds")
    ratings, flags = parse_said(line, where)
    return Rating(
        id=text(line, "id", where),
        prompt=parse_messages(line.get("prompt"), where),
        response=text(line, "response", where, allow_empty=True),
        ratings=ratings,
        flags=flags,
        annotator=text(line, "annotator", where),
        told={key: line[key] for key in SOMETIMES if key in line},
        extra={key: line[key] for key in line if key not in (*ALWAYS, *SOMETIMES)},
    )


def parse_said(line: Mapping[str, object], where: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """The ratings and flags of a rating line."""
    given, flags = line.get("ratings"), line.get("flags")
    if not isinstance(given, dict) or not given:
        raise BadInput(f"{where}: ratings: found {kind_of(given)}, wanted an object of numbers 1 to 7")
    if not all(given):
        raise BadInput(f"{where}: ratings: found an empty name, wanted names")
    if not isinstance(flags, list) or not all(isinstance(flag, str) and flag for flag in flags):
        raise BadInput(f"{where}: flags: found {kind_of(flags)}, wanted a list of names")
    if len(set(flags)) < len(flags):
        raise BadInput(f"{where}: flags: found a name twice, wanted each once")
    return {
        name: _number(value, LOWEST, HIGHEST, f"{where}: ratings: {name}") for name, value in given.items()
    }, tuple(flags)


def read_ratings(path: str | Path) -> Iterator[tuple[str, Rating]]:
    """Each rating line of `path` with its place ("file:line"), in order, lazily."""
    for number, line in json_lines.read(path):
        yield f"{path}:{number}", parse_rating(line, f"{path}:{number}")


def _number(value: object, low: float, high: float, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        bounds = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        raise BadInput(f"{where}: found {kind_of(value)}, wanted a number, {bounds}")
    return value
