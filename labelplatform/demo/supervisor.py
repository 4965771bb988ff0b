"""One supervisor over broker, worker, housekeeper, beat and web: started in order, restarted, stopped in order.

Each runs in a session of its own, so that Ctrl-C reaches the supervisor alone, and dies with it should it be killed.
"""

import errno
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError

from labelplatform import broker
from labelplatform.jobs import launcher, reaping
from labelplatform.serving import web_command

NEEDED_BYTES = 1024**3
LOG_BYTES = 5 * 1024**2
POLL_SECONDS = 0.2
BROKER_SECONDS, WEB_SECONDS = 15.0, 60.0
# Together under 15 s: the worker ends its job children first, then web lets its requests finish, then the broker saves.
WORKER_STOP_SECONDS, WEB_STOP_SECONDS, BROKER_STOP_SECONDS = 7.0, 3.0, 2.0
RESTARTS, RESTART_WINDOW_SECONDS = 5, 60.0
WORKERS = ("worker", "housekeeper", "beat")


class CannotStartError(Exception):
    """Why the platform cannot run here, in one sentence with the remedy. The command exits 2."""


@dataclass
class Supervised:
    """One child of the supervisor and when it was started again."""

    name: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes]
    restarts: list[float] = field(default_factory=list)


class Supervisor:
    """`with Supervisor(data, port=8000) as supervisor: supervisor.start()`; leaving the block stops everything.

    A second Ctrl-C while it stops kills. `tell` gets each plain sentence.
    """

    def __init__(self, data: Path, *, port: int = 8000, tell: Callable[[str], None] = print) -> None:
        self.data = data.absolute()
        self.port = port
        self.failure = ""
        self._tell = tell
        self._children: dict[str, Supervised] = {}
        self._stopping = threading.Event()
        self._monitor: threading.Thread | None = None
        self._open = ExitStack()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> Self:
        with refusing_full_disks():
            (self.data / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock()
        free = shutil.disk_usage(self.data).free
        if free < NEEDED_BYTES:
            self._open.close()
            raise CannotStartError(
                f"The disk of {self.data} has {free // 1024**2} MB free: wanted {NEEDED_BYTES // 1024**2} MB. "
                "Free some space, or set LABELPLATFORM_DATA to a folder on another disk."
            )
        # SIGINT too: a shell that starts us in the background has told us to ignore it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before = signal.signal(number, signal.default_int_handler)
            self._open.callback(signal.signal, number, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            self._open.close()

    def start(self, *, web: bool = True) -> None:
        """Starts all, each when what it needs is there. Refuses a taken port before anything runs."""
        if web:
            refuse_taken_port(self.port)
        with refusing_full_disks():
            if settings.BROKER_EMBEDDED:
                self._start("broker", self._broker_command())
                self._await("broker", lambda: broker.answers(self.data), BROKER_SECONDS)
            self._start(
                "worker", _celery("worker", "-Q", "cpu,gpu", "-c", str(settings.JOB_SLOTS), "-n", "worker@%h")
            )
            # A slot of its own: a long training run never delays the reaper or a schedule.
            self._start(
                "housekeeper", _celery("worker", "-Q", "housekeeping", "-P", "solo", "-n", "housekeeper@%h")
            )
            self._start("beat", [*_celery("beat"), "-S", "celery.beat:Scheduler", "--pidfile="])
            if web:
                self._start("web", web_command(self.port))
                self._await("web", lambda: _listens(self.port), WEB_SECONDS)
        self._begin_to_watch()

    def wait(self, seconds: float | None = None) -> bool:
        """Waits until everything has to stop (True) or the time is over (False). Ctrl-C interrupts it."""
        return self._stopping.wait(seconds)

    def check(self) -> None:
        """Raises when a part died too often: nothing that waits for a job would ever end."""
        if self.failure:
            raise CannotStartError(self.failure)

    def pids(self) -> dict[str, int]:
        return {name: child.process.pid for name, child in self._children.items()}

    def stop(self) -> None:
        """Worker with its job children, housekeeper and beat; then web; then the broker. Interrupted, it kills."""
        self._stopping.set()
        if not self._children:
            return
        self._tell("Stopping (Ctrl-C again kills at once) …")
        try:
            self._end(WORKERS, WORKER_STOP_SECONDS)
            self._give_jobs_back()
            self._end(("web",), WEB_STOP_SECONDS)
            self._end(("broker",), BROKER_STOP_SECONDS)
        except KeyboardInterrupt:
            self._end(tuple(self._children), 0.0)
        # Only now: a child that the watching thread started again would die with that thread.
        if self._monitor is not None:
            self._monitor.join()
        broker.clear_away(self.data)

    def _lock(self) -> None:
        lock = self._open.enter_context((self.data / "supervisor.lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._open.close()
            raise CannotStartError(
                f"Another supervisor runs on {self.data}: stop it, or set LABELPLATFORM_DATA to another folder."
            ) from None

    def _broker_command(self) -> list[str]:
        try:
            return broker.command(self.data)
        except broker.BrokerError as error:
            raise CannotStartError(str(error)) from error

    def _start(self, name: str, command: list[str]) -> None:
        log = self.data / "logs" / f"{name}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        self._children[name] = Supervised(name, command, log, self._spawn(command, log))

    def _spawn(self, command: list[str], log: Path) -> subprocess.Popen[bytes]:
        environment = {
            "OMP_NUM_THREADS": "1",
            "HTTPS": "False",
            **os.environ,
            "LABELPLATFORM_DATA": str(self.data),
            "PYTHONUNBUFFERED": "1",
        }
        with log.open("ab") as stream:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), *command],
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await(self, name: str, is_ready: Callable[[], bool], seconds: float) -> None:
        child = self._children[name]
        deadline = time.monotonic() + seconds
        while not is_ready():
            if child.process.poll() is not None or time.monotonic() > deadline:
                raise CannotStartError(
                    f"The {name} did not start: {_last_line(child.log)} (all of it: {child.log})"
                )
            self._stopping.wait(POLL_SECONDS)

    def _begin_to_watch(self) -> None:
        self._monitor = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._monitor.start()

    def _watch(self) -> None:
        """The watching thread: what dies is started again, but not without end."""
        while not self._stopping.wait(POLL_SECONDS):
            for child in list(self._children.values()):
                if child.process.poll() is not None and not self._stopping.is_set():
                    self._restart(child)

    def _restart(self, child: Supervised) -> None:
        now = time.monotonic()
        child.restarts = [at for at in child.restarts if now - at < RESTART_WINDOW_SECONDS]
        if len(child.restarts) >= RESTARTS:
            self.failure = (
                f"The {child.name} died {RESTARTS + 1} times within a minute: {_last_line(child.log)} "
                f"(all of it: {child.log})"
            )
            self._tell(self.failure)
            self._stopping.set()
            return
        child.restarts.append(now)
        self._tell(f"The {child.name} ended unasked ({_ending(child.process.returncode)}): started again.")
        # What it left in its group goes first: two pools of one worker must never run side by side.
        _signal_group(child.process.pid, signal.SIGKILL)
        child.process = self._spawn(child.command, child.log)

    def _end(self, names: tuple[str, ...], seconds: float) -> None:
        children = [self._children[name] for name in names if name in self._children]
        for child in children:
            with suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        for child in children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._tell(f"The {child.name} does not end by itself: killed.")
            _signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
            self._children.pop(child.name, None)

    def _give_jobs_back(self) -> None:
        """A worker that had to be killed could not do it: its rows go back to the queue, its orphans end."""
        try:
            reaping.reap()
        except DatabaseError as error:
            self._tell(f"The jobs' rows could not be put back ({error}); the next start does it.")


@contextmanager
def refusing_full_disks() -> Iterator[None]:
    """Turns "no space left" into a sentence with the remedy."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise CannotStartError(
            f"The disk is full ({error.filename or 'while writing'}): free some space, "
            "or set LABELPLATFORM_DATA to a folder on another disk."
        ) from error


def refuse_taken_port(port: int) -> None:
    """Raises with the remedy when somebody listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotStartError(
                f"Port {port} cannot be used ({os.strerror(error.errno or 0)}): name another with --port."
            ) from error


def _celery(*arguments: str) -> list[str]:
    quiet = ["--without-gossip", "--without-mingle"] if arguments[0] == "worker" else []
    return [sys.executable, "-m", "celery", "-A", "labelplatform", *arguments, "--loglevel", "INFO", *quiet]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"


def _ending(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
