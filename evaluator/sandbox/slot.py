"""One place where executions happen, one at a time: a launcher of submissions and one of referees, kept warm."""

import os
import select
import signal
import socket
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace

from evaluator.sandbox import frames, referee, values
from evaluator.sandbox.clock import Clock, Stopped
from evaluator.sandbox.conversation import Referee
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import LauncherFailed, LauncherProcess, Reply
from evaluator.sandbox.submission import MOST_PROGRAM_BYTES
from evaluator.sandbox.verdicts import Judgement

TESTS_FACTOR, TESTS_MEMORY = 10.0, 1 << 30
LOOK_AT_SCRATCH = 0.05
MOST_READ_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Output:
    """What a script printed, its exit code, and why it was ended from outside (None: it ended by itself)."""

    text: bytes
    code: int | None
    stopped: Stopped | None
    cpu_seconds: float
    wall_seconds: float


class Slot:
    """Two launchers of a tier. Raises NoIsolation when the tier cannot be had. Not for two threads at once."""

    def __init__(self, tier: int, limits: Limits) -> None:
        self.tier, self.limits = tier, limits
        with ExitStack() as opened:
            self._boxes = opened.enter_context(closing(LauncherProcess("submission", tier, limits)))
            tests_limits = replace(limits, memory_bytes=TESTS_MEMORY)
            referees = opened.enter_context(closing(LauncherProcess("referee", tier, tests_limits)))
            self._referee = opened.enter_context(closing(Referee(referees)))
            self._opened = opened.pop_all()
        self._referees = referees
        self.box = self._boxes.box

    def close(self) -> None:
        """End both launchers and all below them."""
        self._opened.close()

    @property
    def pids(self) -> tuple[int, int]:
        """The process ids of both launchers."""
        return self._boxes.pid, self._referees.pid

    def judge(self, program: bytes, tests: Reply) -> Judgement:
        """The verdict of tests ({"prelude", "names", "tests", "calls_check"}) on a program.

        Refuses (BadTests) tests that are no Python. Raises LauncherFailed.
        """
        if len(program) > MOST_PROGRAM_BYTES:
            return Judgement("fail", f"a program of more than {MOST_PROGRAM_BYTES} bytes", box=self.box)
        referee_pid = self._referee.ready()
        with ExitStack() as ours:
            channel, box_pid = self._start_box(program, ours, [], script=False)
            clock = Clock(self.limits, box_pid, referee_pid, TESTS_FACTOR * self.limits.seconds)
            verdicts = self._referee.ask(tests, channel.fileno())
            channel.close()
            stopped = self._watch(verdicts, clock)
            box = self._end()
            # A referee whose submission was ended hears of it, and still says which call it was.
            said = self._referee.last_words()
        return self._judgement(said, stopped, box, clock)

    def run_script(self, program: bytes, stdin: bytes) -> Output:
        """What a program prints when it is run as a script with this standard input. Raises LauncherFailed."""
        with ExitStack() as ours:
            reading, writing = os.pipe()
            output, written = (
                ours.enter_context(open(one, mode, buffering=0))
                for one, mode in ((reading, "rb"), (writing, "wb"))
            )
            given = ours.enter_context(open(os.memfd_create("stdin"), "r+b", buffering=0))
            given.write(stdin)
            given.seek(0)
            channel, pid = self._start_box(program, ours, [written.fileno(), given.fileno()], script=True)
            channel.close()
            written.close()
            clock, parts = (
                Clock(self.limits, pid, None, TESTS_FACTOR * self.limits.seconds),
                _Parts(self.limits),
            )
            stopped = self._watch(output.fileno(), clock, parts)
            box = self._end()
        code = box["code"] if isinstance(box["code"], int) else None
        return Output(parts.text, code, stopped, float(str(box["seconds"])), clock.elapsed)

    def call(self, program: bytes, name: str, arguments: list[object]) -> object:
        """The plain value that one function of a program returns, or text that says why there is none."""
        answer = self.answer(program, name, arguments)
        return answer.value if isinstance(answer, referee.Answer) else f"{answer}"

    def answer(
        self, program: bytes, name: str, arguments: list[object]
    ) -> referee.Answer | referee.Raised | referee.Odd | Stopped | None:
        """How one function of a program answered; None where its process ended or broke the protocol instead."""
        found = self.message(program, name, arguments)
        if isinstance(found, Stopped):
            return found
        with suppress(values.BadMessage):
            return referee.read_answer(found)
        return None

    def message(self, program: bytes, name: str, arguments: list[object]) -> Stopped | bytes:
        """The answer as it crossed the pipe, empty where none came whole; or what ended it from outside.

        Nothing here waits for the rest of a message longer than the limits allow. Raises LauncherFailed.
        """
        with ExitStack() as ours:
            channel, pid = self._start_box(program, ours, [], script=False)
            call = [name, values.write_tree(arguments), values.write_tree({})]
            with suppress(OSError):  # it has ended already: what is read says so
                frames.write(channel.fileno(), values.dump_tree(call).encode("ascii"))
            clock = Clock(self.limits, pid, None, TESTS_FACTOR * self.limits.seconds)
            message = _Message()
            stopped = self._watch(channel.fileno(), clock, message)
            self._end()
        return message.payload if stopped is None else stopped

    def _start_box(
        self, program: bytes, ours: ExitStack, streams: list[int], *, script: bool
    ) -> tuple[socket.socket, int]:
        """(our end of its channel, its process id) of a box that has taken its program."""
        theirs, channel = (ours.enter_context(one) for one in socket.socketpair())
        self._boxes.ask({"run": self.limits.seconds, "script": script}, [theirs.fileno(), *streams])
        pid = int(str(self._boxes.reply()["pid"]))
        theirs.close()
        channel.settimeout(self.limits.wall_seconds)
        try:
            frames.send(channel, program, [])
        except OSError as error:
            raise LauncherFailed(f"a box did not take its program: {error}") from error
        channel.setblocking(True)
        return channel, pid

    def _watch(
        self, descriptor: int, clock: Clock, parts: "_Parts | _Message | None" = None
    ) -> Stopped | None:
        """Wait until something can be read, with `parts` until all is read. None, or what ended it."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        wait, stopped = clock.limits.seconds, None
        while stopped is None:
            if self.tier != 1:
                wait = min(wait, LOOK_AT_SCRATCH)
            if poll.poll(wait * 1000) and (parts is None or parts.take(descriptor)):
                return None if parts is None else parts.stopped
            wait, stopped = clock.look()
            if stopped is None and self.tier != 1 and self._overfull():
                return Stopped("fail", "more files or bytes in its folder than allowed")
        return stopped

    def _overfull(self) -> bool:
        self._boxes.ask({"overfull": True})
        return bool(self._boxes.reply()["overfull"])

    def _end(self) -> Reply:
        """End the box; what it used."""
        self._boxes.ask({"end": True})
        return self._boxes.reply()

    def _judgement(self, said: bytes, stopped: Stopped | None, box: Reply, clock: Clock) -> Judgement:
        cost = {"cpu_seconds": float(str(box["seconds"])), "wall_seconds": clock.elapsed}
        found = Judgement("fail", "the tests ended without a verdict", box=self.box, **cost)  # type: ignore[arg-type]
        with suppress(values.BadMessage):
            found = replace(found, **referee.read_verdict(said))  # type: ignore[arg-type]
        if stopped is not None:
            ended = {"verdict": stopped.verdict, "reason": stopped.reason, "attempt": None}
            return replace(found, wall_only=stopped.wall_only, **ended)  # type: ignore[arg-type]
        return _with_exit(found, box["code"])


def _with_exit(found: Judgement, code: object) -> Judgement:
    """How the submission's process ended, where that is the reason."""
    if found.attempt != "ended-in-call" or not isinstance(code, int):
        return found
    if code >= 0:
        return replace(found, reason=f"{found.reason}: it left with exit code {code}")
    # A crash is no attempt at anything.
    name = signal.Signals(-code).name if -code in list(signal.Signals) else str(-code)
    return replace(found, reason=f"{found.reason}: {name}", attempt=None)


@dataclass
class _Parts:
    """Output as it comes, up to the limit."""

    limits: Limits
    text: bytes = b""
    stopped: Stopped | None = None

    def take(self, descriptor: int) -> bool:
        """Read what is there; whether that is the end, or enough."""
        part = os.read(descriptor, MOST_READ_AT_ONCE)
        self.text += part
        if len(self.text) > self.limits.output_bytes:
            self.text = self.text[: self.limits.output_bytes]
            self.stopped = Stopped("fail", f"more than {self.limits.output_bytes} bytes of output")
        return not part or self.stopped is not None


@dataclass
class _Message:
    """One message of a channel as it comes: a program may send half of one, and never the rest."""

    raw: bytes = b""
    stopped: Stopped | None = None

    def take(self, descriptor: int) -> bool:
        """Read what is there; whether that is the end, or a whole message, or a longer one than may be."""
        part = b""
        with suppress(OSError):  # an end that did not read what was sent
            part = os.read(descriptor, MOST_READ_AT_ONCE)
        self.raw += part
        return (
            not part or self._size() > values.MOST_BYTES or len(self.raw) >= frames.HEAD.size + self._size()
        )

    def _size(self) -> int:
        """As the head says; as long as may be while there is none."""
        head = self.raw[: frames.HEAD.size]
        return int(frames.HEAD.unpack(head)[0]) if len(head) == frames.HEAD.size else values.MOST_BYTES

    @property
    def payload(self) -> bytes:
        """The message; nothing where it did not come whole."""
        whole = self.raw[frames.HEAD.size :]
        return whole[: self._size()] if len(whole) >= self._size() else b""
