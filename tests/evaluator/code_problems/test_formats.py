"""Problems and samples in every published format: what is read, refused, cut out of free text, and judged."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import parse_problem, read_problem, read_problems
from evaluator.code_problems.programs import STOPS, cut, program_of, program_of_response, read_submissions
from evaluator.errors import BadInput
from tests.evaluator.lines import write_lines
from tests.evaluator.sandbox.rooms import room

Line = dict[str, Any]
HUMAN_EVAL: Line = {
    "task_id": "T/0",
    "prompt": "import math\n\ndef helper(x):\n    return x + 1\n\ndef f(x):\n    ",
    "entry_point": "f",
    "test": "def check(candidate):\n    assert candidate(1) == helper(math.floor(1.5)) == f(1)\n",
}
MBPP: Line = {
    "task_id": 7,
    "text": "Write a function.",
    "test_setup_code": "base = 2",
    "test_list": [
        "assert g(base) == 4",
        "assert [g(x) for x in (3,)] == [9]",
        "assert math.isclose(h(1), 1.0)",
    ],
    "test_imports": ["import json"],
}
EVAL_PLUS: Line = {
    "task_id": "P/1",
    "prompt": "def f(xs):\n",
    "canonical_solution": "    xs.append(0)\n    return sum(xs) / 3 if len(xs) < 4 else sorted(xs)\n",
    "entry_point": "f",
    "base_input": [[[1]], [[1, 2]]],
    "plus_input": [[[3, 2, 1]]],
    "atol": 0,
}
PROGRAM: Line = {
    "task_id": "S/1",
    "cases": [{"stdin": "2\n3\n", "stdout": "5\n"}, {"stdin": "-1\n1\n", "stdout": "0"}],
}


def verdict(line: Line, program: str) -> tuple[str, str | None]:
    found, passed = judge(room(), parse_problem(line, "here"), program)
    return found.verdict, passed


def test_human_eval() -> None:
    assert verdict(HUMAN_EVAL, "def f(x): return x + 1") == ("pass", "tests")
    assert verdict(HUMAN_EVAL, "def f(x): return x") == ("fail", None)
    assert verdict(HUMAN_EVAL, "def helper(x): return x\ndef f(x): return x")[0] == "fail"


def test_mbpp() -> None:
    problem = parse_problem(MBPP, "here")
    assert (problem.id, problem.entry_point, problem.stages[0][1]["names"]) == ("7", "g", ["g", "h"])
    right = "def g(x): return x * x\ndef h(x): return float(x)"
    assert verdict(MBPP, right)[0] == "pass"
    assert verdict(MBPP, right.replace("x * x", "2 * x"))[0] == "fail"
    assert verdict({**MBPP, "challenge_test_list": ["assert g(4) == 17"]}, right)[0] == "fail"


def test_eval_plus() -> None:
    right = "def f(xs):\n    ys = xs + [0]\n    return sum(ys) / 3 + 1e-9 if len(ys) < 4 else sorted(ys)"
    assert verdict(EVAL_PLUS, right) == ("pass", "plus")
    assert verdict(EVAL_PLUS, right.replace("1e-9", "1e-5")) == ("fail", None)
    assert verdict({**EVAL_PLUS, "atol": 1e-4}, right.replace("1e-9", "1e-5")) == ("pass", "plus")
    assert verdict(EVAL_PLUS, right.replace("sorted(ys)", "ys")) == ("fail", "base")
    assert verdict(EVAL_PLUS, right.replace("sorted(ys)", "tuple(sorted(ys))")) == ("fail", "base")
    assert verdict(EVAL_PLUS, "def f(xs):\n    return float('nan')") == ("fail", None)


def test_whole_programs() -> None:
    right = "a, b = int(input()), int(input())\nprint(a + b, '')"
    assert verdict(PROGRAM, right)[0] == "pass"
    assert verdict(PROGRAM, right.replace("+", "-"))[0] == "fail"
    assert verdict(PROGRAM, right + "\nraise SystemExit(1)")[0] == "fail"
    assert verdict(PROGRAM, right + "\nexit(0)")[0] == "pass"
    assert verdict(PROGRAM, right + "\nwhile True: pass")[0] == "timeout"
    assert verdict(PROGRAM, "while True: print('x' * 1000)")[0] == "fail"
    assert verdict(PROGRAM, "import os\nos.write(1, b'5\\n')\nos.close(1)\nwhile True: pass")[0] != "pass"
    stack: Line = {
        "task_id": "C",
        "driver": "s = Stack()\ns.push(3)\nprint(s.pop())",
        "cases": [{"stdout": "3"}],
    }
    assert verdict(stack, "class Stack(list):\n    push = list.append")[0] == "pass"
    assert verdict(stack, "class Stack:\n    def push(s, x): pass\n    def pop(s): return 4")[0] == "fail"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"task_id": None}, "task_id: found null"),
        ({"task_id": True}, "task_id"),
        ({"test": 5}, "test: found a number 5, wanted text"),
        ({"test": "def check(:"}, "test: found text that is no Python"),
        ({"entry_point": "a b"}, "entry_point: found 'a b', wanted the name of a function"),
        ({"test_list": []}, "test_list: found a list []"),
        ({"test_list": [1]}, "test_list: found a list [1], wanted a list of texts"),
        ({"base_input": [], "canonical_solution": ""}, "base_input"),
        ({"base_input": [[1]]}, "canonical_solution: found none"),
        ({"base_input": [[1]], "canonical_solution": "", "atol": "x"}, "atol"),
        ({"cases": [1]}, "cases[0]: found a number 1"),
        ({"cases": [{"stdin": "x"}]}, "stdout: found none"),
    ],
)
def test_bad_problems_are_refused(change: Line, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_problem({**HUMAN_EVAL, **change}, "file:1")
    assert str(caught.value).startswith("file:1")
    assert said in str(caught.value)


def test_problems_without_tests_twice_or_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="wanted the tests of a problem"):
        parse_problem({"task_id": "x", "prompt": ""}, "here")
    with pytest.raises(BadInput, match="'T/0' again"):
        read_problems(write_lines(tmp_path / "twice.jsonl", [HUMAN_EVAL, HUMAN_EVAL]))
    with pytest.raises(BadInput, match="at least one problem"):
        read_problems(write_lines(tmp_path / "none.jsonl", []))
    (tmp_path / "one.json").write_text(json.dumps(HUMAN_EVAL, indent=1), "utf-8")
    assert read_problem(tmp_path / "one.json").id == "T/0"
    packed = tmp_path / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps(HUMAN_EVAL).encode()))
    assert list(read_problems(packed)) == ["T/0"]
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(BadInput, match="wanted a whole gzip file"):
        read_problems(packed)


def test_programs_of_lines() -> None:
    problem = parse_problem(HUMAN_EVAL, "here")
    prompt = HUMAN_EVAL["prompt"]
    assert program_of({"completion": "return 1"}, problem, "here") == prompt + "return 1"
    assert (
        program_of({"completion": "return 1\ndef g(): pass"}, problem, "here", STOPS) == prompt + "return 1"
    )
    assert program_of({"solution": "def f(x): 1\n#"}, problem, "here", STOPS) == "def f(x): 1\n#"
    bad: list[Line] = [{}, {"completion": 5}]
    for line in bad:
        with pytest.raises(BadInput, match="wanted text under one of completion, solution, response"):
            program_of(line, problem, "here")
    assert cut("a\nclass b\ndef c", ("\ndef", "\nclass")) == "a"
    assert cut("a", ("\ndef",)) == "a"


FENCED = "Sure!\n```python\nimport re\ndef f(x):\n    return 1\n```\nor\n~~~\ndef f(x): return 2\n~~~\n"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        (FENCED, "import re\ndef f(x):\n    return 1\n"),
        ("Usage:\n```\nf(1)\n```\n```py\ndef f(x): return 2\n```", "def f(x): return 2\n"),
        ("```python\ndef f(x): return 3", "def f(x): return 3"),
        ("def f(x): return 4", "def f(x): return 4"),
        ("return 5", "PROMPT" + "return 5"),
        ("```\nreturn 6\n```", "PROMPT" + "return 6\n"),
        ("  ````python\ndef f(x):\n    '''\n```\n'''\n````", "def f(x):\n    '''\n```\n'''\n"),
    ],
)
def test_programs_are_found_in_free_text(text: str, program: str) -> None:
    problem = parse_problem(HUMAN_EVAL, "here")
    assert program_of_response(text, problem) == program.replace("PROMPT", HUMAN_EVAL["prompt"])


def test_samples_keep_their_order_and_place(tmp_path: Path) -> None:
    problems = {"T/0": parse_problem(HUMAN_EVAL, "here")}
    lines = [{"task_id": "T/0", "completion": str(n)} for n in (1, 1, 2)]
    found = read_submissions(write_lines(tmp_path / "s.jsonl", lines), problems)
    assert [one.place for one in found] == [0, 1, 2]
    with pytest.raises(BadInput, match='task_id: found text "T/9"'):
        read_submissions(write_lines(tmp_path / "t.jsonl", [{"task_id": "T/9", "completion": ""}]), problems)
    with pytest.raises(BadInput, match="at least one sample"):
        read_submissions(write_lines(tmp_path / "u.jsonl", []), problems)
