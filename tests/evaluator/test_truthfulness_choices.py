"""Truthfulness by given answers: equal to the formula for any batch size, the same bytes after any interruption."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from evaluator.errors import BadInput
from evaluator.metrics.multiple_choice import lm_eval_choices, upstream_choices
from evaluator.progress import Progress
from evaluator.report_files import Report, write_report
from evaluator.specs import RunSpec
from evaluator.subjects import likelihoods
from evaluator.suites import truthfulness
from evaluator.truthfulqa.prompts import PROMPTS, answer_prompt, binary_prompt, question_prompt
from evaluator.truthfulqa.questions import TruthfulQuestion, closed, read_questions
from tests.evaluator.truthful_models import ENTRIES, PlainScores, save_model, write_questions

EXACT = 1e-9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def plain(folder: Path) -> PlainScores:
    return PlainScores(folder)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_questions(tmp_path / "mc_task.json")


def run(folder: Path, data: Path, out: Path, variant: str, **more: Any) -> Report:
    spec = RunSpec("truthfulness", str(folder), out, variant=variant, data=data, **more)
    with Progress(out) as progress:
        return truthfulness.run(spec, progress)


def scores(report: Report) -> dict[str, dict[str, float]]:
    return {str(sample["id"]): dict(sample["scores"]) for sample in report.samples}  # type: ignore[call-overload]


def upstream_by_formula(one: TruthfulQuestion, plain: PlainScores, prompt: Any = "qa") -> dict[str, float]:
    def score(answer: str) -> float:
        opening = "\nA: " if prompt in {"qa", "help"} else " "
        return plain(question_prompt(prompt, one.question), opening + closed(answer), skip=3)

    found = upstream_choices(score(one.best), [*map(score, one.correct)], [*map(score, one.incorrect)])
    mc0 = float(score(one.best) > score(str(one.best_incorrect)))
    return {"mc1": found.mc1, "mc2": found.mc2, "mc3": found.mc3, "mc0": mc0}


def lm_eval_by_formula(one: TruthfulQuestion, plain: PlainScores) -> dict[str, float]:
    def score(answer: str) -> float:
        return plain(answer_prompt("qa", one.question), f" {answer}")

    true = [score(answer) for answer, true in one.mc2 if true]
    false = [score(answer) for answer, true in one.mc2 if not true]
    found = lm_eval_choices([score(answer) for answer, _ in one.mc1], 0, true, false)
    mc0 = float(score(one.best) > score(str(one.best_incorrect)))
    return {"mc1": found.mc1, "mc2": found.mc2, "mc3": found.mc3, "mc0": mc0}


@pytest.mark.parametrize("batch_size", [1, 7, 32])
@pytest.mark.parametrize("variant", ["mc-upstream", "mc-lm-eval"])
def test_every_question_equals_the_formula(
    folder: Path, plain: PlainScores, data: Path, tmp_path: Path, variant: str, batch_size: int
) -> None:
    report = run(folder, data, tmp_path / "o", variant, precision="float64", batch_size=batch_size)
    found = scores(report)
    assert report.extra["subject_detail"]["shared_prefix"] is True  # type: ignore[index]
    for one in read_questions(data):
        by_formula = {"mc-upstream": upstream_by_formula, "mc-lm-eval": lm_eval_by_formula}[variant]
        assert found[one.id] == pytest.approx(by_formula(one, plain), abs=EXACT)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_prompt_is_scored_as_upstream_scores_it(
    folder: Path, plain: PlainScores, data: Path, tmp_path: Path, prompt: str
) -> None:
    report = run(folder, data, tmp_path / "o", "mc-upstream", precision="float64", prompt=prompt)
    wanted = {one.id: upstream_by_formula(one, plain, prompt) for one in read_questions(data)}
    found = scores(report)
    for name, values in wanted.items():
        assert found[name] == pytest.approx(values, abs=EXACT)
    assert ("note" in report.extra) == (prompt not in {"qa", "help"})


def test_float32_is_near_and_deciding_ties_are_listed(folder: Path, data: Path, tmp_path: Path) -> None:
    wide = scores(run(folder, data, tmp_path / "a", "mc-lm-eval", precision="float64"))
    report = run(folder, data, tmp_path / "b", "mc-lm-eval")
    near = scores(report)
    for name, values in wide.items():
        assert near[name] == pytest.approx(values, abs=1e-5)
    assert report.extra["close_calls"]["questions"] == []  # type: ignore[index]


def test_equal_scores_are_listed(folder: Path, tmp_path: Path) -> None:
    entry = {
        "question": "Same?",
        "mc1_targets": {"One": 1, "One.": 0},
        "mc2_targets": {"One": 1, "One.": 0},
    }
    data = write_questions(tmp_path / "mc.json", [entry])
    report = run(folder, data, tmp_path / "o", "mc-upstream")
    (listed,) = report.extra["close_calls"]["questions"]  # type: ignore[index]
    assert listed["metrics"] == ["mc1", "mc3"]
    assert listed["margins"] == {"mc1": 0.0, "mc3": 0.0}
    assert next(iter(scores(report).values()))["mc1"] == 0.0


def test_a_beginning_that_cannot_be_shared_is_run_plainly(
    folder: Path, plain: PlainScores, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = likelihoods.shared_log_likelihoods
    monkeypatch.setattr(
        likelihoods,
        "shared_log_likelihoods",
        lambda *given: [[one + 0.1 for one in row] for row in honest(*given)],
    )
    report = run(folder, data, tmp_path / "o", "mc-lm-eval", precision="float64")
    assert report.extra["subject_detail"]["shared_prefix"] is False  # type: ignore[index]
    for one in read_questions(data):
        assert scores(report)[one.id] == pytest.approx(lm_eval_by_formula(one, plain), abs=EXACT)


def binary_by_formula(one: TruthfulQuestion, plain: PlainScores, right: str) -> float:
    pair = (one.best, str(one.best_incorrect))
    prompt = binary_prompt(one.question, *(pair if right == "A" else pair[::-1]))
    lead = plain(prompt, "A") - plain(prompt, "B")
    return float((lead if right == "A" else -lead) > 0)


def test_binary_asks_for_a_letter_in_a_seeded_order(
    folder: Path, plain: PlainScores, data: Path, tmp_path: Path
) -> None:
    reports = [
        run(folder, data, tmp_path / str(seed), "binary", precision="float64", seed=seed)
        for seed in (0, 0, 1)
    ]
    orders = [[str(sample["right_option"]) for sample in one.samples] for one in reports]
    assert orders[0] == orders[1] != orders[2]
    assert {*orders[0], *orders[2]} == {"A", "B"}
    known = {one.id: one for one in read_questions(data)}
    for sample in reports[0].samples:
        right = str(sample["right_option"])
        found = scores(reports[0])[str(sample["id"])]
        assert found["binary"] == binary_by_formula(known[str(sample["id"])], plain, right)
        assert (found["binary_probability"] > 0.5) == (found["binary"] == 1)
        assert found["chose_first"] == (found["binary"] if right == "A" else 1 - found["binary"])
    names = {metric.name for metric in reports[0].metrics if metric.group is None}
    assert names == {"binary", "binary_probability", "chose_first", "ece", "brier", "aurc"}
    assert reports[0].extra["risk_coverage"][-1]["coverage"] == 1.0  # type: ignore[index]


class _Killed(BaseException):
    """What a kill -9 is to the process: nothing after it runs."""


def test_an_interrupted_run_asks_only_for_the_rest_and_gives_the_same_bytes(
    folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(folder, data, tmp_path / "whole", "mc-upstream", batch_size=2)
    write_report(tmp_path / "whole", whole)
    honest, asked = likelihoods.shared_log_likelihoods, []

    def dies(model: Any, prefix: Any, items: Any) -> Any:
        asked.append(len(items))
        if len(asked) == 3:
            raise _Killed
        return honest(model, prefix, items)

    monkeypatch.setattr(likelihoods, "shared_log_likelihoods", dies)
    with pytest.raises(_Killed):
        run(folder, data, tmp_path / "cut", "mc-upstream", batch_size=2)
    # The first call checks that sharing holds; then one batch is kept and the second dies.
    assert asked == [1, 2, 2]
    with (tmp_path / "cut" / "responses.cache.jsonl").open("a") as file:
        file.write('{"key": "half a li')
    again = run(folder, data, tmp_path / "cut", "mc-upstream", batch_size=2, resume=True)
    assert asked == [1, 2, 2, 1, 2, 1]
    write_report(tmp_path / "cut", again)
    assert (tmp_path / "cut" / "samples.jsonl").read_bytes() == (
        tmp_path / "whole" / "samples.jsonl"
    ).read_bytes()
    ours, theirs = ({**one.record(), "environment": 0} for one in (again, whole))
    assert ours == theirs
    third = run(folder, data, tmp_path / "cut", "mc-upstream", batch_size=2, resume=True)
    assert len(asked) == 6
    assert {**third.record(), "environment": 0} == theirs


def test_another_model_or_another_batch_is_not_taken_from_the_cache(
    folder: Path, data: Path, tmp_path: Path
) -> None:
    first = scores(run(folder, data, tmp_path / "o", "mc-lm-eval", batch_size=2))
    other = save_model(tmp_path / "other", seed=5)
    second = scores(run(other, data, tmp_path / "o", "mc-lm-eval", batch_size=2))
    assert first != second
    lines = (tmp_path / "o" / "responses.cache.jsonl").read_text().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == 2 * len(ENTRIES)
    run(other, data, tmp_path / "o", "mc-lm-eval", batch_size=3)
    assert len((tmp_path / "o" / "responses.cache.jsonl").read_text().splitlines()) == 3 * len(ENTRIES)


def test_nan_weights_leave_every_item_not_measured(folder: Path, data: Path, tmp_path: Path) -> None:
    broken = save_model(tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["transformer.ln_f.weight"] = torch.full_like(weights["transformer.ln_f.weight"], torch.nan)
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    report = run(broken, data, tmp_path / "o", "mc-lm-eval")
    assert report.items.record() == {"asked": 5, "measured": 0, "abstained": 0, "not_measured": 5}
    assert all(metric.value is None for metric in report.metrics)
    (verdict,) = report.verdicts
    assert verdict.reason == "a log-probability is not a finite number"
    write_report(tmp_path / "o", report)


def test_what_does_not_fit_the_context_is_counted(data: Path, tmp_path: Path, plain: PlainScores) -> None:
    entries = [*ENTRIES[:2], {**ENTRIES[2], "question": "Why " * 700}]
    longer = write_questions(tmp_path / "long.json", entries)
    folder = save_model(tmp_path / "short", context=512)
    report = run(folder, longer, tmp_path / "o", "mc-lm-eval")
    assert report.items.not_measured == 1
    (verdict,) = report.verdicts
    assert "longer than the model's context of 512" in verdict.reason
    alone = run(folder, write_questions(tmp_path / "2.json", ENTRIES[:2]), tmp_path / "p", "mc-lm-eval")
    assert scores(report).items() >= {}.items()
    assert {n: s for n, s in scores(report).items() if s} == {
        name: pytest.approx(values, abs=1e-5) for name, values in scores(alone).items()
    }


def test_no_network_is_touched(
    folder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    report = run(folder, data, tmp_path / "o", "mc-lm-eval")
    assert report.items.measured == 5


def test_recorded_responses_have_no_log_probabilities(data: Path, tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("{}\n")
    with pytest.raises(
        BadInput, match="wanted a subject with log-probabilities for truthfulness mc-upstream"
    ):
        run(tmp_path / "r.jsonl", data, tmp_path / "o", "mc-upstream")
