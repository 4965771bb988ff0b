"""What a box sees of the host, what a room does about failures, and each layer of the kernel by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evaluator.sandbox import clock, libraries, namespaces
from evaluator.sandbox.clock import Clock, Usage
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.room import Room
from evaluator.sandbox.verdicts import Judgement
from tests.evaluator.sandbox.attacks import ATTACKS, RIGHT
from tests.evaluator.sandbox.canaries import PORT, planted
from tests.evaluator.sandbox.rooms import TIERS, add_tests, asserting, judged, room

ROOT = Path(__file__).parents[3]


def answer(program: str, tier: int = 1) -> str:
    """What f() of a program says, by way of a test that fails."""
    return room(tier).judge(program.encode(), asserting("assert False, f()")).reason


def test_each_program_is_alone_in_its_process_namespace() -> None:
    assert "[1, 0, 1]" in answer("import os\ndef f(): return str([os.getpid(), os.getppid(), os.getpgid(0)])")


def test_a_launcher_lives_in_namespaces_of_its_own() -> None:
    user, mounts, net, ipc, names = 0x10000000, 0x20000, 0x40000000, 0x8000000, 0x4000000
    assert sum([user, mounts, net, ipc, names]) == namespaces.OWN


def test_a_program_sees_few_files() -> None:
    hidden = [
        "/proc",
        "/etc/passwd",
        "/tmp",
        "/home",
        "/var",
        "/sys",
        "/usr/bin",
        "/bin",
        "/dev/shm",
        "/dev/tty",
    ]
    program = f"import os\ndef f(): return str([path for path in {hidden} if os.path.lexists(path)])"
    assert "AssertionError at `assert False, f()`: []" in answer(program)
    opened = "open('/dev/null', 'w').write('x')\n    return str(len(open('/dev/urandom', 'rb').read(8)))"
    assert answer(f"def f():\n    {opened}")[-1] == "8"


def test_installed_packages_are_hidden_by_a_mount() -> None:
    names = [name for name in libraries.HIDDEN if Path(libraries.standard_library(), name).is_dir()]
    program = f"import os\ndef f(): return str([os.listdir(os.path.dirname(os.__file__) + '/' + n) for n in {names}])"
    assert answer(program).endswith(str([[] for _ in names]))


def test_a_host_folder_is_watched() -> None:
    found = judged(ATTACKS["takes all inodes"], tier=2, seconds=3.0)
    assert (found.verdict, found.reason) == ("fail", "more files or bytes in its folder than allowed")


LANDLOCKED = """
import json, os, socket, sys
sys.path.insert(0, sys.argv[1])
from evaluator.sandbox import kernel, landlock
rules = landlock.ruleset([(sys.argv[2], landlock.WRITE)])
kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
landlock.restrict_this_process(rules)
def works(act):
    try:
        act()
    except OSError:
        return False
    return True
def connect():
    with socket.socket() as own:
        own.connect(("127.0.0.1", int(sys.argv[4])))
print(json.dumps({
    "write inside": works(lambda: open(sys.argv[2] + "/in", "w").close()),
    "write outside": works(lambda: open(sys.argv[3] + "/pwned", "w").close()),
    "read outside": works(lambda: open(sys.argv[3] + "/host_secret.txt").close()),
    "connect": works(connect),
    "signal": works(lambda: os.kill(int(sys.argv[5]), 0)),
}))
"""


def test_landlock_alone_denies_what_it_governs(tmp_path: Path) -> None:
    with planted() as canaries:
        told = [str(ROOT), str(tmp_path), "/tmp/lp-hostile-canary", str(PORT), str(canaries.bystander.pid)]
        command = [sys.executable, "-S", "-c", LANDLOCKED, *told]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        assert canaries.harm(run.stdout) == []
    found = json.loads(run.stdout)
    assert [name for name, works in found.items() if works] == ["write inside"]


def test_a_kept_referee_is_charged_for_this_submission_only(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {1: Usage(0.1, 0.0), 2: Usage(100.0, 50.0)}
    monkeypatch.setattr(clock, "usage", lambda pid: told[pid])
    monkeypatch.setattr("time.monotonic", lambda: 1.0)
    watch = Clock(Limits(seconds=3.0), 1, 2, 30.0, started=0.0)
    told[2] = Usage(100.5, 50.25)
    wait, stopped = watch.look()
    assert stopped is None
    assert wait == pytest.approx(2.75)


class Scripted:
    """A slot whose judgements are known."""

    tier, box = 1, {"tier": 1}

    def __init__(self, *found: Judgement) -> None:
        self.found = list(found)

    def judge(self, program: bytes, tests: object) -> Judgement:
        return self.found.pop(0)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("again", [Judgement("pass", ""), Judgement("timeout", "wall", wall_only=True)])
def test_a_wall_time_out_is_tried_once_more_alone(monkeypatch: pytest.MonkeyPatch, again: Judgement) -> None:
    slot = Scripted(Judgement("timeout", "wall", wall_only=True), again)
    monkeypatch.setattr("evaluator.sandbox.room.open_slot", lambda *_: slot)
    with Room(Limits()) as quiet:
        found = quiet.judge(b"", {})
    assert (found.verdict, found.wall_only, found.retried) == (again.verdict, again.wall_only, True)
    assert slot.found == []


def test_other_time_outs_are_final(monkeypatch: pytest.MonkeyPatch) -> None:
    slot = Scripted(Judgement("timeout", "own time"))
    monkeypatch.setattr("evaluator.sandbox.room.open_slot", lambda *_: slot)
    with Room(Limits()) as quiet:
        assert quiet.judge(b"", {}).retried is False


@pytest.mark.parametrize("which", [0, 1])
def test_a_launcher_that_dies_is_replaced(which: int) -> None:
    with Room(Limits(seconds=0.5)) as own:
        slot = own._free.queue[0]
        assert own.judge(RIGHT.encode(), add_tests()).verdict == "pass"
        os.kill(slot.pids[which], signal.SIGKILL)
        verdicts = [own.judge(RIGHT.encode(), add_tests()).verdict for _ in range(2)]
        assert verdicts[-1] == "pass"
        assert set(verdicts) <= {"pass", "fail"}
        assert own._free.queue[0].pids != slot.pids or which == 1


@pytest.mark.parametrize("tier", TIERS)
def test_no_process_and_no_folder_outlives_a_room(tier: int) -> None:
    with Room(Limits(seconds=0.5), slots=2, tiers=(tier,)) as own:
        pids = [pid for slot in own._free.queue for pid in slot.pids]
        assert own.judge(RIGHT.encode(), add_tests()).verdict == "pass"
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_stricter_limits_of_who_starts_us_stay() -> None:
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_CPU, (600, 600)); r.setrlimit(r.RLIMIT_NOFILE, (24, 24))"
    )
    code += "; import sys; from tests.evaluator.sandbox.judge_set import main; main(['ok_plain.py'])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verdicts"] == {"ok_plain.py": "pass"}
