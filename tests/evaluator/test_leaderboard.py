"""The leaderboard's report."""

from __future__ import annotations

import math
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from evaluator.errors import BadInput
from evaluator.figures import Curves, Whiskers
from evaluator.leaderboard import leaderboard
from evaluator.policy_rankings import policy_ranking
from evaluator.progress import Progress
from evaluator.rankings import parse_ranking
from evaluator.rating_history import end_of_period
from evaluator.report_files import Metric, Report, read_report, write_report
from evaluator.specs import HistoryPeriod, LeaderboardSpec
from tests.evaluator.lines import Line, ranking, write_lines
from tests.evaluator.lines import write_report as folder_report


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


def many(rankings: int = 60, annotators: int = 4, **more: Any) -> list[Line]:
    """Rankings of three, ppo mostly first, of two domains, a day apart, by several annotators."""
    orders = [["ppo", "sft", "base"], ["sft", "ppo", "base"], ["ppo", "base", "sft"], ["base", "ppo", "sft"]]
    return [
        ranking(
            f"k{at:03d}",
            [[one] for one in orders[(at * 7) % 4]],
            annotator=f"a{at % annotators:02d}",
            domain="law" if at % 3 else "code",
            at=f"2026-0{1 + at // 30}-{1 + at % 28:02d}T09:00:00Z",
            **more,
        )
        for at in range(rankings)
    ]


def named(report: Report, name: str) -> list[Metric]:
    return [one for one in report.metrics if one.name == name]


def test_fewer_than_twenty_annotators_are_too_few_to_trust(tmp_path: Path) -> None:
    few, many_of_them = (
        board(tmp_path, many(annotators=19)),
        board(tmp_path, many(annotators=20), name="m.jsonl"),
    )
    assert few.extra["resampled"] == "rankings"
    told = next(one for one in few.verdicts if one.verdict == "too-narrow")
    assert "19 annotators" in told.reason
    assert "too narrow to trust" in told.reason
    assert many_of_them.extra["resampled"] == "annotators"
    assert named(many_of_them, "rating")[0].interval == "percentile bootstrap over annotators"
    assert [one.verdict for one in many_of_them.verdicts] == []


def test_policies_in_few_rankings_are_provisional(tmp_path: Path) -> None:
    newcomer = [
        ranking(f"n{at}", [["new"], ["sft"]] if (at // 2) % 2 else [["sft"], ["new"]]) for at in range(24)
    ]
    report = board(tmp_path, [*many(), *newcomer], provisional_below=30)
    assert {one.group: one.extra["provisional"] for one in named(report, "rating")} == {
        "ppo": False,
        "sft": False,
        "base": False,
        "new": True,
    }
    assert [(one.group, one.verdict) for one in report.verdicts if one.group] == [("new", "provisional")]
    assert next(one for one in named(report, "rating") if one.group == "new").low is not None
    plot = report.figures[0].plot
    assert isinstance(plot, Whiskers)
    assert [row.label for row in plot.rows if row.hollow] == ["new"]


def test_slices_are_rated_on_their_own(tmp_path: Path) -> None:
    report = board(tmp_path, many(), by=("domain",))
    rows = named(report, "slice_rating")
    assert {one.group for one in rows} == {
        f"domain={d}, {p}" for d in ("law", "code") for p in ("ppo", "sft", "base")
    }
    law = board(tmp_path, [line for line in many() if line["domain"] == "law"], name="law.jsonl")
    expected = {one.group: (one.value, one.low, one.n) for one in named(law, "rating")}
    found = {
        one.extra["policy"]: (one.value, one.low, one.n)
        for one in rows
        if one.extra["slice"] == {"domain": "law"}
    }
    assert found == expected
    assert [one.name for one in report.figures if one.name.startswith("slice-")] == [
        "slice-1-domain-code",
        "slice-2-domain-law",
    ]


def test_a_window_keeps_its_rankings_only(tmp_path: Path) -> None:
    whole = many()
    inside = [line for line in whole if "2026-01-10" <= line["at"] < "2026-02-05"]
    window = board(tmp_path, whole, since="2026-01-10", until="2026-02-05T00:00:00+00:00")
    alone = board(tmp_path, inside, name="inside.jsonl")
    assert window.metrics == alone.metrics
    assert window.items.record() == {
        "asked": 60,
        "measured": len(inside),
        "abstained": 0,
        "not_measured": 60 - len(inside),
    }
    with pytest.raises(BadInput, match="found no line with a time"):
        board(tmp_path, both_ways(3), name="timeless.jsonl", since="2026-01-01")
    with pytest.raises(BadInput, match='at: found text "yesterday", wanted a time in ISO 8601'):
        board(
            tmp_path,
            [{**line, "at": "yesterday"} for line in both_ways(3)],
            name="y.jsonl",
            until="2026-01-01",
        )


def test_history_is_what_was_known_at_the_end_of_each_period(tmp_path: Path) -> None:
    report = board(tmp_path, many(), history="month")
    rows = named(report, "history_rating")
    assert sorted({str(one.extra["until"]) for one in rows}) == ["2026-02-01", "2026-03-01"]
    january = board(tmp_path, [line for line in many() if line["at"] < "2026-02"], name="january.jsonl")
    first = {one.extra["policy"]: one.value for one in rows if one.extra["until"] == "2026-02-01"}
    assert first == {one.group: one.value for one in named(january, "rating")}
    last = {one.extra["policy"]: one.value for one in rows if one.extra["until"] == "2026-03-01"}
    assert last == {one.group: one.value for one in named(report, "rating")}
    figure = next(one for one in report.figures if one.name == "history")
    assert isinstance(figure.plot, Curves)
    assert figure.plot.series[0].x == (0.0, 28.0)


@pytest.mark.parametrize(
    ("period", "day", "end"),
    [
        ("day", "2026-02-28", "2026-03-01"),
        ("week", "2026-11-28", "2026-11-30"),
        ("week", "2026-11-30", "2026-12-07"),
        ("month", "2026-12-31", "2027-01-01"),
        ("month", "2026-01-31", "2026-02-01"),
    ],
)
def test_ends_of_periods(period: HistoryPeriod, day: str, end: str) -> None:
    assert end_of_period(date.fromisoformat(day), period) == date.fromisoformat(end)


def test_other_reports_stand_beside(tmp_path: Path) -> None:
    metrics = [
        {"name": "pass@1", "value": 0.25, "low": 0.2, "high": 0.3, "n": 164},
        {"name": "pass@1", "group": "level=hard", "value": 0.1, "low": 0.0, "high": 0.2, "n": 20},
    ]
    reports = tmp_path / "reports"
    reports.mkdir()
    folder_report(reports / "one", [], suite="code-generation", subject="/models/ppo/", metrics=metrics)
    folder_report(
        reports / "two", [], suite="code-generation", subject="responses/sft.jsonl", metrics=metrics[:1]
    )
    folder_report(reports / "three", [], suite="code-generation", subject="stranger", metrics=metrics[:1])
    folder_report(reports / "four", [], suite="leaderboard", subject="ppo", metrics=metrics[:1])
    report = board(tmp_path, many(), reports=(reports,))
    found = named(report, "code-generation/pass@1")
    assert [(one.group, one.value, one.low, one.high, one.n) for one in found] == [
        ("ppo", 0.25, 0.2, 0.3, 164),
        ("sft", 0.25, 0.2, 0.3, 164),
    ]
    assert [one.verdict for one in report.verdicts if one.name == "reports"] == ["not-matched"]
    assert any("stranger" in str(warning) for warning in report.extra["warnings"])  # type: ignore[attr-defined]
    assert len(report.data) == 3
    assert "beside-code-generation-pass-1" in {one.name for one in report.figures}
    with pytest.raises(BadInput, match="wanted report folders"):
        board(tmp_path, many(), reports=(tmp_path / "nothing",))


def test_weights_by_reliability_are_told(tmp_path: Path) -> None:
    lines = []
    for item in range(40):
        for who in ("ada", "ben", "cyd", "dot"):
            order = ["ppo", "sft", "base"] if item % 4 else ["sft", "base", "ppo"]
            told = order[::-1] if who == "dot" else order
            lines.append(ranking(f"{who}{item}", [[one] for one in told], annotator=who, item=f"i{item}"))
    plain, weighed = board(tmp_path, lines), board(tmp_path, lines, reliability_weights=True)
    weights = {one.group: one.value for one in named(weighed, "annotator_weight")}
    assert weights["annotator=dot"] == 0.0
    assert weights["annotator=ada"] == pytest.approx(1.0, abs=0.2)
    assert not named(plain, "annotator_weight")
    assert (named(weighed, "rating")[0].value or 0) > (named(plain, "rating")[0].value or 0) + 20


def test_style_control_stands_beside(tmp_path: Path) -> None:
    lines = many()
    for at, line in enumerate(lines):
        for place, response in enumerate(line["responses"]):
            response["text"] = "word " * (3 + (at * 5 + place * 3) % 11)
    report = board(tmp_path, lines, style_control=True)
    found = {one.group: one for one in named(report, "style_points_per_doubling")}
    assert found["length"].low is not None
    assert found["bold"].reason == "no response differs in it"
    assert len(named(report, "rating_style_controlled")) == 3
    assert {"style", "ratings-style-controlled"} <= {one.name for one in report.figures}


def test_the_difference_of_the_fast_tie_model_is_measured(tmp_path: Path) -> None:
    lines = [*many(), *(ranking(f"t{at}", [["ppo", "sft"], ["base"]]) for at in range(20))]
    exact, fast = board(tmp_path, lines), board(tmp_path, lines, ties="efron")
    one, two = ({row.group: row.value or 0 for row in named(report, "rating")} for report in (exact, fast))
    assert named(exact, "efron_difference")[0].value == pytest.approx(
        max(abs(one[name] - two[name]) for name in one), abs=1e-3
    )
    assert not named(fast, "efron_difference")
    assert fast.variant.startswith("plackett-luce-efron")
    assert [row.group for row in named(exact, "tie_parameter")] == [None]


def test_the_report_is_the_same_for_any_number_of_threads(tmp_path: Path) -> None:
    one, three = board(tmp_path, many()), board(tmp_path, many(), workers=3)
    assert (one.metrics, one.figures, one.spec) == (three.metrics, three.figures, three.spec)
    assert [*one.samples] == [*three.samples]
    assert one.samples[1:3] == [one.samples[1], one.samples[2]]


def test_what_to_compare_next_is_told(tmp_path: Path) -> None:
    even = [ranking(f"e{at}", [["a"], ["b"]] if at % 9 < 5 else [["b"], ["a"]]) for at in range(36)]
    report = board(tmp_path, even)
    wanted = named(report, "comparisons_wanted")[0]
    assert (wanted.group, wanted.extra["policies"]) == ("a | b", ["a", "b"])
    assert wanted.value is not None
    assert wanted.value > 500
    win_rates = report.extra["win_rates"]
    assert win_rates == {
        "policies": ["a", "b"],
        "predicted": ((0.5, pytest.approx(20 / 36)), (pytest.approx(16 / 36), 0.5)),
    }


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ties": "rao"}, "--ties: found 'rao'; wanted davidson or efron or half"),
        ({"unit": "pairs"}, "--resample: found 'pairs'"),
        ({"by": ("mood",)}, "--by: found 'mood'"),
        ({"history": "year"}, "--history: found 'year'"),
        ({"since": "soon"}, "--since: found 'soon'; wanted a date or time in ISO 8601"),
        ({"workers": 0}, "--workers: found 0"),
        ({"provisional_below": -1}, "--provisional-below: found -1"),
    ],
)
def test_settings_out_of_range_are_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)):
        LeaderboardSpec(Path("r.jsonl"), Path("out"), **more)
