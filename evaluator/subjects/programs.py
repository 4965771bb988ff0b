"""Answers by program (PAL: Gao et al. 2023): the model writes a program, the sandbox runs it, its value is the answer.

A program that gives no plain value abstains: nothing is guessed from its text. Where the machine and not the program is
at fault (only the wall clock ended it, twice), the question is not measured.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from evaluator.code_problems.programs import FENCE, defines
from evaluator.errors import BadInput
from evaluator.sandbox.clock import Stopped
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import NoIsolation
from evaluator.sandbox.referee import Answer, Odd, Raised
from evaluator.sandbox.room import Room
from evaluator.sandbox.submission import MOST_PROGRAM_BYTES

ENTRY = "solution"
ASKED = (
    f"Answer by a program: write a Python function {ENTRY}() that computes the answer to the question and returns it. "
    "Write only the program."
)
# By the rules of every suite this admits not knowing.
ABSTENTION = "I do not know."
DIGITS = 12
LONGEST_ANSWER = 1000
Outcome = Literal["answered", "abstained", "not-measured"]


@dataclass(frozen=True)
class Ran:
    """What came of a program: its answer (ABSTENTION where it abstained, empty where it is not measured), and why."""

    outcome: Outcome
    answer: str
    reason: str

    def record(self, program: str) -> dict[str, object]:
        """Kept beside the response, with the program."""
        return {"text": program, "outcome": self.outcome, "reason": self.reason}


class Programs:
    """The wrapper of `--prompting program`. A context manager: its sandbox is open while programs run.

    Refuses (BadInput) a host without isolation, before a program is asked for.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._outcomes: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def __enter__(self) -> Self:
        try:
            self._room = Room(self._limits)
        except NoIsolation as error:
            raise BadInput(f"--prompting program: refused: {error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._room.__exit__()

    @property
    def detail(self) -> dict[str, object]:
        """What the report says of it: the box, and how many programs answered, abstained, were not measured."""
        counts = {name: self._outcomes[name] for name in ("answered", "abstained", "not-measured")}
        why = dict(sorted(self._reasons.items()))
        seconds = self._limits.seconds
        return {
            "kind": "program",
            "seconds": seconds,
            "programs": counts,
            "no_answer_because": why,
            "box": self._room.box,
        }

    def before(self, question: str) -> str:
        """What asks for a program, put before the question."""
        return ASKED

    def after(self, question: str, response: str) -> str:
        """The answer of the program in a response."""
        return self.run(response)[0].answer

    def run(self, response: str) -> tuple[Ran, str]:
        """(what came of the program in a response, that program), counted."""
        program = program_in(response)
        found = self._run(program)
        self._outcomes[found.outcome] += 1
        if found.outcome != "answered":
            self._reasons[found.reason] += 1
        return found, program

    def _run(self, program: str) -> Ran:
        source = program.encode("utf-8", "surrogatepass")
        if not program.strip():
            return _abstained("no program")
        if len(source) > MOST_PROGRAM_BYTES:
            return _abstained(f"a program of more than {MOST_PROGRAM_BYTES} bytes")
        if defines(program, ENTRY):
            found = _of_call(self._room.answer(source, ENTRY))
            # A function that prints and returns nothing is often called at the end: then what is printed counts.
            if found is not None:
                return found
        return self._of_script(source)

    def _of_script(self, source: bytes) -> Ran:
        output = self._room.run_script(source, b"")
        if output.stopped is not None:
            return _stopped(output.stopped)
        if output.code != 0:
            return _abstained("the program failed")
        lines = [line.strip() for line in output.text.decode("utf-8", "replace").splitlines() if line.strip()]
        return _answered(lines[-1]) if lines else _abstained("the program said nothing")


def program_in(response: str) -> str:
    """The first fenced block that defines the function, else the first block, else the whole response."""
    blocks: Sequence[str] = [match[3] for match in FENCE.finditer(response)] or [response]
    return next((one for one in blocks if defines(one, ENTRY)), blocks[0])


def spelled(value: object) -> str | None:
    """A plain value as an answer: text, a whole number, or a number of 12 significant digits; else None.

    What is whole is written whole (2.0 is 2), since references are.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        shown = f"{value:.{DIGITS}g}"
        return str(int(value)) if value == int(value) and "e" not in shown else shown
    if isinstance(value, int):
        try:
            return str(value)
        except ValueError:  # of more digits than Python writes
            return None
    return None


def _of_call(found: Answer | Raised | Odd | Stopped | None) -> Ran | None:
    """What came of calling the function; None where it returned None."""
    if isinstance(found, Stopped):
        return _stopped(found)
    if isinstance(found, Raised):
        return _abstained(f"the program raised {found.builtin}")
    if isinstance(found, Odd):
        return _abstained("the value is not plain")
    if found is None:
        return _abstained("the program ended before it answered")
    if found.value is None:
        return None
    told = spelled(found.value)
    return _abstained("the value is no number and no text") if told is None else _answered(told)


def _answered(text: str) -> Ran:
    if len(text) > LONGEST_ANSWER:
        return _abstained(f"an answer of more than {LONGEST_ANSWER} characters")
    return Ran("answered", text, "")


def _abstained(reason: str) -> Ran:
    return Ran("abstained", ABSTENTION, reason)


def _stopped(found: Stopped) -> Ran:
    if found.wall_only:
        return Ran("not-measured", "", found.reason)
    return _abstained("out of time" if found.verdict == "timeout" else found.reason)
