"""The warm process that forks a box for each execution. It never holds a text: not a program, not a test.

What a fork inherits, a submission can search. So the program reaches its box, and the tests reach their referee, by
channels that this process hands on unread. Started twice for each slot: once for submissions, once for referees.

Requests: {"run": seconds of processor time, "script": whether it is one} with the child's descriptors; {"end": true};
{"overfull": true}.
"""

import gc
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import ClassVar, Protocol

from evaluator.sandbox import box, frames, kernel, landlock, libraries, namespaces, seccomp, submission
from evaluator.sandbox.host_scratch import HostScratch, NoScratch
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.warm_modules import WARM

UNPRIVILEGED_ID = 60999  # between the ranges that distributions give out (systemd, UIDS-GIDS)
MOST_REQUEST_BYTES = 32 << 20
# A folder that no host has: it is emptied for each run.
CONTAINED, WRITABLE = 3, "/opt/labelplatform-scratch"
OUTER = {1: ["namespaces"], CONTAINED: ["container"]}
LEAST_LANDLOCK = 3  # below, files may be truncated whose reading is allowed
Request = dict[str, object]


class CannotIsolate(Exception):
    """Why this tier cannot be had here; one line."""


class ScratchPlace(Protocol):
    """Where an execution may write."""

    path: str
    parent: str

    def make_ready(self) -> None:
        """An empty folder lies at `path`."""

    def overfull(self) -> bool:
        """Whether more is in it than may be."""

    def remove(self) -> None:
        """Nothing is left of it."""


@dataclass
class Launcher:
    """Serves one control channel until it ends. `flags` are the namespaces of each child."""

    control: socket.socket
    walls: box.Walls
    flags: int
    scratch: ScratchPlace
    stdin: int
    nowhere: int
    child: int = 0
    receives_descriptors: ClassVar[bool] = False

    def serve(self) -> None:
        """Answer requests until nobody asks any more."""
        while True:
            try:
                payload, descriptors = frames.receive(self.control, MOST_REQUEST_BYTES)
            except (frames.BrokenFrame, OSError):
                break
            request = json.loads(payload)
            self._tell(self._run(request, descriptors) if "run" in request else self._other(request))
            for one in descriptors:
                os.close(one)
        self._end()

    def _tell(self, said: Request) -> None:
        frames.send(self.control, json.dumps(said).encode(), [])

    def _run(self, request: Request, descriptors: list[int]) -> Request:
        self.scratch.make_ready()
        pid = kernel.clone(self.flags)
        if pid == 0:
            self._be_child(request, descriptors)
        self.child = pid
        return {"pid": pid}

    def _be_child(self, request: Request, descriptors: list[int]) -> None:
        code = 1
        with submission.Caught() as caught:
            # With the channel there may come an output, and an input.
            channel, stdout, stdin = (*descriptors, *(self.nowhere, self.stdin)[len(descriptors) - 1 :])
            openings = box.Openings(stdin, stdout, self.nowhere, channel)
            seconds = float(str(request["run"]))
            box.enter(self.walls, seconds, self.scratch.path, openings)
            gc.enable()
            code = self.perform(request)
        if isinstance(caught.error, SystemExit):
            code = 0
        submission.leave(code)

    def perform(self, request: Request) -> int:
        """What the child does once it is in the box."""
        if request["script"]:
            return submission.run_program(box.CHANNEL)
        submission.answer_calls(box.CHANNEL)
        return 0

    def _other(self, request: Request) -> Request:
        if "overfull" in request:
            return {"overfull": self.scratch.overfull()}
        return self._end()

    def _end(self) -> Request:
        """Kill the child and wait: its process namespace, and with it every process there could be, goes too."""
        if not self.child:
            return {"code": None, "seconds": 0.0, "kilobytes": 0}
        os.kill(self.child, signal.SIGKILL)
        _, status, used = os.wait4(self.child, 0)
        self.child = 0
        code = os.waitstatus_to_exitcode(status)
        return {"code": code, "seconds": used.ru_utime + used.ru_stime, "kilobytes": used.ru_maxrss}


def become_unprivileged() -> None:
    """Root becomes an unprivileged user for good. Raises OSError."""
    if os.geteuid() == 0 or os.getuid() == 0:
        os.setgroups([])
        os.setresgid(UNPRIVILEGED_ID, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
        os.setresuid(UNPRIVILEGED_ID, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    if 0 in (*os.getresuid(), *os.getresgid()):
        raise CannotIsolate("still root after dropping to an unprivileged user")


def build_walls(
    tier: int, files: list[str], limits: Limits, filtered: bytes, *, writes: bool = True
) -> tuple[box.Walls, int, ScratchPlace]:
    """(walls, namespace flags of each child, scratch) of a tier. Refuses (CannotIsolate) what this host denies.

    In a container only who `writes` has a scratch: two would be open to each other.
    """
    if tier == CONTAINED:
        # The container is the private root: nothing in it can be written but its scratch.
        own = HostScratch(limits, WRITABLE) if writes else NoScratch()
        return box.Walls(None, seccomp.Filter(filtered), has_capabilities=False), 0, own
    version, library = landlock.abi(), libraries.standard_library()
    if tier == 1:
        try:
            namespaces.enter(library, files)
            kernel.drop_bounding_set()
            scratch: ScratchPlace = namespaces.Scratch(limits)
            scratch.make_ready()
        except OSError as error:
            raise CannotIsolate(f"namespaces: {error.strerror}") from error
        rules = _rules(library, scratch.parent, files) if version else None
        walls = box.Walls(rules, seccomp.Filter(filtered), has_capabilities=True)
        return walls, kernel.CLONE_NEWPID, scratch
    if version < LEAST_LANDLOCK:
        raise CannotIsolate(f"Landlock: version {version or 'none'}, wanted {LEAST_LANDLOCK} or later")
    place = HostScratch(limits)
    try:
        rules = _rules(".", place.parent, files)  # the working directory is the library
    except OSError as error:
        place.remove()
        raise CannotIsolate(f"Landlock: {error.strerror}") from error
    closed = None if os.access(f"{library}/os.py", os.R_OK) else os.open(".", os.O_PATH)
    if closed is not None:
        sys.path[:] = [f"/proc/self/fd/{box.LIBRARY}", f"/proc/self/fd/{box.LIBRARY}/lib-dynload"]
    walls = box.Walls(rules, seccomp.Filter(filtered), has_capabilities=False, library=closed)
    return walls, 0, place


def _rules(library: str, scratch: str, files: list[str]) -> int:
    """Landlock's rules for a box: reading the libraries, writing the scratch."""
    rules = [(library, landlock.READ_DIR), (scratch, landlock.WRITE)]
    for path in [*libraries.readable_parts(library), libraries.ZONES, *files]:
        if os.path.exists(path):
            rules.append((path, landlock.READ if os.path.isdir(path) else landlock.READ_FILE))
    rules += [(path, landlock.READ_AND_WRITE_FILE) for path in namespaces.DEVICES if os.path.exists(path)]
    return landlock.ruleset(rules)


def _end_of_input() -> int:
    """A descriptor at whose end everybody is."""
    reading, writing = os.pipe()
    os.close(writing)
    return reading


def _nowhere() -> int:
    """A descriptor that takes what is written: /dev/null where it can be had, else a pipe that nobody reads."""
    try:
        return os.open("/dev/null", os.O_WRONLY)
    except OSError:
        reading, writing = os.pipe()
        os.close(reading)
        return writing


def make_warm(library: str) -> None:
    """Import what programs import most, so that no child has to; and only the standard library can be imported."""
    for name in WARM:
        with submission.Caught():
            __import__(name)
    sys.path[:] = [library, f"{library}/lib-dynload"]
    sys.path_importer_cache.clear()
    sys.argv[:] = ["submission.py"]
    os.environ.clear()


def open_launcher(control: socket.socket, tier: int, limits: Limits, kind: type[Launcher]) -> Launcher:
    """A launcher inside its walls. Raises CannotIsolate and OSError."""
    library = libraries.standard_library()
    files = libraries.shared_libraries(library)
    os.chdir(library)
    # Asked for while still who was started: /dev/null may be closed to others.
    nowhere = _nowhere()
    make_warm(library)
    become_unprivileged()
    filtered = seccomp.program(receives=kind.receives_descriptors)
    writes = not kind.receives_descriptors
    walls, flags, scratch = build_walls(tier, files, limits, filtered, writes=writes)
    box.limit(limits)
    submission.silence()
    kernel.control_process(kernel.PR_SET_DUMPABLE, 0)
    gc.collect()
    gc.freeze()
    return kind(control, walls, flags, scratch, _end_of_input(), nowhere)


def main(control_descriptor: int, tier: int, limits: str, kind: type[Launcher]) -> None:
    """Set up, say which walls stand, serve. What cannot be set up is said and nothing runs."""
    control = socket.socket(fileno=control_descriptor)
    control.set_inheritable(False)
    gc.disable()
    try:
        launcher = open_launcher(control, tier, Limits(**json.loads(limits)), kind)
    except (CannotIsolate, OSError) as error:
        frames.send(control, json.dumps({"refused": str(error)}).encode(), [])
        return
    layers = ["seccomp", "rlimits", *(["landlock"] if launcher.walls.rules is not None else [])]
    said = {
        "tier": tier,
        "layers": [*OUTER.get(tier, []), *layers],
        "landlock": landlock.abi(),
    }
    frames.send(control, json.dumps({"box": said}).encode(), [])
    try:
        launcher.serve()
    finally:
        launcher.scratch.remove()
