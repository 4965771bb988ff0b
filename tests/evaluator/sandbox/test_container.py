"""The tier for production before a stand-in for docker that does what the flags say; never run on a real one here."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluator.cli import main
from evaluator.sandbox import container, launcher
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import NoIsolation
from evaluator.sandbox.referee import Answer, BadTests
from evaluator.sandbox.room import Room, open_slot
from tests.evaluator.sandbox.canaries import planted
from tests.evaluator.sandbox.rooms import HOSTILE, add_tests, asserting
from tests.evaluator.sandbox.test_refusal import copied, writing

ROOT = Path(__file__).parents[3]
Named = Callable[..., Path]
NEEDED = {
    "rm": "",
    "interactive": "",
    "read-only": "",
    "network": "none",
    "ipc": "none",
    "cap-drop": "ALL",
    "security-opt": "no-new-privileges",
    "user": "65534:65534",
    "pids-limit": "16",
    "runtime": "runsc",
    "entrypoint": "python3",
}


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Named:
    """Name a stand-in as the container program; returns where it writes its words."""

    def name(mode: str, called: str = "docker") -> Path:
        log = tmp_path / "words.json"
        python = [sys.executable, "-B", "-m", "tests.evaluator.sandbox.fake_container", mode, str(log)]
        program = tmp_path / called
        program.write_text(
            f'#!/bin/sh\ncd {shlex.quote(str(ROOT))}\nexec {shlex.join(python)} "$@"\n', "utf-8"
        )
        program.chmod(0o755)
        monkeypatch.setenv(container.PROGRAM, str(program))
        monkeypatch.setenv(container.IMAGE, "python:3.12-slim")
        return log

    return name


@pytest.fixture
def room(named: Named) -> Iterator[Room]:
    named("holds")
    with Room(Limits(seconds=0.5)) as opened:
        yield opened


def text_of(name: str) -> bytes:
    return (HOSTILE / name).read_bytes()


def test_programs_are_judged_in_the_container(room: Room) -> None:
    assert (room.tier, room.box["container"], room.box["runtime"]) == (3, "docker", "runsc")
    assert room.box["layers"] == ["container", "seccomp", "rlimits"]
    found = room.judge(text_of("ok_plain.py"), add_tests())
    assert (found.verdict, found.calls, found.box) == ("pass", 4, room.box)
    wrong = room.judge(text_of("wrong_value.py"), add_tests())
    assert (wrong.verdict, wrong.call.split("(")[0]) == ("fail", "add")
    output = room.run_script(b"print(input() * 2)", b"ab\n")
    assert (output.text, output.code, output.stopped) == (b"abab\n", 0, None)
    stopped = room.run_script(b"while True: pass", b"").stopped
    assert stopped is not None
    assert stopped.verdict == "timeout"
    assert room.answer(b"def solution(): return (1, 'x')", "solution") == Answer((1, "x"), None)
    with pytest.raises(BadTests, match="the tests are no Python"):
        room.judge(b"", asserting("assert f( == 1"))


def test_the_hostile_set_is_contained_there_too(room: Room) -> None:
    names = sorted(path.name for path in HOSTILE.glob("*.py") if path.name != "ok_cpu_1s.py")
    with planted() as canaries:
        found = {}
        for name in names:
            judgement = room.judge(text_of(name), add_tests())
            found[name] = judgement.verdict
            assert canaries.harm(f"{judgement}") == [], name
    assert {verdict for name, verdict in found.items() if name[:2] == "ok"} == {"pass"}
    assert {verdict for name, verdict in found.items() if name[:5] == "wrong"} == {"fail"}
    assert "pass" not in {verdict for name, verdict in found.items() if name[0] == "d"}
    assert len(found) == 26


def test_a_submission_sees_nothing_of_the_one_before_it(room: Room) -> None:
    leaving = (
        "def f():\n    open('left', 'w').write('x')\n    open('../beside', 'w').write('x')\n    return 1"
    )
    assert room.judge(leaving.encode(), asserting("assert f() == 1")).verdict == "pass"
    looking = "import os\ndef f(): return [os.listdir('.'), os.listdir('..')]"
    found = room.judge(looking.encode(), asserting("assert f() == [[], ['run']], f()"))
    assert found.verdict == "pass", found.reason


def test_the_command_leaves_no_privilege_and_one_place_to_write(named: Named) -> None:
    log = named("holds")
    open_slot(Limits()).close()
    words: list[str] = json.loads(log.read_text("utf-8"))
    assert words[0] == "run"
    parted = [word.removeprefix("--").partition("=") for word in words if word.startswith("--")]
    flags = {name: value for name, _, value in parted}
    assert {name: flags.get(name) for name in NEEDED} == NEEDED
    assert flags["memory"] == flags["memory-swap"] == str((512 + 1024 + 256) << 20)
    assert flags["volume"].endswith("/evaluator/sandbox:/opt/labelplatform/evaluator/sandbox:ro")
    assert flags["tmpfs"].startswith(f"{launcher.WRITABLE}:rw,noexec,nosuid,nodev,size=")
    assert set(flags) == {*NEEDED, "memory", "memory-swap", "volume", "tmpfs", "workdir", "env"}
    assert words[words.index("python:3.12-slim") - 1].startswith("--")


def test_podman_is_told_its_runtime_before_the_verb(named: Named, monkeypatch: pytest.MonkeyPatch) -> None:
    named("holds", "podman")
    found = container.configured()
    assert found is not None
    assert container.command(found, Limits())[1:3] == ["--runtime=runsc", "run"]
    monkeypatch.setenv(container.RUNTIME, "")
    plain = container.configured()
    assert plain is not None
    assert container.command(plain, Limits())[1] == "run"
    assert not any("--runtime" in word for word in container.command(plain, Limits()))


def test_a_container_that_leaks_is_refused(named: Named) -> None:
    named("leaks")
    with pytest.raises(NoIsolation, match="a program can read a file of the host"):
        open_slot(Limits())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({container.PROGRAM: "no-such-docker"}, "found 'no-such-docker', which is no program here"),
        ({container.PROGRAM: "/bin/sh", container.IMAGE: ""}, "EVALUATOR_SANDBOX_IMAGE: found nothing"),
    ],
)
def test_what_is_named_and_absent_is_no_reason_for_another_tier(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    settings: dict[str, str],
    said: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    program, canary = writing(tmp_path)
    told = ["judge-one", "--problem", str(copied(tmp_path)), "--submission", str(program)]
    assert main(told) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out.splitlines()[-1])["verdict"] == "refused"
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1
    assert not canary.exists()


def test_a_container_that_does_not_start_is_refused_with_its_words(named: Named) -> None:
    named("dies")
    with pytest.raises(NoIsolation, match="unknown or invalid runtime name: runsc"):
        open_slot(Limits())


def test_sandbox_check_names_the_tier(named: Named, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sandbox-check"]) == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("tier 3 (a container with a kernel of its own")
    named("holds")
    assert main(["sandbox-check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("tier 3 ")
    assert lines[0].endswith("yes, and it held against the self-attack")
    assert json.loads(lines[-1])["tier"] == 3
    named("dies")
    assert main(["sandbox-check"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out.splitlines()[-1])["tier"] is None
    assert len(shown.err.splitlines()) == 1


def test_outside_a_container_its_launcher_finds_nothing_to_empty() -> None:
    """The scratch of the tier is emptied for each run: it must be a folder that no host has."""
    assert not Path(launcher.WRITABLE).exists()
