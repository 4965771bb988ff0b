"""The regression report whole: planted drops, prompts of several answers, the gate, the tax, what it draws."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from evaluator.alignment_tax import STANDARD_SUITES
from evaluator.cli import main
from evaluator.comparison import compare
from evaluator.comparison_verdicts import gate
from evaluator.errors import BadInput
from evaluator.figures import Figure, Whiskers
from evaluator.json_lines import sha256_of_file
from evaluator.report_files import Report, Verdict
from evaluator.specs import CompareSpec
from evaluator.statistics.intervals import bootstrap_mean, generator
from evaluator.suites.catalogue import HERE
from tests.evaluator.lines import Line, ranking, write_lines, write_report
from tests.evaluator.test_comparison import compared, metric, planted, verdict


def unpaired_p(before: float, after: float, n: int) -> float:
    """Two-sided p of two shares taken for those of different items."""
    pooled = (before + after) / 2
    z = (after - before) / math.sqrt(2 * pooled * (1 - pooled) / n)
    return float(2 * stats.norm.sf(abs(z)))


def sides(folder: Path, before: list[Line], after: list[Line], **more: Any) -> list[str]:
    return [str(write_report(folder / name, lines, **more)) for name, lines in (("b", before), ("c", after))]


def test_a_drop_of_one_point_that_an_unpaired_test_cannot_see(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = sides(tmp_path, *planted(25, 5, slices=20))
    assert main(["compare", *given, "--out", str(tmp_path / "out"), "--resamples", "200"]) == 3
    content = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert content["tests_in_family"] == 41
    whole = next(one for one in content["verdicts"] if "group" not in one)
    assert (whole["verdict"], whole["n"], whole["difference"]) == ("regression", 2000, pytest.approx(-0.01))
    assert whole["p_adjusted"] <= 0.05
    figure = next(one for one in content["metrics"] if "group" not in one)
    assert (figure["baseline"], figure["candidate"]) == (pytest.approx(0.70), pytest.approx(0.69))
    assert unpaired_p(figure["baseline"], figure["candidate"], 2000) > 0.4
    assert content["gate"]["passed"] is False
    assert (content["gate"]["exit_code"], content["gate"]["rule"]) == (3, "regression")
    assert {"name": "right", "verdict": "regression"}.items() <= content["gate"]["stopped_by"][0].items()
    said = capsys.readouterr().out
    assert "verdict: regression" in said
    assert "gate (regression): closed" in said


def test_noise_is_not_confirmed_and_says_what_it_could_have_found(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(60, 40, slices=20), resamples=100)
    assert verdict(report, "right") == "not-enough-data"
    (whole,) = [one for one in report.verdicts if one.group is None]
    one_test = 2.8016 * math.sqrt((100 / 2000 - 0.01**2) / 2000)
    smallest = metric(report, "right").extra["smallest_difference"]
    assert smallest == pytest.approx(one_test, rel=1e-3)
    assert whole.extra["smallest_difference"] == smallest
    in_family = metric(report, "right").extra["smallest_difference_in_family"]
    ratio = (stats.norm.isf(0.05 / 41 / 2) + stats.norm.ppf(0.8)) / 2.8016
    assert in_family == pytest.approx(one_test * ratio, rel=1e-3)
    assert whole.reason.startswith("not confirmed: 0.7 → 0.69 on 2000 items, mcnemar-exact, p = ")
    assert "smallest change 2000 items could show: 0.014 (0.0204 at the family's strictest)" in whole.reason
    gated = report.extra["gate"]
    assert isinstance(gated, dict)
    assert (gated["passed"], gated["exit_code"], gated["stopped_by"]) == (True, 0, [])
    assert "ruled out" not in whole.reason


def test_no_worse_is_shown_apart_from_a_difference(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(2, 30))
    whole = metric(report, "right")
    assert (whole.extra["verdict"], whole.extra["no_worse"], whole.extra["equivalent"]) == (
        "improvement",
        True,
        False,
    )
    assert whole.extra["margin"] == 0.01


def test_a_regression_within_the_margin_says_that_it_is(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(25, 5), margin=0.03)
    (whole,) = report.verdicts
    assert whole.verdict == "regression"
    assert whole.extra["no_worse"] is True
    assert whole.reason.endswith("after Holm; a loss of more than 0.03 is ruled out")


@pytest.mark.parametrize(
    ("lost", "gained", "rule", "code"),
    [
        (25, 5, "regression", 3),
        (25, 5, "no-worse", 3),
        (60, 40, "regression", 0),
        (60, 40, "no-worse", 3),
        (5, 25, "no-worse", 0),
        (0, 0, "no-worse", 0),
    ],
)
def test_the_gate_and_its_exit_code(tmp_path: Path, lost: int, gained: int, rule: str, code: int) -> None:
    given = sides(tmp_path, *planted(lost, gained))
    words = ["compare", *given, "--out", str(tmp_path / "out"), "--resamples", "200", "--gate", rule]
    assert main(words) == code
    content = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert (content["gate"]["rule"], content["gate"]["exit_code"]) == (rule, code)
    assert bool(content["gate"]["stopped_by"]) is (code == 3)


def test_nothing_judged_shows_nothing() -> None:
    assert gate([], "regression")["passed"] is True
    assert gate([], "no-worse")["passed"] is False
    sliced = Verdict("x", "not-enough-data", "few", "tier=tail", {"no_worse": False})
    whole = Verdict("x", "no-change-confirmed", "same", None, {"no_worse": True})
    assert gate([whole, sliced], "no-worse")["passed"] is True
    unknown = Verdict("x", "not-enough-data", "one prompt", None, {"no_worse": None})
    assert gate([whole, unknown], "no-worse")["passed"] is False


def repeated(prompts: int, copies: int, *, key: str, after: int) -> list[Line]:
    """`copies` equal answers to each prompt; the first six prompts score `after`, the others 1."""
    return [
        {"id": f"p{p:02d}-{c}", key: f"prompt {p}", "scores": {"right": after if p < 6 else 1}}
        for p in range(prompts)
        for c in range(copies)
    ]


@pytest.mark.parametrize("key", ["prompt_id", "prompt"])
def test_several_answers_to_a_prompt_are_one_piece_of_news(tmp_path: Path, key: str) -> None:
    both = (repeated(20, 10, key=key, after=1), repeated(20, 10, key=key, after=0))
    whole = metric(compared(tmp_path, *both), "right")
    assert (whole.extra["test"], whole.extra["p_value"]) == ("exact-permutation", pytest.approx(2 / 2**6))
    assert (whole.extra["prompts"], whole.n, whole.extra["lost"]) == (20, 200, 60)
    gaps = [-1.0 if p < 6 else 0.0 for p in range(20) for _ in range(10)]
    by_prompt = [p for p in range(20) for _ in range(10)]
    rng = generator(0, "difference", "quiz", "right", "")
    expected = bootstrap_mean(gaps, rng=rng, clusters=by_prompt, resamples=500)
    assert (whole.low, whole.high) == (expected.low, expected.high)
    assert expected.high is not None
    assert expected.high > -0.2
    smallest = whole.extra["smallest_difference"]
    assert smallest == pytest.approx(2.8016 * math.sqrt(0.3 * 0.7 / 19), rel=1e-3)


def test_equal_answers_to_few_prompts_confirm_nothing(tmp_path: Path) -> None:
    same = repeated(20, 100, key="prompt_id", after=1)
    report = compared(tmp_path, same, same)
    assert verdict(report, "right") == "not-enough-data"
    assert metric(report, "right").high == pytest.approx(0.1611, abs=1e-3)


def folders(tmp_path: Path, *, lost: int = 0, loss: float = 0.0) -> CompareSpec:
    """Two suites on each side: a quiz that gains, a benchmark that loses `lost` of 100, and its loss."""
    for side, shift in (("b", 0), ("c", 1)):
        quiz = [{"id": f"q{i}", "scores": {"right": int(i < 40 + 30 * shift)}} for i in range(100)]
        known = [
            {"id": f"q{i}", "scores": {"right": int(i >= lost * shift), "loss": 1.0 + loss * shift * (i % 5)}}
            for i in range(100)
        ]
        write_report(tmp_path / side / "quiz", quiz)
        write_report(tmp_path / side / "hella", known, suite="HellaSwag")
    return CompareSpec(tmp_path / "b", tmp_path / "c", tmp_path / "out", resamples=200, permutations=1000)


def test_the_alignment_tax_stands_apart(tmp_path: Path) -> None:
    report = compare(folders(tmp_path, lost=20, loss=0.1))
    assert report.extra["verdict"] == "regression"
    tax = report.extra["alignment_tax"]
    assert isinstance(tax, dict)
    by_name = {one["name"]: one for one in tax["effects"]}
    assert {one["suite"] for one in tax["effects"]} == {"HellaSwag"}
    assert tax["verdict"] == "regression"
    assert by_name["right"]["tax"] == pytest.approx(0.2)
    assert by_name["loss"]["tax"] == pytest.approx(0.2)
    for one in by_name.values():
        assert one["low"] < one["tax"] < one["high"]
        assert one["verdict"] == "regression"
    whole = next(m for m in report.metrics if m.extra["suite"] == "HellaSwag" and m.name == "right")
    assert (by_name["right"]["low"], by_name["right"]["high"]) == (-(whole.high or 0), -(whole.low or 0))


def test_which_suites_are_standard_can_be_said(tmp_path: Path) -> None:
    from dataclasses import replace

    spec = replace(folders(tmp_path, lost=20), standard=("quiz",))
    tax = compare(spec).extra["alignment_tax"]
    assert isinstance(tax, dict)
    assert (tax["verdict"], [one["suite"] for one in tax["effects"]]) == ("improvement", ["quiz"])
    tax = compare(replace(spec, standard=("other",))).extra["alignment_tax"]
    assert tax == {
        "effects": [],
        "reason": "not enough data: no standard suite was measured on both sides, wanted other",
    }
    assert {"code-generation", "in-context-learning"} <= set(STANDARD_SUITES) & set(HERE)


def test_the_command_names_standard_suites(tmp_path: Path) -> None:
    given = sides(tmp_path, *planted(5, 25))
    words = ["compare", *given, "--out", str(tmp_path / "out"), "--resamples", "200", "--standard", "quiz"]
    assert main(words) == 0
    tax = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["alignment_tax"]
    assert (tax["verdict"], tax["effects"][0]["tax"]) == ("improvement", pytest.approx(-0.01))


def test_variants_of_one_suite_keep_their_items_apart(tmp_path: Path) -> None:
    for side, score in (("b", 1), ("c", 0)):
        for variant in ("mc1", "mc2"):
            samples = [{"id": f"q{i}", "scores": {variant: score}} for i in range(40)]
            write_report(tmp_path / side / variant, samples, variant=variant)
        two = [{"id": "q0", "scores": {"mc1": score}}]
        other = [{"path": "old.jsonl", "sha256": "cd" * 32}]
        write_report(tmp_path / side / "old", two, variant="mc1", data=other)
    report = compare(CompareSpec(tmp_path / "b", tmp_path / "c", tmp_path / "out"))
    places = {str(one.extra["report"]) for one in report.metrics}
    assert places == {f"quiz/mc1/{'ab' * 6}", f"quiz/mc1/{'cd' * 6}", "quiz/mc2"}
    assert len({sample["id"] for sample in report.samples}) == len(report.samples) == 81
    assert [one.record()["report"] for one in report.verdicts] == sorted(places)
    assert report.extra["unmatched_items"] == {"baseline_only": [], "candidate_only": [], "not_measured": []}


def test_what_could_not_be_compared_is_said(tmp_path: Path) -> None:
    before: list[Line] = [{"id": f"a{i}", "scores": {"x": 1}} for i in range(7)]
    after: list[Line] = [{"id": "k", "scores": {"x": 1}}, {"id": "m", "scores": {}}]
    before += [{"id": "k", "scores": {"x": 1, "y": 1}}, {"id": "m", "scores": {"x": 1}}]
    report = compared(tmp_path, before, after)
    assert report.extra["unmatched_metrics"] == {"baseline_only": ["y"], "candidate_only": []}
    assert report.extra["warnings"] == [
        "Not compared, only in the baseline: 1 of the metrics (y).",
        "Not compared, only in the baseline: 7 of the items (a0, a1, a2, a3, a4 and 2 more).",
        "Not compared, not measured on both sides: 1 of the items (m).",
    ]


def test_the_report_names_the_samples_it_was_reckoned_from(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(3, 1, n=50, right=30))
    named = [(file["of"], file["path"], file["sha256"]) for file in report.data if "of" in file]
    paths = [tmp_path / side / "samples.jsonl" for side in ("baseline", "candidate")]
    assert named == [
        (side, str(path), sha256_of_file(path))
        for side, path in zip(("baseline", "candidate"), paths, strict=True)
    ]


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"weight": "heavy"}, 'weight: found text "heavy", wanted a positive number'),
        ({"weight": 0}, "found the weights 1 and 0, wanted one positive weight"),
        ({"slices": ["a"]}, "slices: found a list"),
    ],
)
def test_samples_that_are_none_are_refused(tmp_path: Path, more: Line, complaint: str) -> None:
    one: Line = {"id": "a", "scores": {"x": 1}}
    before, after = ({**one, **more}, one) if "slices" in more else (one, {**one, **more})
    with pytest.raises(BadInput, match=complaint):
        compared(tmp_path, [before], [after])


def figure(report: Report, name: str) -> Figure:
    return next(one for one in report.figures if one.name == name)


def test_figures_say_what_the_metrics_say(tmp_path: Path) -> None:
    report = compare(folders(tmp_path, lost=20, loss=0.1))
    names = [one.name for one in report.figures]
    assert names == ["effects", "alignment-tax", "slices-1-hellaswag-loss", "worst-items"]
    drawn = figure(report, "effects")
    assert isinstance(drawn.plot, Whiskers)
    shares = [one for one in report.metrics if one.name == "right"]
    assert [(row.label, row.value, row.low, row.high) for row in drawn.plot.rows] == [
        (f"{one.extra['report']}: right", one.value, one.low, one.high) for one in shares
    ]
    assert [(row.colour, row.hollow) for row in drawn.plot.rows] == [(1, False), (2, False)]
    assert [one.value for one in drawn.plot.references] == [-0.01, 0.0, 0.01]
    row = dict(zip(drawn.table.columns, drawn.table.rows[0], strict=True))
    assert (row["report"], row["difference"], row["p_holm"]) == (
        "HellaSwag",
        shares[0].value,
        shares[0].extra["p_holm"],
    )
    assert (row["verdict"], row["no_worse"], row["group"]) == ("regression", "no", "all items")
    tax = figure(report, "alignment-tax")
    assert isinstance(tax.plot, Whiskers)
    assert [row.label for row in tax.plot.rows] == ["HellaSwag: right"]
    loss = figure(report, "slices-1-hellaswag-loss").plot
    assert isinstance(loss, Whiskers)
    assert [one.value for one in loss.references] == [0.0]


def test_slices_have_a_figure_and_what_is_not_confirmed_is_hollow(tmp_path: Path) -> None:
    report = compared(tmp_path, *planted(6, 4, n=60, right=40, slices=1))
    drawn = figure(report, "slices-1-right").plot
    assert isinstance(drawn, Whiskers)
    assert [row.label for row in drawn.rows] == ["all items", "s0=v0", "s0=v1"]
    assert all(row.hollow for row in drawn.rows)
    assert figure(report, "alignment-tax").missing.startswith("not enough data: no standard suite")


def test_the_items_lost_most_stand_side_by_side(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": "Where lies Lima?"}]
    before: list[Line] = [
        {"id": "a", "prompt": asked, "scores": {"x": 1.0}, "response": "Peru."},
        {"id": "b", "question": "2+2?", "scores": {"x": 0.5}},
    ]
    after: list[Line] = [
        {"id": "a", "prompt": asked, "scores": {"x": 0.0}, "response": "z" * 900},
        {"id": "b", "question": "2+2?", "scores": {"x": 0.25}},
    ]
    report = compared(tmp_path, before, after)
    shown = figure(report, "worst-items")
    assert shown.table.rows == (
        ("a", "quiz", 1.0, "Where lies Lima?", "Peru.", "z" * 599 + "…"),
        ("b", "quiz", 0.25, "2+2?", "x 0.5", "x 0.25"),
    )
    (tmp_path / "same").mkdir()
    kept = compared(tmp_path / "same", before, before)
    assert figure(kept, "worst-items").missing == "nothing was lost: no item scores worse"


def test_equal_seeds_give_equal_bytes_and_the_folder_draws_itself(tmp_path: Path) -> None:
    before = [
        {"id": f"q{i}", "slices": {"t": str(i % 2)}, "scores": {"x": i % 3 / 2, "y": 1}} for i in range(60)
    ]
    after = [
        {"id": f"q{i}", "slices": {"t": str(i % 2)}, "scores": {"x": i % 4 / 3, "y": 1}} for i in range(60)
    ]
    given = sides(tmp_path, before, after)
    words = ["compare", *given, "--seed", "5", "--resamples", "200", "--permutations", "1000"]
    for name, seed in (("one", "5"), ("two", "5"), ("other", "6")):
        assert main([*words, "--seed", seed, "--out", str(tmp_path / name)]) in (0, 3)
    kept = [
        "samples.jsonl",
        "figures.json",
        "figures/effects.svg",
        "figures/effects.csv",
        "figures/effects.png",
    ]
    for name in kept:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    texts = [
        (tmp_path / name / "report.json").read_text("utf-8").split('"environment"')[0]
        for name in ("one", "two", "other")
    ]
    assert texts[0] == texts[1] != texts[2]
    page = (tmp_path / "one" / "report.html").read_text("utf-8")
    assert "Items lost most" in page
    assert "Alignment tax" in page
    card = (tmp_path / "one" / "report.md").read_text("utf-8")
    assert "figures/effects.svg" in card
    table = list(
        csv.DictReader(io.StringIO((tmp_path / "one" / "figures" / "effects.csv").read_text("utf-8")))
    )
    content = json.loads((tmp_path / "one" / "report.json").read_text("utf-8"))
    whole = [one for one in content["metrics"] if "group" not in one]
    assert [float(row["low"].removeprefix("'")) for row in table] == [one["low"] for one in whole]


def test_rankings_of_one_prompt_are_drawn_together(tmp_path: Path) -> None:
    """Five people each rank the answers to four prompts: twenty rankings, four pieces of news."""
    for name, sign in (("good", 1), ("bad", -1)):
        lines = [
            {
                **ranking(f"k{p}-{who}", [["a"], ["b"]], annotator=f"w{who}"),
                "prompt_id": f"p{p}",
                "scores": {"a": sign, "b": -sign},
            }
            for p in range(4)
            for who in range(5)
        ]
        subject = str(write_lines(tmp_path / f"{name}.jsonl", lines))
        words = ["run", "reward-agreement", "--subject", subject, "--out", str(tmp_path / name)]
        assert main([*words, "--resamples", "100"]) == 0
    report = compare(CompareSpec(tmp_path / "good", tmp_path / "bad", tmp_path / "out", resamples=100))
    whole = metric(report, "pair_accuracy")
    assert (whole.n, whole.extra["prompts"], whole.extra["p_value"]) == (20, 4, pytest.approx(2 / 2**4))
