"""The leaderboard's report."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from evaluator.errors import BadInput
from evaluator.leaderboard import leaderboard
from evaluator.policy_rankings import policy_ranking
from evaluator.progress import Progress
from evaluator.rankings import parse_ranking
from evaluator.report_files import Report, read_report, write_report
from evaluator.specs import LeaderboardSpec
from tests.evaluator.lines import Line, ranking, write_lines


def board(tmp_path: Path, lines: list[Line], name: str = "r.jsonl", **more: object) -> Report:
    spec = LeaderboardSpec(write_lines(tmp_path / name, lines), tmp_path / "out", resamples=40, **more)  # type: ignore[arg-type]
    with Progress(tmp_path / "out") as progress:
        return leaderboard(spec, progress)


def both_ways(times: int) -> list[Line]:
    wins = [ranking(f"w{i}", [["ppo"], ["sft"]]) for i in range(2 * times)]
    return wins + [ranking(f"l{i}", [["sft"], ["ppo"]]) for i in range(times)]


def test_rows_are_policies_best_first(tmp_path: Path) -> None:
    report = board(tmp_path, both_ways(20))
    first, second = report.metrics[:2]
    assert (first.name, first.group, first.n) == ("rating", "ppo", 60)
    assert first.value == pytest.approx(1000 + 200 * math.log10(2))
    assert second.value == pytest.approx(1000 - 200 * math.log10(2))
    assert (first.extra["rank_best"], first.extra["wins"], first.extra["losses"]) == (1, 40, 20)
    assert first.interval == "percentile bootstrap over rankings"
    assert report.variant.startswith("davidson-luce")
    write_report(tmp_path / "written", report)
    assert read_report(tmp_path / "written").metrics == report.metrics


def test_samples_name_the_rankings_behind_the_figures(tmp_path: Path) -> None:
    lonely = ranking("only-sft", [["sft"], ["sft#2"]])
    mixed = ranking("mixed", [["ppo", "sft"], ["base"]], unranked=["sft#2"])
    report = board(tmp_path, [*both_ways(5), lonely, mixed])
    assert report.items.record() == {"asked": 17, "measured": 16, "abstained": 0, "not_measured": 1}
    sample = next(one for one in report.samples if one["id"] == "mixed")
    assert (sample["tiers"], sample["unranked"]) == ([["ppo", "sft"], ["base"]], ["sft"])
    assert "only-sft" not in {one["id"] for one in report.samples}


def test_responses_without_a_policy_are_left_out() -> None:
    line = ranking("k", [["a"], ["b"], ["c"]])
    del line["responses"][1]["policy"]
    assert policy_ranking(parse_ranking(line, "f:1")).places == (("a", 0), ("c", 2))


def test_the_order_of_lines_and_of_responses_changes_nothing(tmp_path: Path) -> None:
    lines = both_ways(7)
    turned = [{**line, "responses": line["responses"][::-1]} for line in lines[::-1]]
    first, second = board(tmp_path, lines), board(tmp_path, turned, name="turned.jsonl")
    assert first.metrics == second.metrics


def test_disconnected_policies_get_a_warning_and_null(tmp_path: Path) -> None:
    lines = both_ways(5) + [ranking(f"o{i}", [["x"], ["y"]] if i % 2 else [["y"], ["x"]]) for i in range(15)]
    report = board(tmp_path, lines)
    assert all(metric.value is None and metric.reason for metric in report.metrics)
    assert report.verdicts[0].verdict == "not-enough-data"
    assert report.extra["warnings"] == [verdict.reason for verdict in report.verdicts]


def test_halved_ties_are_named(tmp_path: Path) -> None:
    report = board(tmp_path, [*both_ways(5), ranking("t", [["ppo", "sft"]])], ties="half")
    assert report.variant.startswith("bradley-terry-composite")
    assert "tie_parameter" not in {metric.name for metric in report.metrics}
    assert report.metrics[0].value == pytest.approx(1000 + 200 * math.log10(10.5 / 5.5))


def test_bad_rankings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"r\.jsonl:2: tiers"):
        board(tmp_path, [ranking("k", [["a"], ["b"]]), {**ranking("m", [["a"], ["b"]]), "tiers": [["z"]]}])
