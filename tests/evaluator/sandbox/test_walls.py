"""The walls by themselves: the filter over every number, the list against the corpus, scratch folders, the clock."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from evaluator.sandbox import clock, frames, kernel, landlock, libraries, namespaces, seccomp, system_calls
from evaluator.sandbox.clock import Clock, Stopped, Usage, charged
from evaluator.sandbox.host_scratch import HostScratch, empty
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import NoIsolation
from evaluator.sandbox.room import open_slot, open_walls
from evaluator.sandbox.slot import Slot
from tests.evaluator.sandbox.rooms import TIERS, asserting, judged, room

MACHINES = ("x86_64", "aarch64")


def verdict_of(
    program: bytes, machine: str, number: int, *arguments: int, architecture: int | None = None
) -> int:
    """What the kernel's interpreter of classic BPF makes of one system call."""
    found = seccomp.AUDIT_ARCH[machine] if architecture is None else architecture
    data = struct.pack("=IIQ6Q", number, found, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    code = list(struct.iter_unpack("=HBBI", program))
    place = accumulator = 0
    while True:
        kind, yes, no, value = code[place]
        place += 1
        if kind == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif kind == seccomp.RETURN:
            return int(value)
        else:
            holds = {
                seccomp.JUMP_EQUAL: accumulator == value,
                seccomp.JUMP_AT_LEAST: accumulator >= value,
                seccomp.JUMP_ABOVE: accumulator > value,
                seccomp.JUMP_SET: bool(accumulator & value),
            }[kind]
            place += yes if holds else no


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_allows_the_list_and_nothing_else(machine: str) -> None:
    program, allowed = seccomp.program(machine), set(system_calls.allowed(machine))
    calls = system_calls.conditional(machine)
    for number in [*range(600), 1 << 20, seccomp.X32_BIT - 1]:
        if number not in calls.values():
            wanted = seccomp.ALLOW if number in allowed else seccomp.EPERM
            assert verdict_of(program, machine, number) == wanted, number
    assert verdict_of(program, machine, 0, architecture=0x40000003) == seccomp.KILL
    receiving = seccomp.program(machine, receives=True)
    for number in system_calls.receiving(machine):
        assert verdict_of(program, machine, number) == seccomp.EPERM
        assert verdict_of(receiving, machine, number) == seccomp.ALLOW


def test_x32_numbers_kill() -> None:
    for number in (seccomp.X32_BIT, seccomp.X32_BIT + 1, 0xFFFFFFFF):
        assert verdict_of(seccomp.program("x86_64"), "x86_64", number) == seccomp.KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_decide_the_conditional_calls(machine: str) -> None:
    program, calls = seccomp.program(machine), system_calls.conditional(machine)

    def asked(name: str, *arguments: int) -> int:
        return verdict_of(program, machine, calls[name], *arguments)

    thread = 0x3D0F00
    assert asked("clone", thread) == seccomp.ALLOW
    assert asked("clone", 17) == asked("clone", 0x4111) == seccomp.EPERM
    for flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert asked("clone", thread | flag) == seccomp.EPERM
    assert asked("clone3", 0) == seccomp.ENOSYS
    assert [asked("ioctl", 0, one) for one in seccomp.IOCTLS] == [seccomp.ALLOW] * 4
    assert asked("ioctl", 0, 0x5412) == seccomp.EPERM  # TIOCSTI types into a terminal
    assert [asked("fcntl", 0, one) for one in range(8)] == [seccomp.ALLOW] * 8
    assert [asked("fcntl", 0, one) for one in (8, 10, 1024, 1031, 1033)] == [seccomp.EPERM] * 5
    assert asked("fcntl", 0, 1030) == seccomp.ALLOW
    assert asked("prlimit64", 0, 7, 0, 1 << 40) == seccomp.ALLOW
    for arguments in ((1, 7, 0), (0, 7, 1), (0, 7, 1 << 32)):
        assert asked("prlimit64", *arguments) == seccomp.EPERM


def test_what_reaches_beyond_the_process_is_not_on_the_list() -> None:
    names = {line.split()[0] for line in system_calls.TABLE.splitlines() if line and line[0] != "#"}
    beyond = """kill tkill tgkill ptrace process_vm_readv pidfd_open pidfd_send_signal execve execveat fork vfork socket
        socketpair connect bind sendto sendmsg recvmsg unshare setns mount umount2 pivot_root chroot chmod fchmod
        fchmodat chown utimensat truncate link symlink mknod mknodat setxattr setpriority sched_setaffinity
        sched_setscheduler memfd_create shmget msgget semget keyctl add_key bpf io_uring_setup userfaultfd
        perf_event_open init_module prctl seccomp setrlimit setuid setresuid capset iopl ioperm inotify_init1
        name_to_handle_at open_by_handle_at process_madvise quotactl reboot swapon syslog personality""".split()
    assert not names & set(beyond)


@pytest.mark.parametrize("tier", TIERS)
def test_no_wall_is_open(tier: int) -> None:
    assert open_walls(room(tier)._free.queue[0]) == []


class LeakySlot(Slot):
    """A box with holes: it says what its self-attack could do, and lets it write."""

    def __init__(self, tier: int, limits: Limits, found: object = ()) -> None:
        self.tier, self.limits, self.found = tier, limits, found or ["a program can fork"]

    def call(self, program: bytes, name: str, arguments: list[object]) -> object:
        Path(f"{arguments[0]}.written").write_text("x", "utf-8")
        return self.found

    def close(self) -> None:
        pass


def test_an_open_wall_is_found_and_nothing_runs_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The self-attack itself runs in boxes only: it would do what it tries.
    assert open_walls(LeakySlot(1, Limits())) == ["a program can fork", "a file was written outside"]
    assert open_walls(LeakySlot(1, Limits(), "Stopped(…)")) == [
        "the self-attack ended with Stopped(…)",
        "a file was written outside",
    ]
    monkeypatch.setattr("evaluator.sandbox.room.Slot", LeakySlot)
    with pytest.raises(NoIsolation, match=r"tier 2 .*: a program can fork; a file was written outside"):
        open_slot(Limits())


@pytest.mark.parametrize("tier", TIERS)
def test_common_modules_work_in_the_box(tier: int) -> None:
    names = "asyncio sqlite3 ssl lzma bz2 zoneinfo decimal concurrent.futures xml.dom.minidom email colorsys"
    program = "import threading, tempfile, os, pathlib\n" + "".join(
        f"import {name}\n" for name in names.split()
    )
    program += """
def f():
    done = []
    threads = [threading.Thread(target=done.append, args=(n,)) for n in range(4)]
    for one in threads: one.start()
    for one in threads: one.join()
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "x").write_text("text")
        assert os.listdir(folder) == ["x"]
    db = sqlite3.connect("a.db")
    db.execute("create table t(x)")
    return sorted(done)
"""
    found = room(tier).judge(program.encode(), asserting("assert f() == [0, 1, 2, 3]"))
    assert found.verdict == "pass", found


def test_only_needed_files_of_the_host_are_shown() -> None:
    library = libraries.standard_library()
    asking = "import json, sys; sys.path.insert(0, sys.argv[1]); from evaluator.sandbox import libraries as l"
    asking += "; print(json.dumps(l.shared_libraries(l.standard_library())))"
    command = [sys.executable, "-S", "-P", "-c", asking, str(Path(libraries.__file__).parents[2])]
    files = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert any("libc.so" in path for path in files)
    assert not [path for path in files if "site-packages" in path or path.startswith(("/home", "/proc"))]
    assert {path for path in files if "/etc/" in path} <= {libraries.LOADER_CACHE}
    assert not {sys.executable, os.path.realpath(sys.executable)} & set(files)
    parts = [Path(path).name for path in libraries.readable_parts(library)]
    assert "os.py" in parts
    assert "site-packages" not in parts


def test_a_library_where_the_private_root_is_built_is_shown() -> None:
    """An environment may lie in /tmp, under which the root's own file system is mounted first."""
    asking = """if True:
        import os, sys
        sys.path.insert(0, sys.argv[1])
        from evaluator.sandbox import launcher, libraries, namespaces
        library = libraries.standard_library()
        os.chdir(library)
        launcher.become_unprivileged()
        namespaces.enter(library, sys.argv[2:])
        print(open(sys.argv[2]).read(), os.listdir(namespaces.PLACE), os.path.exists(sys.argv[3]))
    """
    with tempfile.TemporaryDirectory(dir=namespaces.PLACE) as folder:
        Path(folder).chmod(0o755)
        open_, closed = Path(folder, "lib.so"), Path(folder, "closed", "lib.so")
        closed.parent.mkdir(mode=0)
        open_.write_text("mapped", "utf-8")
        command = [sys.executable, "-S", "-P", "-c", asking, str(Path(libraries.__file__).parents[2])]
        said = subprocess.run([*command, str(open_), str(closed)], capture_output=True, text=True, check=True)
    assert said.stdout == f"mapped {[Path(folder).name]} False\n"


def test_landlock_asks_for_what_a_kernel_knows() -> None:
    assert [landlock.known_rights(version).bit_length() for version in (1, 2, 3, 4, 5, 7)] == [
        13,
        14,
        15,
        15,
        16,
        16,
    ]
    assert landlock.abi() >= 1


def test_a_scratch_folder_is_emptied_whatever_lies_in_it(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept", "utf-8")
    top = tmp_path / "top"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("deep", dir_fd=here)
        inner = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    (top / "link").symlink_to(outside)
    (top / "closed").mkdir()
    (top / "closed" / "file").write_text("x", "utf-8")
    (top / "closed").chmod(0)
    empty(str(top))
    assert os.listdir(top) == []
    assert (outside / "kept").read_text("utf-8") == "kept"


def test_a_host_scratch_says_when_it_is_overfull() -> None:
    place = HostScratch(Limits(scratch_files=5, scratch_bytes=100_000))
    try:
        place.make_ready()
        assert not place.overfull()
        Path(place.path, "big").write_bytes(b"x" * 200_000)
        assert place.overfull()
        place.make_ready()
        assert os.listdir(place.path) == []
        for number in range(5):
            Path(place.path, str(number)).mkdir()
        assert place.overfull()
        assert os.stat(place.parent).st_mode & 0o077 == 0
    finally:
        place.remove()
    assert not os.path.exists(place.parent)


def test_time_is_charged_without_waiting_for_a_processor() -> None:
    assert charged(10.0, Usage(1.0, 8.0), Usage(0.0, 0.0)) == 2.0  # one second asleep
    assert charged(10.0, Usage(1.0, 2.0), Usage(3.0, 3.0)) == 2.0  # the tests' turn is theirs
    assert charged(4.0, Usage(6.0, 0.0), Usage(0.0, 0.0)) == 6.0  # two threads compute at once
    assert charged(10.0, Usage(1.0, None), Usage(0.0, 0.0)) == 1.0
    assert charged(10.0, Usage(1.0, 0.0), Usage(0.0, None)) == 1.0


def looked(
    monkeypatch: pytest.MonkeyPatch, elapsed: float, program: Usage, tests: Usage
) -> tuple[float, Stopped | None]:
    told = {1: program, 2: Usage(0.0, 0.0)}
    monkeypatch.setattr(clock, "usage", lambda pid: told[pid])
    watch = Clock(Limits(seconds=3.0), 1, 2, 30.0, started=0.0)
    told[2] = tests
    monkeypatch.setattr("time.monotonic", lambda: elapsed)
    return watch.look()


def test_the_clock_says_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, 2.0, Usage(1.0, 0.5), Usage(0.0, 0.0)) == (1.5, None)
    assert looked(monkeypatch, 2.0, Usage(2.995, 0.0), Usage(0.0, 0.0)) == (clock.SHORTEST_LOOK, None)
    _, stopped = looked(monkeypatch, 9.0, Usage(3.0, 6.0), Usage(0.0, 0.0))
    assert stopped == Stopped("timeout", "more than 3 s of its own time")
    _, stopped = looked(monkeypatch, 3.0, Usage(0.0, 0.0), Usage(0.0, 0.0))
    assert stopped is not None
    _, stopped = looked(monkeypatch, 30.0, Usage(1.0, 29.0), Usage(0.0, 0.0))
    assert stopped == Stopped("timeout", "more than 30 s by the wall clock alone", wall_only=True)
    _, stopped = looked(monkeypatch, 31.0, Usage(0.0, 1.0), Usage(30.0, 0.0))
    assert stopped is not None
    assert "the tests computed" in stopped.reason


def test_this_process_has_a_usage() -> None:
    found = clock.usage(os.getpid())
    assert found.computing > 0
    assert found.waiting is not None
    assert clock.usage(2**22 - 1) == Usage(0.0, 0.0)


def test_frames_are_whole_or_refused() -> None:
    reading, writing = os.pipe()
    frames.write(writing, b"one")
    frames.write(writing, b"")
    assert (frames.read(reading, 3), frames.read(reading, 3)) == (b"one", b"")
    frames.write(writing, b"four")
    with pytest.raises(frames.BrokenFrame, match="4 bytes, wanted at most 3"):
        frames.read(reading, 3)
    os.close(writing)
    assert os.read(reading, 9) == b"four"
    with pytest.raises(frames.Ended):
        frames.read(reading, 3)
    os.close(reading)


def test_an_unknown_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel.supported() is None
    monkeypatch.setattr(kernel, "MACHINE", "riscv64")
    assert kernel.supported() == "found the processor riscv64, wanted x86_64 or aarch64"


def test_a_program_that_is_too_long_is_no_program() -> None:
    found = judged("#" * ((1 << 20) + 1))
    assert (found.verdict, found.reason) == ("fail", "a program of more than 1048576 bytes")
    assert judged("#" * (1 << 19) + "\ndef add(a, b): return a + b").verdict == "pass"


class ReadAtOnce(socket.socket):
    """A channel whose reader has taken what is sent, done its work and gone before `send` returns."""

    def send(self, data: Any, flags: int = 0, /) -> int:
        found = super().send(data, flags)
        self.shutdown(socket.SHUT_WR)
        return found


def test_a_reader_that_is_done_at_once_has_taken_its_message() -> None:
    ours, theirs = socket.socketpair()
    with theirs, ReadAtOnce(fileno=ours.detach()) as channel:
        frames.send(channel, b"one", [])
        assert frames.read_from(theirs, 9) == b"one"
