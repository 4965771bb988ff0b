"""The lines of a report's samples.jsonl, one at a time: memory holds one item, however many there are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluator.errors import BadInput
from evaluator.json_lines import parse_object

FILE_NAME = "samples.jsonl"


@dataclass(frozen=True)
class SampleLine:
    """One line: where it stands among the others (from 0), its bytes in the file, and what it says."""

    place: int
    offset: int
    length: int
    sample: dict[str, Any]


def sample_lines(folder: Path) -> Iterator[SampleLine]:
    """The lines of a report folder in order. Refuses what is no sample (BadInput), as `evaluator` does."""
    path, offset = folder / FILE_NAME, 0
    with _opened(path) as file:
        for place, raw in enumerate(file):
            sample = parse_object(raw.removesuffix(b"\n"), f"{path}:{place + 1}")
            if not isinstance(sample.get("id"), str) or not _are_scores(sample.get("scores")):
                raise BadInput(f"{path}:{place + 1}: found no id or no scores, wanted text and numbers")
            yield SampleLine(place, offset, len(raw), sample)
            offset += len(raw)


def sample_at(folder: Path, offset: int, length: int) -> dict[str, Any]:
    """The one sample whose line has these bytes. BadInput where the file is not there or not as it was."""
    path = folder / FILE_NAME
    with _opened(path) as file:
        file.seek(offset)
        return parse_object(file.read(length).removesuffix(b"\n"), f"{path}, byte {offset}")


def _are_scores(told: object) -> bool:
    return isinstance(told, dict) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in told.values()
    )


def _opened(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a file that can be read") from error
