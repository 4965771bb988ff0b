"""Every planted breakage of the shipped code is found by the project's own tests.

tests/mutants/*.json hold lists of {"file", "find", "replace", "tests", "why"}: the text `find` stands exactly
once in `file`; with `replace` in its place, `tests` (one file, or several parted by blanks) must fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.house.tree import ROOT, scratch_copy

FAILED = 1
SECONDS = 120
Mutant = dict[str, str]


def mutants() -> list[Mutant]:
    files = sorted((ROOT / "tests" / "mutants").glob("*.json"))
    return [{**mutant, "list": file.stem} for file in files for mutant in json.loads(file.read_text("utf-8"))]


class Laboratory:
    """A scratch tree and the fork server that runs its tests."""

    def __init__(self, folder: Path) -> None:
        self.tree = scratch_copy(folder)
        command = [sys.executable, "-B", str(ROOT / "tests" / "mutants" / "fork_server.py")]
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.run = cache(self._run_clean)

    def ask(self, tests: str) -> dict[str, Any]:
        """Run these tests on the tree as it is now."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        request = {"tree": str(self.tree), "tests": tests.split(), "seconds": SECONDS}
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        answer: dict[str, Any] = json.loads(self.server.stdout.readline())
        return answer

    def _run_clean(self, tests: str) -> dict[str, Any]:
        return self.ask(tests)


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path_factory.mktemp("mutants"))
    yield laboratory
    laboratory.server.terminate()
    laboratory.server.communicate()


def cases() -> list[ParameterSet]:
    """One case a mutant; those of the same tests go to one worker, which runs them unmutated only once."""
    return [
        pytest.param(
            mutant, id=f"{mutant['list']}: {mutant['why']}", marks=pytest.mark.xdist_group(mutant["tests"])
        )
        for mutant in mutants()
    ]


@pytest.mark.parametrize("mutant", cases())
def test_the_mutant_is_killed(mutant: Mutant, laboratory: Laboratory) -> None:
    file = laboratory.tree / mutant["file"]
    source = file.read_text("utf-8")
    assert source.count(mutant["find"]) == 1, (
        f"{mutant['find']!r} must stand exactly once in {mutant['file']}"
    )
    clean = laboratory.run(mutant["tests"])
    assert clean["code"] == 0, f"the tests fail without the mutant:\n{clean['output']}"
    file.write_text(source.replace(mutant["find"], mutant["replace"]), "utf-8")
    try:
        mutated = laboratory.ask(mutant["tests"])
    finally:
        file.write_text(source, "utf-8")
    assert mutated["code"] in {FAILED, "timeout"}, f"it lives ({mutated['code']}):\n{mutated['output']}"


def test_there_are_mutants_of_losses_metrics_and_permissions() -> None:
    touched = {mutant["file"] for mutant in mutants()}
    wanted = (
        "trainer/reward_model/",
        "trainer/ppo/",
        "evaluator/",
        "labelplatform/labels/",
        "labelplatform/jobs/",
    )
    assert [place for place in wanted if not any(name.startswith(place) for name in touched)] == []
