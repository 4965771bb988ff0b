"""Runs the project's own tests in forks of a process that has imported the heavy third-party libraries.

Reads one JSON request a line: {"tree": folder, "tests": [files], "seconds": limit}; answers one JSON line:
{"code": pytest's exit code, or "timeout", "output": last lines}.  Nothing of ours is imported before the
fork, so each fork sees the tree it is given, mutated or not.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import django
import hypothesis
import numpy
import pytest
import scipy.stats
import torch
import transformers

PRELOADED = (django, hypothesis, numpy, pytest, scipy, torch, transformers)


# Plain libraries are tested without Django: its start would be most of the time.
PLAIN = ("tests/trainer", "tests/evaluator")
PLAIN_SETTINGS = "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\n"
# Of a processor; on a busy machine the clock on the wall says nothing about a test.
WALL_FACTOR = 8


def arguments_for(tests: list[str], tree: Path) -> list[str]:
    """How pytest is called for these tests of this tree."""
    # Hypothesis came before pytest could rewrite its asserts.
    quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider", "-p", "no:xdist"]
    home = next((place for place in PLAIN if all(test.startswith(place + "/") for test in tests)), None)
    if home is None:
        # Tables without migrations take a fifth of the time.
        return ["-x", "-q", *quiet, "--no-migrations", *tests]
    settings = tree / "plain.ini"
    settings.write_text(PLAIN_SETTINGS, "utf-8")
    plain = ["-c", str(settings), "--rootdir", str(tree), "--confcutdir", str(tree / home), "-p", "no:django"]
    return ["-x", "-q", *quiet, *plain, *tests]


def run_tests(tree: str, tests: list[str], seconds: int, log: Path) -> None:
    """In the fork: run pytest on the tree, its words into the log, and leave with its exit code."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.chdir(tree)
    sys.path.insert(0, tree)
    sys.dont_write_bytecode = True
    torch.set_num_threads(1)
    # The same examples every time: a mutant that dies today dies tomorrow.
    hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
    hypothesis.settings.load_profile("repeatable")
    code = pytest.main(arguments_for(tests, Path(tree)))
    sys.stdout.flush()
    os._exit(int(code))


def answer(request: dict[str, Any], log: Path) -> dict[str, Any]:
    """Fork, wait at most the asked seconds, and say how the tests ended."""
    child = os.fork()
    if child == 0:
        run_tests(request["tree"], request["tests"], int(request["seconds"]), log)
    signal.signal(signal.SIGALRM, lambda *_: os.killpg(child, signal.SIGKILL))
    signal.alarm(WALL_FACTOR * int(request["seconds"]))
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    code: int | str = os.WEXITSTATUS(status) if os.WIFEXITED(status) else "timeout"
    return {"code": code, "output": "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])}


def main() -> None:
    """Serve until standard input closes."""
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line), Path(folder) / "log")), flush=True)


if __name__ == "__main__":
    main()
