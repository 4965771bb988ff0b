"""pass-at-k, judge-one and score-code from the command line: figures, reports, resuming, bad input."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from evaluator.code_problems import records
from evaluator.report_files import read_report
from tests.evaluator.lines import without_environment, write_lines
from tests.evaluator.sandbox.rooms import HOSTILE, HUMANEVAL

Line = dict[str, Any]
PROBLEMS = [
    {
        "task_id": f"T/{n}",
        "prompt": "def f(x):\n",
        "entry_point": "f",
        "test": f"def check(candidate):\n    assert candidate(1) == {n}\n",
    }
    for n in range(3)
]
SAMPLES = [
    {"task_id": f"T/{n}", "completion": f"    return {value}\n"}
    for n, values in enumerate([(0, 1, 0), (1, 0), ("object()", "__import__('os')._exit(0)")])
    for value in values
]
ROOT = Path(__file__).parents[3]


def files(tmp_path: Path, samples: list[Line] = SAMPLES, problems: list[Line] = PROBLEMS) -> list[str]:
    paths = [
        write_lines(tmp_path / name, lines) for name, lines in (("p.jsonl", problems), ("s.jsonl", samples))
    ]
    return ["--problems", str(paths[0]), "--samples", str(paths[1])]


def test_figures_verdicts_and_attempts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    more = [*PROBLEMS, {**PROBLEMS[0], "task_id": "T/9"}]
    assert main(["pass-at-k", *files(tmp_path, problems=more), "--k", "1,2,3", "--out", str(out)]) == 0
    report = read_report(out)
    found = {metric.name: metric for metric in report.metrics}
    assert found["pass@1"].value == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert found["pass@2"].value == pytest.approx(2 / 3)
    assert (found["pass@3"].value, found["pass@3"].reason) == (
        None,
        "2 problems have fewer than 3 samples, T/1 only 2",
    )
    assert (found["pass@1"].n, found["pass@1"].better) == (3, "higher")
    assert report.extra["verdict_counts"] == {"pass": 3, "fail": 3, "timeout": 0, "unjudged": 1, "refused": 0}
    assert report.extra["forged_pass_attempts"] == {"ended-in-call": 1}
    assert report.extra["problems_without_samples"] == ["T/9"]
    assert report.items.record() == {"asked": 4, "measured": 3, "abstained": 0, "not_measured": 1}
    assert report.extra["box"]["tier"] == 1  # type: ignore[index]
    sample = report.samples[0]
    assert (sample["id"], sample["n"], sample["c"]) == ("T/0", 3, 2)
    assert sample["scores"] == {"pass@1": pytest.approx(2 / 3), "pass@2": 1.0, "pass@3": 1.0}
    wrong = sample["judgements"][1]  # type: ignore[index]
    assert wrong["call"] == "f(1) returned 1"
    assert wrong["reason"] == "AssertionError at `assert candidate(1) == 0`"
    assert "verdicts: 3 pass, 3 fail, 0 timeout, 1 unjudged, 0 refused" in capsys.readouterr().out


def test_base_tests_stand_apart_from_all(tmp_path: Path) -> None:
    problem = {
        "task_id": "P", "prompt": "def f(x):\n", "canonical_solution": "    return abs(x)\n", "entry_point": "f",
        "base_input": [[1]], "plus_input": [[-1]],
    }  # fmt: skip
    samples = [{"task_id": "P", "completion": f"    return {value}\n"} for value in ("x", "abs(x)", "0")]
    arguments = [*files(tmp_path, samples, [problem]), "--out", str(tmp_path / "out")]
    assert main(["pass-at-k", *arguments]) == 0
    values = {metric.group: metric.value for metric in read_report(tmp_path / "out").metrics}
    assert values == {None: pytest.approx(1 / 3), "tests=base": pytest.approx(2 / 3)}


def test_a_killed_run_goes_on_at_its_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [*files(tmp_path), "--progress", "none"]
    assert main(["pass-at-k", *arguments, "--out", str(tmp_path / "whole")]) == 0
    lines = (tmp_path / "whole" / records.NAME).read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / records.NAME).write_bytes(b"".join(lines[:4]) + lines[4][:20])
    run_again: list[object] = []
    add = records.Records.add

    def counted(self: records.Records, line: Line) -> None:
        run_again.append(line)
        add(self, line)

    monkeypatch.setattr(records.Records, "add", counted)
    assert main(["pass-at-k", *arguments, "--out", str(tmp_path / "cut")]) == 2
    assert main(["pass-at-k", *arguments, "--out", str(tmp_path / "cut"), "--resume"]) == 0
    assert len(run_again) == len(SAMPLES) - 4
    assert without_environment(tmp_path / "cut") == without_environment(tmp_path / "whole")
    assert (tmp_path / "cut" / "samples.jsonl").read_bytes() == (
        tmp_path / "whole" / "samples.jsonl"
    ).read_bytes()
    kept = (tmp_path / "cut" / records.NAME).read_bytes().splitlines()
    assert len({json.loads(line)["key"] for line in kept}) == len(kept) == len(SAMPLES)


def test_workers_change_no_figure(tmp_path: Path) -> None:
    for workers in ("1", "3"):
        out = ["--out", str(tmp_path / workers), "--workers", workers]
        assert main(["pass-at-k", *files(tmp_path), *out]) == 0
    assert without_environment(tmp_path / "1") == without_environment(tmp_path / "3")
    assert (tmp_path / "1" / "samples.jsonl").read_bytes() == (tmp_path / "3" / "samples.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--k", "1,x"], "--k: found '1,x'"),
        (["--k", "0"], "--k: found 0; wanted 1 or more"),
        (["--seconds", "0"], "--seconds: found 0.0"),
        (["--workers", "-1"], "--workers: found -1"),
        (["--problems", "/nowhere.jsonl"], "/nowhere.jsonl"),
        (["--resamples", "5"], "--resamples"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: list[str], said: str
) -> None:
    assert main(["pass-at-k", *files(tmp_path), "--out", str(tmp_path / "out"), *change]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_human_evals_example_gives_its_documented_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--problems", str(HUMANEVAL / "example_problem.jsonl")]
    given += ["--samples", str(HUMANEVAL / "example_samples.jsonl"), "--k", "1,10"]
    assert main(["pass-at-k", *given, "--out", str(tmp_path / "out")]) == 0
    assert read_report(tmp_path / "out").metrics[0].value == 0.4999999999999999
    assert "pass@1: 0.4999999999999999" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "verdict"), [("ok_plain.py", "pass"), ("wrong_value.py", "fail")])
def test_judge_one_prints_its_verdict_last(
    name: str, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--problem", str(HOSTILE / "problem.json"), "--submission", str(HOSTILE / name)]
    assert main(["judge-one", *arguments]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["verdict"], said["box"]["tier"]) == (verdict, 1)
    assert said["reason"]
    assert main(["judge-one", *arguments[:3], "/nowhere.py"]) == 2
    assert capsys.readouterr().err == "/nowhere.py: No such file or directory, wanted a program\n"


def test_the_sandbox_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox-check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:7] for line in lines[:2]] == ["tier 1 ", "tier 2 "]
    assert json.loads(lines[-1])["tier"] == 1


def test_these_verbs_answer_without_numpy() -> None:
    code = "import sys; from evaluator.cli import code_verbs; print(sorted(sys.modules.keys() & {'numpy', 'torch'}))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_the_sandbox_stands_on_the_standard_library_alone() -> None:
    code = "import sys; sys.path[:0] = [sys.argv[1]]; from evaluator.sandbox import room, start; print(1)"
    run = subprocess.run(
        [sys.executable, "-S", "-c", code, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert run.stdout == "1\n", run.stderr


def test_score_code_answers_line_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = write_lines(tmp_path / "p.jsonl", PROBLEMS)
    responses = [
        {"id": "response-0", "prompt_id": "T/1", "response": "```python\ndef f(x):\n    return x\n```"},
        {"id": "response-1", "prompt_id": "T/1", "response": "    return 7\n"},
        {"id": "response-2", "task_id": "T/2", "response": "import os\ndef f(x):\n    os._exit(0)"},
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(json.dumps(line) + "\n" for line in responses)))
    assert main(["score-code", "--problems", str(problems)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found == [
        {"id": "response-0", "score": 1.0, "verdict": "pass"},
        {"id": "response-1", "score": 0.0, "verdict": "fail"},
        {"id": "response-2", "score": 0.0, "verdict": "fail", "attempt": "ended-in-call"},
    ]
    for bad in ("{", "[]", '{"id": "x", "prompt_id": "T/7", "response": ""}', '{"id": "x", "response": 5}'):
        monkeypatch.setattr("sys.stdin", io.StringIO(bad + "\n"))
        assert main(["score-code", "--problems", str(problems)]) == 2
        assert capsys.readouterr().err.startswith("standard input:1: found")
