"""A mutant's code goes into what is imported where that equals a fresh import, and is refused elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutants.code_swap import NeedsImport, WarmUp

SOURCE = """
import contextlib
import functools

LIMIT = 5

def plain(x=1):
    return x + 1

def called_on_import():
    return 10

TABLE = called_on_import()

def door(name):
    names = [name]
    def decorate(view):
        @functools.wraps(view)
        def behind(x):
            return view(x) if x > 0 else names[0]
        return behind
    return decorate

@door("closed")
def view(x):
    return x * 2

class Thing:
    colour = "red"

    @property
    def size(self):
        return 3

    @contextlib.contextmanager
    def opened(self):
        yield 7

key = lambda x: -x
"""


@pytest.fixture
def warm(tmp_path: Path) -> tuple[WarmUp, Any, Path]:
    """A module imported under watch."""
    file = tmp_path.resolve() / "toy.py"
    file.write_text(SOURCE, "utf-8")
    (tmp_path / "read.html").write_text("x", "utf-8")
    (tmp_path / "unread.html").write_text("x", "utf-8")
    warm_up = WarmUp(str(tmp_path.resolve()))
    module = imported(file)
    (tmp_path.resolve() / "read.html").read_text("utf-8")
    warm_up.end()
    return warm_up, module, file


def imported(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("toy", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def looked_at(module: Any) -> list[Any]:
    with module.Thing().opened() as opened:
        return [module.plain(), module.view(2), module.view(-2), module.Thing().size, opened, module.key(4)]


@pytest.mark.parametrize(
    ("find", "replace"),
    [
        ("return x + 1", "return x - 1"),
        ("return x + 1", "y = [x for _ in range(3)]\n    return sum(y)"),
        ("x > 0", "x < 0"),
        ("return x * 2", "return x * 2.0 * LIMIT"),
        ("return 3", "return 3.0"),
        ("yield 7", "yield 8"),
        ("lambda x: -x", "lambda x: x"),
    ],
)
def test_changed_bodies_behave_as_if_imported_anew(
    find: str, replace: str, warm: tuple[WarmUp, Any, Path]
) -> None:
    warm_up, module, file = warm
    held = module.view, module.plain
    before = looked_at(module)
    changed = SOURCE.replace(find, replace)
    warm_up.put(str(file), SOURCE, changed)
    file.write_text(changed, "utf-8")
    assert looked_at(module) == looked_at(imported(file)) != before or find == "return 3"
    assert [type(value) for value in looked_at(module)] == [
        type(value) for value in looked_at(imported(file))
    ]
    assert held == (module.view, module.plain)


@pytest.mark.parametrize(
    ("find", "replace"),
    [
        ("LIMIT = 5", "LIMIT = 6"),
        ("x=1", "x=2"),
        ("return 10", "return 11"),
        ('@door("closed")', '@door("open")'),
        ("names = [name]", "names = [name, name]"),
        ('colour = "red"', 'colour = "blue"'),
        ("    @property\n", ""),
        ("return x + 1", "return x + + + "),
        ("return view(x) if", "return 1 if"),
    ],
)
def test_what_an_import_would_show_is_refused(
    find: str, replace: str, warm: tuple[WarmUp, Any, Path]
) -> None:
    warm_up, _, file = warm
    with pytest.raises(NeedsImport):
        warm_up.put(str(file), SOURCE, SOURCE.replace(find, replace))


def test_other_files_may_change_unless_import_read_them(warm: tuple[WarmUp, Any, Path]) -> None:
    warm_up, _, file = warm
    warm_up.put(str(file.with_name("unread.html")), "x", "y")
    warm_up.put(str(file.with_name("not_imported.py")), "x = 1", "x = 2")
    with pytest.raises(NeedsImport):
        warm_up.put(str(file.with_name("read.html")), "x", "y")
