"""State may outlive a call, a verdict may not lean on it: what a submission can carry from one call to the next.

One process answers all calls of one submission, as the published tests expect of a module. That forges nothing as long
as (1) expected values never enter that process, (2) what was answered cannot be changed afterwards, (3) nothing is
left for another run. Each is tried here by a submission that does its worst.
"""

from __future__ import annotations

import secrets

import pytest

from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import parse_problem
from evaluator.sandbox.verdicts import Judgement
from tests.evaluator.sandbox.rooms import TIERS, asserting, room

# Reads its own memory page by page: a write from an address that is not mapped fails without a crash.
SPY = r"""
import ctypes, os, re
libc = ctypes.CDLL(None, use_errno=True)
libc.sbrk.restype = ctypes.c_void_p
libc.sbrk.argtypes = [ctypes.c_ssize_t]
libc.pwrite.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long]
PAGE, MARK = 4096, re.compile(b"to" + b"ken-[0-9a-f]{32}")
page = open("page", "w+b", buffering=0)

def pages(start, count):
    found, before = set(), b""
    for number in range(count):
        if libc.pwrite(page.fileno(), start + number * PAGE, PAGE, 0) != PAGE:
            before = b""
            continue
        held = os.pread(page.fileno(), PAGE, 0)
        found.update(MARK.findall(before[-64:] + held))
        before = held
    return found

def search(*given):
    here = id(object()) & ~(PAGE - 1)
    found = pages(here - 4096 * PAGE, 8192)
    top = libc.sbrk(0) & ~(PAGE - 1)
    found |= pages(top - 6144 * PAGE, 6144)
    return sorted(one.decode() for one in found)
"""


def verdict(program: str, tests: str, *names: str, tier: int = 1, seconds: float = 3.0) -> Judgement:
    return room(tier, seconds).judge(program.encode(), asserting(tests, *names))


@pytest.mark.parametrize("tier", TIERS)
def test_no_expected_value_is_ever_in_the_memory_of_a_submission(tier: int) -> None:
    expected, handed = (f"token-{secrets.token_hex(16)}" for _ in range(2))
    tests = f"""
expected = {expected!r}
assert search() != expected and search() != [expected]
assert search([expected][0][:3]) == [], search()
"""
    assert verdict(SPY, tests, "search", tier=tier).verdict == "pass"
    # What the tests hand over is there, and the spy sees it: else the test above would prove nothing.
    found = verdict(SPY, f"assert search({handed!r}) == [{handed!r}]", "search", tier=tier)
    assert found.verdict == "pass", found


def test_what_was_answered_and_given_cannot_be_changed_by_a_later_call() -> None:
    program = """
kept = []
def f(x):
    for one in kept:
        one.append("later")
    kept.append(x)
    x.append("now")
    answer = [len(kept)]
    kept.append(answer)
    return answer
"""
    tests = """
a, b = [1], [2]
first = f(a)
assert first == [1] and a == [1, "now"]
second = f(b)
assert first == [1] and a == [1, "now"] and second == [3] and b == [2, "now"]
"""
    assert verdict(program, tests).verdict == "pass"


@pytest.mark.parametrize(
    ("program", "attempt"),
    [
        # The answer to the second call is written before it is asked: it is wrong all the same.
        ("import os, struct\ndef f(x):\n    told = b'[\"ok\",7,null]'\n"
         "    os.write(3, struct.pack('!I', len(told)) + told)\n    return 7", None),
        ("import os\ndef f(x):\n    os.write(3, b'\\0\\0\\0\\2{}')\n    return x", "broke-protocol"),
        ("calls = []\ndef f(x):\n    calls.append(x)\n    return calls[0]", None),
        ("import threading, os\ndef late():\n    while True: os.write(3, b'\\0\\0\\0\\x0d[\"ok\",2,null]')\n"
         "threading.Thread(target=late, daemon=True).start()\ndef f(x): return 1", None),
    ],
)  # fmt: skip
def test_answers_ahead_of_their_call_make_no_pass(program: str, attempt: str | None) -> None:
    found = verdict(program, "assert f(1) == 1\nassert f(2) == 2\nassert f(3) == 3\nassert f(1) == 1")
    assert found.verdict in ("fail", "timeout"), found
    assert attempt is None or found.attempt == attempt
    assert verdict("def f(x): return x", "assert f(2) == 2").verdict == "pass"


def test_each_stage_of_tests_meets_a_process_of_its_own() -> None:
    """A submission that counts its calls cannot tell the extra inputs from the published ones."""
    line: dict[str, object] = {
        "task_id": "P", "prompt": "def f(x):\n", "canonical_solution": "    return x\n", "entry_point": "f",
        "base_input": [[1], [2]], "plus_input": [[3]],
    }  # fmt: skip
    counting = "calls = 0\ndef f(x):\n    global calls\n    calls += 1\n    return x if calls <= 2 else None"
    assert judge(room(), parse_problem(line, "here"), counting)[0].verdict == "pass"
    assert (
        judge(room(), parse_problem({**line, "plus_input": [[3], [4], [5]]}, "here"), counting)[1] == "base"
    )


@pytest.mark.parametrize("tier", TIERS)
def test_nothing_is_left_for_the_next_submission(tier: int) -> None:
    left = f"token-{secrets.token_hex(16)}"
    leaving = f"""
import builtins, os, sys
kept = [{left!r}] * 10000
builtins.left = sys.left = {left!r}
def f():
    open("left", "w").write({left!r})
    return os.listdir(".") == ["left"]
"""
    assert verdict(leaving, "assert f()", tier=tier).verdict == "pass"
    tests = "assert search() == [], search()\nassert names() == ['page', False]"
    names = "\nimport builtins\ndef names():\n    return [*os.listdir('.'), hasattr(builtins, 'left')]"
    found = verdict(SPY + names, tests, "search", "names", tier=tier)
    assert found.verdict == "pass", found
