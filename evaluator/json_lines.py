"""Strict JSON and JSON lines, written atomically.

UTF-8, one object a line. Duplicate keys, NaN, Infinity and lone surrogates are refused with file and line,
since each of them means something else to the next reader.
"""

import gzip
import hashlib
import json
import math
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from evaluator.errors import BadInput


def read(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """(line number from 1, object) of each line. Refuses what the module names, and an empty line."""
    # Split at \n only: text mode would also end a line at a bare \r.
    for number, raw in enumerate(_lines(path), start=1):
        yield number, parse_object(raw, f"{path}:{number}")


def read_object(path: Path) -> dict[str, object]:
    """The one JSON object a file holds, under the same rules as a line."""
    return parse_object(_bytes(path), str(path))


def write_atomically(path: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """Write one object a line by temporary name, fsync and rename: the file is whole or absent."""
    _replace(path, "".join(dump(line) + "\n" for line in lines))


def write_json_atomically(path: Path, value: Mapping[str, object]) -> None:
    """Write one indented JSON object by temporary name, fsync and rename. Refuses NaN and Infinity (ValueError)."""
    _replace(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def dump(value: Mapping[str, object], *, canonical: bool = False) -> str:
    """One line of JSON; canonical sorts the keys, so that equal values give equal text. Refuses NaN (ValueError)."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=canonical)


def kind_of(value: object) -> str:
    """The JSON name of a value's type with a short excerpt, for error messages."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    excerpt = json.dumps(value, ensure_ascii=False, default=str)
    return f"{names.get(type(value), 'a number')} {excerpt if len(excerpt) <= 60 else excerpt[:57] + '...'}"


def sha256_of_file(path: Path) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(_bytes(path)).hexdigest()


def sha256_of_lines(lines: Iterable[Mapping[str, object]]) -> str:
    """sha256 of the canonical lines, sorted, so that the order of lines does not matter."""
    digest = hashlib.sha256()
    for line in sorted(dump(line, canonical=True) for line in lines):
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error) as error:
        raise BadInput(f"{path}: {error}, wanted a whole gzip file") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a file that can be read") from error


def _lines(path: Path) -> list[bytes]:
    lines = _bytes(path).split(b"\n")
    return lines[:-1] if not lines[-1] else lines


def parse_object(raw: bytes, where: str) -> dict[str, object]:
    """The JSON object of one line (without its end). `where` names the line in what is refused."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{where}: found bytes that are not UTF-8 (byte {error.start}), wanted UTF-8"
        ) from error
    if not text.strip():
        raise BadInput(f"{where}: found an empty line, wanted one JSON object")
    try:
        value = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_no_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{where}: found {reason}, wanted one JSON object") from error
    if not isinstance(value, dict):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted one JSON object")
    if "\\u" in text:
        _refuse_surrogates(value, where)
    return value


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"the constant {name}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"a number too large ({text[:20]})")
    return number


def _refuse_surrogates(value: object, where: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput(f"{where}: found a lone surrogate, wanted well-formed Unicode") from error


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _umask() -> int:
    # Reading the mask means setting it; mkstemp's 0600 would hide a report from the web process of another user.
    mask = os.umask(0)
    os.umask(mask)
    return mask
