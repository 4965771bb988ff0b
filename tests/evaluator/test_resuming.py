"""kill -9 and --resume: the report of a run that was killed again and again is that of one that was left in peace."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from evaluator.cli import main
from tests.evaluator.lines import answered, question, without_environment, write_lines
from tests.evaluator.truthful_models import ENTRIES, save_model, write_questions
from tests.house.tree import ROOT

# Every socket is refused: a run that wanted the network would fail.
WITHOUT_NETWORK = """
import socket, sys
def refuse(*_, **__):
    raise OSError("the network is closed in this test")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from evaluator.cli import main
sys.exit(main(sys.argv[1:]))
"""
DEADLINE_SECONDS = 240


def start(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WITHOUT_NETWORK, *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kept_items(out: Path) -> int:
    path = out / "responses.cache.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_after(words: list[str], out: Path, items: int) -> None:
    """Starts the command and kills it once so many items are kept; it must not have ended by itself."""
    process = start(words)
    deadline = time.monotonic() + DEADLINE_SECONDS
    tick = threading.Event()
    while kept_items(out) < items:
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        assert time.monotonic() < deadline
        tick.wait(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("variant", "kills"),
    [
        pytest.param("mc-upstream", 1),
        pytest.param("mc-upstream", 20, marks=[pytest.mark.large, pytest.mark.timeout(1800)]),
        pytest.param("generation", 20, marks=[pytest.mark.large, pytest.mark.timeout(1800)]),
    ],
)
def test_a_killed_run_ends_with_the_same_bytes(tmp_path: Path, variant: str, kills: int) -> None:
    entries: list[dict[str, Any]] = [
        {**ENTRIES[number % 5], "question": f"{number}. {ENTRIES[number % 5]['question']}"}
        for number in range(6 * kills + 30)
    ]
    data, model = write_questions(tmp_path / "q.json", entries), save_model(tmp_path / "model")
    words = ["run", "truthfulness", "--variant", variant, "--subject", str(model), "--data", str(data)]
    words += ["--batch-size", "2", "--resamples", "100", "--temperature", "1", "--max-new-tokens", "40"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main([*words, "--out", str(whole)]) == 0
    for number in range(kills):
        kill_after([*words, "--out", str(cut), "--resume"], cut, kept_items(cut) + 2 + number % 3)
    before = kept_items(cut)
    assert before < len(entries)
    assert main([*words, "--out", str(cut), "--resume"]) == 0
    assert kept_items(cut) == len(entries)
    assert (cut / "samples.jsonl").read_bytes() == (whole / "samples.jsonl").read_bytes()
    assert without_environment(cut) == without_environment(whole)
    assert (cut / "responses.cache.jsonl").read_bytes() == (whole / "responses.cache.jsonl").read_bytes()


def files(tmp_path: Path) -> list[str]:
    asked = [question("Lima", "Peru"), question("Oslo", "Norway")]
    data = write_lines(tmp_path / "q.jsonl", asked)
    told = write_lines(tmp_path / "r.jsonl", [answered(one, "Peru") for one in asked])
    words = ["run", "hallucination-open-domain", "--subject", str(told), "--data", str(data)]
    return [*words, "--out", str(tmp_path / "o")]


def test_only_the_same_command_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = files(tmp_path)
    assert main([*words, "--resume"]) == 0
    first = (tmp_path / "o" / "samples.jsonl").read_bytes()
    kept = json.loads((tmp_path / "o" / "spec.json").read_text())
    assert kept["suite"] == "hallucination-open-domain"
    assert not {"out", "resume"} & set(kept)
    capsys.readouterr()
    assert main(words) == 2
    assert "wanted a folder that is new or empty" in capsys.readouterr().err
    assert main([*words, "--resume", "--seed", "1"]) == 2
    assert "found a run of another command (seed 0, now 1), wanted the same one" in capsys.readouterr().err
    assert main([*words, "--resume"]) == 0
    assert (tmp_path / "o" / "samples.jsonl").read_bytes() == first


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = files(tmp_path)
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "thesis.txt").write_text("years of work")
    assert main([*words, "--resume"]) == 2
    assert "found no spec.json, wanted the folder of a run to resume" in capsys.readouterr().err
    assert (tmp_path / "o" / "thesis.txt").read_text() == "years of work"
