"""The tier for production: launchers in a container with a kernel of its own (gVisor), asked through one pipe.

Named by settings of the environment, and only then: EVALUATOR_SANDBOX_CONTAINER (docker, podman or a path to one),
EVALUATOR_SANDBOX_IMAGE (an image with python3, 3.11 or later, and nothing a program must not read), and
EVALUATOR_SANDBOX_RUNTIME (runsc, gVisor's, unless told otherwise). Where they are set and cannot be had nothing runs:
whoever asked for a container gets no other tier instead.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from evaluator.sandbox import frames
from evaluator.sandbox.clock import Stopped
from evaluator.sandbox.launcher import WRITABLE
from evaluator.sandbox.limits import MEGABYTE, Limits
from evaluator.sandbox.process import SECONDS_TO_END, SECONDS_TO_START, LauncherFailed, NoIsolation, Reply
from evaluator.sandbox.referee import BadTests
from evaluator.sandbox.slot import TESTS_FACTOR, TESTS_MEMORY, Output, Slot
from evaluator.sandbox.values import write_tree
from evaluator.sandbox.verdicts import Judgement

TIER = 3
WALLS = "a container with a kernel of its own, seccomp and limits"
PROGRAM, IMAGE = "EVALUATOR_SANDBOX_CONTAINER", "EVALUATOR_SANDBOX_IMAGE"
RUNTIME, DEFAULT_RUNTIME = "EVALUATOR_SANDBOX_RUNTIME", "runsc"
SANDBOX = Path(__file__).resolve().parent
MOUNTED = "/opt/labelplatform"
BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from evaluator.sandbox.contained import serve; serve(sys.argv[2])"
NOBODY = "65534:65534"
OWN_MEMORY = 256 * MEGABYTE
PROCESSES = 16
MOST_ANSWER_BYTES = 16 << 20
# What the self-attack may do here: these are files of the image, or of the container's own memory, and no one else's.
OF_THE_CONTAINER = frozenset(
    f"a program can {attack}"
    for attack in (
        "read the password file",
        "read installed packages",
        "read /proc",
    )
)


@dataclass(frozen=True)
class Container:
    """What runs containers, the image, and the runtime that stands between a program and the host's kernel."""

    program: str
    image: str
    runtime: str


def configured() -> Container | None:
    """The container that the environment names, or None. Raises NoIsolation where what it names is not there."""
    wanted = os.environ.get(PROGRAM, "")
    if not wanted:
        return None
    program = shutil.which(wanted)
    if program is None:
        raise NoIsolation(
            f"{PROGRAM}: found {wanted!r}, which is no program here; wanted docker, podman or a path"
        )
    image = os.environ.get(IMAGE, "")
    if not image:
        raise NoIsolation(f"{IMAGE}: found nothing, wanted the image that {wanted} runs programs in")
    return Container(program, image, os.environ.get(RUNTIME, DEFAULT_RUNTIME))


def command(container: Container, limits: Limits) -> list[str]:
    """How the container is started: no network, no privilege, nothing to write but a scratch of bounded size."""
    memory = limits.memory_bytes + TESTS_MEMORY + OWN_MEMORY
    scratch = f"rw,noexec,nosuid,nodev,size={2 * limits.scratch_bytes},mode=1777"
    walls = {
        "network": "none",
        "ipc": "none",
        "user": NOBODY,
        "cap-drop": "ALL",
        "security-opt": "no-new-privileges",
        "pids-limit": str(PROCESSES),
        "memory": str(memory),
        "memory-swap": str(memory),
        "tmpfs": f"{WRITABLE}:{scratch}",
        "volume": f"{SANDBOX}:{MOUNTED}/evaluator/sandbox:ro",
        "workdir": "/",
        "env": "PYTHONHASHSEED=0",
        "entrypoint": "python3",
    }
    runtime = [f"--runtime={container.runtime}"] if container.runtime else []
    # To podman it is a setting of the whole program.
    first, then = (runtime, []) if Path(container.program).name == "podman" else ([], runtime)
    told = [container.program, *first, "run", *then, "--rm", "--interactive", "--read-only"]
    told += [f"--{name}={value}" for name, value in walls.items()]
    flags = ["-X", "utf8", "-s", "-S", "-P", "-B", "-W", "ignore", "-c", BOOT]
    return [*told, container.image, *flags, MOUNTED, json.dumps(asdict(limits))]


class ContainedSlot(Slot):
    """A slot whose launchers live in a container. Raises NoIsolation when it cannot be started."""

    def __init__(self, limits: Limits, container: Container) -> None:
        self.tier, self.limits = TIER, limits
        self._pipe, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                command(container, limits),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        try:
            greeting = self._answer(SECONDS_TO_START)
        except LauncherFailed as error:
            self.close()
            raise NoIsolation(f"{container.program}: {error}") from error
        if "box" not in greeting:
            self.close()
            raise NoIsolation(f"{container.program}: {greeting.get('refused', greeting)}")
        inside: Reply = greeting["box"]  # type: ignore[assignment]
        self.box = {**inside, "container": Path(container.program).name, "runtime": container.runtime}

    def close(self) -> None:
        """End the container: it is gone when its pipe is."""
        self._pipe.close()
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr is not None:
            self._process.stderr.close()

    @property
    def pids(self) -> tuple[int, int]:
        """The process that runs the container, twice: both launchers are behind it."""
        return self._process.pid, self._process.pid

    def judge(self, program: bytes, tests: Reply) -> Judgement:
        """See Slot.judge."""
        said = self._ask({"do": "judge", "program": packed(program), "tests": tests})
        if "bad_tests" in said:
            raise BadTests(str(said["bad_tests"]))
        return Judgement(**{**said, "box": self.box})  # type: ignore[arg-type]

    def run_script(self, program: bytes, stdin: bytes) -> Output:
        """See Slot.run_script."""
        said = self._ask({"do": "run", "program": packed(program), "stdin": packed(stdin)})
        told = {**said, "text": unpacked(said["text"]), "stopped": _stopped(said["stopped"])}
        return Output(**told)  # type: ignore[arg-type]

    def message(self, program: bytes, name: str, arguments: list[object]) -> Stopped | bytes:
        """See Slot.message."""
        call = {"name": name, "arguments": write_tree(arguments)}
        said = self._ask({"do": "call", "program": packed(program), **call})
        return _stopped(said["stopped"]) or unpacked(said["message"])

    def _ask(self, request: Reply) -> Reply:
        # Inside, everything ends by its own limits; this holds if the container itself does not answer.
        self._pipe.settimeout(SECONDS_TO_START + TESTS_FACTOR * self.limits.wall_seconds)
        try:
            frames.send(self._pipe, json.dumps(request).encode(), [])
        except OSError as error:
            raise LauncherFailed(self._why_ended(error)) from error
        return self._answer(SECONDS_TO_START + TESTS_FACTOR * self.limits.wall_seconds)

    def _answer(self, seconds: float) -> Reply:
        self._pipe.settimeout(seconds)
        try:
            said = json.loads(frames.read_from(self._pipe, MOST_ANSWER_BYTES))
        except (frames.BrokenFrame, OSError, ValueError, RecursionError) as error:
            raise LauncherFailed(self._why_ended(error)) from error
        if not isinstance(said, dict):
            raise LauncherFailed("the container answered with no object")
        return said

    def _why_ended(self, error: Exception) -> str:
        self._process.kill()
        said = []
        if self._process.stderr is not None:
            with suppress(OSError):
                said = self._process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        return f"the container stopped answering ({error}); its last words: {said[-1] if said else 'none'}"


def packed(raw: bytes) -> str:
    """Bytes as text of JSON."""
    return base64.b64encode(raw).decode("ascii")


def unpacked(text: object) -> bytes:
    """The bytes again."""
    return base64.b64decode(str(text), validate=True)


def _stopped(said: object) -> Stopped | None:
    return Stopped(**said) if isinstance(said, dict) else None
