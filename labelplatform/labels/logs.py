"""The log that the ranking page keeps of how a judgement came about: what is taken of it, and what is not.

A log is built anew from what is known, so that nothing else of what a browser sends is stored. A log that is none
is dropped with its reason and never stands in a ranking's way.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

FORMAT = "labelplatform-ranking-log/1"
LIMIT_BYTES = 100_000
MOST_ENTRIES = 2_000
LONGEST_MS = 100_000_000_000_000
SOURCES = frozenset("key drag tap button presort compare page".split())
DEEDS = frozenset("place rate flag mark better margin unacceptable undo redo stage".split())
VIEWS = frozenset("stack grid compare raw rendered answers order".split())
INPUTS = frozenset("keyboard mouse touch pen".split())
READ = frozenset("end enough".split())
NAME = re.compile(r"[a-z0-9-]{0,60}")
LANGUAGES = frozenset({"en", "zh-Hans"})
Check = Callable[[object], bool]


@dataclass(frozen=True)
class Log:
    """What is kept of a log; `dropped` says why nothing is."""

    body: Mapping[str, object] = field(default_factory=dict)
    dropped: str = ""


class Malformed(Exception):
    """A part of a log that is not what it should be."""


def parse_log(text: str, *, letters: Sequence[str], free: bool = False) -> Log | None:
    """Return the log in `text`, or why it is dropped; None where no log was sent.

    `free`: its moves are about parts of one answer under names of their own, not about letters.
    """
    if not text:
        return None
    if len(text.encode("utf-8", "replace")) > LIMIT_BYTES:
        return Log(dropped=f"found more than {LIMIT_BYTES} bytes")
    try:
        told = json.loads(text)
        return Log(_body(told, letters, free))
    except (ValueError, RecursionError):
        return Log(dropped="found no JSON")
    except Malformed as error:
        return Log(dropped=str(error)[:200])


def _body(told: object, letters: Sequence[str], free: bool) -> dict[str, object]:
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise Malformed(f"found another format, wanted {FORMAT}")
    whole, one_of = _whole, _one_of
    letter = _name if free else _one_of([*letters, ""])
    return {
        "format": FORMAT,
        "presort": _told(told, "presort", lambda value: isinstance(value, bool)),
        "rate_first": _told(told, "rate_first", lambda value: isinstance(value, bool)),
        "language": _told(told, "language", one_of(LANGUAGES)),
        "viewport": _rows(told, "viewport", [whole, whole], nested=False),
        "inputs": _list(told, "inputs", one_of(INPUTS)),
        "opened": _told(told, "opened", whole),
        "first_action_ms": _told(told, "first_action_ms", _perhaps_whole),
        "active_seconds": _told(told, "active_seconds", whole),
        "wall_seconds": _told(told, "wall_seconds", whole),
        "edits_after_complete": _told(told, "edits_after_complete", whole),
        "moves_left_out": _told(told, "moves_left_out", whole),
        "views": _rows(told, "views", [whole, one_of(VIEWS)]),
        "moves": _rows(told, "moves", [whole, one_of(DEEDS), letter, one_of(SOURCES), _step, _step]),
        "cards": {name: _card(told, name) for name in letters},
    }


def _card(told: Mapping[str, object], letter: str) -> dict[str, object]:
    cards = told.get("cards")
    card = cards.get(letter) if isinstance(cards, dict) else None
    if not isinstance(card, dict):
        raise Malformed(f"cards: found nothing of {letter}")
    return {
        "first_seen_ms": _told(card, "first_seen_ms", _perhaps_whole),
        "dwell_ms": _told(card, "dwell_ms", _whole),
        "depth_percent": _told(card, "depth_percent", _percent),
        "expanded_ms": _list(card, "expanded_ms", _whole),
        "read": _told(card, "read", lambda value: value is None or value in READ),
    }


def _told(told: Mapping[str, object], name: str, check: Check) -> object:
    value = told.get(name)
    try:
        fits = check(value)
    except TypeError:
        # Lists and objects are no member of any set.
        fits = False
    if not fits:
        raise Malformed(f"{name}: found something else than wanted")
    return value


def _list(told: Mapping[str, object], name: str, check: Check) -> list[object]:
    values = told.get(name)
    if not isinstance(values, list) or len(values) > MOST_ENTRIES:
        raise Malformed(f"{name}: found no list of at most {MOST_ENTRIES}")
    return [_told({name: value}, name, check) for value in values]


def _rows(
    told: Mapping[str, object], name: str, columns: list[Check], *, nested: bool = True
) -> list[object]:
    rows = told.get(name)
    if not isinstance(rows, list) or len(rows) > MOST_ENTRIES:
        raise Malformed(f"{name}: found no list of at most {MOST_ENTRIES}")
    for row in rows if nested else [rows]:
        if not isinstance(row, list) or len(row) != len(columns):
            raise Malformed(f"{name}: found an entry without {len(columns)} parts")
        for value, check in zip(row, columns, strict=True):
            _told({name: value}, name, check)
    return rows


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value <= LONGEST_MS


def _perhaps_whole(value: object) -> bool:
    return value is None or _whole(value)


def _percent(value: object) -> bool:
    return type(value) is int and 0 <= value <= 100


def _step(value: object) -> bool:
    """Where a move led from or to: a place, a rating, the number of a flag, a margin; nothing for none."""
    return value is None or (type(value) is int and 0 <= value <= 99)


def _name(value: object) -> bool:
    """A name of ours, such as a rating's."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _one_of(words: Sequence[str] | frozenset[str]) -> Check:
    known = frozenset(words)
    return lambda value: value in known
