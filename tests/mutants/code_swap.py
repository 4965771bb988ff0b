"""Puts a mutant's code into functions that are already imported, where that is the same as importing it anew.

It is the same when only the bodies of functions differ and none of those bodies ran while the modules were
imported: then nothing that exists depends on them yet.  Whatever else differs (a constant, a decorator, a
class attribute, a function that import calls) raises `NeedsImport`, and the caller starts from nothing.
"""

from __future__ import annotations

import cProfile
import gc
import inspect
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any


class NeedsImport(Exception):
    """This change shows only to who imports the changed file."""


class WarmUp:
    """Which files were opened and which code ran while the modules were imported."""

    def __init__(self, tree: str) -> None:
        self.tree = tree + "/"
        self.opened: set[str] = set()
        self.ran: set[tuple[str, int, str]] = set()
        self.functions: dict[str, list[FunctionType]] = {}
        self.watching = True
        sys.addaudithook(self._on_event)
        # Written in C: a profiler in Python would make the warm-up three times as long.
        self.profiler = cProfile.Profile(subcalls=False, builtins=False)
        self.profiler.enable()

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.watching and isinstance(arguments[0], str):
            self.opened.add(arguments[0])

    def end(self) -> None:
        """From here on code runs unwatched; what exists now is what a change must reach."""
        self.profiler.disable()
        self.watching = False
        called = [entry.code for entry in self.profiler.getstats() if isinstance(entry.code, CodeType)]
        self.ran = {place_of(code) for code in called if code.co_filename.startswith(self.tree)}
        self.profiler.clear()
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(self.tree):
                self.functions.setdefault(thing.__code__.co_filename, []).append(thing)

    def put(self, file: str, before: str, after: str) -> None:
        """Let everything imported from `file` behave as if it had read `after` instead of `before`."""
        if not file.endswith(".py"):
            if file in self.opened:
                raise NeedsImport(f"{file} was read on import")
            return
        if not any(place[0] == file for place in self.ran):
            return
        for old, new, at_top in self._changes(compiled(before, file), compiled(after, file), True):
            living = [function for function in self.functions.get(file, []) if function.__code__ == old]
            if old.co_freevars != new.co_freevars or (at_top and not living):
                raise NeedsImport(f"{old.co_qualname} is not to be found or closes over other names")
            for function in living:
                function.__code__ = new

    def _changes(
        self, old: CodeType, new: CodeType, at_top: bool
    ) -> Iterator[tuple[CodeType, CodeType, bool]]:
        """The functions that differ; `old` itself has run."""
        if shell(old) != shell(new):
            raise NeedsImport(f"{old.co_qualname} runs on import")
        for inner, changed in zip(inside(old), inside(new), strict=True):
            if content(inner) == content(changed):
                continue
            is_function = bool(inner.co_flags & inspect.CO_NEWLOCALS)
            if is_function:
                yield inner, changed, at_top
            if not is_function or place_of(inner) in self.ran:
                yield from self._changes(inner, changed, at_top and not is_function)


def compiled(source: str, file: str) -> CodeType:
    """The code of a module; one that does not even compile is for a real import to refuse."""
    try:
        return compile(source, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NeedsImport(f"{file} does not compile") from error


def place_of(code: CodeType) -> tuple[str, int, str]:
    """What tells one piece of code from all others."""
    return code.co_filename, code.co_firstlineno, code.co_qualname


def inside(code: CodeType) -> list[CodeType]:
    """The functions and classes written in this code, in their order."""
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def shell(code: CodeType) -> tuple[object, ...]:
    """All that this code does itself: not what is inside the functions and classes it makes, nor its lines."""
    constants = tuple(
        "code" if isinstance(constant, CodeType) else (type(constant), repr(constant))
        for constant in code.co_consts
    )
    return (
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_exceptiontable,
        code.co_flags,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_qualname,
        constants,
    )


def content(code: CodeType) -> tuple[object, ...]:
    """All that this code and the code inside it does."""
    return (shell(code), *(content(inner) for inner in inside(code)))
