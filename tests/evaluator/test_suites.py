"""The suites on files: what is counted, by slice, whatever the order of lines; what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import Metric, Report, read_report, write_report
from evaluator.specs import RunSpec
from evaluator.suites.catalogue import HERE
from tests.evaluator.lines import Line, answered, question, ranking, write_lines

OPEN_DOMAIN = "hallucination-open-domain"
QUESTIONS = [
    question("Iksan", "South Korea", slices={"tier": "tail"}),
    question("Paris", "France", slices={"tier": "head"}, language="en"),
    question("Lima", "Peru", slices={"tier": "head"}, language="en"),
    question("Yenagoa", "Nigeria", slices={"tier": "tail"}),
    question("Oslo", "Norway", slices={"tier": "head"}),
]
SAID = {"Iksan": "I do not know.", "Paris": "France.", "Lima": "Chile.", "Yenagoa": "Perhaps Nigeria."}


def run(suite: str, subject: Path, out: Path, **more: Any) -> Report:
    spec = RunSpec(suite=suite, subject=str(subject), out=out, **more)
    with Progress(out) as progress:
        return HERE[suite].run(spec, progress)


def quiz(tmp_path: Path, answers: list[Line] | None = None, **more: Any) -> Report:
    told = (
        [answered(line, SAID[line["id"]]) for line in QUESTIONS if line["id"] in SAID]
        if answers is None
        else answers
    )
    subject = write_lines(tmp_path / "responses.jsonl", told)
    data = write_lines(tmp_path / "questions.jsonl", QUESTIONS)
    return run(OPEN_DOMAIN, subject, tmp_path / "out", data=data, **more)


def value(report: Report, name: str, group: str | None = None) -> Metric:
    return next(metric for metric in report.metrics if (metric.name, metric.group) == (name, group))


def test_shares_over_all_and_by_slice(tmp_path: Path) -> None:
    report = quiz(tmp_path)
    shares = {name: value(report, name).value for name in ("right", "abstained", "wrong", "grade")}
    assert shares == {"right": 0.25, "abstained": 0.25, "wrong": 0.5, "grade": pytest.approx(0.375)}
    assert [value(report, "right", group).value for group in ("tier=head", "tier=tail")] == [0.5, 0.0]
    assert [value(report, "right", group).n for group in ("tier=head", "tier=tail", "language=en")] == [
        2,
        2,
        2,
    ]
    assert report.items.record() == {"asked": 5, "measured": 4, "abstained": 1, "not_measured": 1}
    assert report.variant == "closed-book"


def test_directions_are_said(tmp_path: Path) -> None:
    report = quiz(tmp_path)
    assert {metric.name: metric.better for metric in report.metrics} == {
        "right": "higher",
        "abstained": "neither",
        "wrong": "lower",
        "grade": "higher",
    }


def test_samples_show_what_was_asked_said_and_graded(tmp_path: Path) -> None:
    samples = {str(sample["id"]): sample for sample in quiz(tmp_path).samples}
    assert samples["Lima"]["scores"] == {"right": 0.0, "abstained": 0.0, "wrong": 1.0, "grade": 0.0}
    assert samples["Lima"]["slices"] == {"tier": "head", "language": "en"}
    assert samples["Lima"]["response"] == "Chile."
    assert samples["Lima"]["question"] == "Which country is Lima in?"
    assert (samples["Lima"]["outcome"], samples["Lima"]["reason"]) == ("wrong", "names no reference")
    assert samples["Oslo"]["scores"] == {}
    assert samples["Oslo"]["not_measured"]


def test_questions_and_responses_without_each_other_are_listed(tmp_path: Path) -> None:
    told = [answered(question("Quito", "Ecuador"), "Ecuador"), answered(QUESTIONS[0], "South Korea")]
    report = quiz(tmp_path, told)
    assert report.extra["questions_without_response"] == ["Lima", "Oslo", "Paris", "Yenagoa"]
    assert report.extra["responses_without_question"] == ["Quito"]
    assert value(report, "right").value == 1.0
    assert value(report, "right", "tier=head").value is None
    assert value(report, "right", "tier=head").reason == "no item was measured"


def test_the_order_of_lines_changes_no_byte(tmp_path: Path) -> None:
    found = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = [answered(line, SAID[line["id"]]) for line in QUESTIONS[:4]]
        random.Random(number).shuffle(told)
        report = quiz(folder, told)
        write_report(folder / "report", report)
        samples = (folder / "report" / "samples.jsonl").read_bytes()
        found.append((samples, [metric.record() for metric in report.metrics]))
    assert found[0] == found[1] == found[2]


def test_equal_seeds_give_equal_bytes_and_others_do_not(tmp_path: Path) -> None:
    def figures(name: str, seed: int) -> str:
        (tmp_path / name).mkdir()
        return json.dumps(
            [metric.record() for metric in quiz(tmp_path / name, seed=seed, resamples=101).metrics]
        )

    assert figures("a", 1) == figures("b", 1)
    assert figures("c", 2) != figures("d", 3)


def test_limit_takes_the_first_questions(tmp_path: Path) -> None:
    report = quiz(tmp_path, limit=2)
    assert sorted(str(sample["id"]) for sample in report.samples) == ["Iksan", "Paris"]


def test_the_report_says_whose_answers_and_which_questions(tmp_path: Path) -> None:
    report = quiz(tmp_path)
    detail = report.extra["subject_detail"]
    assert isinstance(detail, dict)
    assert (detail["kind"], detail["policies"]) == ("responses", ["sft"])
    assert len(str(report.data[0]["sha256"])) == 64
    write_report(tmp_path / "written", report)
    assert read_report(tmp_path / "written").metrics == report.metrics


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        (
            [answered(QUESTIONS[0], "a"), answered(QUESTIONS[0], "b")],
            r":2: id: found .*Iksan.* again .*responses-per-prompt 1",
        ),
        (
            [{**answered(QUESTIONS[0], "a"), "prompt": [{"role": "user", "content": "?"}]}],
            "wanted the prompt of question",
        ),
        ([{**answered(QUESTIONS[0], "a"), "response": None}], ":1: response: found null"),
        ([{**QUESTIONS[0], "response": "a"}], "'policy'"),
        ([], "wanted at least one"),
    ],
)
def test_bad_responses_are_refused(tmp_path: Path, told: list[Line], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint) as caught:
        quiz(tmp_path, told)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"references": []}, "references"),
        ({"references": ["?"]}, "wanted answers with a word"),
        ({"references": "Peru"}, "references"),
        ({"candidates": [3]}, "candidates"),
        ({"slices": ["tier"]}, "slices"),
        ({"id": None}, "id"),
    ],
)
def test_bad_questions_are_refused(tmp_path: Path, change: Line, complaint: str) -> None:
    data = write_lines(tmp_path / "q.jsonl", [{**QUESTIONS[0], **change}])
    subject = write_lines(tmp_path / "r.jsonl", [answered(QUESTIONS[0], "Peru")])
    with pytest.raises(BadInput, match=rf"q\.jsonl:1: .*{complaint}"):
        run(OPEN_DOMAIN, subject, tmp_path / "out", data=data)


def test_data_must_be_given(tmp_path: Path) -> None:
    subject = write_lines(tmp_path / "r.jsonl", [answered(QUESTIONS[0], "Peru")])
    with pytest.raises(BadInput, match="--data"):
        run(OPEN_DOMAIN, subject, tmp_path / "out")


SCORED = [
    ranking(
        "k1",
        [["a"], ["b"], ["c"]],
        scores={"a": 3, "b": 1, "c": 2},
        flags={"c": ["wrong"]},
        slices={"tier": "head"},
    ),
    ranking("k2", [["a"], ["b"]], scores={"a": 1, "b": 1}, flags={"a": ["right"], "b": ["wrong"]}),
    ranking("k3", [["a", "b"]], scores={"a": 5, "b": 1}),
    ranking("k4", [["a"], ["b"]], scores={"a": 0, "b": 4}),
]


def test_agreement_counts_decided_pairs_and_halves_equal_scores(tmp_path: Path) -> None:
    report = run("reward-agreement", write_lines(tmp_path / "s.jsonl", SCORED), tmp_path / "out")
    figure = value(report, "pair_accuracy")
    # k1 two of three pairs right, k2 half of one, k3 has no decided pair, k4 none of one.
    assert figure.value == pytest.approx((2 + 0.5 + 0) / 5)
    assert value(report, "pair_accuracy", "tier=head").value == pytest.approx(2 / 3)
    assert report.items.record() == {"asked": 4, "measured": 3, "abstained": 0, "not_measured": 1}
    assert report.extra["pairs"] == 5
    assert value(report, "score", "flag=wrong").value == pytest.approx((2 + 1) / 2)
    assert value(report, "score", "flag=right").value == 1.0
    weights = {str(sample["id"]): sample.get("weight", 1) for sample in report.samples}
    assert weights == {"k1": 3.0, "k2": 1, "k3": 1, "k4": 1}


def test_rankings_not_pairs_are_resampled(tmp_path: Path) -> None:
    """Ten equal rankings all right, ten all wrong: the interval is that of 20 rankings, not of 120 pairs."""
    right = [
        ranking(f"r{i}", [["a"], ["b"], ["c"], ["d"]], scores=dict(zip("abcd", (4, 3, 2, 1), strict=True)))
        for i in range(10)
    ]
    wrong = [
        ranking(f"w{i}", [["a"], ["b"], ["c"], ["d"]], scores=dict(zip("abcd", (1, 2, 3, 4), strict=True)))
        for i in range(10)
    ]
    report = run("reward-agreement", write_lines(tmp_path / "s.jsonl", right + wrong), tmp_path / "out")
    figure = value(report, "pair_accuracy")
    assert figure.value == 0.5
    assert (figure.high or 0) - (figure.low or 0) == pytest.approx(2 * 1.96 * (0.25 / 20) ** 0.5, rel=0.12)


def test_two_reward_models_on_the_same_rankings_have_the_same_data(tmp_path: Path) -> None:
    other = [{**line, "scores": {name: -score for name, score in line["scores"].items()}} for line in SCORED]
    found = [
        run("reward-agreement", write_lines(tmp_path / f"{name}.jsonl", lines), tmp_path / name).data[0][
            "sha256"
        ]
        for name, lines in (("a", SCORED), ("b", other), ("c", SCORED[:2]))
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("scores", [None, {"a": 1}, {"a": 1, "b": "2"}, {"a": 1, "b": True}])
def test_every_response_needs_a_score(tmp_path: Path, scores: object) -> None:
    subject = write_lines(tmp_path / "s.jsonl", [ranking("k", [["a"], ["b"]], scores=scores)])
    with pytest.raises(BadInput, match=r"s\.jsonl:1: scores"):
        run("reward-agreement", subject, tmp_path / "out")
