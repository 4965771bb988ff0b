"""What runs inside the box: the submission, and a loop that calls its functions for the referee outside.

Nothing here is trusted: the submission may change all of it. It can only ever answer with plain values.
Answers, one message each: ["ok", value, changed arguments or null] · ["raised", built-in type, own type, text] ·
["odd", what, whether its type has an equality of its own].
"""

import _sitebuiltins
import builtins
import io
import os
import sys
from types import ModuleType, TracebackType

from evaluator.sandbox import frames, values

MOST_PROGRAM_BYTES = 1 << 20
MOST_TEXT = 300
NAME = "submission"


class Caught:
    """A context manager that keeps whatever is raised inside, SystemExit and KeyboardInterrupt too."""

    error: BaseException | None = None

    def __enter__(self) -> "Caught":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return True


class Nowhere(io.RawIOBase):
    """A stream that takes everything and keeps nothing."""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: object) -> int:
        """All of it is taken."""
        return len(data)  # type: ignore[arg-type]


def answer_calls(channel: int) -> None:
    """Load the program that comes first, then answer calls until the channel ends or the box is killed."""
    space, loading = _load(frames.read(channel, MOST_PROGRAM_BYTES))
    while True:
        try:
            call = frames.read(channel, values.MOST_BYTES)
        except (frames.BrokenFrame, OSError):
            return
        answer = values.dump_tree(_answer(space, loading, call))
        if len(answer) > values.MOST_BYTES:
            answer = values.dump_tree(["odd", f"a value of more than {values.MOST_BYTES} bytes", False])
        frames.write(channel, answer.encode("ascii"))


def run_program(channel: int) -> int:
    """Run the program as a script, its input and output being descriptors 0 and 1. Returns its exit code."""
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = _nowhere()
    # What the site module gives to every script; it is not imported here.
    vars(builtins).update({name: _sitebuiltins.Quitter(name, "") for name in ("exit", "quit")})
    _space, error = _load(frames.read(channel, MOST_PROGRAM_BYTES), name="__main__")
    sys.stdout.flush()
    if isinstance(error, SystemExit):
        return 0 if error.code in (None, 0) else 1
    return 0 if error is None else 1


def silence() -> None:
    """What is printed goes nowhere, and there is no input."""
    sys.stdout, sys.stderr = _nowhere(), _nowhere()
    sys.stdin = io.TextIOWrapper(io.BytesIO(b""))


def _nowhere() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BufferedWriter(Nowhere()), encoding="utf-8", errors="backslashreplace")


def _load(source: bytes, *, name: str = NAME) -> tuple[dict[str, object], BaseException | None]:
    # A module that can be found by its name: dataclasses and typing look it up there.
    module = sys.modules[name] = ModuleType(name)
    with Caught() as caught:
        code = compile(source, f"{NAME}.py", "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102 (this is the box)
    return module.__dict__, caught.error


def _answer(space: dict[str, object], loading: BaseException | None, call: bytes) -> list[object]:
    if loading is not None:
        return _raised(loading)
    name, placed, keyed = values.parse_call(call)
    positional = [values.read_parsed(one) for one in placed]
    named = {key: values.read_parsed(one) for key, one in keyed}
    before = [*placed, *(one for _, one in keyed)]
    odd: values.NotPlain | None = None
    result: object = None
    with Caught() as caught:
        if name not in space:
            raise NameError(f"name {name!r} is not defined")
        result = space[name](*positional, **named)  # type: ignore[operator]
        try:
            tree = values.write_tree(result)
        except values.NotPlain as error:
            odd = error
    if odd is not None:
        return ["odd", str(odd)[:MOST_TEXT], type(result).__eq__ is not object.__eq__]
    if caught.error is not None:
        return _raised(caught.error)
    return ["ok", tree, *_changes(before, [*positional, *named.values()])]


def _changes(before: list[object], given: list[object]) -> list[object]:
    """[the arguments as they are now], or [None] when nothing was changed in place."""
    try:
        after = [values.write_tree(one) for one in given]
    except values.NotPlain as error:
        return [["odd", str(error)[:MOST_TEXT]]]
    return [None if after == before else ["now", *after]]


def _raised(error: BaseException) -> list[object]:
    builtin = next(
        kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind
    )
    said = ""
    with Caught():
        said = str(error)[:MOST_TEXT]
    return ["raised", builtin, type(error).__name__[:MOST_TEXT], said]


def leave(code: int) -> None:
    """End this process at once: nothing the submission registered for the end runs."""
    os._exit(code)
