"""Answers by program: what a program's value is as an answer, what abstains, what is not measured, and the effect."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.program_answers import arithmetic
from evaluator.cli import main
from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.prompting import Example, asked_messages, examples_for
from evaluator.prompts import Message, read_prompts
from evaluator.report_files import Report, read_report
from evaluator.sandbox.clock import Stopped
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.slot import Output
from evaluator.specs import RunSpec
from evaluator.subjects import open_subject
from evaluator.subjects.programs import ABSTENTION, ASKED, Programs, program_in, spelled
from evaluator.suites import hallucination_open_domain
from tests.evaluator.fake_endpoint import Script, serving
from tests.evaluator.lines import Line, answered, question, write_lines
from tests.evaluator.sandbox.test_refusal import under

SUITE = "hallucination-open-domain"
SOLUTION = "def solution():\n    return {}\n"


@cache
def programs() -> Programs:
    """Its launchers end with this process."""
    return Programs(Limits(seconds=0.5)).__enter__()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (42, "42"),
        (-7, "-7"),
        (2.0, "2"),
        (0.1 + 0.2, "0.3"),
        (2.5, "2.5"),
        (1e20, "1e+20"),
        (True, "yes"),
        (False, "no"),
        (" Lima ", "Lima"),
        ("", None),
        (None, None),
        (math.nan, None),
        (math.inf, None),
        ([1], None),
        pytest.param(10**5000, None, id="more digits than Python writes"),
    ],
)
def test_how_a_value_is_spelled(value: object, text: str | None) -> None:
    assert spelled(value) == text


def test_the_program_is_found_in_a_response() -> None:
    fenced = "So:\n```\nx = 1\n```\nand\n```python\ndef solution():\n    return 2\n```\n"
    assert program_in(fenced) == "def solution():\n    return 2\n"
    assert program_in("```\nprint(1)\n```\n```\nprint(2)\n```") == "print(1)\n"
    assert program_in("print(3)") == "print(3)"


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        (SOLUTION.format("6 * 7"), "42"),
        ("import math\n" + SOLUTION.format("math.sqrt(2) ** 2"), "2"),
        ("print('a')\nprint(6 * 7)\nprint()", "42"),
        ("def solution():\n    print(5)\nsolution()", "5"),
        (SOLUTION.format("8") + "print(9)", "8"),
        ("print('I do not know')", "I do not know"),
    ],
)
def test_a_program_answers(program: str, answer: str) -> None:
    found, kept = programs().run(program)
    assert (found.outcome, found.answer, kept) == ("answered", answer, program)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("", "no program"),
        ("  \n", "no program"),
        ("It is 42.", "the program failed"),
        ("x = 1", "the program said nothing"),
        (SOLUTION.format("None"), "the program said nothing"),
        (SOLUTION.format("object()"), "the value is not plain"),
        (SOLUTION.format("[42]"), "the value is no number and no text"),
        (SOLUTION.format("float('nan')"), "the value is no number and no text"),
        (SOLUTION.format("1 / 0"), "the program raised ZeroDivisionError"),
        (SOLUTION.format("undefined"), "the program raised NameError"),
        ("raise ValueError\n" + SOLUTION.format("1"), "the program raised ValueError"),
        (SOLUTION.format("'x' * 2000"), "an answer of more than 1000 characters"),
        ("def solution():\n    while True: pass", "out of time"),
        ("while True: pass", "out of time"),
        ("import os\nos._exit(0)\n" + SOLUTION.format("1"), "the program ended before it answered"),
        ("import os\ndef solution():\n    os.write(3, b'\\0\\0')\n    while True: pass", "out of time"),
        ("import os\ndef solution():\n    os.write(3, b'\\0\\0')\n    os._exit(0)",
         "the program ended before it answered"),
        ("import os\ndef solution():\n    os.write(3, b'\\xff' * 8)\n    while True: os.write(3, b'x' * 65536)",
         "the program ended before it answered"),
        ("while True: print('x' * 1000)", "more than 1048576 bytes of output"),
        ("import os\nos.kill(1, 9)\n" + SOLUTION.format("1"), "the program raised PermissionError"),
        ("#" * (1 << 20) + "\n" + SOLUTION.format("1"), "a program of more than 1048576 bytes"),
    ],
)  # fmt: skip
def test_what_gives_no_plain_value_abstains(program: str, reason: str) -> None:
    found, _ = programs().run(program)
    assert (found.outcome, found.answer, found.reason) == ("abstained", ABSTENTION, reason)


class Slow:
    """A room whose machine is at fault: the wall clock alone ends everything."""

    box = {"tier": 1}
    stopped = Stopped("timeout", "more than 5 s by the wall clock alone", wall_only=True)

    def answer(self, *_: object) -> Stopped:
        return self.stopped

    def run_script(self, *_: object) -> Output:
        return Output(b"42\n", None, self.stopped, 0.0, 5.0)


def test_what_the_machine_ended_is_not_measured() -> None:
    slow = Programs()
    slow._room = Slow()  # type: ignore[assignment]
    for program in (SOLUTION.format("1"), "print(1)"):
        found, _ = slow.run(program)
        assert (found.outcome, found.answer) == ("not-measured", "")
    assert slow.detail["programs"] == {"answered": 0, "abstained": 0, "not-measured": 2}


def measured(tmp_path: Path, asked: list[Line], said: list[Line], prompting: Any = "plain") -> Report:
    """The report of recorded responses, asked for in this way."""
    data = write_lines(tmp_path / "questions.jsonl", asked)
    subject = write_lines(tmp_path / "responses.jsonl", said)
    spec = RunSpec(SUITE, str(subject), tmp_path, data=data, prompting=prompting, resamples=100)
    with Progress(tmp_path) as progress:
        return hallucination_open_domain.run(spec, progress)


def reported(tmp_path: Path, responses: list[str], *more: str) -> Report:
    """The report of recorded programs, question n's reference being n."""
    lines = [question(f"q{n}", str(n)) for n in range(len(responses))]
    told = [answered(line, text) for line, text in zip(lines, responses, strict=True)]
    return measured(tmp_path, lines, told, *more)


def overall(report: Report) -> dict[str, float | None]:
    return {one.name: one.value for one in report.metrics if one.group is None}


def test_recorded_programs_are_run_and_counted(tmp_path: Path) -> None:
    responses = [
        SOLUTION.format("0"),
        f"```python\n{SOLUTION.format('7')}```",
        SOLUTION.format("object()"),
        "It is 3.",
    ]
    report = reported(tmp_path, responses, "program")
    assert overall(report) == {"right": 0.25, "abstained": 0.5, "wrong": 0.25, "grade": 0.5}
    assert report.items.record() == {"asked": 4, "measured": 4, "abstained": 2, "not_measured": 0}
    told: Any = report.extra["subject_detail"]
    assert told["kind"] == "responses"
    assert told["programs"]["programs"] == {"answered": 2, "abstained": 2, "not-measured": 0}
    assert told["programs"]["no_answer_because"] == {"the program failed": 1, "the value is not plain": 1}
    assert told["programs"]["box"]["tier"] == 1
    kept: Any = [sample["program_run"] for sample in report.samples]
    assert [one["outcome"] for one in kept] == ["answered", "answered", "abstained", "abstained"]
    assert kept[1]["text"] == SOLUTION.format("7")
    # The same responses without their programs being run: a program is no answer.
    plain = overall(reported(tmp_path, responses))
    assert (plain["right"], plain["wrong"]) == (0.25, 0.75)


def test_a_question_whose_program_is_not_measured_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(self: Programs) -> Programs:
        self._room = Slow()  # type: ignore[assignment]
        return self

    monkeypatch.setattr(Programs, "__enter__", slow)
    monkeypatch.setattr(Programs, "__exit__", lambda *_: None)
    report = reported(tmp_path, [SOLUTION.format("0")], "program")
    assert report.items.record() == {"asked": 1, "measured": 0, "abstained": 0, "not_measured": 1}
    assert report.extra["questions_without_response"] == ["q0"]


def test_an_endpoint_is_asked_for_a_program(tmp_path: Path) -> None:
    script = Script()
    lines = read_prompts(write_lines(tmp_path / "q.jsonl", [question("Lima", "Peru")]))
    with serving(script) as url, Progress(tmp_path / "o") as progress:
        told = RunSpec(SUITE, url, tmp_path / "o", prompting="program")
        answers = open_subject(told, lines, progress)
    (asked,) = script.asked
    assert asked["messages"][-1]["content"] == f"{ASKED}\n\nWhich country is Lima in?"
    assert asked["max_tokens"] == 256
    line: Any = answers.responses["Lima"].line
    assert line["response"] == ABSTENTION
    assert line["written"][0].startswith("I heard")


def test_passages_and_programs_go_together(tmp_path: Path) -> None:
    text = tmp_path / "k.txt"
    text.write_text("Lima lies in Peru.\n", "utf-8")
    script = Script()
    lines = read_prompts(write_lines(tmp_path / "q.jsonl", [question("Lima", "Peru")]))
    with serving(script) as url, Progress(tmp_path / "o") as progress:
        told = RunSpec(SUITE, url, tmp_path / "o", prompting="program", knowledge=text)
        detail = open_subject(told, lines, progress).detail
    content = script.asked[0]["messages"][-1]["content"]
    assert content.index(ASKED) < content.index("Lima lies in Peru.") < content.index("Which country")
    assert detail["wrapper"]["kind"] == "retrieval"  # type: ignore[index]
    assert detail["programs"]["kind"] == "program"  # type: ignore[index]


def test_from_the_command_line(tmp_path: Path) -> None:
    line = question("q", "42")
    data = write_lines(tmp_path / "q.jsonl", [line])
    subject = write_lines(tmp_path / "r.jsonl", [answered(line, SOLUTION.format("6 * 7"))])
    told = ["run", SUITE, "--subject", str(subject), "--data", str(data), "--prompting", "program"]
    assert main([*told, "--out", str(tmp_path / "out"), "--progress", "none"]) == 0
    assert overall(read_report(tmp_path / "out"))["right"] == 1.0


def test_examples_show_their_programs(tmp_path: Path) -> None:
    told = RunSpec(SUITE, "x", tmp_path, prompting="program", shots=1)
    shown = asked_messages(
        told, (Message("user", "2+3?"),), [Example("1+1?", "2", program="def solution(): 2")]
    )
    assert [one.content for one in shown] == ["1+1?", "```python\ndef solution(): 2\n```", "2+3?"]
    lines = [question("a", "1", program="p"), question("b", "2", rationale="r"), question("c", "3")]
    known = read_prompts(write_lines(tmp_path / "q.jsonl", lines))
    assert [one.program for one in examples_for(told, known[2], known)] == ["p"]
    with pytest.raises(BadInput, match="found 0 other questions with references and program"):
        examples_for(told, known[0], known)
    assert examples_for(RunSpec(SUITE, "x", tmp_path, prompting="program"), known[0], known) == []


@pytest.mark.parametrize("suite", ["code-generation", "truthfulness"])
def test_suites_without_questions_of_their_own_take_no_program(suite: str) -> None:
    with pytest.raises(BadInput, match="--prompting program: found suite"):
        RunSpec(suite, "x", Path("o"), prompting="program")


def test_without_isolation_no_program_runs(tmp_path: Path) -> None:
    canary = tmp_path / "it-ran"
    line = question("q", "1")
    data = write_lines(tmp_path / "q.jsonl", [line])
    program = f"open({str(canary)!r}, 'w').write('x')\nprint(1)"
    subject = write_lines(tmp_path / "r.jsonl", [answered(line, program)])
    told = ["run", SUITE, "--subject", str(subject), "--data", str(data), "--prompting", "program"]
    run = under("no-namespaces no-landlock", "evaluator", *told, "--out", str(tmp_path / "out"))
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert "--prompting program: refused: no isolation" in run.stderr
    assert not canary.exists()
    assert not (tmp_path / "out").exists()


def test_arithmetic_with_and_without_programs(tmp_path: Path) -> None:
    """A policy that sets sums up and cannot work them out: programs make it right, and where they fail it is silent."""
    asked = arithmetic(24, seed=3)
    assert asked == arithmetic(24, seed=3) != arithmetic(24, seed=4)
    for line in asked:
        space: dict[str, Any] = {}
        exec(line["program"], space)
        assert spelled(space["solution"]()) == line["references"][0]
    wrong = [answered(line, "12") for line in asked]
    wrote = [answered(line, line["program"] if n % 4 else "no idea") for n, line in enumerate(asked)]
    plain = measured(tmp_path, asked, wrong)
    # The questions' own programs are not what the subject wrote.
    assert not any("program_run" in sample for sample in plain.samples)
    without = overall(plain)
    assert (without["right"], without["abstained"]) == (0.0, 0.0)
    found = overall(measured(tmp_path, asked, wrote, "program"))
    assert found == {"right": 0.75, "abstained": 0.25, "wrong": 0.0, "grade": 0.875}


def test_help_and_the_way_to_ask_need_no_model_library() -> None:
    code = "import sys, evaluator.subjects.programs; print(json.dumps(sorted(sys.modules.keys() & {'torch', 'bm25s'})))"
    run = subprocess.run(
        [sys.executable, "-c", f"import json\n{code}"], capture_output=True, text=True, check=True
    )
    assert json.loads(run.stdout) == []
