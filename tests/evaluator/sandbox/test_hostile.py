"""Strangers' programs before canaries, in both tiers: contained, never a pass; the controls are judged right."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import indent

import pytest

from tests.evaluator.sandbox.attacks import ATTACKS
from tests.evaluator.sandbox.rooms import HOSTILE, TIERS, judged
from tests.evaluator.sandbox.watching import contained, watched

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


def test_the_hostile_set_is_where_it_should_be() -> None:
    assert Path(HOSTILE, "problem.json").is_file()
    assert len(CONTROLS) == 11
