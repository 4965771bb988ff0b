"""Suite hallucination-closed-domain on files: rates, slices, people's spans, what is not measured, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from evaluator.json_lines import sha256_of_file
from evaluator.prompts import PromptLine, parse_messages
from evaluator.suites import hallucination_closed_domain as suite
from evaluator.support import scorers
from tests.evaluator.lines import Line, without_environment, write_lines
from tests.evaluator.support.reading_stand_in import WordEncoder
from tests.evaluator.support.tiny_models import nli_folder

SUITE = "hallucination-closed-domain"
CONTEXT = "ada wrote twelve books. she sailed home in may."


@pytest.fixture(autouse=True)
def _word_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorers, "Encoder", lambda _folder: WordEncoder())


def response(name: str, said: str, *, policy: str = "sft", **more: Any) -> Line:
    prompt = [{"role": "user", "content": "Tell me of ada."}]
    told = {"id": name, "prompt": prompt, "context": CONTEXT, "response": said, "policy": policy}
    return {**told, "seed": 0, "sampling": {}, **more}


SAID = [
    response("kept", "she sailed home in may.", domain="sea"),
    response("half", "she sailed home in may. i guess tom flew off?", domain="sea"),
    response("invented", "i guess tom flew off?", policy="ppo"),
    response("quiet", "I do not know."),
    response("mute", ""),
    response("bare", "yes.", context=""),
]


def run(tmp_path: Path, *more: str, said: list[Line] = SAID) -> Line:
    path = write_lines(tmp_path / "said.jsonl", said)
    words = ["run", SUITE, "--subject", str(path), "--resamples", "100", *more]
    assert main([*words, "--out", str(tmp_path / "o")]) == 0
    return without_environment(tmp_path / "o")


def figures(report: Line) -> dict[tuple[str, str | None], Line]:
    return {(one["name"], one.get("group")): one for one in report["metrics"]}


def samples(tmp_path: Path) -> dict[str, Line]:
    lines = (tmp_path / "o" / "samples.jsonl").read_text("utf-8").splitlines()
    return {line["id"]: line for line in map(json.loads, lines)}


def test_rates_of_recorded_responses(tmp_path: Path) -> None:
    report = run(tmp_path)
    found = figures(report)
    assert report["items"] == {"asked": 6, "measured": 4, "abstained": 1, "not_measured": 2}
    assert report["not_measured"] == ["bare", "mute"]
    shown = samples(tmp_path)
    assert [one["invented"] for one in shown["half"]["sentences"]] == [False, True]
    assert shown["half"]["scores"]["invented_sentences"] == 0.5
    assert shown["quiet"]["scores"] == {"hallucinated": 0.0, "abstained": 1.0}
    assert shown["mute"]["not_measured"] == "the response is empty"
    assert shown["bare"]["not_measured"] == "the context is empty"
    assert shown["kept"]["scores"]["hallucinated"] == 0.0
    assert shown["invented"]["scores"]["hallucinated"] == 1.0
    half = shown["half"]["scores"]["hallucinated"]
    assert found["hallucinated", None]["value"] == pytest.approx((1 + half) / 4)
    assert found["hallucinated", "policy=ppo"]["value"] == 1.0
    assert found["hallucinated", "domain=sea"]["n"] == 2
    assert found["abstained", None]["value"] == 0.25
    assert found["invented_sentences", None]["value"] == pytest.approx(0.5)
    assert {name: found[name, None]["better"] for name in suite.DIRECTIONS} == suite.DIRECTIONS
    assert report["scorer"]["detector"] == "shipped"
    assert report["data"][0]["sha256"] == sha256_of_file(tmp_path / "said.jsonl")


def test_one_policy_is_no_slice_and_a_missing_response_is_counted(tmp_path: Path) -> None:
    questions = [{key: one[key] for key in ("id", "prompt", "context")} for one in SAID[:2]]
    data = write_lines(tmp_path / "questions.jsonl", questions)
    report = run(tmp_path, "--data", str(data), said=SAID[:1])
    assert not any("policy" in (one.get("group") or "") for one in report["metrics"])
    assert report["not_measured"] == ["half"]
    assert samples(tmp_path)["half"]["not_measured"] == "no response with this id"


def span_line(number: int, one: Line, *spans: tuple[int, int]) -> Line:
    told = [{"start": start, "end": end, "kind": "not-in-source"} for start, end in spans]
    texts = {"context": one["context"], "response": one["response"], "annotator": "ada"}
    return {"id": f"s{number}", "item": one["id"], **texts, "spans": told}


def test_people_are_the_ground_truth(tmp_path: Path) -> None:
    spans = [span_line(0, SAID[0]), span_line(1, SAID[1], (24, 40)), span_line(2, SAID[2], (0, 5))]
    labels = write_lines(tmp_path / "spans.jsonl", spans)
    found = figures(run(tmp_path, "--labels", str(labels)))
    assert found["auroc", "labels=responses"]["value"] == 1.0
    assert found["auroc", "labels=responses"]["n"] == 3
    assert found["auroc", "labels=sentences"]["value"] == 1.0
    assert found["balanced_accuracy", "labels=sentences"]["n"] == 4
    assert found["balanced_accuracy", "labels=sentences"]["value"] == 1.0
    assert ("auprc_invented", "labels=responses") in found


def test_entailment_variants_and_the_batch_change_no_figure(tmp_path: Path) -> None:
    folder = nli_folder(tmp_path / "nli")
    texts = {"context": "ada wrote books . ben sailed home in may ."}
    said = [
        response(str(n), f"{who} sailed home . she wrote books .", **texts)
        for n, who in enumerate(("ada", "ben"))
    ]
    for variant in ("summac-zs", "chunk-max"):
        seen = []
        for size in ("1", "7"):
            (tmp_path / variant / size).mkdir(parents=True)
            flags = ["--variant", variant, "--scorer", str(folder), "--batch-size", size]
            seen.append(figures(run(tmp_path / variant / size, *flags, said=said)))
        assert seen[0] == seen[1]


def test_the_context_is_put_before_the_question_once() -> None:
    messages = parse_messages([{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "here")
    question = PromptLine("a", messages, {"context": "the text"}, "here")
    asked = suite._with_context(question)
    assert [message.content for message in asked.messages] == ["s", "the text\n\nq"]
    assert suite._with_context(asked) is asked
    assert suite._with_context(PromptLine("a", messages, {}, "here")).messages == messages


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--variant", "summac-zs"], "--scorer: found nothing"),
        (["--variant", "other"], "wanted one of detector, summac-zs, chunk-max"),
        (["--labels", "none.jsonl"], "none.jsonl: No such file"),
        (["--labels", "strange.jsonl"], "found none of the responses"),
        (["--data", "questions.jsonl"], "prompt: found another one, wanted that of question 'kept'"),
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
    write_lines(tmp_path / "strange.jsonl", [span_line(0, response("x", "other words."))])
    other = {**SAID[0], "prompt": [{"role": "user", "content": "Else?"}]}
    write_lines(tmp_path / "questions.jsonl", [other])
    path = write_lines(tmp_path / "said.jsonl", SAID)
    assert main(["run", SUITE, "--subject", str(path), "--out", "o", *words]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_a_model_folder_wants_questions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", SUITE, "--subject", str(tmp_path), "--out", str(tmp_path / "o")]) == 2
    assert "--data: found nothing, wanted a file of questions with a context" in capsys.readouterr().err
