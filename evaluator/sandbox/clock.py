"""Time that a busy machine does not stretch.

A program is charged the processor time it uses, and the time in which neither it nor the tests compute or wait for a
processor (it sleeps): elapsed - its waiting for a processor - the tests' computing and waiting. Linux counts both
waits (/proc/PID/schedstat: nanoseconds on a processor, nanoseconds waiting for one). Where it does not, only processor
time is charged, and the wall clock alone ends what sleeps.
"""

import time
from dataclasses import dataclass, field
from typing import Literal

from evaluator.sandbox.limits import Limits

SHORTEST_LOOK = 0.01
NANO = 1e-9


@dataclass(frozen=True)
class Usage:
    """Seconds on a processor (all threads), and seconds waiting for one (None: not counted here)."""

    computing: float
    waiting: float | None


@dataclass(frozen=True)
class Stopped:
    """Why an execution was ended from outside: its time was up, or it was too much of something."""

    verdict: Literal["timeout", "fail"]
    reason: str
    wall_only: bool = False


def usage(pid: int) -> Usage:
    """What a process has used so far; nothing when it has ended."""
    try:
        # The clock of another process (clock_getcpuclockid(3)): all its threads.
        computing = time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return Usage(0.0, 0.0)
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return Usage(computing, int(file.read().split()[1]) * NANO)
    except (OSError, IndexError, ValueError):
        return Usage(computing, None)


def charged(elapsed: float, program: Usage, tests: Usage) -> float:
    """Seconds the program answers for."""
    if program.waiting is None or tests.waiting is None:
        return program.computing
    return max(program.computing, elapsed - program.waiting - tests.computing - tests.waiting)


@dataclass
class Clock:
    """Watches one execution. `pids` are the program's and the tests' process (None: nobody tests)."""

    limits: Limits
    program: int
    tests: int | None
    tests_seconds: float
    started: float = field(default_factory=time.monotonic)
    before: Usage = field(init=False)

    def __post_init__(self) -> None:
        # A referee is kept: what it used for others is not of this execution.
        self.before = self._tests_so_far()

    def _tests_so_far(self) -> Usage:
        return Usage(0.0, 0.0) if self.tests is None else usage(self.tests)

    def _tests_usage(self) -> Usage:
        now, before = self._tests_so_far(), self.before
        waiting = None if now.waiting is None or before.waiting is None else now.waiting - before.waiting
        return Usage(now.computing - before.computing, waiting)

    def look(self) -> tuple[float, Stopped | None]:
        """(seconds until it is worth looking again, why it is over or None)."""
        elapsed = time.monotonic() - self.started
        tests = self._tests_usage()
        used = charged(elapsed, usage(self.program), tests)
        limits = self.limits
        if used >= limits.seconds:
            return 0.0, Stopped("timeout", f"more than {limits.seconds:g} s of its own time")
        if tests.computing >= self.tests_seconds:
            return 0.0, Stopped("timeout", f"the tests computed for more than {self.tests_seconds:g} s")
        if elapsed >= limits.wall_seconds:
            reason = f"more than {limits.wall_seconds:g} s by the wall clock alone"
            return 0.0, Stopped("timeout", reason, wall_only=True)
        left = min(limits.seconds - used, self.tests_seconds - tests.computing, limits.wall_seconds - elapsed)
        return max(left, SHORTEST_LOOK), None

    @property
    def elapsed(self) -> float:
        """Seconds by the wall clock."""
        return time.monotonic() - self.started
