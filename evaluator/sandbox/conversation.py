"""A boxed referee as the slot sees it: kept from one submission to the next while nothing odd happens."""

import json
import select
import socket

from evaluator.sandbox import frames, referee
from evaluator.sandbox.process import LauncherFailed, LauncherProcess, Reply

SECONDS_ITS_PROCESS_MAY_COMPUTE = 3600
MOST_JUDGED = 500
LAST_WORDS_MS = 500


class Referee:
    """One referee's process and our end of its channel; started when it is needed, replaced after `MOST_JUDGED`."""

    def __init__(self, launcher: LauncherProcess) -> None:
        self._launcher = launcher
        self._channel: socket.socket | None = None
        self._judged = 0
        self.pid = 0

    def ready(self) -> int:
        """Its process id, after starting it where there is none. Raises LauncherFailed."""
        if self._judged >= MOST_JUDGED:
            self.discard()
        if self._channel is None:
            theirs, ours = socket.socketpair()
            with theirs:
                run: Reply = {"run": SECONDS_ITS_PROCESS_MAY_COMPUTE, "script": False}
                self._launcher.ask(run, [theirs.fileno()])
                self.pid, self._judged = int(str(self._launcher.reply()["pid"])), 0
            self._channel = ours
        return self.pid

    def ask(self, tests: Reply, submission: int) -> int:
        """Hand it tests and the other end of a submission's channel. Returns where to wait for the verdict."""
        assert self._channel is not None
        self._judged += 1
        try:
            frames.send(self._channel, json.dumps({"tests": tests}).encode(), [submission])
        except OSError as error:
            raise LauncherFailed(f"a referee did not take its tests: {error}") from error
        return self._channel.fileno()

    def last_words(self) -> bytes:
        """The verdict, waited for no longer than a moment; nothing, and another process next time, without one."""
        assert self._channel is not None
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        try:
            if poll.poll(LAST_WORDS_MS):
                return frames.read(self._channel.fileno(), referee.MOST_VERDICT_BYTES)
        except (frames.BrokenFrame, OSError):
            pass
        self.discard()
        return b""

    def discard(self) -> None:
        """End its process; the next submission gets another."""
        if self._channel is None:
            return
        self._channel.close()
        self._channel = None
        self._launcher.ask({"end": True})
        self._launcher.reply()

    def close(self) -> None:
        """Let go of the channel: the process ends by itself."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
