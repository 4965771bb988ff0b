"""What the held-out report says of rankings whose scores are known."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from trainer import json_lines
from trainer.json_lines import JsonObject
from trainer.reward_model.heldout_report import headline, report, scored_of, write_report
from trainer.reward_model.reliability_plot import reliability_plot


def line(
    name: str, scores: dict[str, float], *tiers: str, prompt: str = "p", **more: object
) -> dict[str, Any]:
    """A scored held-out ranking; the text of response "a" is "a", of "b" "bb" and so on."""
    return {
        "id": name,
        "prompt": [{"role": "user", "content": prompt}],
        "responses": [{"id": one, "text": one * (1 + place)} for place, one in enumerate(scores)],
        "tiers": [list(tier) for tier in tiers],
        "annotator": "ada",
        "kind": "ranking",
        "scores": scores,
        **more,
    }


def metrics(lines: list[JsonObject]) -> dict[tuple[str, str], dict[str, Any]]:
    rows: Any = report(scored_of(lines), seed=0)["metrics"]
    return {(row["name"], row["group"]): row for row in rows}


def test_check_17_accuracy_by_k_and_slice_with_bounds_clustered_by_prompt() -> None:
    found = metrics(
        [
            line("one", {"a": 3.0, "b": 2.0, "c": 1.0}, "a", "b", "c", source="battle", domain="law"),
            line("two", {"a": 1.0, "b": 2.0, "c": 3.0}, "a", "bc", prompt="q", annotator="ben"),
            line("three", {"a": 1.0, "b": 1.0}, "a", "b", prompt="r", slices={"length": "short"}),
        ]
    )
    # Right: 3 of 3, 0 of 2, and a tie of scores that counts one half.
    assert found["accuracy", "all"]["value"] == pytest.approx(3.5 / 6)
    assert (found["accuracy", "all"]["n"], found["accuracy", "all"]["prompts"]) == (6, 3)
    assert found["accuracy", "K=3"]["value"] == pytest.approx(3 / 5)
    assert found["accuracy", "K=2"]["value"] == 0.5
    assert found["accuracy", "source=battle"]["value"] == 1.0
    assert found["accuracy", "domain=law"]["n"] == 3
    assert found["accuracy", "annotator=ben"]["value"] == 0.0
    assert found["accuracy", "length=short"]["value"] == 0.5
    assert found["accuracy", "K=3"]["low"] < 3 / 5 < found["accuracy", "K=3"]["high"]


def test_check_17_accuracy_by_how_many_annotators_agree() -> None:
    scores = {"a": 3.0, "b": 2.0, "c": 1.0, "d": 0.0}
    found = metrics(
        [
            line("one", scores, "a", "b", "cd"),
            line("two", scores, "a", "c", "b", annotator="ben"),
            line("three", scores, "a", "d", "bc", annotator="rosa"),
            line("four", {"a": 0.0, "b": 1.0}, "a", "b", prompt="q"),
        ]
    )
    # All three put a above b, c and d. b>c, c>b, b>d twice to one; c and d once each way and not told once.
    assert (
        found["accuracy", "agreement=unanimous"]["n"],
        found["accuracy", "agreement=unanimous"]["value"],
    ) == (
        3,
        1.0,
    )
    assert (
        found["accuracy", "agreement=majority"]["n"],
        found["accuracy", "agreement=majority"]["value"],
    ) == (
        1,
        1.0,
    )
    assert (found["accuracy", "agreement=one annotator"]["n"]) == 1
    assert found["accuracy", "agreement=one annotator"]["value"] == 0.0


def test_check_17_length_alone_and_its_correlation_with_the_score() -> None:
    found = metrics(
        [
            line("one", {"a": 1.0, "b": 2.0, "c": 3.0}, "c", "b", "a"),
            line("two", {"a": 1.0, "b": 2.0}, "a", "b", prompt="q"),
        ]
    )
    assert found["accuracy_of_length", "all"]["value"] == 0.75
    assert found["accuracy", "better is shorter"]["value"] == 0.0
    assert found["length_correlation", "all"]["value"] == pytest.approx(1.0)


def test_scores_and_lengths_are_compared_within_a_prompt_only() -> None:
    """A prompt whose answers are all long and all score high says nothing of length."""
    found = metrics(
        [
            line("one", {"a": 1.0, "b": -1.0}, "a", "b"),
            {**line("two", {"a": 101.0, "b": 99.0}, "a", "b", prompt="q"), "responses": _long()},
        ]
    )
    assert found["length_correlation", "all"]["value"] == pytest.approx(-1.0)


def _long() -> list[dict[str, str]]:
    return [{"id": "a", "text": "x" * 100}, {"id": "b", "text": "x" * 101}]


def test_members_that_agree_are_told_from_those_that_do_not() -> None:
    one = line("one", {"a": 3.0, "b": 2.0, "c": 0.0}, "a", "b", "c")
    members = {"a": [3.0, 3.0], "b": [1.0, 4.0], "c": [0.0, 0.0]}
    found = metrics([{**one, "member_scores": members}])
    assert found["accuracy", "members=differ"]["n"] == 1
    assert found["accuracy", "members=agree"]["n"] == 2


def test_without_held_out_pairs_figures_are_null_with_a_reason() -> None:
    empty = report(scored_of([]), seed=0)
    rows: Any = empty["metrics"]
    assert all(row["value"] is None and row["reason"] == "no held-out pairs" for row in rows)
    assert headline(empty)["heldout_accuracy"] is None


def test_the_report_and_its_plot_are_written(tmp_path: Path) -> None:
    found = report(scored_of([line("one", {"a": 3.0, "b": 2.0, "c": 1.0}, "a", "b", "c")]), seed=0)
    write_report(found, tmp_path)
    assert json_lines.read_json(tmp_path / "heldout_report.json") == found
    drawn = ET.parse(tmp_path / "reliability.svg").getroot()
    circles = [one for one in drawn if one.tag.endswith("circle")]
    # σ(1) = 0.731059 twice in one bin, σ(2) = 0.880797: x = 60 + 600 (p - 1/2), y = 20 at accuracy 1.
    assert [(one.get("cx"), one.get("cy")) for one in circles] == [("198.6", "20.0"), ("288.5", "20.0")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heldout_report.json", "reliability.svg"]


def test_a_bin_that_is_half_right_lies_half_way_down() -> None:
    plot = reliability_plot([{"n": 4, "confidence": 1.0, "accuracy": 0.5}])
    assert 'cx="360.0" cy="170.0" r="12.0"' in plot
