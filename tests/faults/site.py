"""Drives a toy site from outside: starts it, talks to it, reads its database file, counts its processes."""

import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil

from labelplatform import broker

ROOT = Path(__file__).resolve().parent.parent.parent
TICK_SECONDS = 0.05


def until(is_true: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `is_true` returns once it is true; fails when the time is over. Returns as soon as it can."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := is_true()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.wait(TICK_SECONDS)
    return found


class Site:
    """One site on a data folder of its own. Everything it starts is known by that folder's name."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = _free_port()
        self.process: subprocess.Popen[str] | None = None
        self.pids: dict[str, int] = {}

    def start(self) -> Self:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.faults.toy_site",
            "LABELPLATFORM_DATA": str(self.data),
            "ARTIFACTS_DIR": str(self.data / "artifacts"),
            "DATABASE_URL": f"sqlite:///{self.data}/platform.sqlite3",
            "REDIS_URL": "",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "JOB_RING_AGAIN_SECONDS": "2",
            "JOB_REAP_SECONDS": "1",
            "JOB_GRACE_SECONDS": "3",
            "PYTHONPATH": str(ROOT),
        }
        self.data.mkdir(parents=True, exist_ok=True)
        self.stderr = (self.data / "stderr.txt").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.site_process", str(self.data), str(self.port)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
            start_new_session=True,
        )
        self.pids = self._read()["pids"]
        return self

    def ask(self, line: str) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._read()

    def enqueue(self, act: str, number: int = 0) -> int:
        return int(self.ask(f"enqueue {act} {number}")["job"])

    def interrupt(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)

    def stop(self, seconds: float = 20) -> float:
        """Ctrl-C; the seconds until the supervisor had ended."""
        assert self.process is not None
        started = time.monotonic()
        self.interrupt()
        self.process.wait(seconds)
        return time.monotonic() - started

    def row(self, job: int) -> dict[str, Any]:
        with sqlite3.connect(self.data / "platform.sqlite3", timeout=20) as database:
            database.row_factory = sqlite3.Row
            found = database.execute("SELECT * FROM jobs_job WHERE id = ?", [job]).fetchone()
            return dict(found) if found else {"state": "not there yet"}

    def until_state(self, job: int, state: str, seconds: float = 120, **more: Any) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            row = self.row(job)
            return (
                row
                if row["state"] == state and all(row[name] == value for name, value in more.items())
                else None
            )

        found: dict[str, Any] = until(reached, seconds, f"job {job} {state} {more}; it is {self.row(job)}")
        return found

    def processes(self) -> list[psutil.Process]:
        """Every living process of this site, whoever its parent is now: all of them name the data folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and str(self.data) in _told(process):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def clear(self) -> None:
        """After a test, whatever happened."""
        for process in self.processes():
            process.kill()
        if self.process is not None:
            self.process.wait(10)
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.stderr.close()
        broker.clear_away(self.data)

    def _read(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the site ended: {(self.data / 'stderr.txt').read_text()[-3000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _told(process: psutil.Process) -> str:
    return "\0".join([*process.cmdline(), *(f"{name}={value}" for name, value in process.environ().items())])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
