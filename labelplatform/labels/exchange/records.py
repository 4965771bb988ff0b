"""Bytes to records, strictly and a piece at a time: memory is bounded by the longest line that is allowed.

A record is one line of a JSON Lines file, one entry of a JSON list, or one row of a spreadsheet.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject

LINE_BYTES = 4_000_000
DEEPEST = 60
CHUNK_BYTES = 1 << 16
LARGEST_INTEGER = 2**63
BYTE_ORDER_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
PACKED = {
    b"PK\x03\x04": "a zip archive (spreadsheet programs' .xlsx and .ods are zip archives too)",
    b"PK\x05\x06": "an empty zip archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a rar archive",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"SQLite format 3\x00": "a database",
    b"\x89PNG": "a picture",
}
TAR_PLACE, TAR_MARK = 257, b"ustar"


class Unreadable(Exception):
    """The file cannot be read from `line` on; the text is one sentence: what was found, what was wanted."""

    def __init__(self, reason: str, line: int = 1) -> None:
        self.line = line
        super().__init__(reason)


@dataclass(frozen=True)
class Record:
    """One record and the line it begins on (from 1); without a value, `problem` says what is the matter."""

    line: int
    value: JsonObject | None = None
    problem: str = ""


def refuse_packed(head: bytes) -> None:
    """Refuse archives, other binary files and other encodings by their first bytes, in words that help."""
    for mark, name in PACKED.items():
        if head.startswith(mark):
            raise Unreadable(f"found {name}, wanted the plain text file inside: unpack it first")
    if head[TAR_PLACE : TAR_PLACE + len(TAR_MARK)] == TAR_MARK:
        raise Unreadable("found a tar archive, wanted the plain text file inside: unpack it first")
    if head.startswith(BYTE_ORDER_MARKS):
        raise Unreadable("found UTF-16 or UTF-32, wanted UTF-8: save the file again as UTF-8")
    if not head.strip():
        raise Unreadable("found an empty file, wanted at least one record")


def read_json(stream: BinaryIO) -> Iterator[Record]:
    """The records of a JSON Lines file or of one JSON list of objects, lazily; `stream` stands at its beginning."""
    head = stream.read(CHUNK_BYTES).lstrip()[:1]
    stream.seek(0)
    return _entries(stream) if head == b"[" else _lines(stream)


def raw_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines, split at line feeds alone; None for a line that is too long, whose rest is skipped."""
    number = 0
    while raw := stream.readline(LINE_BYTES + 1):
        number += 1
        if len(raw) <= LINE_BYTES:
            yield number, raw
            continue
        while not raw.endswith(b"\n") and (raw := stream.readline(CHUNK_BYTES)):
            pass
        yield number, None


def _lines(stream: BinaryIO) -> Iterator[Record]:
    for number, raw in raw_lines(stream):
        yield too_long(number) if raw is None else parse(number, raw)


def too_long(line: int) -> Record:
    """The record of a line longer than any that is taken."""
    return Record(line, problem=f"found more than {LINE_BYTES} bytes in one line or entry, wanted fewer")


def parse(line: int, raw: bytes) -> Record:
    """The JSON object in `raw` or what is the matter with it. Depth and whole numbers are bounded here."""
    if raw.startswith(codecs.BOM_UTF8):
        return Record(line, problem="found a byte order mark, wanted UTF-8 without one")
    try:
        value = json_lines.parse_object(raw, "")
    except BadInput as error:
        return Record(line, problem=str(error).removeprefix(": "))
    problem = _unfit(value)
    return Record(line, problem=problem) if problem else Record(line, value)


def _unfit(value: JsonObject) -> str:
    """What no database or other reader takes although it is JSON: bottomless nesting, endless numbers."""
    waiting: list[tuple[int, object]] = [(1, value)]
    while waiting:
        depth, found = waiting.pop()
        if depth > DEEPEST:
            return f"found more than {DEEPEST} levels of nesting, wanted fewer"
        if isinstance(found, dict):
            waiting += [(depth + 1, inner) for inner in found.values()]
        elif isinstance(found, list):
            waiting += [(depth + 1, inner) for inner in found]
        elif isinstance(found, int) and abs(found) >= LARGEST_INTEGER:
            return "found a whole number of more than 63 bits, wanted a smaller one"
    return ""


class _Splitter:
    """Cuts one JSON list into its entries, chunk by chunk, without parsing them: strings and brackets are enough."""

    IN_TEXT, OUTSIDE = re.compile(rb'["\\]'), re.compile(rb'["\[\]{},]')

    def __init__(self) -> None:
        self.depth, self.in_text, self.ended = 0, False, False
        # How many bytes of the next chunk belong to an escape that began in this one.
        self.passed_over = 0
        self.entry, self.entries = bytearray(), 0
        self.line = self.begun = 1

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The entries that end in this chunk."""
        start, place = 0, self.passed_over
        while not self.ended and (
            mark := (self.IN_TEXT if self.in_text else self.OUTSIDE).search(chunk, place)
        ):
            at, place = mark.start(), mark.end()
            if mark[0] == b"\\":
                place = at + 2
            elif mark[0] == b'"':
                self.in_text = not self.in_text
            elif self._ends_entry(mark[0]):
                self._keep(chunk[start:at])
                yield from self._cut()
                start = place
            elif mark[0] in b"[{" and self.depth == 1:
                start = place
        self.passed_over = max(0, place - len(chunk))
        if self.ended and chunk[start:].strip():
            raise Unreadable("found more after the end of the list, wanted one list alone", self.line)
        self._keep(chunk[start:])

    def _ends_entry(self, mark: bytes) -> bool:
        """Count the brackets; whether an entry of the outermost list ends at this mark."""
        if mark in b"[{":
            self.depth += 1
        elif mark in b"]}":
            self.depth -= 1
            self.ended = self.depth == 0
        return self.ended or (mark == b"," and self.depth == 1)

    def _keep(self, piece: bytes) -> None:
        if not self.entry:
            piece_without_blank = piece.lstrip()
            self.line += piece[: len(piece) - len(piece_without_blank)].count(b"\n")
            self.begun, piece = self.line, piece_without_blank
        self.line += piece.count(b"\n")
        if len(self.entry) <= LINE_BYTES:
            self.entry += piece

    def _cut(self) -> Iterator[Record]:
        raw = bytes(self.entry)
        self.entry.clear()
        self.entries += 1
        if raw or not (self.ended and self.entries == 1):
            yield too_long(self.begun) if len(raw) > LINE_BYTES else parse(self.begun, raw)


def _entries(stream: BinaryIO) -> Iterator[Record]:
    splitter = _Splitter()
    while chunk := stream.read(CHUNK_BYTES):
        yield from splitter.feed(chunk)
    if not splitter.ended:
        raise Unreadable("found the end of the file inside the list, wanted a whole list", splitter.line)
