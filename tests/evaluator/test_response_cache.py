"""The response cache: what a kill leaves is whole, and what is foreign is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.errors import BadInput
from evaluator.subjects.response_cache import ResponseCache, digest_of, in_batches
from tests.evaluator.lines import steady


def test_values_come_back_to_the_last_bit(tmp_path: Path) -> None:
    values = {"a": 0.1 + 0.2, "b": [-1e-300, None], "c": "上海\n\u2028"}
    ResponseCache(tmp_path / "c.jsonl").put(values)
    again = ResponseCache(tmp_path / "c.jsonl")
    assert {key: again[key] for key in values} == values
    assert "d" not in again


@pytest.mark.parametrize("lost", range(1, 40))
def test_a_line_that_was_cut_off_is_dropped_and_written_again(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "c.jsonl"
    cache = ResponseCache(path)
    cache.put({"first": "kept"})
    whole = path.read_bytes()
    cache.put({"second": "x" * 30})
    path.write_bytes(path.read_bytes()[:-lost])
    again = ResponseCache(path)
    assert again["first"] == "kept"
    assert ("second" in again) == (lost == 0)
    assert path.read_bytes() == whole
    again.put({"second": "y"})
    assert ResponseCache(path)["second"] == "y"


def test_another_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\nhalf a line")
    with pytest.raises(
        BadInput, match=r"notes\.txt:1: found .*my notes.*wanted a line of the response cache"
    ):
        ResponseCache(path)
    assert path.read_text() == "my notes\nhalf a line"


def test_a_batch_is_answered_whole_or_not_at_all() -> None:
    cache = ResponseCache(None)
    cache.put({"b": 1})
    asked: list[list[int]] = []

    def answer(batch: list[int]) -> list[int]:
        asked.append(list(batch))
        return [number * 10 for number in batch]

    told: list[int] = []
    found = dict(in_batches(cache, ["a", "b", "c"], [[1], [0, 2]], answer, told.append))  # type: ignore[arg-type]
    assert found == {1: 1, 0: 0, 2: 20}
    assert asked == [[0, 2]]
    assert told == [1, 3]
    cache.put({"d": 5})
    found = dict(in_batches(cache, ["a", "d", "e"], [[0, 1, 2]], answer, told.append))  # type: ignore[arg-type]
    assert asked[-1] == [0, 1, 2]
    assert found == {0: 0, 1: 10, 2: 20}


@steady
@given(st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=3))
def test_equal_contents_and_only_those_share_a_key(one: list[str], other: list[str]) -> None:
    assert (digest_of("x", one) == digest_of("x", other)) == (one == other)
