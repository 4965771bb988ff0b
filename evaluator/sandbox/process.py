"""A launcher as its user sees it: a process with a control channel."""

import json
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from evaluator.sandbox import frames
from evaluator.sandbox.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from evaluator.sandbox.start import start; start(*sys.argv[2:])"
MOST_REPLY_BYTES = 1 << 16
SECONDS_TO_START, SECONDS_TO_END = 60.0, 10.0
Reply = dict[str, object]


class NoIsolation(Exception):
    """This host cannot isolate a program; one line with the reason and the remedy."""


class LauncherFailed(Exception):
    """A launcher that stopped answering."""


class LauncherProcess:
    """One launcher: started with an empty environment, asked by JSON, ended by closing its channel.

    Raises NoIsolation when its walls cannot be set up.
    """

    def __init__(self, role: str, tier: int, limits: Limits) -> None:
        self._control, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        # -s -S -P: nothing of a user or of the working directory is imported. Of the environment only what makes
        # strings hash alike each time is left.
        flags = ["-s", "-S", "-P", "-B", "-W", "ignore", "-c", BOOT]
        told = [str(ROOT), str(descriptor), str(tier), json.dumps(asdict(limits)), role]
        self._process = subprocess.Popen(
            [sys.executable, *flags, *told],
            env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
            cwd="/",
            pass_fds=(descriptor,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        theirs.close()
        self._control.settimeout(SECONDS_TO_START)
        try:
            greeting = self.reply()
        except LauncherFailed:
            self.close()
            raise
        if "box" not in greeting:
            self.close()
            raise NoIsolation(str(greeting.get("refused", greeting)))
        self.box: Reply = greeting["box"]  # type: ignore[assignment]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, request: Reply, descriptors: list[int] | None = None) -> None:
        """Send a request; its reply is to be read before the next one. Raises LauncherFailed."""
        try:
            frames.send(self._control, json.dumps(request).encode(), descriptors or [])
        except OSError as error:
            raise LauncherFailed(self._why(error)) from error

    def reply(self) -> Reply:
        """The reply to the last request. Raises LauncherFailed."""
        try:
            payload, _ = frames.receive(self._control, MOST_REPLY_BYTES)
            said: Reply = json.loads(payload)
        except (frames.BrokenFrame, OSError, ValueError) as error:
            raise LauncherFailed(self._why(error)) from error
        return said

    def _why(self, error: Exception) -> str:
        self._process.kill()
        stream = self._process.stderr
        said = stream.read().decode("utf-8", "replace").strip().splitlines() if stream else []
        return f"the launcher stopped answering ({error}); its last words: {said[-1] if said else 'none'}"

    def close(self) -> None:
        """End it and everything below it."""
        self._control.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
