"""Comparison of two reports: planted regressions, directions, families, matching, order."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from evaluator.comparison import compare
from evaluator.comparison_verdicts import overall_verdict
from evaluator.errors import BadInput
from evaluator.report_files import Metric, Report, Verdict
from evaluator.specs import CompareSpec
from evaluator.statistics.correction import benjamini_hochberg, holm
from tests.evaluator.lines import Line, write_report

BETTER = {"better": "higher"}


def planted(
    lost: int, gained: int, *, n: int = 2000, right: int = 1400, slices: int = 0
) -> tuple[list[Line], list[Line]]:
    """0/1 scores of n items, the baseline's `right` of them 1; `lost` of these turn 0, `gained` others turn 1."""
    before, after = [], []
    for i in range(n):
        was = 1 if i < right else 0
        now = 0 if i < lost else 1 if right <= i < right + gained else was
        own = {f"s{k}": f"v{i // (k + 1) % 2}" for k in range(slices)}
        before.append({"id": f"q{i:04d}", "slices": own, "scores": {"right": was}})
        after.append({"id": f"q{i:04d}", "slices": own, "scores": {"right": now}})
    return before, after


def compared(
    tmp_path: Path, before: list[Line], after: list[Line], *, metrics: list[Line] | None = None, **more: Any
) -> Report:
    stated = {} if metrics is None else {"metrics": metrics}
    baseline = write_report(tmp_path / "baseline", before, **stated)
    candidate = write_report(tmp_path / "candidate", after, **stated)
    more.setdefault("resamples", 500)
    return compare(CompareSpec(baseline, candidate, tmp_path / "out", **more))


def verdict(report: Report, name: str, group: str | None = None) -> str:
    return next(one.verdict for one in report.verdicts if (one.name, one.group) == (name, group))


def metric(report: Report, name: str, group: str | None = None) -> Metric:
    return next(one for one in report.metrics if (one.name, one.group) == (name, group))


def test_a_planted_drop_of_one_point_is_confirmed_after_holm(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(25, 5, slices=20))
    assert report.extra["tests_in_family"] == 41
    assert verdict(report, "right") == "regression"
    assert report.extra["verdict"] == "regression"
    whole = metric(report, "right")
    assert whole.value == pytest.approx(-0.01)
    assert whole.n == 2000
    assert whole.low is not None
    assert whole.high is not None
    assert whole.low < -0.01 < whole.high < 0
    assert (whole.extra["lost"], whole.extra["gained"]) == (25, 5)
    assert whole.extra["test"] == "mcnemar-exact"
    # 2·(C(30,0) + … + C(30,5)) / 2^30
    assert whole.extra["p_value"] == pytest.approx(2 * 174437 / 2**30)
    p_values = [one.extra["p_value"] for one in report.metrics]
    assert [one.extra["p_holm"] for one in report.metrics] == pytest.approx(holm(p_values))  # type: ignore[arg-type]
    assert [one.extra["p_benjamini_hochberg"] for one in report.metrics] == pytest.approx(
        benjamini_hochberg(p_values)  # type: ignore[arg-type]
    )
    assert 0.005 < float(str(whole.extra["p_holm"])) < 0.05


def test_noise_of_the_same_net_size_is_not_confirmed(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(60, 40))
    assert verdict(report, "right") == "not-enough-data"
    assert report.extra["verdict"] == "not-enough-data"
    assert metric(report, "right").extra["smallest_difference"] == pytest.approx(
        2.8016 * (0.0499 / 2000) ** 0.5, rel=1e-3
    )


def test_the_mirror_image_is_an_improvement(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(5, 25))
    assert verdict(report, "right") == "improvement"


@pytest.mark.parametrize(
    ("name", "better", "expected"),
    [
        ("right", "higher", "regression"),
        ("wrong", "lower", "improvement"),
        ("loss", None, "improvement"),
        ("score", None, "regression"),
    ],
)
def test_what_is_worse_depends_on_the_metric(
    tmp_path: Path, name: str, better: str | None, expected: str
) -> None:
    before, after = ([{**s, "scores": {name: s["scores"]["right"]}} for s in side] for side in planted(30, 2))
    stated = (
        None
        if better is None
        else [{"name": name, "value": 0.5, "low": None, "high": None, "n": 9, "better": better}]
    )
    report = compared(tmp_path, before, after, metrics=stated)
    assert verdict(report, name) == expected
    lost = (30, 2) if expected == "regression" else (2, 30)
    assert (metric(report, name).extra["lost"], metric(report, name).extra["gained"]) == lost


def test_a_metric_without_a_direction_is_shown_and_not_judged(tmp_path: Path) -> None:
    before, after = (
        [{**s, "scores": {"abstained": s["scores"]["right"]}} for s in side] for side in planted(30, 2)
    )
    stated = [{"name": "abstained", "value": 0.5, "low": None, "high": None, "n": 9, "better": "neither"}]
    report = compared(tmp_path, before, after, metrics=stated)
    assert report.verdicts == []
    assert report.extra["tests_in_family"] == 0
    assert metric(report, "abstained").value == pytest.approx(-0.014)
    assert metric(report, "abstained").extra["p_value"] is None


def test_no_change_is_confirmed_only_with_enough_items(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    same = planted(0, 0)
    assert compared(tmp_path, *same).extra["verdict"] == "no-change-confirmed"
    few = planted(0, 0, n=20, right=10)
    report = compared(tmp_path / "few", *few)
    assert report.extra["verdict"] == "not-enough-data"
    assert metric(report, "right").high == pytest.approx(0.1611, abs=1e-3)


def test_the_margin_decides_what_counts_as_no_change(tmp_path: Path) -> None:
    for name, margin, expected in (
        ("wide", 0.02, "no-change-confirmed"),
        ("narrow", 0.004, "not-enough-data"),
    ):
        (tmp_path / name).mkdir()
        report = compared(tmp_path / name, *planted(30, 30), margin=margin)
        assert verdict(report, "right") == expected


def test_scores_between_zero_and_one_take_the_permutation_test(tmp_path: Path) -> None:
    before = [{"id": f"q{i}", "scores": {"grade": 0.5}} for i in range(60)]
    after = [{"id": f"q{i}", "scores": {"grade": 1.0 if i % 4 else 0.0}} for i in range(60)]
    report = compared(tmp_path, before, after)
    whole = metric(report, "grade")
    assert whole.extra["test"] == "sampled-permutation"
    assert whole.value == pytest.approx(0.25)
    assert verdict(report, "grade") == "improvement"


def test_weights_of_the_items_are_kept(tmp_path: Path) -> None:
    weights = {"a": 3, "b": 1, "c": 1}
    before, after = (
        [{"id": name, "scores": {"x": scores[name]}, "weight": weights[name]} for name in weights]
        for scores in ({"a": 0.0, "b": 1.0, "c": 0.0}, {"a": 1.0, "b": 0.0, "c": 1.0})
    )
    whole = metric(compared(tmp_path, before, after), "x")
    assert (whole.extra["baseline"], whole.extra["candidate"]) == (0.2, 0.8)
    assert whole.value == pytest.approx(0.6)
    # Of the signs of 3, 1 and 1 all but 3 - 1 - 1 and its mirror reach the 3 that were seen.
    assert (whole.extra["p_value"], whole.extra["test"]) == (0.75, "exact-permutation")


def test_the_order_of_samples_changes_nothing(tmp_path: Path) -> None:
    records = []
    for number in range(2):
        (tmp_path / str(number)).mkdir()
        sides = planted(25, 5, n=200, right=140, slices=2)
        for side in sides:
            random.Random(number).shuffle(side)
        report = compared(tmp_path / str(number), *sides)
        judged = [one.record() for one in report.verdicts]
        records.append(
            ([one.record() for one in report.metrics], judged, report.samples, report.extra["worst_items"])
        )
    assert records[0] == records[1]


def test_only_the_metrics_asked_for(tmp_path: Path) -> None:
    before = [{"id": f"q{i}", "scores": {"x": 1, "y": 0}} for i in range(9)]
    report = compared(tmp_path, before, before, metrics=None, seed=1)
    assert {one.name for one in report.metrics} == {"x", "y"}
    spec = CompareSpec(tmp_path / "baseline", tmp_path / "candidate", tmp_path / "o", metrics=("y",))
    assert {one.name for one in compare(spec).metrics} == {"y"}
    with pytest.raises(BadInput, match=r"--metric z: .* wanted one of \['x', 'y'\]"):
        compare(CompareSpec(tmp_path / "baseline", tmp_path / "candidate", tmp_path / "o", metrics=("z",)))


def test_items_on_one_side_only_are_listed(tmp_path: Path) -> None:
    before: list[Line] = [{"id": name, "scores": {"x": 1}} for name in "abc"]
    after: list[Line] = [{"id": name, "scores": {"x": 1}} for name in "bcdm"]
    before.append({"id": "m", "scores": {}})
    report = compared(tmp_path, before, after)
    assert report.extra["unmatched_items"] == {
        "baseline_only": ["a"],
        "candidate_only": ["d"],
        "not_measured": ["m"],
    }
    assert report.items.record() == {"asked": 5, "measured": 2, "abstained": 0, "not_measured": 3}


def test_the_worst_items_stand_first_with_both_sides(tmp_path: Path) -> None:
    before = [{"id": f"q{i}", "scores": {"x": 1.0}, "response": f"was {i}"} for i in range(4)]
    after = [{"id": f"q{i}", "scores": {"x": i / 3}, "response": f"is {i}"} for i in range(4)]
    worst = compared(tmp_path, before, after).extra["worst_items"]
    assert isinstance(worst, list)
    assert [item["id"] for item in worst] == ["q0", "q1", "q2"]
    assert worst[0]["baseline"]["response"] == "was 0"
    assert worst[0]["candidate"]["response"] == "is 0"
    assert worst[0]["differences"] == {"x": -1.0}


@pytest.mark.parametrize(
    "change",
    [{"suite": "other"}, {"variant": "other"}, {"data": [{"path": "quiz.jsonl", "sha256": "cd" * 32}]}],
)
def test_reports_of_other_suites_variants_or_data_are_not_compared(tmp_path: Path, change: Line) -> None:
    sample = [{"id": "a", "scores": {"x": 1}}]
    baseline = write_report(tmp_path / "b", sample)
    candidate = write_report(tmp_path / "c", sample, **change)
    with pytest.raises(BadInput, match="wanted a report of the same suite, variant and data"):
        compare(CompareSpec(baseline, candidate, tmp_path / "out"))


def test_folders_of_reports_are_matched_one_to_one(tmp_path: Path) -> None:
    for side, right in (("b", 1), ("c", 0)):
        for suite in ("quiz", "exam"):
            samples = [{"id": f"q{i}", "scores": {"x": right}} for i in range(40)]
            write_report(tmp_path / side / suite, samples, suite=suite)
    write_report(tmp_path / "b" / "old", [], suite="old")
    report = compare(CompareSpec(tmp_path / "b", tmp_path / "c", tmp_path / "out"))
    assert [(one.extra["suite"], one.verdict) for one in report.verdicts] == [
        ("exam", "regression"),
        ("quiz", "regression"),
    ]
    assert report.extra["tests_in_family"] == 2
    unmatched = report.extra["unmatched_reports"]
    assert isinstance(unmatched, dict)
    assert unmatched["candidate"] == []
    assert unmatched["baseline"][0].startswith("old (plain")
    assert len({sample["id"] for sample in report.samples}) == 80
    write_report(tmp_path / "c" / "again", [], suite="quiz")
    with pytest.raises(BadInput, match="second report"):
        compare(CompareSpec(tmp_path / "b", tmp_path / "c", tmp_path / "out"))


def test_nothing_in_common_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no item measured on both sides"):
        compared(tmp_path, [{"id": "a", "scores": {"x": 1}}], [{"id": "b", "scores": {"x": 1}}])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"found no report\.json"):
        compare(CompareSpec(tmp_path / "empty", tmp_path / "baseline", tmp_path / "out"))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["improvement", "regression"], "regression"),
        (["improvement", "not-enough-data"], "improvement"),
        (["no-change-confirmed"], "no-change-confirmed"),
        (["no-change-confirmed", "not-enough-data"], "not-enough-data"),
        ([], "not-enough-data"),
    ],
)
def test_the_verdict_of_a_whole_report(found: list[str], expected: str) -> None:
    assert overall_verdict([Verdict("x", one, "because") for one in found]) == expected
