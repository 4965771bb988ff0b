"""Attacks of our own, in both tiers; what a submission sees of the one before; memory and processes over many runs."""

from __future__ import annotations

import os

import pytest

from tests.evaluator.sandbox.attacks import ATTACKS, RIGHT
from tests.evaluator.sandbox.canaries import below, memory_kilobytes
from tests.evaluator.sandbox.rooms import TIERS, add_tests, judged, room
from tests.evaluator.sandbox.watching import contained, watched


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_of_our_own_are_contained_and_never_pass(name: str, tier: int) -> None:
    with watched(tier) as canaries:
        contained(judged(ATTACKS[name], tier), canaries)
    assert judged(RIGHT, tier).verdict == "pass"


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
