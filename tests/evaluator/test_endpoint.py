"""An endpoint as a subject: what passes is asked again, what does not is said, nothing is asked twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from evaluator.errors import BadInput, SubjectUnavailable
from evaluator.progress import Progress
from evaluator.prompts import read_prompts
from evaluator.report_files import Report
from evaluator.specs import RunSpec
from evaluator.subjects import Continuation, open_subject
from evaluator.subjects import endpoint as endpoint_module
from evaluator.subjects.endpoint import ATTEMPTS, Asked, Endpoint
from evaluator.suites import truthfulness
from tests.evaluator.fake_endpoint import Script, log_probability, serving
from tests.evaluator.lines import question, write_lines
from tests.evaluator.truthful_models import write_questions

PASSING = ["500", "429", "hang up", "not json", "half", "no choices"]


def asked(text: str, **more: Any) -> Asked:
    return Asked((), text, 8, 0.0, 0, **more)


def by_formula(prompt: str, answer: str, skip: int = 0) -> float:
    whole = prompt + answer
    return sum(log_probability(n, whole[n]) for n in range(len(prompt) + skip, len(whole)))


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_asked_again(fault: str) -> None:
    pauses: list[float] = []
    script = Script([fault, fault])
    with serving(script) as url:
        endpoint = Endpoint(url, "m", wait=pauses.append)
        assert endpoint.generate([asked("hello")], 1) == [" said to 'hello'Q: more"]
    assert len(script.asked) == 3
    assert pauses == ([7.0, 7.0] if fault in {"500", "429"} else [0.5, 1.0])


def test_what_does_not_pass_ends_with_a_sentence_after_a_bounded_number_of_tries() -> None:
    script = Script(["503"] * 50)
    with serving(script) as url, pytest.raises(SubjectUnavailable, match=r"no answer after 5 tries.*503"):
        Endpoint(url, None, wait=lambda _: None).generate([asked("x")], 1)
    assert len(script.asked) == ATTEMPTS


@pytest.mark.parametrize(
    ("fault", "complaint"), [("404", "status 404"), ("401", "scripted"), ("redirect", "302")]
)
def test_what_the_server_refuses_is_the_callers_to_mend(fault: str, complaint: str) -> None:
    script = Script([fault])
    with serving(script) as url, pytest.raises(BadInput, match=complaint):
        Endpoint(url, None, wait=lambda _: None).generate([asked("x")], 1)
    assert len(script.asked) == 1


def test_nobody_there_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    with serving(Script()) as url:
        pass
    monkeypatch.setattr(endpoint_module, "FIRST_PAUSE_SECONDS", 0.0)
    words = ["run", "truthfulness", "--subject", url, "--limit", "1", "--out", str(tmp_path / "o")]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "no answer after 5 tries" in told
    assert "--resume" in told


def test_the_key_goes_only_with_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-the-test")
    script = Script()
    with serving(script) as url:
        endpoint = Endpoint(url + "/", "m")
        endpoint.generate([asked("x", stop=("Q:",))], 1)
    assert script.headers[0]["Authorization"] == "Bearer secret-of-the-test"
    assert "secret" not in str(endpoint.detail)
    (told,) = script.asked
    assert told == {
        "path": "/v1/completions",
        "model": "m",
        "prompt": "x",
        "max_tokens": 8,
        "temperature": 0.0,
        "seed": 0,
        "stop": ["Q:"],
    }


@pytest.mark.parametrize("at_once", [1, 4])
def test_log_likelihoods_are_those_of_the_answer(at_once: int) -> None:
    ways = [Continuation("Q: a?", "\nA: yes", 3), Continuation("Q: a?", " no"), Continuation("p", "qq", 2)]
    with serving(Script()) as url:
        found = Endpoint(url, None).log_likelihoods(ways, at_once)
    assert found == [by_formula(one.prompt, one.answer, one.skip) for one in ways]
    assert found[2] == 0.0


def test_truthfulness_by_an_endpoint_is_asked_once(tmp_path: Path) -> None:
    data = write_questions(tmp_path / "q.json")
    script = Script()

    def run(out: Path) -> Report:
        spec = RunSpec("truthfulness", url, out, variant="mc-lm-eval", data=data, model="m")
        with Progress(out) as progress:
            return truthfulness.run(spec, progress)

    with serving(script) as url:
        first = run(tmp_path / "o")
        count = len(script.asked)
        second = run(tmp_path / "o")
    assert len(script.asked) == count == 17
    assert [s["scores"] for s in first.samples] == [s["scores"] for s in second.samples]
    assert first.items.measured == 5
    assert first.extra["subject_detail"] == {"kind": "endpoint", "url": url, "model": "m"}


def test_an_endpoint_without_log_probabilities_is_told_so(tmp_path: Path, capsys: Any) -> None:
    data = write_questions(tmp_path / "q.json")
    with serving(Script(log_probabilities=False)) as url:
        words = ["run", "truthfulness", "--subject", url, "--data", str(data), "--out", str(tmp_path / "o")]
        assert main(words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "found an answer without log-probabilities" in told
    assert not (tmp_path / "o").exists()


def test_chat_messages_go_to_the_chat_path(tmp_path: Path) -> None:
    lines = read_prompts(
        write_lines(tmp_path / "q.jsonl", [question("Lima", "Peru"), question("Oslo", "Norway")])
    )
    script = Script()
    with serving(script) as url:
        spec = RunSpec("hallucination-open-domain", url, tmp_path / "o", seed=4, model="m")
        with Progress(tmp_path / "o") as progress:
            found = open_subject(spec, lines, progress)
    assert {name: one.line["response"] for name, one in found.responses.items()} == {
        "Lima": "I heard Which country is Lima in? (4)",
        "Oslo": "I heard Which country is Oslo in? (4)",
    }
    assert {one["path"] for one in script.asked} == {"/v1/chat/completions"}
    assert found.responses["Lima"].line["policy"] == "m"
