"""Runs the project's own tests in forks of processes that have imported what takes long.

Reads one JSON request a line, {"way": "warm" | "fresh", "tests": [files or tests], "seconds": limit, "file":
the mutated one or null, "before": its text unmutated}, and answers one JSON line, {"code", "output", "test",
"cpu"}; see forks.Place.wait.  The working directory is the scratch tree, mutated or not; the arguments are the
test files that the warm session collects.

A fresh run forks from a process that has imported third-party libraries and nothing of ours: it sees whatever
the tree holds.  A warm run forks from a session that has collected our tests too, and is an order of magnitude
cheaper; it answers "unfit" for what only a fresh run can see.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import django
import hypothesis
import numpy
import pytest
import scipy.stats
import torch
import transformers

from tests.mutants.code_swap import WarmUp
from tests.mutants.forks import UNFIT, Place
from tests.mutants.warm_session import WarmSession

PRELOADED = (django, hypothesis, numpy, pytest, scipy, torch, transformers)
# Plain libraries are tested without Django: its start would be most of the time.
PLAIN = ("tests/trainer", "tests/evaluator")
PLAIN_SETTINGS = "[pytest]\naddopts = --import-mode=importlib\npythonpath = .\n"
# Hypothesis came before pytest could rewrite its asserts.
QUIET = ["-q", "-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider", "-p", "no:xdist"]


def settle() -> None:
    """In every fork: one thread, and examples of which the first bad one is enough."""
    torch.set_num_threads(1)
    # The same examples every time: a mutant that dies today dies tomorrow.  What dies need not be made small.
    hypothesis.settings.register_profile(
        "first failure",
        derandomize=True,
        deadline=None,
        report_multiple_bugs=False,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    )
    hypothesis.settings.load_profile("first failure")


def arguments_for(tests: list[str], tree: Path) -> list[str]:
    """How pytest is called for these tests of this tree when nothing is imported yet."""
    home = next((place for place in PLAIN if all(test.startswith(place + "/") for test in tests)), None)
    if home is None:
        # Tables without migrations take a fifth of the time.
        return ["-x", *QUIET, "--no-migrations", *tests]
    settings = tree / "plain.ini"
    settings.write_text(PLAIN_SETTINGS, "utf-8")
    plain = ["-c", str(settings), "--rootdir", str(tree), "--confcutdir", str(tree / home), "-p", "no:django"]
    return ["-x", *QUIET, *plain, *tests]


def run_fresh(request: dict[str, Any], place: Place) -> dict[str, Any]:
    """Fork, import everything anew from the tree as it is, run the tests, and say how they ended."""
    os.truncate(place.log, 0)
    child = os.fork()
    if child == 0:
        place.limit(request["seconds"])
        place.speak_into_log()
        settle()
        code = pytest.main(arguments_for(request["tests"], Path.cwd()), plugins=[place])
        sys.stdout.flush()
        os._exit(int(code))
    return place.wait(child, request["seconds"])


class Warm:
    """The other end of a warm session, which lives in a fork of this process."""

    def __init__(self, files: list[str], place: Place) -> None:
        requests, self.requests = pipe()
        self.answers, answers = pipe()
        if os.fork() == 0:
            self.requests.close()
            place.speak_into_log()
            settle()
            warm_up = WarmUp(str(Path.cwd()))
            session = WarmSession(requests, answers, warm_up, place)
            collected = ["--continue-on-collection-errors", *(file for file in files if Path(file).exists())]
            code = pytest.main([*QUIET, *collected], plugins=[session, place])
            sys.stdout.flush()
            os._exit(int(code))
        answers.close()
        self.place = place

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The session's answer; of a session that has ended, its last words."""
        try:
            self.requests.write(json.dumps(request) + "\n")
            self.requests.flush()
            line = self.answers.readline()
        except BrokenPipeError:
            line = ""
        words = "the warm session ended:\n" + self.place.log.read_text("utf-8", "replace")
        lost = {"code": UNFIT, "output": words, "test": "", "cpu": 0.0}
        answer: dict[str, Any] = json.loads(line) if line else lost
        return answer


def pipe() -> tuple[IO[str], IO[str]]:
    """Two ends for lines of text."""
    reading, writing = os.pipe()
    return os.fdopen(reading, "r", encoding="utf-8"), os.fdopen(writing, "w", encoding="utf-8")


def main() -> None:
    """Serve until standard input closes."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Place(Path(folder) / "fresh")
        warm = Warm(sys.argv[1:], Place(Path(folder) / "warm"))
        for line in sys.stdin:
            request = json.loads(line)
            answer = warm.ask(request) if request["way"] == "warm" else run_fresh(request, fresh)
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
