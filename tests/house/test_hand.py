"""The house hand: small files and functions, honest names, no broad except, no trace of a machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, shipped_python_files

FILE_LINES, FUNCTION_LINES = 400, 40
NAMES_THAT_REFUSE_NOTHING = {
    "utils",
    "util",
    "helpers",
    "common",
    "misc",
    "base",
    "core",
    "manager",
    "managers",
}
BROAD_EXCEPT_LIVES_IN = "labelplatform/jobs/runner.py"
Function = ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def long_functions(source: str) -> list[str]:
    """Functions one must scroll; docstrings do not count."""
    found = []
    for node in functions(ast.parse(source)):
        first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
        lines = (node.end_lineno or 0) - first.lineno + 1
        if lines > FUNCTION_LINES:
            found.append(f"{node.name}: {lines} lines")
    return found


def broad_excepts(source: str) -> int:
    handlers = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler)]
    names = [ast.unparse(handler.type) if handler.type else "" for handler in handlers]
    return sum(name in {"", "Exception", "BaseException"} for name in names)


@pytest.mark.parametrize("path", shipped_python_files(), ids=relative)
def test_file_is_short_and_readable(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= FILE_LINES
    assert long_functions(source) == []


def test_a_long_function_would_be_found() -> None:
    assert long_functions("def f():\n" + "    x = 1\n" * (FUNCTION_LINES + 1)) == ["f: 41 lines"]


def test_no_name_that_refuses_nothing() -> None:
    assert [
        relative(p) for p in shipped_python_files() if NAMES_THAT_REFUSE_NOTHING & {p.stem, *p.parts}
    ] == []


def test_the_only_broad_except_is_the_job_runner() -> None:
    broad = {relative(path): broad_excepts(path.read_text("utf-8")) for path in shipped_python_files()}
    assert {name for name, count in broad.items() if count} <= {BROAD_EXCEPT_LIVES_IN}
    assert broad_excepts("try:\n    pass\nexcept Exception:\n    pass\n") == 1


@pytest.mark.parametrize("package", ["trainer", "evaluator"])
def test_public_library_names_have_docstrings(package: str) -> None:
    missing = []
    for path in (ROOT / package).rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        public = [
            n for n in tree.body if isinstance(n, Function | ast.ClassDef) and not n.name.startswith("_")
        ]
        missing += [f"{relative(path)}: {n.name}" for n in public if not ast.get_docstring(n)]
        missing += [relative(path)] if tree.body and not ast.get_docstring(tree) else []
    assert missing == []


def test_nothing_is_left_to_do_and_nothing_names_a_machine() -> None:
    found = []
    for path in shipped_python_files():
        text = path.read_text("utf-8")
        found += [relative(path)] if re.search(r"\b(TODO|FIXME|XXX)\b|/work/|/tmp/plan", text) else []
    assert found == []
