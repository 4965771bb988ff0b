"""The tests' side: they run here, outside the submission's box, and the submission's functions are proxies.

A verdict rests on plain values that were built here. What ended a call oddly is remembered by the proxy, so that tests
that swallow exceptions cannot make a pass of it.
"""

import builtins
import json
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import NoReturn

from evaluator.sandbox import frames, values
from evaluator.sandbox.submission import Caught
from evaluator.sandbox.verdicts import VERDICTS

MOST_REASON, MOST_SHOWN = 500, 120
MOST_VERDICT_BYTES = 1 << 16
TESTS_FILE = "tests.py"


@dataclass(frozen=True)
class Tests:
    """Compiled tests: code run first, the submission's names, the tests, whether they define check()."""

    prelude: CodeType
    names: tuple[str, ...]
    tests: CodeType
    source: tuple[str, ...]
    calls_check: bool


@dataclass
class Record:
    """What happened at the pipe: the calls made, the last one and its answer as they crossed, and what ended the tests
    whatever they say.
    """

    calls: int = 0
    call: bytes = b""
    answer: "Answer | Raised | None" = None
    ended: tuple[str, str] | None = None
    attempt: str | None = None


class Stop(BaseException):
    """Ends the tests: the verdict is in the record."""


class OtherError(Exception):
    """An exception of the submission that is no built-in one."""


def prepare(prelude: str, names: list[str], tests: str, *, calls_check: bool) -> Tests:
    """The tests, compiled once. Refuses (SyntaxError, ValueError) text that is no Python."""
    return Tests(
        compile(prelude, "prelude.py", "exec", dont_inherit=True),
        tuple(names),
        compile(tests, TESTS_FILE, "exec", dont_inherit=True),
        tuple(tests.split("\n")),
        calls_check,
    )


def judge(tests: Tests, channel: int) -> dict[str, object]:
    """The verdict of these tests on the submission at the other end of `channel`, as JSON values."""
    record = Record()
    module = ModuleType("tests")
    space = module.__dict__
    with Caught() as caught:
        exec(tests.prelude, space)  # noqa: S102 (tests are run in a box of their own)
        proxies = [Proxy(name, channel, record) for name in tests.names]
        space.update({proxy.__name__: proxy for proxy in proxies})
        exec(tests.tests, space)  # noqa: S102
        if tests.calls_check:
            space["check"](proxies[0])
    verdict, reason = _verdict(tests, record, caught.error)
    call = "" if verdict == "pass" else _shown(record)
    shown = {"calls": record.calls, "call": _well_formed(call), "attempt": record.attempt}
    return {"verdict": verdict, "reason": _well_formed(reason[:MOST_REASON]), **shown}


def _verdict(tests: Tests, record: Record, error: BaseException | None) -> tuple[str, str]:
    if record.ended is not None:
        return record.ended
    if error is not None:
        return "fail", f"{type(error).__name__}{_place(tests, error)}: {error}".rstrip(": ")
    if record.calls == 0:
        return "fail", "the tests made no call of the submission"
    return "pass", f"all tests passed, {record.calls} calls"


def _place(tests: Tests, error: BaseException) -> str:
    """The line of the tests where the error came up."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == TESTS_FILE:
            line = trace.tb_lineno
        trace = trace.tb_next
    text = tests.source[line - 1].strip() if 0 < line <= len(tests.source) else ""
    return f" at `{text[:MOST_SHOWN]}`" if text else ""


class Proxy:
    """A function of the submission, called through the pipe with plain values."""

    def __init__(self, name: str, channel: int, record: Record) -> None:
        self.__name__ = name
        self._channel = channel
        self._record = record

    def __call__(self, *positional: object, **named: object) -> object:
        """The submission's answer: a plain value, or the built-in exception it raised."""
        record = self._record
        if record.ended is not None:
            raise Stop
        record.calls += 1
        record.call, record.answer = b"", None
        try:
            placed = values.write_tree(list(positional))
            keyed = values.write_tree(named)
        except values.NotPlain as error:
            self._stop("unjudged", f"the tests hand over {error}")
        call = values.dump_tree([self.__name__, placed, keyed]).encode("ascii")
        if len(call) > values.MOST_BYTES:
            self._stop("unjudged", f"the tests hand over more than {values.MOST_BYTES} bytes")
        record.call = call
        return self._result(self._exchange(call), [*positional, *named.values()])

    def _exchange(self, call: bytes) -> bytes:
        try:
            frames.write(self._channel, call)
            return frames.read(self._channel, values.MOST_BYTES)
        except (frames.Ended, OSError):
            self._stop("fail", "the submission's process ended before it answered", "ended-in-call")
        except frames.BrokenFrame as error:
            self._stop("fail", f"the submission broke the protocol: {error}", "broke-protocol")

    def _result(self, message: bytes, given: list[object]) -> object:
        try:
            answer = read_answer(message)
        except values.BadMessage as error:
            self._stop("fail", f"the submission broke the protocol: {error}", "broke-protocol")
        if isinstance(answer, Odd):
            attempt = "own-equality" if answer.own_equality else None
            self._stop("unjudged", f"the submission returned {answer.what}", attempt)
        self._record.answer = answer
        if isinstance(answer, Raised):
            self._raise(answer)
        if isinstance(answer.changed, Odd):
            self._stop("unjudged", f"the submission put {answer.changed.what} into an argument")
        if answer.changed is not None:
            self._change(given, answer.changed)
        return answer.value

    def _change(self, given: list[object], now: list[object]) -> None:
        """Arguments that the submission changed in place are changed in place here."""
        if len(now) != len(given):
            self._stop(
                "fail", "the submission broke the protocol: another number of arguments", "broke-protocol"
            )
        for old, new in zip(given, now, strict=True):
            change_in_place(old, new)

    def _raise(self, answer: "Raised") -> NoReturn:
        kind = getattr(builtins, answer.builtin)
        if not issubclass(kind, Exception):
            self._stop("fail", f"the submission raised {answer.own}")
        if kind is Exception or kind in NEEDS_MORE:
            raise OtherError(f"the submission raised {answer.own}: {answer.said}")
        raise kind(answer.said)

    def _stop(self, verdict: str, reason: str, attempt: str | None = None) -> NoReturn:
        self._record.ended, self._record.attempt = (verdict, reason), attempt
        raise Stop


NEEDS_MORE = (UnicodeDecodeError, UnicodeEncodeError, UnicodeTranslateError, ExceptionGroup)


@dataclass(frozen=True)
class Answer:
    """A returned value; the arguments as they are now when one was changed."""

    value: object
    changed: "list[object] | Odd | None"


@dataclass(frozen=True)
class Raised:
    """An exception: its nearest built-in type, its own type's name, its text."""

    builtin: str
    own: str
    said: str


@dataclass(frozen=True)
class Odd:
    """A value that is not plain."""

    what: str
    own_equality: bool


def read_answer(message: bytes) -> Answer | Raised | Odd:
    """The answer that a message says. Refuses (BadMessage) whatever is not of the grammar."""
    tree = values.parse(message)
    match tree:
        case ["ok", result, None]:
            return Answer(values.read_parsed(result), None)
        case ["ok", result, ["odd", str(what)]]:
            return Answer(values.read_parsed(result), Odd(what, own_equality=False))
        case ["ok", result, ["now", *given]]:
            now = values.read_parsed(["l", *given])
            return Answer(values.read_parsed(result), now)  # type: ignore[arg-type]
        case ["raised", str(builtin), str(own), str(said)] if _is_exception(builtin):
            return Raised(builtin, own[:MOST_SHOWN], said[:MOST_SHOWN])
        case ["odd", str(what), bool(own_equality)]:
            return Odd(what[:MOST_SHOWN], own_equality)
    raise values.BadMessage("no answer")


def _is_exception(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


def change_in_place(old: object, new: object) -> None:
    """Give `old` the content of `new`, keeping the identity of every container whose type and place stay the same."""
    if type(old) is not type(new):
        return
    if isinstance(old, list) and isinstance(new, list):
        old[:] = [_kept(old[place], one) if place < len(old) else one for place, one in enumerate(new)]
    elif isinstance(old, dict) and isinstance(new, dict):
        merged = {key: _kept(old[key], one) if key in old else one for key, one in new.items()}
        old.clear()
        old.update(merged)
    elif isinstance(old, set) and isinstance(new, set):
        old.clear()
        old.update(new)
    elif isinstance(old, bytearray) and isinstance(new, bytearray):
        old[:] = new
    elif isinstance(old, tuple) and isinstance(new, tuple):
        for one, other in zip(old, new, strict=False):
            change_in_place(one, other)


def _kept(old: object, new: object) -> object:
    if type(old) is type(new) and isinstance(old, list | dict | set | bytearray):
        change_in_place(old, new)
        return old
    return new


def _shown(record: Record) -> str:
    """The last call and its answer for a reader, shortened; made only when somebody will read it."""
    if not record.call:
        return ""
    name, placed, keyed = values.parse_call(record.call)
    given = [_short(values.read_parsed(one)) for one in placed]
    given += [f"{key}={_short(values.read_parsed(one))}" for key, one in keyed]
    text = f"{name}({', '.join(given)[:MOST_SHOWN]})"
    if isinstance(record.answer, Raised):
        return f"{text} raised {record.answer.own}: {record.answer.said}"
    return text if record.answer is None else f"{text} returned {_short(record.answer.value)}"


def _well_formed(text: str) -> str:
    """Text that any file takes: half a surrogate pair is written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _short(value: object) -> str:
    try:
        return repr(value)[:MOST_SHOWN]
    except ValueError:  # whole numbers of more digits than Python writes
        return f"<{type(value).__name__}>"


class BadTests(Exception):
    """Tests that cannot be run at all; one line."""


def read_verdict(payload: bytes) -> dict[str, object]:
    """The verdict a referee sent. Refuses (BadMessage) another shape: tests are strangers' data too; BadTests where it
    says that the tests are no Python.
    """
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise values.BadMessage(f"no verdict: {error}") from None
    match said:
        case {"refused": str(reason)}:
            raise BadTests(reason)
        case {
            "verdict": str(verdict),
            "reason": str(),
            "calls": int(),
            "call": str(),
            "attempt": None | str(),
        }:
            if verdict in VERDICTS:
                return said
    raise values.BadMessage("no verdict")
