"""A fork that runs tests: its limits, its words, and how it ended."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

# The fork found that it cannot run this mutant with what is imported already.
UNFIT = "unfit"
EXIT_UNFIT = 77
# Of a processor; on a busy machine the clock on the wall says nothing about a test.
WALL_FACTOR = 8
KEPT_LINES = 25


class Place:
    """Where the forks of one process leave their words and the name of the test that runs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / "log"
        self.running = folder / "running"
        self.log.touch()

    def speak_into_log(self) -> None:
        """From here on standard output and errors are added to the log."""
        output = os.open(self.log, os.O_WRONLY | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)

    def limit(self, seconds: int) -> None:
        """In the fork: a process group of its own and at most these seconds of a processor."""
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        self.running.write_text("", "utf-8")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A run ends at its first failure, so the test named last is the one that failed."""
        self.running.write_text(nodeid, "utf-8")

    def wait(self, child: int, seconds: int) -> dict[str, Any]:
        """How the fork ended: pytest's exit code, "timeout", "signal N" or "unfit"; its words; what it cost."""

        def end(*_: object) -> None:
            with suppress(ProcessLookupError):  # it has ended in this very moment
                os.killpg(child, signal.SIGKILL)

        signal.signal(signal.SIGALRM, end)
        signal.alarm(WALL_FACTOR * seconds)
        _, status, used = os.wait4(child, 0)
        signal.alarm(0)
        code: int | str = os.waitstatus_to_exitcode(status)
        if code in {-signal.SIGXCPU, -signal.SIGKILL}:
            code = "timeout"
        elif isinstance(code, int) and code < 0:
            code = f"signal {-code}"
        elif code == EXIT_UNFIT:
            code = UNFIT
        words = self.log.read_text("utf-8", "replace").splitlines()[-KEPT_LINES:]
        test = self.running.read_text("utf-8") if self.running.exists() else ""
        return {"code": code, "output": "\n".join(words), "test": test, "cpu": used.ru_utime + used.ru_stime}
