"""The suite of string tasks: one output by a sharp and by smooth metrics, chance beside them, what was read before."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import Metric, Report
from evaluator.specs import RunSpec
from evaluator.subjects import Scored
from evaluator.suites import string_tasks as suite
from evaluator.suites.catalogue import HERE
from tests.evaluator.lines import Line, write_lines
from tests.trainer.tiny_models import tiny_model
from trainer.language_models import save_language_model

LINES: list[Line] = [
    {"id": "c2", "text": "copy : d e =", "target": "d e", "slices": {"task": "copy"}},
    {"id": "c1", "text": "copy : b d =", "target": "b d", "slices": {"task": "copy"}},
    {"id": "c3", "text": "copy : b e =", "target": "b e", "slices": {"task": "copy"}},
    {"id": "r1", "text": "reverse : b d =", "target": "d b", "slices": {"task": "reverse"}},
]


class Told:
    """Log-probabilities of the right answers as told: twice as many nats as the item has characters."""

    detail: dict[str, object] = {}

    def __init__(self, missing: str = "") -> None:
        self.missing = missing
        self.asked: list[Any] = []

    def score(self, items: Any, told: Any) -> list[Scored]:
        self.asked = [one for item in items for one in item]
        told(len(items))
        return [
            Scored(None, "too long") if one.prompt == self.missing else Scored((-2.0 * len(one.answer),))
            for one in self.asked
        ]


def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], **more: Any) -> Report:
    scorer = more.pop("scorer", Told())

    def written(
        spec: RunSpec, requests: Any, cache: Any, told: Any
    ) -> tuple[list[list[str]], dict[str, object]]:
        told(len(requests))
        assert all(request.stop == ("\n",) for request in requests)
        return [[said.get(request.text, "")] for request in requests], {"kind": "told"}

    monkeypatch.setattr(suite, "open_scorer", lambda *_: scorer)
    monkeypatch.setattr(suite, "generate_texts", written)
    data = more.pop("data", None) or write_lines(tmp_path / "items.jsonl", more.pop("lines", LINES))
    with Progress(tmp_path / "out") as progress:
        return suite.run(RunSpec(suite.NAME, "x", tmp_path / "out", data=data, **more), progress)


def value(report: Report, name: str, group: str | None = None) -> Metric:
    return next(metric for metric in report.metrics if (metric.name, metric.group) == (name, group))


SAID = {"copy : b d =": " b d", "copy : d e =": "d d", "copy : b e =": "", "reverse : b d =": "d b d b"}


def test_one_output_by_every_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run(tmp_path, monkeypatch, SAID)
    assert value(report, "exact_match", "task=copy").value == pytest.approx(1 / 3)
    assert value(report, "edit_similarity", "task=copy").value == pytest.approx((1 + 0.5 + 0) / 3)
    assert value(report, "edit_similarity", "task=reverse").value == 0.5
    # "d b d b" holds the right symbols and is not the answer.
    assert value(report, "exact_match", "task=reverse").value == 0.0
    # " b d" has four characters: eight nats for two symbols.
    assert value(report, "log_probability").value == pytest.approx(-4.0)
    assert [value(report, name).better for name in suite.DIRECTIONS] == ["higher"] * 3
    assert value(report, "exact_match").n == report.items.measured == 4
    assert [sample["id"] for sample in report.samples] == ["c1", "c2", "c3", "r1"]
    assert report.samples[1]["response"] == "d d"


def test_what_is_scored_is_the_answer_after_the_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = Told()
    run(tmp_path, monkeypatch, SAID, scorer=scorer)
    assert [(one.prompt, one.answer) for one in scorer.asked[-1:]] == [("reverse : b d =", " d b")]


def test_an_item_whose_answer_cannot_be_scored_keeps_its_other_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = run(tmp_path, monkeypatch, SAID, scorer=Told("reverse : b d ="))
    assert value(report, "log_probability", "task=reverse").value is None
    assert value(report, "exact_match", "task=reverse").n == 1
    assert report.samples[-1]["log_probability_missing"] == "too long"


def test_chance_is_what_the_other_answers_would_earn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = run(tmp_path, monkeypatch, SAID)
    # b d, d e, b e against each other: b e shares one of two symbols with each; b d and d e are two edits apart.
    assert value(report, "chance_exact_match", "task=copy").value == 0.0
    assert value(report, "chance_edit_similarity", "task=copy").value == pytest.approx((0.5 + 0.5 + 0.0) / 3)
    assert value(report, "chance_log_probability", "task=copy").value == pytest.approx(-math.log(3))
    alone = value(report, "chance_exact_match", "task=reverse")
    assert (alone.value, alone.n) == (None, 1)
    assert "one item" in str(alone.reason)
    assert value(report, "chance_log_probability", "task=reverse").value == pytest.approx(-math.log(2))


def test_chance_of_equal_answers_is_counted() -> None:
    items = [suite.StringItem(str(n), "?", "x" if n else "y", {"task": "t"}) for n in range(3)]
    found = {metric.name: metric.value for metric in suite.chance_metrics(items)}
    # Of six ordered pairs two are x with x.
    assert found["chance_exact_match"] == pytest.approx(1 / 3)


def test_what_stands_in_the_training_text_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "read.txt"
    text.write_text("copy : b d = b d\n\nreverse : b d = b d\n", "utf-8")
    report = run(tmp_path, monkeypatch, SAID, training_text=(text,))
    # The reversal stands there with another answer: question and answer together are what counts.
    assert value(report, "contaminated").value == 0.25
    assert value(report, "exact_match", "contaminated=yes").value == 1.0


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([LINES[0], LINES[0]], "wanted unique ids"),
        ([{**LINES[0], "slices": {}}], "found no 'task'"),
        ([{**LINES[0], "target": "  "}], "wanted at least one symbol"),
        ([{"id": "1", "text": "x", "slices": {"task": "t"}}], "found no 'target'"),
        ([{"id": "1", "target": "x", "slices": {"task": "t"}}], "found no 'text'"),
    ],
)
def test_other_lines_are_refused(tmp_path: Path, lines: list[Line], complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        suite.read_items(write_lines(tmp_path / "items.jsonl", lines))


def test_no_data_and_recorded_responses_are_refused(tmp_path: Path) -> None:
    with Progress(tmp_path / "out") as progress, pytest.raises(BadInput, match="--data: found nothing"):
        suite.run(RunSpec(suite.NAME, "x", tmp_path / "out"), progress)
    data = write_lines(tmp_path / "items.jsonl", LINES)
    with Progress(tmp_path / "out") as progress, pytest.raises(BadInput, match="log-probabilities"):
        suite.run(RunSpec(suite.NAME, str(data), tmp_path / "out", data=data), progress)


def test_a_model_folder_is_asked_and_scored(tmp_path: Path) -> None:
    lm = tiny_model()
    save_language_model(lm.model, lm.tokenizer, tmp_path / "model")
    data = write_lines(tmp_path / "items.jsonl", LINES)
    spec = RunSpec(suite.NAME, str(tmp_path / "model"), tmp_path / "out", data=data, resamples=100)
    with Progress(tmp_path / "out") as progress:
        report = HERE[suite.NAME].run(spec, progress)
    assert report.items.measured == 4
    for sample in report.samples:
        assert sample["scores"]["log_probability"] < 0  # type: ignore[index]
    assert report.extra["max_new_tokens"] == 8
