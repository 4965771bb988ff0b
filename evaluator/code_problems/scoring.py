"""The referee as a reward program: response lines in, {"id", "score", "verdict"} lines out, one for one, in order."""

import json
from collections.abc import Mapping
from typing import TextIO

from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import Line, Problem
from evaluator.code_problems.programs import program_of_response
from evaluator.errors import BadInput
from evaluator.json_lines import dump, kind_of
from evaluator.sandbox.room import Room

NAMED_BY = ("task_id", "prompt_id", "item", "id")


def score_lines(room: Room, problems: Mapping[str, Problem], lines: TextIO, answers: TextIO) -> None:
    """Answer each line: 1 for a pass, 0 for all else, `attempt` named where a pass looks forged.

    Refuses (BadInput) a line that is no response line, or names no known problem.
    """
    for number, raw in enumerate(lines, start=1):
        line = _parsed(raw, f"standard input:{number}")
        problem = _problem(line, problems, f"standard input:{number}")
        program = program_of_response(str(line["response"]), problem)
        judgement, _ = judge(room, problem, program)
        said = {
            "id": line["id"],
            "score": 1.0 if judgement.verdict == "pass" else 0.0,
            "verdict": judgement.verdict,
        }
        attempt = {} if judgement.attempt is None else {"attempt": judgement.attempt}
        answers.write(dump({**said, **attempt}) + "\n")
        answers.flush()


def _parsed(raw: str, where: str) -> Line:
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: found {error}, wanted one response line") from error
    if not isinstance(line, dict) or not isinstance(line.get("response"), str) or "id" not in line:
        raise BadInput(f"{where}: found {kind_of(line)}, wanted an object with id and response")
    return line


def _problem(line: Line, problems: Mapping[str, Problem], where: str) -> Problem:
    names = [str(line[key]) for key in NAMED_BY if key in line]
    for name in names:
        if name in problems:
            return problems[name]
    raise BadInput(
        f"{where}: found {', '.join(names)} under {', '.join(NAMED_BY)}, wanted a task_id of the problems"
    )
