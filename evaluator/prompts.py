"""Prompt and response lines, checked as the public formats say; whole lines are kept, unknown keys included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of

Line = dict[str, object]
ROLES = ("system", "user", "assistant")
MODES = ("text-grounded", "knowledge-seeking", "creative")


@dataclass(frozen=True)
class Message:
    """One message of a prompt."""

    role: str
    content: str


@dataclass(frozen=True)
class PromptLine:
    """A prompt line, or a response line: its id, its messages, the whole line, and where it stands."""

    id: str
    messages: tuple[Message, ...]
    line: Line = field(hash=False)
    where: str


def text(line: Mapping[str, object], key: str, where: str, *, allow_empty: bool = False) -> str:
    """The text under `key`. Refuses an absent key, another type and, unless allowed, the empty text."""
    if key not in line:
        raise BadInput(f"{where}: found no {key!r}, wanted text")
    value = line[key]
    if not isinstance(value, str) or not (value or allow_empty):
        wanted = "text" if allow_empty else "non-empty text"
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted {wanted}")
    return value


def choice(line: Mapping[str, object], key: str, choices: Sequence[str], where: str) -> str | None:
    """The text under `key`, or None when absent. Refuses anything that is not one of `choices`."""
    if key not in line:
        return None
    value = line[key]
    if not isinstance(value, str) or value not in choices:
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted one of {', '.join(choices)}")
    return value


def texts(line: Mapping[str, object], key: str, where: str) -> list[str]:
    """The non-empty texts in the list under `key`. Refuses an absent key, an empty list and other entries."""
    value = line.get(key)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted a list of at least one text")
    return value


def parse_messages(value: object, where: str) -> tuple[Message, ...]:
    """The messages of a prompt. Refuses an empty list and roles other than ROLES."""
    if not isinstance(value, list) or not value:
        raise BadInput(f"{where}: prompt: found {kind_of(value)}, wanted a list of at least one message")
    found = []
    for number, entry in enumerate(value):
        place = f"{where}: prompt[{number}]"
        if not isinstance(entry, dict):
            raise BadInput(f"{place}: found {kind_of(entry)}, wanted an object with role and content")
        role = text(entry, "role", place)
        if role not in ROLES:
            raise BadInput(f"{place}: role: found {kind_of(role)}, wanted one of {', '.join(ROLES)}")
        found.append(Message(role, text(entry, "content", place, allow_empty=True)))
    return tuple(found)


def parse_prompt(line: Line, where: str) -> PromptLine:
    """The prompt line. Refuses a missing id or prompt, and optional keys of another type."""
    for key in ("context", "domain", "language"):
        if key in line:
            text(line, key, where, allow_empty=True)
    choice(line, "mode", MODES, where)
    name = text(line, "id", where)
    return PromptLine(name, parse_messages(line.get("prompt"), where), line, where)


def parse_response(line: Line, where: str) -> PromptLine:
    """The response line: a prompt line with response, policy, seed and sampling. Refuses one without them."""
    parsed = parse_prompt(line, where)
    text(line, "response", where, allow_empty=True)
    text(line, "policy", where)
    seed, sampling = line.get("seed"), line.get("sampling")
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise BadInput(f"{where}: seed: found {kind_of(seed)}, wanted a whole number")
    if not isinstance(sampling, dict):
        raise BadInput(f"{where}: sampling: found {kind_of(sampling)}, wanted an object")
    return parsed


def read_prompts(path: Path) -> list[PromptLine]:
    """All prompt lines of a file. Refuses an empty file and two lines with one id."""
    return unique([parse_prompt(line, where) for where, line in placed_lines(path)], path)


def read_responses(path: Path) -> list[PromptLine]:
    """All response lines of a file. Refuses an empty file and two responses with one id."""
    return unique([parse_response(line, where) for where, line in placed_lines(path)], path)


def placed_lines(path: Path) -> Iterator[tuple[str, Line]]:
    """("file:line", object) of each line."""
    for number, line in json_lines.read(path):
        yield f"{path}:{number}", line


def unique(lines: list[PromptLine], path: Path) -> list[PromptLine]:
    """The same lines. Refuses none at all, and an id that stands twice."""
    if not lines:
        raise BadInput(f"{path}: found no line, wanted at least one")
    first: dict[str, str] = {}
    for line in lines:
        if line.id in first:
            raise BadInput(
                f"{line.where}: id: found {kind_of(line.id)} again (first at {first[line.id]}), wanted unique ids: "
                "one response a question (sample with --responses-per-prompt 1)"
            )
        first[line.id] = line.where
    return lines
