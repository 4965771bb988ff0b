"""The public formats: every reader accepts each good file and refuses each bad one, in one line that names the file.

Trainer and evaluator read the same files with code of their own, for neither may import the other.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from evaluator import correlating, spans
from evaluator import prompts as evaluator_prompts
from evaluator import rankings as evaluator_rankings
from evaluator.errors import BadInput as EvaluatorRefusal
from evaluator.support.lines import read_pair_lines
from trainer import prompts, rankings, ratings
from trainer.errors import BadInput

FORMATS = Path(__file__).parent
Reader = Callable[[Path], object]
READERS: dict[str, dict[str, Reader]] = {
    "rankings": {"trainer": rankings.read_rankings, "evaluator": evaluator_rankings.read_rankings},
    "prompts": {"trainer": prompts.read_prompts, "evaluator": evaluator_prompts.read_prompts},
    "responses": {
        "trainer": lambda path: list(prompts.read_responses(path)),
        # Suites that want one response a question refuse more of them afterwards; the format allows several.
        "evaluator": lambda path: [
            evaluator_prompts.parse_response(line, where)
            for where, line in evaluator_prompts.placed_lines(path)
        ],
    },
    "demonstrations": {"trainer": prompts.read_demonstrations},
    "spans": {"evaluator": spans.read_spans},
    # What `detect` and `correlate` read.
    "pairs": {"evaluator": read_pair_lines},
    "metric-scores": {"evaluator": correlating.read_judged},
    "ratings": {"trainer": lambda path: [rating for _where, rating in ratings.read_ratings(path)]},
}


def cases(side: str) -> list[tuple[str, str, str]]:
    """(format, reader, file name) of every file of one side with each reader of its format."""
    files = sorted((FORMATS / side).glob("*/*.jsonl"))
    return [(file.parent.name, reader, file.name) for file in files for reader in READERS[file.parent.name]]


@pytest.mark.parametrize(("format_name", "reader", "file"), cases("good"))
def test_good_files_are_accepted(format_name: str, reader: str, file: str) -> None:
    path = FORMATS / "good" / format_name / file
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    found = READERS[format_name][reader](path)
    assert isinstance(found, list)
    assert len(found) == len(lines)


@pytest.mark.parametrize(("format_name", "reader", "file"), cases("bad"))
def test_bad_files_are_refused(format_name: str, reader: str, file: str) -> None:
    path = FORMATS / "bad" / format_name / file
    with pytest.raises((BadInput, EvaluatorRefusal)) as refusal:
        READERS[format_name][reader](path)
    told = str(refusal.value)
    assert told.startswith(str(path))
    assert "wanted" in told
    assert "\n" not in told


def test_good_rankings_survive_the_round_trip() -> None:
    for path in sorted((FORMATS / "good" / "rankings").glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
        assert [rankings.to_line(ranking) for ranking in rankings.read_rankings(path)] == lines


def test_good_ratings_survive_the_round_trip() -> None:
    for path in sorted((FORMATS / "good" / "ratings").glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
        assert [rating.to_line() for _where, rating in ratings.read_ratings(path)] == lines


def test_each_format_has_good_and_bad_files() -> None:
    for name in READERS:
        assert list((FORMATS / "good" / name).glob("*.jsonl"))
        assert list((FORMATS / "bad" / name).glob("*.jsonl"))
