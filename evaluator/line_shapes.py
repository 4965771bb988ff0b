"""Lines of one shape read many times faster than one by one, and refused by the same rules.

Files are written by programs: their lines have the same keys in the same order and differ in a few values. The first
line of a shape is parsed and checked in full; from it a pattern is made that allows other values only where any value
of that kind is right, and catches those that must be looked at. A line that no pattern fits is parsed in full again.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

TOKEN = re.compile(r'\s*([{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+)')
# Possessive: what a text has taken it never gives back, so a line of another shape is given up at once.
ANY_TEXT = r'"[^"\\\x00-\x1f]*+(?:\\["\\/bfnrt][^"\\\x00-\x1f]*+)*+"'
CAUGHT_TEXT = r'"([^"\\\x00-\x1f]++)"'
CAUGHT_TEXT_OR_NONE = r'"([^"\\\x00-\x1f]*)"'
POSITIVE_NUMBER = r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?"
ANY_NUMBER = f"-?{POSITIVE_NUMBER}"
MOST_SHAPES = 32
Path = tuple[str | int, ...]
Treatment = Literal["same", "any", "positive", "catch", "catch-or-empty"]
Treat = Callable[[Path], Treatment]


@dataclass(frozen=True)
class Shape:
    """The pattern of one shape of line, and the path of the value that each of its groups catches."""

    pattern: re.Pattern[str]
    caught: tuple[Path, ...]


def shape_of(line: str, treat: Treat) -> Shape | None:
    """The shape of a line that is known to be right; None where what it must catch is written with escapes.

    `treat` says of each value's path what may stand there in other lines: the "same", "any" value of its kind, a
    "positive" number (or 0), or one to "catch" (text without escapes, not empty, or "catch-or-empty").
    """
    pieces: list[str] = []
    caught: list[Path] = []
    stack: list[list[str | int]] = []
    end, key = 0, True
    for token in TOKEN.finditer(line):
        text = token.group(1)
        pieces.append(re.escape(line[end : token.start(1)]))
        end = token.end()
        if text in "{[":
            stack.append(["" if text == "{" else 0])
            key = text == "{"
            pieces.append(re.escape(text))
        elif text in "}]":
            stack.pop()
            pieces.append(re.escape(text))
        elif text in ",:":
            key = _step(stack, text)
            pieces.append(re.escape(text))
        elif key and isinstance(stack[-1][0], str):
            if "\\" in text:
                return None  # an escaped key has another name than it seems
            stack[-1][0] = text[1:-1]
            pieces.append(re.escape(text))
        else:
            path = tuple(level[0] for level in stack)
            piece = _value(text, treat(path))
            if piece is None:
                return None
            pieces.append(piece)
            caught += [path] * (piece in (CAUGHT_TEXT, CAUGHT_TEXT_OR_NONE))
    pieces.append(re.escape(line[end:]))
    return Shape(re.compile("".join(pieces)), tuple(caught))


def _step(stack: Sequence[list[str | int]], text: str) -> bool:
    """Move on in the innermost object or list; True where a key follows."""
    level = stack[-1]
    if isinstance(level[0], int):
        level[0] += 1
        return False
    return text == ","


def _value(text: str, treatment: Treatment) -> str | None:
    """The pattern of one value; None where it cannot be caught as it is written."""
    if treatment.startswith("catch"):
        pattern = CAUGHT_TEXT if treatment == "catch" else CAUGHT_TEXT_OR_NONE
        return pattern if re.fullmatch(pattern, text) else None
    if treatment == "positive":
        return POSITIVE_NUMBER if re.fullmatch(POSITIVE_NUMBER, text) else re.escape(text)
    if treatment == "same" or not (text[0] == '"' or re.fullmatch(ANY_NUMBER, text)):
        return re.escape(text)
    return ANY_TEXT if text[0] == '"' else ANY_NUMBER
