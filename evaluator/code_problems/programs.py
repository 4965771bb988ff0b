"""From what a model said to the program that is run: by the format of the line, never by what the program does."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.code_problems.problems import Line, Problem
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of, read

# Where a base model that goes on after its function is cut (Chen et al. 2021, section 2.1).
STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
KEYS = ("completion", "solution", "response")
FENCE = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Submission:
    """One sample of a problem: its place among the problem's samples (from 0), its program, the line."""

    task_id: str
    place: int
    program: str
    line: Line


def read_submissions(path: Path, problems: dict[str, Problem], stops: Sequence[str] = ()) -> list[Submission]:
    """The samples of a file in its order. Refuses an empty file, an unknown task_id, a line without a program."""
    found: list[Submission] = []
    seen: dict[str, int] = {}
    for number, line in read(path):
        where = f"{path}:{number}"
        name = str(line.get("task_id"))
        if name not in problems:
            raise BadInput(
                f"{where}: task_id: found {kind_of(line.get('task_id'))}, wanted one of the problems'"
            )
        place = seen.get(name, 0)
        seen[name] = place + 1
        found.append(Submission(name, place, program_of(line, problems[name], where, stops), line))
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one sample")
    return found


def program_of(line: Line, problem: Problem, where: str, stops: Sequence[str] = ()) -> str:
    """The program of one line: `completion` goes after the prompt, `solution` is whole, `response` is free text.

    `stops` cut a completion where the first of them begins.
    """
    key = next((one for one in KEYS if one in line), None)
    text = line.get(key) if key else None
    if key is None or not isinstance(text, str):
        found = "none" if key is None else f"{key}: {kind_of(text)}"
        raise BadInput(f"{where}: found {found}, wanted text under one of {', '.join(KEYS)}")
    if key == "completion":
        return problem.prompt + cut(text, stops)
    if key == "solution":
        return text
    return program_of_response(text, problem, stops)


def program_of_response(text: str, problem: Problem, stops: Sequence[str] = ()) -> str:
    """The program in free text: its first fenced block that defines the function, else the first block, else all.

    Code that does not define the function goes on from the prompt.
    """
    blocks = [match[3] for match in FENCE.finditer(text)]
    if not problem.entry_point:
        return blocks[0] if blocks else text
    whole = next((one for one in blocks or [text] if defines(one, problem.entry_point)), None)
    if whole is not None:
        return whole
    return problem.prompt + cut(blocks[0] if blocks else text, stops)


def defines(text: str, name: str) -> bool:
    """Whether a line of the text begins the definition of the function, class or variable `name`."""
    pattern = rf"^(?:async[ \t]+def|def|class)[ \t]+{re.escape(name)}\b|^{re.escape(name)}[ \t]*="
    return re.search(pattern, text, re.MULTILINE) is not None


def cut(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop."""
    places = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return text[: min(places)] if places else text
