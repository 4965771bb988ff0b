"""JSON Lines, read strictly and written atomically: the only way trainer touches a `.jsonl` or `.json`
file.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from trainer.errors import BadInput

JsonObject = dict[str, object]


def read(path: str | Path) -> Iterator[tuple[int, JsonObject]]:
    """Line numbers (from 1) with the JSON object of each line of `path`, lazily.

    Refuses (BadInput with file and line): a missing file, bytes that are not UTF-8, an empty line, anything
    that is
    not one JSON object, duplicate keys, NaN, Infinity, numbers beyond a float, lone surrogates.
    """
    try:
        # Bytes are split at \n only: text mode would also end a line at a bare \r.
        with Path(path).open("rb") as stream:
            for number, raw in enumerate(stream, start=1):
                yield number, parse_object(raw, f"{path}:{number}")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a file of JSON lines") from None


def read_json(path: str | Path) -> JsonObject:
    """The one JSON object in `path`, under the same strictness as `read`. Refuses what `read` refuses."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a JSON file") from None
    return parse_object(raw, str(path))


def parse_object(raw: bytes, where: str) -> JsonObject:
    """The JSON object written in `raw`. `where` names the place in the error. Refuses what `read` refuses."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{where}: found bytes that are not UTF-8 (byte {error.start}), wanted UTF-8"
        ) from None
    if not text.strip():
        raise BadInput(f"{where}: found an empty line, wanted one JSON object")
    try:
        value = json.loads(
            text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
        )
        text.encode("utf-8")
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadInput(f"{where}: found a lone surrogate, wanted well-formed Unicode") from None
    except (ValueError, RecursionError) as error:
        reason = "nesting too deep" if isinstance(error, RecursionError) else str(error)
        raise BadInput(f"{where}: found {reason}, wanted one JSON object") from None
    if not isinstance(value, dict):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted one JSON object")
    return value


def kind_of(value: object) -> str:
    """The JSON name of the type of `value` with a short excerpt, for error messages."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    name = names.get(type(value), "a number")
    excerpt = json.dumps(value, ensure_ascii=False, default=str)
    return f"{name} {excerpt if len(excerpt) <= 60 else excerpt[:57] + '...'}"


def write_atomically(path: str | Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Writes one JSON object a line to `path`: a reader sees the old file or the whole new one, never a part.

    Refuses (ValueError) NaN and Infinity.
    """
    _replace(Path(path), (_encoded(line) for line in lines))


def write_text_atomically(path: str | Path, pieces: Iterable[str]) -> int:
    """Writes `pieces` one after the other to `path`, atomically; how many there were."""
    written = 0

    def chunks() -> Iterator[bytes]:
        nonlocal written
        for piece in pieces:
            written += 1
            yield piece.encode("utf-8")

    _replace(Path(path), chunks())
    return written


def write_json_atomically(path: str | Path, value: Mapping[str, object]) -> None:
    """Writes `value` as one indented JSON object to `path`, atomically.
    Refuses (ValueError) NaN and Infinity.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    _replace(Path(path), iter([text.encode("utf-8") + b"\n"]))


def _encoded(line: Mapping[str, object]) -> bytes:
    return json.dumps(line, ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n"


def _replace(path: Path, chunks: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The process id keeps two writers of one path from sharing a temporary file.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _without_duplicates(pairs: list[tuple[str, object]]) -> JsonObject:
    found: JsonObject = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {json.dumps(key)} twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the constant {name}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a number too large ({text[:20]})")
    return value
