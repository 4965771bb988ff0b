"""kill -9 at any point: what is written is whole or absent, and the same command again gives the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.json_lines import sha256_of_file
from tests.evaluator.lines import write_lines

ROOT = Path(__file__).parents[3]
PAIRS = 400
# The encoder of known vectors stands in for the model, so that a run is short and the kill falls into the work.
PROGRAM = (
    "import sys\n"
    "from evaluator.cli import main, hallucination_verbs\n"
    "from tests.evaluator.support.reading_stand_in import WordEncoder\n"
    "hallucination_verbs.Encoder = lambda folder: WordEncoder()\n"
    "sys.exit(main(sys.argv[1:]))"
)


def start(*words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, *words, "--progress", "json"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finished(*words: str) -> int:
    """The exit code of a command that is let be."""
    child = start(*words)
    child.communicate()
    return child.returncode


def killed_after(lines: int, *words: str) -> int:
    """The exit code of a command that is killed when it has said so many lines of progress."""
    child = start(*words)
    assert child.stderr is not None
    for _ in range(lines):
        child.stderr.readline()
    child.send_signal(signal.SIGKILL)
    child.stderr.close()
    return child.wait()


@pytest.mark.parametrize("points", [1, pytest.param(20, marks=pytest.mark.large)])
def test_detect_killed_anywhere_writes_all_or_nothing(tmp_path: Path, points: int) -> None:
    pairs = [
        {
            "id": str(n),
            "context": f"Ada wrote book {n % 50}. Ben slept.",
            "response": f"Ada wrote {n}. I know.",
        }
        for n in range(PAIRS)
    ]
    path, out = write_lines(tmp_path / "pairs.jsonl", pairs), tmp_path / "out.jsonl"
    words = ["detect", str(path), "--out", str(out)]
    assert finished(*words) == 0
    whole = sha256_of_file(out)
    steps = -(-PAIRS // 64)
    for point in range(points):
        out.unlink(missing_ok=True)
        code = killed_after((point + 1) * steps // (points + 1), *words)
        assert code in (0, -signal.SIGKILL)
        assert not out.exists() or sha256_of_file(out) == whole
        assert finished(*words) == 0
        assert sha256_of_file(out) == whole
