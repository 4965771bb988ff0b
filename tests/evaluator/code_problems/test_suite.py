"""The suite code-generation on recorded responses, and the referee as a reward program of PPO."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from evaluator.cli import main
from evaluator.report_files import read_report
from tests.evaluator.lines import answered, write_lines
from trainer.ppo.reward_sources import ProgramSource

PROBLEMS = [
    {
        "task_id": f"T/{n}",
        "prompt": "def f(x):\n",
        "entry_point": "f",
        "test": f"def check(candidate):\n    assert candidate(1) == {n}\n",
    }
    for n in range(4)
]


def test_responses_are_judged_and_missing_ones_told(tmp_path: Path) -> None:
    said = [
        "    return 0\n",
        "```python\ndef f(x):\n    return x\n```",
        "import os\ndef f(x):\n    os._exit(0)",
    ]
    lines = [
        answered({"id": f"T/{n}", "prompt": [{"role": "user", "content": "def f(x):\n"}]}, text)
        for n, text in enumerate(said)
    ]
    arguments = ["--subject", str(write_lines(tmp_path / "s.jsonl", lines))]
    arguments += ["--data", str(write_lines(tmp_path / "p.jsonl", PROBLEMS)), "--out", str(tmp_path / "out")]
    assert main(["run", "code-generation", *arguments]) == 0
    report = read_report(tmp_path / "out")
    assert report.metrics[0].name == "pass@1"
    assert report.metrics[0].value == pytest.approx(2 / 3)
    assert report.items.record() == {"asked": 4, "measured": 3, "abstained": 0, "not_measured": 1}
    assert report.extra["forged_pass_attempts"] == {"ended-in-call": 1}
    assert report.extra["questions_without_response"] == ["T/3"]
    assert [sample.get("verdict") for sample in report.samples] == ["pass", "pass", "fail", None]
    assert main(["run", "code-generation", *arguments[:2], "--out", str(tmp_path / "no")]) == 2


def test_ppo_is_rewarded_by_the_referee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    problems = write_lines(tmp_path / "p.jsonl", PROBLEMS)
    command = shlex.join([sys.executable, "-m", "evaluator", "score-code", "--problems", str(problems)])
    with ProgramSource("program", command) as source:
        for _ in range(2):
            lines = [
                {"id": "T/1", "response": text} for text in ("    return x", "    return 5", "    return f")
            ]
            assert source.scores([dict(line) for line in lines]) == [1.0, 0.0, 0.0]
