"""What tests may ask of a submission, and what a verdict rests on."""

from __future__ import annotations

import pytest

from evaluator.sandbox.referee import BadTests, change_in_place
from evaluator.sandbox.verdicts import Judgement
from tests.evaluator.sandbox.rooms import asserting, room


def verdict(program: str, tests: str, *names: str, prelude: str = "") -> Judgement:
    return room().judge(program.encode(), asserting(tests, *names, prelude=prelude))


def test_arguments_changed_in_place_are_changed_for_the_tests() -> None:
    program = """
def f(rows, table, bag, raw=None):
    rows[0].append(9)
    rows.append([7])
    table["new"] = rows[0]
    table.pop("old")
    bag.add(5)
    if raw is not None: raw[:] = b"yz"
"""
    tests = """
row = [1]
kept = []
rows, table, bag, raw = [row], {"old": 1, "kept": kept}, {4}, bytearray(b"ab")
assert f(rows, table, bag, raw=raw) is None
assert rows == [[1, 9], [7]] and rows[0] is row and row == [1, 9]
assert table == {"kept": [], "new": [1, 9]} and table["kept"] is kept and bag == {4, 5} and raw == b"yz"
f([[0]], {"old": 0}, set())
"""
    assert verdict(program, tests).verdict == "pass"
    assert verdict("def f(x): x.sort()", "x = [3, 1, 2]\nf(x)\nassert x == [1, 2, 3]").verdict == "pass"
    assert verdict("def f(x): return sorted(x)", "x = [3, 1]\nf(x)\nassert x == [1, 3]").verdict == "fail"
    assert verdict("def f(x): x.append(len)", "f([])").verdict == "unjudged"


def test_change_in_place_keeps_identity_where_type_and_place_stay() -> None:
    inner: list[object] = [1]
    outer: list[object] = [inner, (inner, 2), 3]
    change_in_place(outer, [[1, 2], ([1, 2], 2), "x", 4])
    assert outer[0] is inner
    assert outer == [[1, 2], ([1, 2], 2), "x", 4]
    kept: dict[str, object] = {"a": inner, "b": 1}
    change_in_place(kept, {"a": [5], "c": 2})
    assert kept["a"] is inner
    assert kept == {"a": [5], "c": 2}
    untouched: list[int] = [1]
    change_in_place(untouched, {2})
    assert untouched == [1]


def test_generators_come_as_iterators_and_exceptions_by_their_builtin_type() -> None:
    assert verdict("def f():\n    yield 1\n    yield 2", "assert list(f()) == [1, 2]").verdict == "pass"
    assert verdict("def f():\n    yield 1", "assert f() == [1]").verdict == "fail"
    own = "class Own(ValueError): pass\ndef f(x): raise Own('told')"
    catching = "try:\n    f(1)\nexcept ValueError as error:\n    assert str(error) == 'told'\nelse:\n    assert False"
    assert verdict(own, catching).verdict == "pass"
    assert verdict("def f(x): raise KeyError(x)", catching).verdict == "fail"
    unknown = verdict("class Own(Exception): pass\ndef f(): raise Own", "f()")
    assert "the submission raised Own" in unknown.reason


@pytest.mark.parametrize(
    "program",
    [
        "def f(): raise SystemExit",
        "import os\ndef f(): os._exit(0)",
        "def f(): return object()",
        "import os\nos.close(3)",
    ],
)
def test_tests_that_swallow_everything_make_no_pass_of_it(program: str) -> None:
    swallowing = (
        "try:\n    f()\nexcept BaseException:\n    pass\ntry:\n    f()\nexcept BaseException:\n    pass\n"
    )
    assert verdict(program, swallowing).verdict in ("fail", "unjudged")


def test_a_pass_needs_a_call() -> None:
    found = verdict("def f(): return 1", "pass")
    assert (found.verdict, found.calls) == ("fail", 0)
    assert verdict("def f(): return 1", "assert f() == 1").calls == 1


def test_what_was_tried_is_named() -> None:
    assert (
        verdict("class S(str):\n    def __eq__(s, o): return True\ndef f(): return S()", "f()").attempt
        == "own-equality"
    )
    assert verdict("def f(): return object()", "f()").attempt is None
    assert verdict("import os\ndef f(): os._exit(0)", "f()").attempt == "ended-in-call"
    crashed = verdict("import ctypes\ndef f(): ctypes.string_at(0)", "f()")
    assert (crashed.attempt, crashed.reason[-7:]) == (None, "SIGSEGV")
    assert (
        verdict("import os\nos.write(3, b'\\0\\0\\0\\1[')\ndef f(): return 1", "f()").attempt
        == "broke-protocol"
    )
    assert verdict("def f(): return 1", "assert f() == 1").attempt is None


def test_the_failing_call_is_shown() -> None:
    found = verdict("def f(a, b=0): return a + b", "assert f(1) == 1\nassert f(2, b=3) == 6, 'six'")
    assert found.call == "f(2, b=3) returned 5"
    assert found.reason == "AssertionError at `assert f(2, b=3) == 6, 'six'`: six"
    assert verdict("def f(x): raise OSError('no')", "f([1])").call == "f([1]) raised OSError: no"
    spinning = verdict("def f(x):\n    while x: pass", "f(0)\nf(1)")
    assert (spinning.verdict, spinning.call, spinning.calls) == ("timeout", "f(1)", 2)


def test_values_of_the_tests_that_are_not_plain_are_unjudged() -> None:
    found = verdict("def f(g): return g(1)", "assert f(lambda x: x) == 1")
    assert (found.verdict, found.reason) == ("unjudged", "the tests hand over a value of type function")


def test_helpers_of_the_problem_are_the_problems_own() -> None:
    helper = "def double(x): return 2 * x"
    cheating = "def double(x): return 0\ndef f(x): return 0"
    assert verdict(cheating, "assert f(3) == double(3)", prelude=helper).verdict == "fail"
    assert verdict("def f(x): return x + x", "assert f(3) == double(3)", prelude=helper).verdict == "pass"


def test_tests_leave_nothing_for_the_next_submission() -> None:
    leaving = (
        "import builtins, random\nbuiltins.left = 1\nrandom.seed(5)\nglobal_of_tests = 1\nassert f() == 1"
    )
    looking = "import builtins, random\nassert not hasattr(builtins, 'left')\nassert 'global_of_tests' not in globals()"
    drawn = "import random\nassert f() == 1\nassert random.random() == 0.8444218515250481"
    for _ in range(2):
        assert verdict("def f(): return 1", leaving).verdict == "pass"
        assert verdict("def f(): return 1", looking + "\nassert f() == 1").verdict == "pass"
        assert verdict("def f(): return 1", drawn).verdict == "pass"


def test_tests_that_never_end_or_end_their_process_are_no_pass() -> None:
    assert verdict("def f(): return 1", "import os\nf()\nos._exit(0)").verdict == "fail"
    assert verdict("def f(): return 1", "f()\nraise SystemExit").verdict == "fail"
    assert verdict("def f(): return 1", "assert f() == 1").verdict == "pass"


def test_tests_that_are_no_python_are_refused() -> None:
    with pytest.raises(BadTests, match="the tests are no Python"):
        verdict("def f(): return 1", "assert f( == 1")
    assert verdict("def f(): return 1", "assert f() == 1").verdict == "pass"
