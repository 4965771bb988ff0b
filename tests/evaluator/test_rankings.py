"""Ranking lines: accepted and refused exactly as the trainer accepts and refuses them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import trainer.errors
import trainer.rankings
from evaluator.errors import BadInput
from evaluator.rankings import parse_ranking, read_rankings
from tests.evaluator.lines import Line, ranking, write_lines

GOOD: list[Line] = [
    ranking("k", [["a"], ["b", "c"]]),
    ranking("k", [["a"], ["b"]]),
    ranking("k", [["a"]], unranked=["b", "c"]),
    ranking("k", [], unranked=["a", "b"], unacceptable=True),
    ranking(
        "k",
        [["a"], ["b"]],
        margins=[2],
        seconds=3.5,
        split="heldout",
        source="battle",
        item="i",
        prompt_id="p",
    ),
    ranking("k", [["a", "b"]], flags={"a": ["wrong"]}, ratings={"b": {"helpful": 7}}, shown_order=["b", "a"]),
    ranking("k", [["a"], ["b"]], unknown={"kept": True}),
    ranking("k", [[f"r{n}"] for n in range(9)]),
]
CHANGES: list[dict[str, Any]] = [
    {"id": ""},
    {"id": 3},
    {"prompt": []},
    {"prompt": [{"role": "robot", "content": "x"}]},
    {"prompt": [{"role": "user"}]},
    {"responses": []},
    {"responses": [{"id": "a", "text": "x"}]},
    {"responses": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]},
    {"responses": [{"id": "a", "text": "x"}, {"id": "b"}]},
    {"responses": [{"id": "a", "text": "x"}, {"id": "b", "text": "y", "policy": ""}]},
    {"tiers": [["a"], ["z"]]},
    {"tiers": [["a"], ["a"]]},
    {"tiers": [["a"], []]},
    {"tiers": []},
    {"tiers": ["a", "b"]},
    {"annotator": None},
    {"kind": "battle"},
    {"seconds": -1},
    {"seconds": True},
    {"split": "test"},
    {"source": "scraped"},
    {"shown_order": ["a"]},
    {"shown_order": ["a", "a"]},
    {"margins": [1, 2]},
    {"margins": [4]},
    {"unacceptable": "yes"},
    {"ratings": {"z": {"helpful": 1}}},
    {"ratings": {"a": {"helpful": 8}}},
    {"ratings": {"a": 3}},
    {"flags": {"a": "wrong"}},
    {"flags": {"a": [""]}},
    {"flags": []},
    {"item": ""},
]


@pytest.mark.parametrize("line", GOOD)
def test_good_lines_are_read_alike(line: Line) -> None:
    ours, theirs = parse_ranking(line, "f:1"), trainer.rankings.parse_ranking(line, "f:1")
    names = [response.id for response in theirs.responses]
    pairs = {(names[pair.chosen], names[pair.rejected]) for pair in trainer.rankings.pairs(theirs)}
    assert set(ours.pairs()) == pairs
    assert len(ours.pairs()) == len(pairs)


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_bad_lines_are_refused_alike(change: dict[str, Any]) -> None:
    line = {**ranking("k", [["a"], ["b"]]), **change}
    with pytest.raises(BadInput, match=r"^f:1: ") as caught:
        parse_ranking(line, "f:1")
    assert "\n" not in str(caught.value)
    with pytest.raises(trainer.errors.BadInput):
        trainer.rankings.parse_ranking(line, "f:1")


@pytest.mark.parametrize("key", ["id", "prompt", "responses", "tiers", "annotator", "kind"])
def test_missing_keys_are_refused_alike(key: str) -> None:
    line = ranking("k", [["a"], ["b"]])
    del line[key]
    with pytest.raises(BadInput):
        parse_ranking(line, "f:1")
    with pytest.raises(trainer.errors.BadInput):
        trainer.rankings.parse_ranking(line, "f:1")


def test_a_comparison_has_two_and_ten_are_too_many() -> None:
    three = {**ranking("k", [["a"], ["b"], ["c"]]), "kind": "comparison"}
    with pytest.raises(BadInput, match="wanted 2 in a comparison"):
        parse_ranking(three, "f:1")
    with pytest.raises(BadInput, match="wanted a list of 2 to 9"):
        parse_ranking(ranking("k", [[f"r{n}"] for n in range(10)]), "f:1")


def test_pairs_of_ties_and_unranked() -> None:
    parsed = parse_ranking(ranking("k", [["a"], ["b", "c"]], unranked=["d", "e"]), "f:1")
    assert sorted(parsed.pairs()) == [
        ("a", "b"),
        ("a", "c"),
        ("a", "d"),
        ("a", "e"),
        ("b", "d"),
        ("b", "e"),
        ("c", "d"),
        ("c", "e"),
    ]


def test_files_need_a_line_and_unique_ids(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="wanted at least one ranking"):
        read_rankings(write_lines(tmp_path / "none.jsonl", []))
    twice = write_lines(tmp_path / "twice.jsonl", [ranking("k", [["a"], ["b"]])] * 2)
    with pytest.raises(BadInput, match=r"twice\.jsonl:2: id: .* \(first at .*:1\)"):
        read_rankings(twice)
