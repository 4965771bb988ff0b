"""A scratch copy of the tree in which mutants are planted one after another, each judged by its named tests."""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from tests.house.tree import scratch_copy
from tests.mutants.cases import Mutant

FAILED = 1
# Of a processor: so many times the unmutated run, and at least and at most so much.
FACTOR, LEAST, MOST = 10, 20, 120
SHIPPED = ("labelplatform", "trainer", "evaluator", "tools", "benchmarks")


@dataclass(frozen=True)
class Verdict:
    """Whether a mutant was found, by which test, or else why not; and the seconds of a processor it cost."""

    killed: bool
    test: str
    reason: str
    way: str
    cpu: float


class ServerGone(Exception):
    """The fork server does not answer any more."""


class Laboratory:
    """A scratch tree and the fork server that runs its tests."""

    def __init__(self, folder: Path, mutants: Iterable[Mutant]) -> None:
        # Code objects bear the resolved name of their file.
        self.tree = scratch_copy(folder.resolve())
        for name in SHIPPED:
            # Recognised by content: a mutant as long and as new as its original is compiled anew.
            mode = PycInvalidationMode.CHECKED_HASH
            compileall.compile_dir(self.tree / name, quiet=2, invalidation_mode=mode)
        tests = {test.split("::")[0] for mutant in mutants for test in mutant.tests.split()}
        self.command = [sys.executable, "-B", "-m", "tests.mutants.fork_server", *sorted(tests)]
        self.server = self._serve()
        self.clean: dict[tuple[str, str], dict[str, Any]] = {}
        self.cpu = 0.0

    def _serve(self) -> subprocess.Popen[str]:
        surroundings = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        one_thread = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen(
            self.command,
            cwd=self.tree,
            env={**surroundings, **one_thread},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the server and all that it started."""
        self.server.communicate()

    def judge(self, mutant: Mutant) -> Verdict:
        """Whether its tests fail on it: with what is imported already, or else with everything imported anew.

        So nobody is called a survivor for what only a fresh import shows.
        """
        source = (self.tree / mutant.file).read_text("utf-8")
        count = source.count(mutant.find)
        if count != 1:
            found = f"{mutant.find!r} must stand exactly once in {mutant.file}, it stands {count} times"
            return Verdict(False, "", found, "none", 0.0)
        warm = self.judge_by(mutant, "warm")
        return warm if warm.killed else self.judge_by(mutant, "fresh")

    def judge_by(self, mutant: Mutant, way: str) -> Verdict:
        """Whether its tests fail on it, one way; by another server where this one ended with a test it ran."""
        try:
            return self._judge_by(mutant, way)
        except ServerGone:
            # The tree is whole again; what the new server runs first is unmutated, as at the beginning.
            self.server.wait()
            self.server = self._serve()
            self.clean.clear()
            return self._judge_by(mutant, way)

    def _judge_by(self, mutant: Mutant, way: str) -> Verdict:
        """Whether its tests, which pass on the tree as it is, fail on it in this way of running them."""
        source = (self.tree / mutant.file).read_text("utf-8")
        clean = self._unmutated(mutant.tests, way)
        if clean["code"] != 0:
            return Verdict(False, "", f"the tests fail without the mutant:\n{clean['output']}", way, 0.0)
        seconds = min(MOST, LEAST + FACTOR * int(clean["cpu"]))
        with self._planted(mutant, source):
            answer = self._ask(mutant.tests, way, seconds, {"file": mutant.file, "before": source})
        killed = answer["code"] in {FAILED, "timeout"}
        reason = f"it lives (pytest ended with {answer['code']}):\n{answer['output']}"
        return Verdict(killed, answer["test"], "" if killed else reason, way, answer["cpu"])

    @contextmanager
    def _planted(self, mutant: Mutant, source: str) -> Iterator[None]:
        file = self.tree / mutant.file
        times = file.stat()
        file.write_text(source.replace(mutant.find, mutant.replace), "utf-8")
        try:
            yield
        finally:
            file.write_text(source, "utf-8")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _unmutated(self, tests: str, way: str) -> dict[str, Any]:
        if (tests, way) not in self.clean:
            self.clean[tests, way] = self._ask(tests, way, MOST, {"file": None, "before": ""})
        return self.clean[tests, way]

    def _said(self, request: str) -> str:
        """The server's line; nothing where it is gone."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        try:
            self.server.stdin.write(request)
            self.server.stdin.flush()
        except BrokenPipeError:
            return ""
        return self.server.stdout.readline()

    def _ask(self, tests: str, way: str, seconds: int, change: dict[str, str | None]) -> dict[str, Any]:
        request = json.dumps({"way": way, "tests": tests.split(), "seconds": seconds, **change}) + "\n"
        line = self._said(request)
        if not line:
            raise ServerGone
        answer: dict[str, Any] = json.loads(line)
        self.cpu += answer["cpu"]
        return answer
