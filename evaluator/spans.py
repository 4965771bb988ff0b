"""Span lines (the public format): which characters of an answer its source does not bear out, and why.

{"id","item","context","response","spans":[{"start","end","kind","source_start"?,"source_end"?}…],"annotator"}. Offsets
count Unicode code points of the raw text, `end` is not included. A line without spans says that nothing is invented.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.prompts import Line, choice, placed_lines, text

KINDS = ("contradicts", "not-in-source", "wrong-attribution", "other")
ENDS = ("start", "end")
SOURCE_ENDS = ("source_start", "source_end")
MOST_SPANS = 200


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of the answer, what is the matter with them, and the source's characters it is about.

    No source span (None): nothing in the source supports it, or nobody said where it contradicts it.
    """

    start: int
    end: int
    kind: str
    source: tuple[int, int] | None = None

    def to_line(self) -> dict[str, object]:
        """The span as the public format writes it."""
        told: dict[str, object] = {"start": self.start, "end": self.end, "kind": self.kind}
        return told if self.source is None else {**told, **dict(zip(SOURCE_ENDS, self.source, strict=True))}


@dataclass(frozen=True)
class SpanLine:
    """One person's spans of one answer, and the whole line, unknown keys included."""

    id: str
    item: str
    annotator: str
    context: str
    response: str
    spans: tuple[Span, ...]
    line: Line = field(hash=False)
    where: str = ""


def read_spans(path: Path) -> list[SpanLine]:
    """All lines of a file. Refuses an empty file and two lines with one id."""
    found = [parse_span_line(line, where) for where, line in placed_lines(path)]
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one span line")
    first: dict[str, str] = {}
    for one in found:
        if one.id in first:
            again = f"found {kind_of(one.id)} again (first at {first[one.id]})"
            raise BadInput(f"{one.where}: id: {again}, wanted unique ids")
        first[one.id] = one.where
    return found


def parse_span_line(line: Line, where: str) -> SpanLine:
    """The spans of one line. Refuses a missing or mistyped key and what `parse_spans` refuses."""
    context = text(line, "context", where, allow_empty=True)
    response = text(line, "response", where, allow_empty=True)
    if "spans" not in line:
        raise BadInput(
            f"{where}: found no 'spans', wanted a list (an empty one says that nothing is invented)"
        )
    return SpanLine(
        id=text(line, "id", where),
        item=text(line, "item", where),
        annotator=text(line, "annotator", where),
        context=context,
        response=response,
        spans=parse_spans(line["spans"], context=context, response=response, where=f"{where}: spans"),
        line=line,
        where=where,
    )


def parse_spans(told: object, *, context: str, response: str, where: str) -> tuple[Span, ...]:
    """The spans of a list, in its order.

    Refuses more than 200, ends outside of the text or the wrong way round, one end of a source span alone, another
    kind, and the same span twice; spans may overlap. Other keys of a span are passed over.
    """
    if not isinstance(told, list):
        raise BadInput(f"{where}: found {kind_of(told)}, wanted a list of spans")
    if len(told) > MOST_SPANS:
        raise BadInput(f"{where}: found {len(told)} of them, wanted at most {MOST_SPANS}")
    found: list[Span] = []
    for position, entry in enumerate(told):
        place = f"{where}[{position}]"
        span = _span(entry, len(context), len(response), place)
        if span in found:
            raise BadInput(f"{place}: found spans[{found.index(span)}] again, wanted each span once")
        found.append(span)
    return tuple(found)


def _span(entry: object, context: int, response: int, where: str) -> Span:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: found {kind_of(entry)}, wanted an object with start, end and kind")
    kind = choice(entry, "kind", KINDS, where)
    if kind is None:
        raise BadInput(f"{where}: found no 'kind', wanted one of {', '.join(KINDS)}")
    start, end = _ends(entry, ENDS, response, "answer", where)
    source = _ends(entry, SOURCE_ENDS, context, "source", where) if set(SOURCE_ENDS) & set(entry) else None
    return Span(start, end, kind, source)


def _ends(
    entry: Mapping[str, object], names: tuple[str, str], length: int, of: str, where: str
) -> tuple[int, int]:
    start, end = (_offset(entry, name, where) for name in names)
    if not start < end:
        raise BadInput(
            f"{where}: found {names[0]} {start} and {names[1]} {end}, wanted the start before the end"
        )
    if end > length:
        raise BadInput(f"{where}: {names[1]}: found {end}, wanted at most {length}, the {of}'s length")
    return start, end


def _offset(entry: Mapping[str, object], name: str, where: str) -> int:
    if name not in entry:
        raise BadInput(f"{where}: found no {name!r}, wanted a number of characters")
    value = entry[name]
    if type(value) is not int or value < 0:
        raise BadInput(f"{where}: {name}: found {kind_of(value)}, wanted a whole number, at least 0")
    return value


def text_digest(context: str, response: str) -> str:
    """What tells the two texts that offsets count in from any others, in hexadecimal."""
    told = json.dumps([context, response], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
