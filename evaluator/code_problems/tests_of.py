"""Every format's tests as the one thing a referee takes: code run before, the submission's names, the tests."""

import ast
import builtins
import sys
from collections.abc import Mapping, Sequence
from typing import TypedDict


class TestsRequest(TypedDict):
    """What a referee is given."""

    prelude: str
    names: list[str]
    tests: str
    calls_check: bool


Stages = tuple[tuple[str, TestsRequest], ...]

COMPARE = """
def _same(found, wanted, atol):
    if type(found) is type(wanted) is float or (atol and {type(found), type(wanted)} <= {int, float}):
        both_undefined = found != found and wanted != wanted
        return both_undefined or found == wanted or abs(found - wanted) <= (atol or 1e-6) + 1e-7 * abs(wanted)
    if type(found) is type(wanted) and isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(_same(*pair, atol) for pair in zip(found, wanted))
    if type(found) is type(wanted) is dict:
        return found.keys() == wanted.keys() and all(_same(found[key], wanted[key], atol) for key in wanted)
    return found == wanted
"""
# The reference has its own name space, and each side its own copy of the arguments.
RUN_INPUTS = """
from copy import deepcopy
_space = {{}}
exec(compile({reference!r}, "reference.py", "exec"), _space)
_inputs = {inputs!r}
for _given in _inputs:
    _wanted = _space[{entry!r}](*deepcopy(_given))
    _found = {entry}(*deepcopy(_given))
    assert _same(_found, _wanted, {atol!r}), f"found {{_found!r}}, wanted {{_wanted!r}}"
"""


def check(prelude: str, entry: str, test: str) -> Stages:
    """HumanEval: `test` defines check(candidate). Tests may also call the function by its own name."""
    return (("tests", TestsRequest(prelude=prelude, names=[entry], tests=test, calls_check=True)),)


def asserts(setup: str, statements: Sequence[str]) -> Stages:
    """MBPP: statements that call what the submission defines, by name: whatever they name and nobody defines."""
    text = "\n".join(statements)
    names, modules = _free_names(text, setup)
    prelude = "\n".join([*(f"import {one}" for one in modules), setup])
    request = TestsRequest(prelude=prelude, names=names or ["candidate"], tests=text, calls_check=False)
    return (("tests", request),)


def inputs(entry: str, reference: str, by_stage: Mapping[str, list[object]], atol: float) -> Stages:
    """EvalPlus: the reference's answers to inputs, compared as it does (floats to 1e-6, or to `atol`)."""
    found = []
    for stage, given in by_stage.items():
        told = {"entry": entry, "reference": reference, "inputs": given, "atol": atol}
        text = COMPARE + RUN_INPUTS.format(**told)
        request = TestsRequest(prelude="", names=[entry], tests=text, calls_check=False)
        found.append((stage, request))
    return tuple(found)


def _free_names(text: str, setup: str) -> tuple[list[str], list[str]]:
    """(names the statements use and nobody defines, modules they use without an import), in order of appearance."""
    defined = set(dir(builtins))
    for tree in (ast.parse(setup), ast.parse(text)):
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                defined.add(node.id)
            elif isinstance(node, ast.alias):
                defined.add((node.asname or node.name).split(".")[0])
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.arg):
                defined.add(node.arg)
    tree = ast.parse(text)
    # `math.pi`: the published solutions import the module that their tests use.
    bases = {
        one.value.id
        for one in ast.walk(tree)
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name)
    }
    used = [one for one in ast.walk(tree) if isinstance(one, ast.Name) and one.id not in defined]
    ordered = dict.fromkeys(one.id for one in sorted(used, key=lambda one: (one.lineno, one.col_offset)))
    modules = [name for name in ordered if name in bases and name in sys.stdlib_module_names]
    return [name for name in ordered if name not in modules], modules
