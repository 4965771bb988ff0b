"""The command line as a program: exit codes, one-line errors, help, what is imported."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.cli import main
from evaluator.cli.code_parser import CODE_VERBS
from evaluator.cli.parser import build_parser
from tests.evaluator.lines import answered, question, ranking, without_environment, write_lines, write_report

ROOT = Path(__file__).parents[2]
RUN = ["run", "hallucination-open-domain"]


def files(tmp_path: Path, right: int, name: str) -> list[str]:
    questions = [
        question(f"Town{i}", "Peru", slices={"tier": "head" if i % 2 else "tail"}) for i in range(60)
    ]
    told = [
        answered(line, "Peru." if i < right else "Chile.", policy=name) for i, line in enumerate(questions)
    ]
    data = write_lines(tmp_path / "questions.jsonl", questions)
    return ["--subject", str(write_lines(tmp_path / f"{name}.jsonl", told)), "--data", str(data)]


def in_fresh_process(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


def test_run_compare_and_exit_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, right in (("sft", 50), ("ppo", 20)):
        assert main([*RUN, *files(tmp_path, right, name), "--out", str(tmp_path / f"of-{name}")]) == 0
    assert "grade: 0.3333" in capsys.readouterr().out
    sides = [str(tmp_path / "of-sft"), str(tmp_path / "of-ppo")]
    assert main(["compare", *sides, "--out", str(tmp_path / "worse")]) == 3
    assert "verdict: regression" in capsys.readouterr().out
    assert main(["compare", *sides[::-1], "--out", str(tmp_path / "better")]) == 0
    assert without_environment(tmp_path / "better")["verdict"] == "improvement"
    content = without_environment(tmp_path / "worse")
    wrong = next(one for one in content["verdicts"] if one["name"] == "wrong" and "group" not in one)
    assert wrong["verdict"] == "regression"
    assert "abstained" not in {one["name"] for one in content["verdicts"]}


@pytest.mark.parametrize("verb", ["run", "compare", "leaderboard", "agreement"])
def test_the_same_command_writes_the_same_bytes(tmp_path: Path, verb: str) -> None:
    subject = files(tmp_path, 30, "sft")
    rankings = [ranking(f"k{i}", [["a"], ["b", "c"]] if i % 3 else [["c"], ["b"], ["a"]]) for i in range(30)]
    twice = [
        ranking(f"{who}{i}", tiers, annotator=who, item=f"i{i}")
        for i in range(12)
        for who, tiers in (("ada", [["a"], ["b"]]), ("ben", [["b"], ["a"]] if i % 3 else [["a"], ["b"]]))
    ]
    scores = [
        [{"id": f"q{i}", "scores": {"x": i % 3 / 2, "y": i % right}} for i in range(30)] for right in (2, 3)
    ]
    sides = [str(write_report(tmp_path / name, side)) for name, side in zip("bc", scores, strict=True)]
    words = {
        "run": [*RUN, *subject],
        "compare": ["compare", *sides],
        "leaderboard": ["leaderboard", str(write_lines(tmp_path / "r.jsonl", rankings)), "--resamples", "20"],
        "agreement": ["agreement", str(write_lines(tmp_path / "a.jsonl", twice)), "--resamples", "100"],
    }[verb]
    for name in ("one", "two"):
        assert main([*words, "--seed", "3", "--out", str(tmp_path / name)]) in (0, 3)
    assert without_environment(tmp_path / "one") == without_environment(tmp_path / "two")
    texts = [
        (tmp_path / name / "report.json").read_text("utf-8").split('"environment"')[0]
        for name in ("one", "two")
    ]
    assert texts[0] == texts[1]
    samples = [(tmp_path / name / "samples.jsonl").read_bytes() for name in ("one", "two")]
    assert samples[0] == samples[1]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "VERB"),
        (["frobnicate"], "frobnicate"),
        (
            ["run", "nonsense", "--subject", "x", "--out", "o"],
            "found no such suite, wanted one of hallucination-open-domain",
        ),
        (
            ["run", "truthfulness", "--subject", "q.jsonl", "--out", "o"],
            "wanted a subject with log-probabilities for truthfulness mc-upstream",
        ),
        (
            [*RUN, "--subject", "q.jsonl", "--data", "q.jsonl", "--out", "o", "--prompting", "few-shot"],
            "found recorded responses, wanted a model to ask by --prompting",
        ),
        ([*RUN, "--subject", "x", "--out", "empty", "--shots", "-1"], "--shots: found -1; wanted 0 or more"),
        ([*RUN, "--subject", "x", "--variant", "open-book", "--out", "o"], "wanted one of closed-book"),
        ([*RUN, "--subject", "none.jsonl", "--data", "q.jsonl", "--out", "o"], r"none\.jsonl"),
        ([*RUN, "--subject", "empty", "--data", "q.jsonl", "--out", "o"], r"config\.json"),
        ([*RUN, "--subject", "x", "--data", "q.jsonl", "--limit", "0", "--out", "o"], "--limit: found 0"),
        ([*RUN, "--subject", "x", "--limit", "few", "--out", "o"], "--limit"),
        ([*RUN, "--subject", "x", "--temperature", "-1", "--out", "o"], "--temperature"),
        (["compare", "none", "none", "--out", "o"], r"found no report\.json"),
        (["compare", "none", "none", "--level", "1", "--out", "o"], "--level: found 1.0"),
        (["compare", "none", "none", "--margin", "-1", "--out", "o"], "--margin"),
        (["leaderboard", "none.jsonl", "--out", "o"], r"none\.jsonl: No such file"),
        (
            ["leaderboard", "none.jsonl", "--resamples", "3", "--out", "o"],
            "--resamples: found 3; wanted 20 or more",
        ),
        (["leaderboard", "none.jsonl", "--seed", "-1", "--out", "o"], "--seed"),
        (["agreement", "none.jsonl", "--out", "o"], r"none\.jsonl: No such file"),
        (
            ["agreement", "q.jsonl", "--resamples", "99", "--out", "o"],
            "--resamples: found 99; wanted 100 or more",
        ),
        (["agreement", "q.jsonl", "--seed", "-1", "--out", "o"], "--seed"),
        (["agreement", "q.jsonl", "--gold", "none.jsonl", "--out", "o"], "q.jsonl:1: found no 'kind'"),
        (["leaderboard", "q.jsonl", "--out", "q.jsonl"], "wanted a folder that is new or empty"),
    ],
)
def test_bad_input_is_one_line_and_exit_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "q.jsonl", [question("Lima", "Peru")])
    (tmp_path / "empty").mkdir()
    assert main(words) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert re.search(complaint, told), told
    assert not (tmp_path / "o").exists()


def test_every_flag_of_every_verb_has_its_sentence() -> None:
    verbs = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    own = {"run", "compare", "leaderboard", "agreement", "choose-next", "emergence", "train-judge", "judge"}
    assert own | {"detect", "train-detector", "score-support", "correlate"} | set(CODE_VERBS) == set(
        verbs.choices
    )
    for parser in verbs.choices.values():
        for action in parser._actions:
            assert action.help, action


def test_run_list_names_suites_and_variants(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "--list"])
    assert caught.value.code == 0
    told = capsys.readouterr().out
    for name in (
        "hallucination-open-domain  (closed-book,",
        "reward-agreement",
        "truthfulness  (mc-upstream, mc-lm-eval, binary,",
    ):
        assert name in told


def test_progress_json_prints_the_lines_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, *files(tmp_path, 9, "sft"), "--out", str(tmp_path / "o"), "--progress", "json"]) == 0
    told = capsys.readouterr().err
    assert told == (tmp_path / "o" / "progress.jsonl").read_text("utf-8")
    last = json.loads(told.splitlines()[-1])
    assert (last["step"], last["steps"]) == (60, 60)


def test_help_and_mistyped_flags_load_no_library() -> None:
    told = in_fresh_process(
        "import sys\n"
        "from evaluator.cli import main\n"
        "main(['compare', '--nonsense'])\n"
        "print([n for n in ('numpy', 'scipy', 'torch', 'transformers') if n in sys.modules])"
    )
    assert told == "[]"


def test_recorded_responses_load_no_model_library(tmp_path: Path) -> None:
    words = [*RUN, *files(tmp_path, 9, "sft"), "--out", str(tmp_path / "o")]
    told = in_fresh_process(
        "import sys\n"
        "from evaluator.cli import main\n"
        f"assert main({words!r}) == 0\n"
        "print([n for n in ('torch', 'transformers', 'evaluate', 'trainer') if n in sys.modules])"
    )
    assert told.splitlines()[-1] == "[]"
