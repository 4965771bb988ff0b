"""Files that no import may swallow, each with a word of the report it must get and the line it must name."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def good(number: int = 1, **changes: object) -> Json:
    """A line that would be taken, with changes; a change to None takes the key out."""
    line: Json = {
        "id": f"line-{number}",
        "prompt": [{"role": "user", "content": f"Question {number}?"}],
        "responses": [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}],
        "tiers": [["a"], ["b"]],
        "annotator": "ada",
        "kind": "ranking",
    }
    return {key: value for key, value in {**line, **changes}.items() if value is not None}


def lines(*entries: object) -> bytes:
    """JSON lines; entries that are bytes stand as they are."""
    return b"".join(
        entry + b"\n" if isinstance(entry, bytes) else json.dumps(entry).encode() + b"\n" for entry in entries
    )


def second(**changes: object) -> bytes:
    """A good line and a bad one."""
    return lines(good(1), good(2, **changes))


def raw(text: str) -> bytes:
    """A good line and this one."""
    return lines(good(1), text.encode("utf-8", "surrogatepass"))


def zipped(name: str, content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return packed.getvalue()


def tarred() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        link = tarfile.TarInfo("rankings.jsonl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return packed.getvalue()


def table(*rows: str, head: str = "prompt,ranking,answer_a,answer_b") -> bytes:
    return "\r\n".join([head, *rows]).encode()


DEEP = 100_000
BOMB = b"0" * 10_000_000
PAIR = {"prompt": "q", "chosen": "a", "rejected": "b"}

# name: (bytes, a word of the report, the line it names)
SMALL: dict[str, tuple[bytes, str, int]] = {
    "empty file": (b"", "empty file", 1),
    "blank file": (b" \n\n \n", "empty file", 1),
    "zip bomb": (zipped("rankings.jsonl", BOMB), "a zip archive", 1),
    "nested zip bomb": (zipped("inner.zip", zipped("r", BOMB)), "a zip archive", 1),
    "empty zip": (b"PK\x05\x06" + b"\0" * 18, "an empty zip archive", 1),
    "tar with a link": (tarred(), "a tar archive", 1),
    "gzip": (gzip.compress(lines(good())), "a gzip file", 1),
    "bzip2": (bz2.compress(lines(good())), "a bzip2 file", 1),
    "xz": (lzma.compress(lines(good())), "an xz file", 1),
    "parquet": (b"PAR1\x15\x04", "a Parquet file", 1),
    "picture": (b"\x89PNG\r\n\x1a\n", "a picture", 1),
    "database": (b"SQLite format 3\0", "a database", 1),
    "binary": (bytes(range(256)), "a binary file", 1),
    "UTF-16 with its mark": (lines(good()).decode().encode("utf-16"), "UTF-16 or UTF-32", 1),
    "UTF-16 without a mark": (lines(good()).decode().encode("utf-16-le"), "one JSON object", 1),
    "UTF-32": (lines(good()).decode().encode("utf-32"), "UTF-16 or UTF-32", 1),
    "byte order mark": (b"\xef\xbb\xbf" + lines(good()), "a byte order mark", 1),
    "bad UTF-8": (lines(good(), b'{"id": "\xff\xfe"}'), "not UTF-8", 2),
    "overlong UTF-8": (lines(good(), b'{"id": "\xc0\xaf"}'), "not UTF-8", 2),
    "Latin-1": (lines(good(), '{"id": "é"}'.encode("latin-1")), "not UTF-8", 2),
    "encoded surrogate": (raw('{"id": "\ud800"}'), "not UTF-8", 2),
    "escaped lone surrogate": (raw('{"id": "\\ud800"}'), "lone surrogate", 2),
    "NUL": (second(annotator="a\0b"), "NUL", 2),
    "NUL in an unknown key": (second(**{"my\0key": 1}), "NUL", 2),
    "NUL byte": (lines(good(), b"\0"), "one JSON object", 2),
    "deep lists": (raw('{"id": ' + "[" * DEEP + "]" * DEEP + "}"), "nesting too deep", 2),
    "deep objects": (raw('{"a":' * DEEP + "1" + "}" * DEEP), "nesting too deep", 2),
    "deep and open": (raw('{"id": ' + "[" * DEEP), "wanted one JSON object", 2),
    "too deep for a database": (raw('{"id": ' + "[" * 500 + "]" * 500 + "}"), "levels of nesting", 2),
    "deep first line": (lines(b'{"id": ' + b"[" * DEEP), "wanted one JSON object", 1),
    "deep list of lists": (b"[" * DEEP + b"]" * DEEP, "nesting too deep", 1),
    "duplicate keys": (raw('{"id": "a", "id": "b"}'), 'the key "id" twice', 2),
    "duplicate keys inside": (raw('{"id": "a", "x": {"y": 1, "y": 2}}'), 'the key "y" twice', 2),
    "NaN": (raw('{"id": "a", "seconds": NaN}'), "the constant NaN", 2),
    "Infinity": (raw('{"id": "a", "seconds": -Infinity}'), "the constant -Infinity", 2),
    "a float too large": (raw('{"id": "a", "seconds": 1e999}'), "a number too large", 2),
    "400 digits": (raw('{"id": "a", "seconds": ' + "9" * 400 + "}"), "more than 63 bits", 2),
    "5000 digits": (raw('{"id": "a", "seconds": ' + "9" * 5000 + "}"), "wanted one JSON object", 2),
    "endless seconds": (second(seconds=1e300), "seconds", 2),
    "negative seconds": (second(seconds=-1), "seconds", 2),
    "text for a number": (second(seconds="12"), "seconds", 2),
    "truth for a number": (second(seconds=True), "seconds", 2),
    "cut in the middle": (lines(good()) + b'{"id": "line-2", "prom', "one JSON object", 2),
    "two objects on a line": (lines(good(), b"{} {}"), "one JSON object", 2),
    "a trailing comma": (lines(good(), b'{"id": "a",}'), "one JSON object", 2),
    "single quotes": (lines(good(), b"{'id': 'a'}"), "one JSON object", 2),
    "an empty line": (lines(good(), b"", good(2)), "an empty line", 2),
    "a list on a line": (lines(good(), b"[1]"), "found a list", 2),
    "returns alone": (lines(good(1)).replace(b"\n", b"\r") + lines(good(2)), "one JSON object", 1),
    "a separator U+2028 between lines": (
        lines(good(1))[:-1] + "\u2028".encode() + lines(good(2)),
        "one JSON object",
        1,
    ),
    "no id": (second(id=None), "found no 'id'", 2),
    "empty id": (second(id=""), "id", 2),
    "a number for an id": (second(id=7), "id: found a number 7", 2),
    "endless id": (second(id="x" * 201), "id: found 201 characters", 2),
    "endless item": (second(item="x" * 201), "item: found 201 characters", 2),
    "endless flag": (second(flags={"a": ["x" * 61]}), "a name of 61 characters", 2),
    "endless text": (
        second(responses=[{"id": "a", "text": "x" * 200_001}, {"id": "b", "text": ""}]),
        "found 200001 characters, wanted at most 200000",
        2,
    ),
    "no prompt": (second(prompt=None), "prompt", 2),
    "no messages": (second(prompt=[]), "prompt", 2),
    "an unknown role": (second(prompt=[{"role": "tool", "content": "x"}]), "role", 2),
    "one answer": (second(responses=[{"id": "a", "text": "x"}], tiers=[["a"]]), "responses: found 1", 2),
    "ten answers": (
        second(responses=[{"id": str(n), "text": "x"} for n in range(10)], tiers=[["0"]]),
        "responses: found 10",
        2,
    ),
    "an unknown answer": (second(tiers=[["a"], ["c"]]), "tiers", 2),
    "an answer placed twice": (second(tiers=[["a"], ["a"]]), "twice", 2),
    "an empty tier": (second(tiers=[["a"], []]), "empty tier", 2),
    "no tier": (second(tiers=[]), "empty list", 2),
    "answers of one id": (second(responses=[{"id": "a", "text": "1"}, {"id": "a", "text": "2"}]), "twice", 2),
    "answers that differ by case": (
        second(responses=[{"id": "a", "text": "1"}, {"id": "A", "text": "2"}], tiers=[["a"], ["A"]]),
        "differ by case",
        2,
    ),
    "repeated id": (second(id="line-1"), "stands in line 1 already", 2),
    "ids that differ by case": (second(id="LINE-1"), "by case or Unicode form alone", 2),
    "ids that differ by normal form": (
        lines(good(1, id="caf\u00e9"), good(2, id="cafe\u0301")),
        "by case or Unicode form alone",
        2,
    ),
    "ids that differ by width": (lines(good(1, id="a1"), good(2, id="ａ１")), "Unicode form alone", 2),
    "another prompt under an id": (
        lines(good(1, prompt_id="p"), good(2, prompt_id="p")),
        "with another prompt",
        2,
    ),
    "another text under an id": (
        lines(
            good(1, prompt_id="p"),
            good(
                2,
                prompt=good(1)["prompt"],
                prompt_id="p",
                responses=[{"id": "a", "text": "x"}, {"id": "c", "text": "y"}],
                tiers=[["a"], ["c"]],
            ),
        ),
        "with another text",
        2,
    ),
    "other answers under an item": (
        lines(
            good(1, item="i"),
            good(
                2,
                item="i",
                prompt=good(1)["prompt"],
                annotator="ben",
                responses=[{"id": "c", "text": "x"}, {"id": "d", "text": "y"}],
                tiers=[["c"], ["d"]],
            ),
        ),
        "with other responses",
        2,
    ),
    "one person twice": (lines(good(1), good(2, prompt=good(1)["prompt"])), "has ranked this item already", 2),
    "an unknown format": (lines({"question": "x", "answer": "y"}), "keys answer, question", 1),
    "prose": (b"Dear Sir or Madam,\nplease find enclosed", "neither JSON nor a table", 1),
    "HTML": (b"<html><script>alert(1)</script></html>", "neither JSON nor a table", 1),
    "an empty JSON list": (b"[]", "found no record", 1),
    "a JSON list cut off": (json.dumps([good()]).encode()[:-1], "end of the file inside the list", 1),
    "a JSON list of numbers": (b"[1, 2]", "wanted one JSON object", 1),
    "a table without rows": (table(), "found no record", 1),
    "a table without answers": (table(head="prompt,ranking,answer_a"), "answer_b", 1),
    "a table with a column twice": (table(head="prompt,ranking,answer_a,answer_b,prompt"), "twice", 1),
    "a table with an open quote": (table('q,A > B,"one,two'), "does not end as it began", 2),
    "a table with bad UTF-8": (table("q,A > B,one,two") + b"\r\n\xff,A,one,two", "not UTF-8", 3),
    "a table with too many cells": (table("q,A > B,one,two,three"), "found 5 cells, wanted 4", 2),
    "a table with an unknown letter": (table("q,A > C,one,two"), "'C'", 2),
    "a table with NUL": (table("q\0,A > B,one,two"), "NUL", 2),
    "hh-rlhf without turns": (lines({"chosen": "\n\nHuman: x", "rejected": "\n\nHuman: y"}), "a last turn of", 1),
    "TRL with mixed types": (lines(PAIR, {**PAIR, "chosen": ["x"]}), "two texts or two lists", 2),
    "TRL unpaired alone": (lines({"prompt": "q", "completion": "a", "label": True}), "is no ranking", 1),
    "Argilla without ranks": (
        lines({"fields": {"prompt": "q", "a": "1", "b": "2"}, "responses": {"r": [{"value": ["a", "b"]}]}}),
        "without ranks",
        1,
    ),
    "Label Studio without its prompt": (
        lines({"data": {"x": 1}, "annotations": [{"result": []}]}),
        "wanted the prompt",
        1,
    ),
}  # fmt: skip


def endless_lines(size: int) -> Iterator[bytes]:
    """Blocks of blank lines."""
    for _block in range(size // 1_000_000):
        yield b"\n" * 1_000_000


def one_endless_line(size: int) -> Iterator[bytes]:
    """One line of so many bytes, never parsed whole."""
    yield b'{"id": "'
    for _block in range(size // 1_000_000):
        yield b"x" * 1_000_000
    yield b'"}\n'


def an_endless_entry(size: int) -> Iterator[bytes]:
    """The same as the entry of a list."""
    yield b"["
    yield from one_endless_line(size)
    yield b"]"


def an_endless_cell(size: int) -> Iterator[bytes]:
    """A quote that is never closed."""
    yield b'prompt,ranking,answer_a,answer_b\nq,A > B,"'
    for _block in range(size // 1_000_000):
        yield b"text, more\n" * 90_000


def good_lines_then_a_bad_one(size: int) -> Iterator[bytes]:
    """So many bytes that would be taken, and at the very end a line that cannot be."""
    count = size // len(lines(good(100_000)))
    for number in range(count):
        yield lines(good(number))
    yield b"{\n"


LARGE = {
    "endless lines": (endless_lines, "an empty file"),
    "one endless line": (one_endless_line, "in one line or entry"),
    "an endless entry": (an_endless_entry, "in one line or entry"),
    "an endless cell": (an_endless_cell, "does not end as it began"),
    "a bad last line": (good_lines_then_a_bad_one, "one JSON object"),
}
