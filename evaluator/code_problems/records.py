"""Judgements as they come, one line each, so that a killed run goes on from the sample where it was."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from evaluator.code_problems.problems import Problem
from evaluator.code_problems.programs import Submission
from evaluator.errors import BadInput
from evaluator.json_lines import dump

NAME = "judgements.jsonl"
Line = dict[str, object]


def key_of(problem: Problem, submission: Submission, seconds: float) -> str:
    """What a judgement is of: the problem, the program, its place among the samples and the limit."""
    told = {
        "problem": problem.line,
        "program": submission.program,
        "place": submission.place,
        "seconds": seconds,
    }
    return hashlib.sha256(dump(told, canonical=True).encode("utf-8", "surrogatepass")).hexdigest()


class Records:
    """A context manager over OUT/judgements.jsonl. `known` holds what stood there; `add` writes through to the disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self.known: dict[str, Line] = {}
        whole = 0
        for end, line in _whole_lines(self._path):
            self.known[str(line["key"])] = line
            whole = end
        self._whole = whole

    def __enter__(self) -> Self:
        self._file = self._path.open("ab")
        # A line that a kill cut short is judged again.
        self._file.truncate(self._whole)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def forget(self) -> None:
        """Take the file away: its input was bad."""
        self._path.unlink(missing_ok=True)

    def add(self, line: Line) -> None:
        """Keep one judgement."""
        self._file.write(dump(line).encode("utf-8") + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.known[str(line["key"])] = line


def _whole_lines(path: Path) -> Iterator[tuple[int, Line]]:
    """(bytes up to its end, line) of each whole line."""
    end = 0
    for raw in path.read_bytes().splitlines(keepends=True) if path.exists() else []:
        if not raw.endswith(b"\n"):
            return
        end += len(raw)
        try:
            line = json.loads(raw)
            yield end, {"key": line["key"], "verdict": line["verdict"], **line}
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{path}: found a line that is no judgement ({error}), wanted one this verb wrote"
            ) from error
