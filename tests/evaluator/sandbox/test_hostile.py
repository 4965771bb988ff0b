"""Strangers' programs before canaries, in both tiers: contained, never a pass; the controls are judged right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import pytest

from evaluator.sandbox.verdicts import Judgement
from tests.evaluator.sandbox.attacks import ATTACKS, RIGHT
from tests.evaluator.sandbox.canaries import Canaries, below, memory_kilobytes, planted
from tests.evaluator.sandbox.rooms import HOSTILE, TIERS, add_tests, judged, room

MANIFEST = [json.loads(line) for line in (HOSTILE / "manifest.jsonl").read_text("utf-8").splitlines()]
ATTACKING = [entry["file"] for entry in MANIFEST if entry["kind"] != "control"]
CONTROLS = [(entry["file"], entry["expect"]) for entry in MANIFEST if entry["kind"] == "control"]
# Their limit is half a second, so that the whole set takes a few: the property does not depend on it.
TIME_OUT = {"d01_fork_in_threads.py", "d02_regex_hang.py", "d03_ignore_sigterm.py", "d13_stderr_flood.py"}


def text_of(name: str) -> str:
    return (HOSTILE / name).read_text("utf-8")


def variants(source: str) -> dict[str, str]:
    """The same program under another appearance."""
    raw = source.encode()
    return {
        "indented anew": f"if True:\n{indent(source, '   ')}\n",
        "wrapped in exec(bytes)": f"exec(bytes({list(raw)}))\n",
        "renamed": source.replace("add(a, b", "total(a, b").replace("return add(", "return total(")
        + "\nadd = total\n",
    }


@contextmanager
def watched(tier: int) -> Iterator[Canaries]:
    """Canaries, and at the end: no process left, no memory kept, nothing on the disk."""
    slot = room(tier)._free.queue[0]
    judged(RIGHT, tier)  # the referee is there before
    alive = {pid: below(pid) for pid in slot.pids}
    memory = sum(map(memory_kilobytes, slot.pids))
    files = set(os.listdir(tempfile.gettempdir()))
    with planted() as canaries:
        yield canaries
    assert {pid: len(below(pid)) for pid in slot.pids} == {pid: len(found) for pid, found in alive.items()}
    assert sum(map(memory_kilobytes, slot.pids)) < memory + 20_000
    left = set(os.listdir(tempfile.gettempdir())) - files
    assert not [name for name in left if name.startswith(("pwned", "labelplatform-box"))]


def contained(found: Judgement, canaries: Canaries) -> None:
    assert found.verdict in ("fail", "timeout", "unjudged"), found
    assert canaries.harm(json.dumps(found.record())) == [], found
    assert len(found.reason) <= 600
    assert found.wall_seconds < 60


@pytest.mark.parametrize("tier", TIERS)
def test_the_developers_hostile_set_is_contained_and_never_passes(tier: int) -> None:
    with watched(tier) as canaries:
        for name in ATTACKING:
            found = judged(text_of(name), tier)
            contained(found, canaries)
            assert (found.verdict == "timeout") == (name in TIME_OUT or "own time" in found.reason), (
                name,
                found,
            )
            assert name not in TIME_OUT or found.verdict == "timeout"
    assert len(ATTACKING) == 16


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_of_our_own_are_contained_and_never_pass(name: str, tier: int) -> None:
    with watched(tier) as canaries:
        contained(judged(ATTACKS[name], tier), canaries)
    assert judged(RIGHT, tier).verdict == "pass"


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("name", "expected"), CONTROLS)
def test_controls_are_judged_right(name: str, expected: str, tier: int) -> None:
    found = judged(text_of(name), tier, seconds=3.0)
    assert found.verdict == expected, found


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    spinning = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def test_no_verdict_moves_while_four_processes_load_the_machine() -> None:
    with busy_processes(4):
        found = {name: judged(text_of(name), seconds=3.0).verdict for name, _ in CONTROLS}
        found["spins"] = judged(text_of("d03_ignore_sigterm.py")).verdict
        found["sleeps"] = judged(ATTACKS["sleeps"]).verdict
    assert found == {**dict(CONTROLS), "spins": "timeout", "sleeps": "timeout"}


@pytest.mark.parametrize("name", [*ATTACKING, *(name for name, _ in CONTROLS)])
def test_no_verdict_depends_on_the_text(name: str) -> None:
    source, seconds = text_of(name), 3.0 if name == "ok_cpu_1s.py" else 0.5
    told = {judged(source, seconds=seconds).verdict}
    for other in variants(source).values():
        if "wrong_syntax" in name and "exec" not in other:
            continue
        told.add(judged(other, seconds=seconds).verdict)
    assert len(told) == 1, told


def test_a_submission_sees_nothing_of_the_one_before() -> None:
    marked = """
import builtins, json, os, sys
builtins.mark = json.mark = sys.mark = "left behind"
os.environ["MARK"] = "left behind"
os.umask(0)
os.makedirs("deep/er")
open("left", "w").write("left behind")
sys.path.append("left behind")
sys.setrecursionlimit(77)
sys.modules["left"] = json
def add(a, b): return a + b
"""
    looking = """
import builtins, json, os, sys
def add(a, b):
    marks = [hasattr(x, "mark") for x in (builtins, json, sys)]
    clean = not os.environ and os.listdir(".") == [] and os.umask(0o077) == 0o077
    rest = "left behind" not in sys.path and sys.getrecursionlimit() == 1000 and "left" not in sys.modules
    return a + b if not any(marks) and clean and rest else None
"""
    for tier in TIERS:
        for _ in range(3):
            assert judged(marked, tier).verdict == "pass"
            assert judged(looking, tier).verdict == "pass"


@pytest.mark.parametrize("tier", TIERS)
def test_ten_thousand_executions_keep_memory_and_processes_flat(tier: int, executions: int) -> None:
    slot = room(tier)._free.queue[0]
    for _ in range(50):
        room(tier).judge(RIGHT.encode(), add_tests())
    pids = [*slot.pids, os.getpid()]
    before = [memory_kilobytes(pid) for pid in pids]
    descriptors = [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]
    for _ in range(executions):
        assert room(tier).judge(RIGHT.encode(), add_tests()).verdict == "pass"
    after = [memory_kilobytes(pid) for pid in pids]
    assert max(now - then for now, then in zip(after, before, strict=True)) < 3_000
    assert [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids] == descriptors
    assert [len(below(pid)) for pid in slot.pids] == [0, 1]


@pytest.fixture(params=[300, pytest.param(10_000, marks=pytest.mark.large)])
def executions(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


def test_the_hostile_set_is_where_it_should_be() -> None:
    assert Path(HOSTILE, "problem.json").is_file()
    assert len(CONTROLS) == 11
