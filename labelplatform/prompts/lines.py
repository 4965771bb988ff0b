"""Public prompt and response lines on their way in: the format is trainer's, what a database can keep is ours.

Everything is checked before anything is written, and every bad line is named with its number.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from trainer import json_lines
from trainer.errors import BadInput
from trainer.prompts import PromptLine as FormatLine
from trainer.prompts import parse_prompt as parse_prompt_format
from trainer.prompts import parse_response as parse_response_format

Parsed = TypeVar("Parsed")
Line = Mapping[str, object]

TEXT_LIMIT = 200_000
UPLOAD_LIMIT_BYTES = 50_000_000
PROMPT_KEYS = ("id", "prompt", "context", "domain", "language", "mode")
RESPONSE_KEYS = ("response", "policy", "seed", "sampling", "response_id")
LIMITS = {"id": 200, "response_id": 200, "policy": 120, "domain": 100, "language": 35}


class LineRefused(Exception):
    """One line that cannot be taken: what was found, what was wanted."""


class ImportRefused(Exception):
    """Nothing was imported; `errors` says for each bad line what was found and what was wanted."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.errors = errors
        shown = "; ".join(f"line {line}: {reason}" for line, reason in errors[:5])
        more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
        super().__init__(f"{shown}{more}")


@dataclass(frozen=True)
class PromptLine:
    """A checked prompt line; `detail` holds the keys that we have no column for."""

    key: str
    messages: list[dict[str, object]]
    context: str = ""
    domain: str = ""
    language: str = ""
    mode: str = ""
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ResponseLine:
    """A checked response line: its prompt and one answer; `key` is empty where the line gives no response_id.

    `extra` holds the keys of a ranking line's response that we have no column for.
    """

    prompt: PromptLine
    text: str
    policy: str = ""
    seed: int | None = None
    sampling: dict[str, object] = field(default_factory=dict)
    key: str = ""
    extra: dict[str, object] = field(default_factory=dict)


def check_storable(line: Line) -> None:
    """Refuse what no database column takes: NUL, lone surrogates, texts without end."""
    waiting: list[tuple[str, object]] = [*line.items(), *(("keys", key) for key in line)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(name, key) for key in value] + [(name, inner) for inner in value.values()]
        elif isinstance(value, list | tuple):
            waiting += [(name, inner) for inner in value]
        elif isinstance(value, str):
            _check_text(name, value, LIMITS.get(name, TEXT_LIMIT))


def _check_text(name: str, value: str, limit: int) -> None:
    if "\0" in value:
        raise LineRefused(f"{name}: found a NUL character, wanted text without it")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise LineRefused(f"{name}: found a lone surrogate, wanted valid Unicode")
    if len(value) > limit:
        raise LineRefused(f"{name}: found {len(value)} characters, wanted at most {limit}")


def parse_prompt(line: Line) -> PromptLine:
    """Return a checked prompt line."""
    return _prompt(line, parse_prompt_format(dict(line), ""), PROMPT_KEYS)


def parse_response(line: Line) -> ResponseLine:
    """Return a checked response line."""
    parsed = parse_response_format(dict(line), "")
    seed, sampling, key = line["seed"], line["sampling"], line.get("response_id", "")
    assert isinstance(seed, int)
    assert isinstance(sampling, Mapping)
    if abs(seed) >= 2**63:
        raise LineRefused("seed: found a number of more than 63 bits, wanted fewer")
    if not isinstance(key, str):
        raise LineRefused(f"response_id: found {json_lines.kind_of(key)}, wanted text")
    return ResponseLine(
        prompt=_prompt(line, parsed, (*PROMPT_KEYS, *RESPONSE_KEYS)),
        text=str(line["response"]),
        policy=str(line["policy"]),
        seed=seed,
        sampling=dict(sampling),
        key=key,
    )


def _prompt(line: Line, parsed: FormatLine, known: tuple[str, ...]) -> PromptLine:
    check_storable(line)
    return PromptLine(
        key=parsed.id,
        messages=[dict(message.to_line()) for message in parsed.prompt],
        context=str(line.get("context", "")),
        domain=str(line.get("domain", "")),
        language=str(line.get("language", "")),
        mode=str(line.get("mode", "")),
        detail={key: value for key, value in line.items() if key not in known},
    )


def parse_all(lines: Iterable[Line], parse: Callable[[Line], Parsed]) -> list[Parsed]:
    """Return every line parsed, or refuse them all with one reason for each bad line."""
    parsed, errors = [], []
    for number, line in enumerate(lines, 1):
        try:
            parsed.append(parse(line))
        except (LineRefused, BadInput) as error:
            errors.append((number, str(error).removeprefix(": ")))
    if errors:
        raise ImportRefused(errors)
    return parsed


def read_upload(content: bytes) -> list[dict[str, object]]:
    """Return the objects of an uploaded file of JSON lines, or refuse it with one reason for each bad line."""
    if len(content) > UPLOAD_LIMIT_BYTES:
        raise ImportRefused([(1, f"found {len(content)} bytes, wanted at most {UPLOAD_LIMIT_BYTES}")])
    raw_lines = content.removesuffix(b"\n").split(b"\n")
    return parse_all(({"raw": raw} for raw in raw_lines), _parse_raw)


def _parse_raw(line: Line) -> dict[str, object]:
    raw = line["raw"]
    assert isinstance(raw, bytes)
    if raw.startswith(b"\xef\xbb\xbf"):
        raise LineRefused("found a byte order mark, wanted UTF-8 without one")
    return json_lines.parse_object(raw, "")
