"""Variants of hallucination-open-domain on recorded responses and on a tiny model; abstentions apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from evaluator.prompts import PromptLine
from evaluator.suites import open_domain_consistency, open_domain_facts
from tests.evaluator.lines import Line, answered, question, without_environment, write_lines
from tests.evaluator.support.reading_stand_in import WordEncoder
from tests.evaluator.support.tiny_models import nli_folder

SUITE = "hallucination-open-domain"


@pytest.fixture(autouse=True)
def _word_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (open_domain_consistency, open_domain_facts):
        monkeypatch.setattr(module, "Encoder", lambda _folder: WordEncoder())


def run(tmp_path: Path, variant: str, said: list[Line], *more: str) -> tuple[Line, dict[str, Line]]:
    tmp_path.mkdir(exist_ok=True)
    path = write_lines(tmp_path / "said.jsonl", said)
    words = ["run", SUITE, "--variant", variant, "--subject", str(path), "--resamples", "100", *more]
    assert main([*words, "--out", str(tmp_path / variant)]) == 0
    lines = (tmp_path / variant / "samples.jsonl").read_text("utf-8").splitlines()
    return without_environment(tmp_path / variant), {one["id"]: one for one in map(json.loads, lines)}


def value(report: Line, name: str, group: str | None = None) -> Any:
    return next(one for one in report["metrics"] if (one["name"], one.get("group")) == (name, group))


def sampled(name: str, right: str, said: str, *samples: str) -> Line:
    line = answered(question(name, right), said)
    return {**line, "samples": list(samples)} if samples else line


SAID = [
    sampled("Lima", "Peru", "Peru.", "Peru.", "It is Peru."),
    sampled("Oslo", "Norway", "Norway.", "Norway.", "Norway."),
    sampled("Iksan", "South Korea", "Japan.", "China.", "Chad."),
    sampled("Quito", "Ecuador", "I do not know.", "Peru."),
    sampled("Rome", "Italy", "Italy."),
    sampled("Bern", "Switzerland", " ", "Peru."),
]


@pytest.mark.parametrize("form", ["ngram", "embedding", "nli"])
def test_what_is_told_otherwise_is_inconsistent(tmp_path: Path, form: str) -> None:
    scorer = ["--scorer", str(nli_folder(tmp_path / "nli"))] if form == "nli" else []
    report, samples = run(tmp_path, f"self-consistency-{form}", SAID, *scorer)
    assert report["items"] == {"asked": 6, "measured": 4, "abstained": 1, "not_measured": 2}
    assert samples["Rome"]["not_measured"] == "no further samples"
    assert samples["Bern"]["not_measured"] == "the response is empty"
    assert samples["Quito"]["scores"] == {"abstained": 1.0}
    assert value(report, "abstained")["value"] == 0.25
    assert value(report, "inconsistency")["n"] == 3
    assert value(report, "auroc", "answers=graded")["n"] == 3
    if form != "nli":
        assert samples["Oslo"]["scores"]["inconsistency"] < samples["Iksan"]["scores"]["inconsistency"]
        assert value(report, "auroc", "answers=graded")["value"] == 1.0
    again, _ = run(
        tmp_path / "again",
        f"self-consistency-{form}",
        SAID,
        *scorer,
    )
    assert again["metrics"] == report["metrics"]


KNOWLEDGE = [
    {"id": "p", "title": "Peru", "text": "Lima lies in Peru. It rains seldom there."},
    {"id": "n", "text": "Oslo lies in Norway."},
    {"id": "o", "text": "Ships carry grain."},
]


def test_supported_facts_and_their_penalty(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "knowledge.jsonl", KNOWLEDGE)
    said = [
        sampled("Lima", "Peru", "Lima lies in Peru. It rains seldom there."),
        {**sampled("Oslo", "Norway", "whatever"), "facts": ["Oslo lies in Norway.", "I guess Tom flew off?"]},
        sampled("Quito", "Ecuador", "I do not know."),
        sampled("Bern", "Switzerland", ""),
        sampled("Rome", "Italy", "zzz qqq."),
    ]
    for variant in ("supported-facts", "supported-facts-bm25", "supported-facts-embedding"):
        report, samples = run(tmp_path, variant, said, "--corpus", str(path))
        penalty = 2.718281828459045 ** (1 - 10 / 2)
        assert samples["Lima"]["scores"]["supported_facts"] == 1.0
        assert samples["Lima"]["scores"]["factscore"] == pytest.approx(penalty)
        assert samples["Oslo"]["scores"]["supported_facts"] == 0.5
        assert samples["Rome"]["scores"]["supported_facts"] == 0.0
        assert samples["Quito"]["scores"] == {"abstained": 1.0, "responded": 0.0}
        assert value(report, "factscore")["n"] == 3
        assert value(report, "supported_facts")["value"] == pytest.approx(0.5)
        assert value(report, "responded")["value"] == 0.75
        assert report["items"] == {"asked": 5, "measured": 4, "abstained": 1, "not_measured": 1}
        assert report["corpus"]["sha256"]
        assert samples["Lima"]["facts"][0]["passages"][0] == "p"
    _, samples = run(
        tmp_path / "b",
        "supported-facts-bm25",
        said,
        "--corpus",
        str(path),
    )
    assert samples["Rome"]["facts"][0] == {
        "text": "zzz qqq.",
        "support": None,
        "supported": False,
        "passages": [],
    }


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--variant", "supported-facts"], "--corpus: found nothing"),
        (["--variant", "self-consistency-nli"], "--scorer: found nothing"),
        (["--variant", "self-consistency-ngram", "--samples", "0"], "--samples: found 0; wanted 1 or more"),
        (["--variant", "self-consistency-ngram", "--data", "q.jsonl"], "wanted that of question 'Lima'"),
        (["--variant", "self-consistency-ngram", "--subject", "."], "--data: found nothing"),
        (["--variant", "supported-facts", "--corpus", "none.jsonl"], "none.jsonl: No such file"),
    ],
)
def test_bad_input(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "said.jsonl", SAID)
    write_lines(
        tmp_path / "q.jsonl", [{**question("Lima"), "prompt": [{"role": "user", "content": "Else?"}]}]
    )
    assert main(["run", SUITE, "--subject", "said.jsonl", "--out", "o", *words]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_model_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each further sample has temperature 1 and a seed of its own; the response itself keeps the run's settings."""
    asked: list[tuple[float, int]] = []

    def subject(spec: Any, questions: Any, _progress: Any) -> Any:
        asked.append((spec.temperature, spec.seed))
        lines = {one.id: answered(one.line, f"Peru {len(asked)}.") for one in questions}
        answers = {
            name: PromptLine(name, next(q.messages for q in questions if q.id == name), line, "x")
            for name, line in lines.items()
        }
        return type("Told", (), {"responses": answers, "detail": {}})()

    monkeypatch.setattr("evaluator.suites.open_domain_answers.open_subject", subject)
    monkeypatch.setattr(open_domain_consistency, "open_subject", subject)
    data = write_lines(tmp_path / "q.jsonl", [question("Lima", "Peru")])
    words = [
        "run",
        SUITE,
        "--variant",
        "self-consistency-ngram",
        "--subject",
        str(tmp_path),
        "--data",
        str(data),
    ]
    assert main([*words, "--samples", "3", "--seed", "7", "--out", str(tmp_path / "o")]) == 0
    assert asked == [(0.0, 7), (1.0, 8), (1.0, 9), (1.0, 10)]
    sample = json.loads((tmp_path / "o" / "samples.jsonl").read_text("utf-8"))
    assert sample["samples"] == ["Peru 2.", "Peru 3.", "Peru 4."]
