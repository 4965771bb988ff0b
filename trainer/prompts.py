"""Prompt, response and demonstration lines: what is put to a model, what it answered, what a person would
answer.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of

ROLES = ("system", "user", "assistant")
MODES = ("text-grounded", "knowledge-seeking", "creative")


@dataclass(frozen=True)
class Message:
    """One message of a prompt: who speaks and what is said; keys we do not know are kept in `extra`."""

    role: str
    content: str
    extra: JsonObject = field(default_factory=dict, hash=False)

    def to_line(self) -> JsonObject:
        """The message as the JSON object it was read from."""
        return {"role": self.role, "content": self.content, **self.extra}


@dataclass(frozen=True)
class PromptLine:
    """One line of a prompt file: its id, its messages and the whole line, unknown keys included."""

    id: str
    prompt: tuple[Message, ...]
    line: JsonObject = field(hash=False)


@dataclass(frozen=True)
class Demonstration:
    """A response a person wrote for a prompt; keys we do not know are kept in `extra`."""

    id: str
    prompt: tuple[Message, ...]
    response: str
    annotator: str
    extra: JsonObject = field(default_factory=dict, hash=False)

    def to_line(self) -> JsonObject:
        """The demonstration as the JSON object it was read from."""
        prompt = [message.to_line() for message in self.prompt]
        known = {"id": self.id, "prompt": prompt, "response": self.response, "annotator": self.annotator}
        return {**known, **self.extra}


def prompt_digest(messages: Sequence[Message]) -> str:
    """The sha256 (hex) of the roles and contents of `messages`: the id of a prompt that was given none."""
    spoken = [[message.role, message.content] for message in messages]
    return hashlib.sha256(json.dumps(spoken, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def parse_messages(value: object, where: str) -> tuple[Message, ...]:
    """The messages in `value`, a list of {"role", "content"}.
    Refuses an empty list and roles other than ROLES.
    """
    if not isinstance(value, list) or not value:
        raise BadInput(f"{where}: prompt: found {kind_of(value)}, wanted a list of at least one message")
    return tuple(_message(entry, f"{where}: prompt[{place}]") for place, entry in enumerate(value))


def _message(entry: object, where: str) -> Message:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: found {kind_of(entry)}, wanted an object with role and content")
    role = text(entry, "role", where)
    if role not in ROLES:
        raise BadInput(f"{where}: role: found {kind_of(role)}, wanted one of {', '.join(ROLES)}")
    content = text(entry, "content", where, allow_empty=True)
    return Message(role, content, {key: entry[key] for key in entry if key not in ("role", "content")})


def text(line: Mapping[str, object], key: str, where: str, *, allow_empty: bool = False) -> str:
    """The text under `key`. Refuses an absent key, another type and, unless allowed, the empty text."""
    if key not in line:
        raise BadInput(f"{where}: found no {key!r}, wanted text")
    value = line[key]
    if not isinstance(value, str) or not (value or allow_empty):
        raise BadInput(
            f"{where}: {key}: found {kind_of(value)}, wanted {'' if allow_empty else 'non-empty '}text"
        )
    return value


def choice(line: Mapping[str, object], key: str, choices: Sequence[str], where: str) -> str | None:
    """The text under `key`, or None when absent. Refuses anything that is not one of `choices`."""
    if key not in line:
        return None
    value = line[key]
    if not isinstance(value, str) or value not in choices:
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted one of {', '.join(choices)}")
    return value


def parse_prompt(line: JsonObject, where: str) -> PromptLine:
    """The prompt line in `line`. Refuses a missing id or prompt and optional keys of the wrong type."""
    for key in ("context", "domain", "language"):
        if key in line:
            text(line, key, where, allow_empty=True)
    choice(line, "mode", MODES, where)
    return PromptLine(text(line, "id", where), parse_messages(line.get("prompt"), where), line)


def parse_response(line: JsonObject, where: str) -> PromptLine:
    """The response line in `line` (a prompt line with its response).
    Refuses a missing response, policy, seed or sampling.
    """
    parsed = parse_prompt(line, where)
    text(line, "response", where, allow_empty=True)
    text(line, "policy", where)
    seed, sampling = line.get("seed"), line.get("sampling")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise BadInput(f"{where}: seed: found {kind_of(seed)}, wanted a whole number")
    if not isinstance(sampling, dict):
        raise BadInput(f"{where}: sampling: found {kind_of(sampling)}, wanted an object")
    return parsed


def response_line(
    prompt: PromptLine, response: str, *, policy: str, seed: int, number: int, sampling: JsonObject
) -> JsonObject:
    """The response line of response `number` (from 0) to `prompt`: the whole prompt line and what was
    answered.

    `response_id` is a digest of policy, seed, prompt and number: unique, the same when sampled again, and
    blind, for
    people who rank must not read the policy's name in it.
    """
    name = hashlib.sha256(f"{policy}\0{seed}\0{prompt.id}\0{number}".encode()).hexdigest()[:16]
    told = {"response": response, "policy": policy, "seed": seed, "sampling": sampling, "response_id": name}
    return {**prompt.line, **told}


def parse_demonstration(line: JsonObject, where: str) -> Demonstration:
    """The demonstration in `line`. Refuses missing keys, an empty response and malformed messages."""
    known = ("id", "prompt", "response", "annotator")
    return Demonstration(
        id=text(line, "id", where),
        prompt=parse_messages(line.get("prompt"), where),
        response=text(line, "response", where),
        annotator=text(line, "annotator", where),
        extra={key: line[key] for key in line if key not in known},
    )


def read_prompts(path: str | Path) -> list[PromptLine]:
    """All prompt lines of `path`, in order. Refuses an empty file and two lines with one id."""
    lines = [parse_prompt(line, f"{path}:{number}") for number, line in json_lines.read(path)]
    refuse_repeats([line.id for line in lines], path)
    return lines


def read_responses(path: str | Path) -> Iterator[tuple[str, PromptLine]]:
    """Each response line of `path` with its place ("file:line"), in order, lazily."""
    for number, line in json_lines.read(path):
        yield f"{path}:{number}", parse_response(line, f"{path}:{number}")


def read_demonstrations(path: str | Path) -> list[Demonstration]:
    """All demonstrations of `path`, in order. Refuses an empty file and two lines with one id."""
    found = [parse_demonstration(line, f"{path}:{number}") for number, line in json_lines.read(path)]
    refuse_repeats([demonstration.id for demonstration in found], path)
    return found


def refuse_repeats(ids: Sequence[str], path: str | Path) -> None:
    """Raises BadInput when `ids` (one a line of `path`) is empty or names a line twice."""
    if not ids:
        raise BadInput(f"{path}: found no line, wanted at least one")
    first: dict[str, int] = {}
    for number, name in enumerate(ids, start=1):
        if name in first:
            raise BadInput(
                f"{path}:{number}: id: found {kind_of(name)} again (line {first[name]}), wanted unique ids"
            )
        first[name] = number
