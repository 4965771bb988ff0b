"""Problems as published: HumanEval, MBPP, EvalPlus's extra inputs, and whole programs with input and output.

Each becomes stages of tests for the referee, or cases of input and output. A problem's own code (helpers in the
prompt, reference solutions) runs on the tests' side: tests may use it, and no submission can change it.
"""

import warnings
from dataclasses import dataclass, field
from pathlib import Path

from evaluator.code_problems import tests_of
from evaluator.code_problems.tests_of import TestsRequest
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of, read, read_object

Line = dict[str, object]


@dataclass(frozen=True)
class Case:
    """One run of a whole program: what it reads, and what it must print."""

    stdin: str
    stdout: str


@dataclass(frozen=True)
class Problem:
    """One problem. `stages` are tested in order until one fails; `cases` make it a problem of whole programs.

    `driver` is put after the submission of a whole program, to use what it defines and print.
    """

    id: str
    prompt: str
    entry_point: str
    stages: tuple[tuple[str, TestsRequest], ...] = ()
    cases: tuple[Case, ...] = ()
    driver: str = ""
    line: Line = field(default_factory=dict, hash=False)


def read_problems(path: Path) -> dict[str, Problem]:
    """The problems of a .jsonl or .jsonl.gz file by id. Refuses an empty file, an id twice, what is no known format."""
    found: dict[str, Problem] = {}
    for number, line in read(path):
        problem = parse_problem(line, f"{path}:{number}")
        if problem.id in found:
            raise BadInput(f"{path}:{number}: task_id: found {problem.id!r} again, wanted each problem once")
        found[problem.id] = problem
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one problem")
    return found


def read_problem(path: Path) -> Problem:
    """The problem of a .json file. Refuses what is no known format."""
    return parse_problem(read_object(path), str(path))


def parse_problem(line: Line, where: str) -> Problem:
    """The problem of one line, its format known by its keys: `cases`, `base_input`, `test_list` or `test`."""
    name = _name(line, where)
    prompt = _text(line, "prompt" if "prompt" in line else "text", where, default="")
    if "cases" in line:
        cases = tuple(
            _case(one, f"{where}: cases[{number}]") for number, one in enumerate(_list(line, "cases", where))
        )
        driver = _text(line, "driver", where, default="")
        return Problem(name, prompt, str(line.get("entry_point", "")), cases=cases, driver=driver, line=line)
    if "base_input" in line:
        entry = _entry_point(line, where)
        reference = _text(line, "prompt", where) + _text(line, "canonical_solution", where)
        inputs = {"base": _list(line, "base_input", where)}
        if line.get("plus_input"):
            inputs["plus"] = _list(line, "plus_input", where)
        atol = line.get("atol", 0)
        if isinstance(atol, bool) or not isinstance(atol, int | float):
            raise BadInput(f"{where}: atol: found {kind_of(atol)}, wanted a number")
        stages = tests_of.inputs(entry, reference, inputs, float(atol))
    elif "test_list" in line:
        asserts = [*_texts(line, "test_list", where), *_texts(line, "challenge_test_list", where, default=[])]
        setup = [
            _text(line, "test_setup_code", where, default=""),
            *_texts(line, "test_imports", where, default=[]),
        ]
        _check_python("\n".join(asserts), f"{where}: test_list")
        _check_python("\n".join(setup), f"{where}: test_setup_code")
        stages = tests_of.asserts("\n".join(setup), asserts)
        entry = str(line.get("entry_point") or stages[0][1]["names"][0])
    elif "test" in line:
        entry, test = _entry_point(line, where), _text(line, "test", where)
        _check_python(test, f"{where}: test")
        stages = tests_of.check(_prelude(prompt), entry, test)
    else:
        raise BadInput(
            f"{where}: found none of cases, base_input, test_list and test, wanted the tests of a problem"
        )
    return Problem(name, prompt, entry, stages=stages, line=line)


def _name(line: Line, where: str) -> str:
    name = line.get("task_id")
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        found = kind_of(name) if "task_id" in line else "none"
        raise BadInput(f"{where}: task_id: found {found}, wanted a name or a number")
    return str(name)


def _text(line: Line, key: str, where: str, *, default: str | None = None) -> str:
    value = line.get(key, default)
    if not isinstance(value, str):
        found = kind_of(value) if key in line else "none"
        raise BadInput(f"{where}: {key}: found {found}, wanted text")
    return value


def _list(line: Line, key: str, where: str) -> list[object]:
    value = line[key]
    if not isinstance(value, list) or not value:
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted a list of at least one")
    return value


def _texts(line: Line, key: str, where: str, *, default: list[str] | None = None) -> list[str]:
    value = line.get(key, default)
    if not isinstance(value, list) or (default is None and not value):
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted a list of texts")
    if not all(isinstance(one, str) for one in value):
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted a list of texts")
    return value


def _entry_point(line: Line, where: str) -> str:
    entry = _text(line, "entry_point", where)
    if not entry.isidentifier():
        raise BadInput(f"{where}: entry_point: found {entry!r}, wanted the name of a function")
    return entry


def _case(value: object, where: str) -> Case:
    if not isinstance(value, dict):
        raise BadInput(f"{where}: found {kind_of(value)}, wanted an object with stdin and stdout")
    return Case(_text(value, "stdin", where, default=""), _text(value, "stdout", where))


def _prelude(prompt: str) -> str:
    """The prompt's own code, for its imports and helpers: a prompt may end in a function that has no body yet."""
    for text in (prompt, f"{prompt}\n    pass\n", f"{prompt}\n        pass\n"):
        if is_python(text):
            return text
    return ""


def _check_python(text: str, where: str) -> None:
    if not is_python(text):
        raise BadInput(f"{where}: found text that is no Python, wanted tests")


def is_python(text: str) -> bool:
    """Whether a text compiles. Nothing of it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "tests.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
