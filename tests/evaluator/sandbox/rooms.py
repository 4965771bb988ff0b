"""Rooms for the tests, opened once for each tier, and programs by their text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import Reply
from evaluator.sandbox.room import Room
from evaluator.sandbox.verdicts import Judgement

DATA = Path(__file__).parents[4] / "shared" / "data"
HOSTILE = DATA / "hostile_code"
HUMANEVAL = DATA / "humaneval"
TIERS = (1, 2)
BRIEF = Limits(seconds=0.5)


@cache
def room(tier: int = 1, seconds: float = 0.5) -> Room:
    """The launchers end with this process."""
    return Room(Limits(seconds=seconds), tiers=(tier,))


ADD = """def check(candidate):
    assert candidate(1, 2) == 3
    assert candidate(-1, 1) == 0
    assert candidate(10, 32) == 42
    assert candidate(2, 3) == 5
"""


def add_tests() -> Reply:
    """The tests of the hostile problem: four sums."""
    return {"prelude": "", "names": ["add"], "tests": ADD, "calls_check": True}


def judged(program: str, tier: int = 1, seconds: float = 0.5) -> Judgement:
    return room(tier, seconds).judge(program.encode("utf-8", "surrogatepass"), add_tests())


def asserting(tests: str, *names: str, prelude: str = "") -> Reply:
    """Tests that are statements."""
    return {"prelude": prelude, "names": list(names or ("f",)), "tests": tests, "calls_check": False}
