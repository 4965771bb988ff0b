"""detect and score-support as programs, with the encoder and the detector that ship; no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.cli import main
from tests.evaluator.lines import Line, write_lines

ROOT = Path(__file__).parents[3]
CONTEXT = "Marie Curie won the Nobel Prize in Physics in 1903. She was born in Warsaw."
PAIRS: list[Line] = [
    {
        "id": "kept",
        "context": CONTEXT,
        "response": "She was born in Warsaw. She won the Nobel Prize in 1903.",
    },
    {
        "id": "invented",
        "context": CONTEXT,
        "response": "She was born in Warsaw. Her brother Tom sold 40 cars.",
    },
    {"id": "mute", "context": CONTEXT, "response": "", "unknown": 1},
    {"id": "bare", "context": "", "response": "Yes."},
]
# A program that may open no socket: whoever tries ends it.
NO_NETWORK = (
    "import socket, sys\n"
    "def closed(*_, **__): sys.exit('a socket was opened')\n"
    "socket.socket.connect = socket.create_connection = closed\n"
    "from evaluator.cli import main\n"
    "sys.exit(main(sys.argv[1:]))"
)


def program(*words: str, told: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-B", "-c", NO_NETWORK, *words],
        env=environment, input=told, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_detect_right_after_setup(tmp_path: Path) -> None:
    path, out = write_lines(tmp_path / "pairs.jsonl", PAIRS), tmp_path / "out.jsonl"
    run = program("detect", str(path), "--out", str(out), "--seed", "1", "--progress", "json")
    assert (run.returncode, run.stdout) == (0, "detect: 4 responses, 2 not measured, threshold 0.365\n"), (
        run.stderr
    )
    kept, invented, mute, bare = (json.loads(line) for line in out.read_text("utf-8").splitlines())
    assert set(kept) == {"id", "support", "sentences"}
    assert [one["text"] for one in kept["sentences"]] == [
        "She was born in Warsaw.",
        "She won the Nobel Prize in 1903.",
    ]
    assert all(set(one) == {"text", "support"} and 0 <= one["support"] <= 1 for one in kept["sentences"])
    born, brother = (one["support"] for one in invented["sentences"])
    assert brother < 0.3 < 0.7 < born
    assert kept["support"] > 0.7 > invented["support"]
    assert mute == {"id": "mute", "support": None, "sentences": [], "reason": "the response is empty"}
    assert bare == {"id": "bare", "support": None, "sentences": [], "reason": "the context is empty"}
    assert json.loads(run.stderr.splitlines()[-1])["steps"] == 4


def test_score_support_answers_each_line_and_stays_warm() -> None:
    told = "".join(json.dumps({**pair, "prompt": []}) + "\n" for pair in PAIRS[:3])
    run = program("score-support", "--not-measured", "-1", told=told)
    assert run.returncode == 0, run.stderr
    kept, invented, mute = (json.loads(line) for line in run.stdout.splitlines())
    assert [set(one) for one in (kept, invented, mute)] == [{"id", "score"}] * 3
    assert kept["score"] > 0.7 > invented["score"]
    assert mute == {"id": "mute", "score": -1.0}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"id": "a", "response": "x"}, "found no 'context'"),
        ({"id": "a", "context": "x"}, "found no 'response'"),
        ({"context": "x", "response": "x"}, "found no 'id'"),
        ({"id": 3, "context": "x", "response": "x"}, "id: found a number 3"),
        ({"id": "a", "context": ["x"], "response": "x"}, "context: found a list"),
        ({"question": "?", "best_answer": "!"}, "found no 'id'"),
    ],
)
def test_another_schema_is_one_line_and_exit_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: Line, complaint: str
) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", [line])
    assert main(["detect", str(path), "--out", str(tmp_path / "o")]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{path}:1: ")
    assert complaint in told
    assert told.count("\n") == 1
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--detector", "nowhere"], "detector.json: No such file"),
        (["--out", "."], "found a folder, wanted the name of a file"),
    ],
)
def test_bad_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    path = write_lines(tmp_path / "pairs.jsonl", PAIRS)
    assert main(["detect", str(path), "--out", str(tmp_path / "o"), *words]) == 2
    assert complaint in capsys.readouterr().err


def test_an_empty_file_and_an_id_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lines, complaint in (([], "found no line"), ([PAIRS[0], PAIRS[0]], "found 'kept' again")):
        path = write_lines(tmp_path / "pairs.jsonl", lines)
        assert main(["detect", str(path), "--out", str(tmp_path / "o")]) == 2
        assert complaint in capsys.readouterr().err


def test_bad_lines_end_score_support_with_their_place(tmp_path: Path) -> None:
    for told, complaint in (("nonsense\n", "standard input:1: found"), ("[]\n", "found no object")):
        run = program("score-support", told=told)
        assert (run.returncode, run.stdout) == (2, "")
        assert complaint in run.stderr.splitlines()[-1]
