"""What a subject has answered so far, by content: a killed run goes on from here, and no answer is asked for twice."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluator import json_lines
from evaluator.errors import BadInput

FILE_NAME = "responses.cache.jsonl"
Key = str


def digest_of(*parts: object) -> str:
    """sha256 of JSON values: equal contents give equal keys, whoever asks."""
    text = json.dumps(parts, ensure_ascii=True, allow_nan=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class ResponseCache:
    """Values by key in a file of lines `{"key", "value"}`, appended to as they come; without a path, in memory only.

    A line that a kill cut off is dropped when the file is opened. A value is None, text, a number or lists of them.
    Refuses a file with other content, so that a wrong path destroys nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._values: dict[Key, Any] = {}
        if path is not None and path.exists():
            self._read(path)

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def __getitem__(self, key: Key) -> Any:
        return self._values[key]

    def put(self, values: Mapping[Key, object]) -> None:
        """Keeps the values; on return they have reached the disk."""
        self._values.update(values)
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json_lines.dump({"key": key, "value": value}) + "\n" for key, value in values.items())
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _read(self, path: Path) -> None:
        raw = path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                entry = json.loads(line)
                self._values[entry["key"]] = entry["value"]
            except (ValueError, KeyError, TypeError) as error:
                found = f"{path}:{number}: found {line[:60]!r}"
                raise BadInput(f"{found}, wanted a line of the response cache") from error
        if len(whole) < len(raw):
            os.truncate(path, len(whole))


def in_batches(
    cache: ResponseCache,
    keys: Sequence[Key],
    batches: Iterable[Sequence[int]],
    answer: Callable[[Sequence[int]], Sequence[object]],
    told: Callable[[int], None],
) -> Iterator[tuple[int, Any]]:
    """(number, value) of every item, batch after batch, each batch from the cache or from `answer`.

    `batches` are made from all items and a key must tell the whole batch wherever neighbours touch a value: a batch is
    then answered whole or not at all, and an interrupted run gives the bytes of an uninterrupted one.
    """
    done = 0
    for batch in batches:
        if not all(keys[number] in cache for number in batch):
            found = answer(batch)
            cache.put({keys[number]: value for number, value in zip(batch, found, strict=True)})
        done += len(batch)
        told(done)
        for number in batch:
            yield number, cache[keys[number]]
