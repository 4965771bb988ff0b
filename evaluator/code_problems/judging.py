"""One submission before the sandbox: stage after stage of tests, or case after case of input and output."""

from dataclasses import replace

from evaluator.code_problems.problems import Case, Problem
from evaluator.sandbox.clock import Stopped
from evaluator.sandbox.room import Room
from evaluator.sandbox.slot import Output
from evaluator.sandbox.verdicts import Judgement

MOST_SHOWN = 120


def judge(room: Room, problem: Problem, program: str) -> tuple[Judgement, str | None]:
    """(the verdict, the last stage that was passed or None). Raises BadTests and LauncherFailed."""
    source = program.encode("utf-8", "surrogatepass")
    if problem.cases:
        return _judge_cases(room, problem, source), None
    passed, judgement = None, None
    for stage, tests in problem.stages:
        found = room.judge(source, dict(tests))
        judgement = _joined(judgement, found)
        if found.verdict != "pass":
            break
        passed = stage
    assert judgement is not None
    return judgement, passed


def _joined(before: Judgement | None, now: Judgement) -> Judgement:
    if before is None:
        return now
    return replace(
        now,
        calls=before.calls + now.calls,
        cpu_seconds=before.cpu_seconds + now.cpu_seconds,
        wall_seconds=before.wall_seconds + now.wall_seconds,
    )


def _judge_cases(room: Room, problem: Problem, source: bytes) -> Judgement:
    program = source + b"\n" + problem.driver.encode() if problem.driver else source
    cpu = wall = 0.0
    for number, case in enumerate(problem.cases, start=1):
        output = room.run_script(program, case.stdin.encode())
        cpu, wall = cpu + output.cpu_seconds, wall + output.wall_seconds
        stopped = _compared(case, output)
        if stopped is not None:
            shown = f"case {number}: stdin {case.stdin[:MOST_SHOWN]!r}"
            reason = f"case {number}: {stopped.reason}"
            found = Judgement(
                stopped.verdict, reason, number, shown, wall_only=stopped.wall_only, box=room.box
            )
            return replace(found, cpu_seconds=cpu, wall_seconds=wall)
    count = len(problem.cases)
    found = Judgement("pass", f"all {count} cases printed what was wanted", count, box=room.box)
    return replace(found, cpu_seconds=cpu, wall_seconds=wall)


def _compared(case: Case, output: Output) -> Stopped | None:
    """Why the output is not what was wanted, or None."""
    if output.stopped is not None:
        return output.stopped
    if output.code != 0:
        return Stopped("fail", f"the program ended with exit code {output.code}")
    found, wanted = (_lines(text) for text in (output.text.decode("utf-8", "replace"), case.stdout))
    if found != wanted:
        said = repr(output.text[:MOST_SHOWN])
        return Stopped("fail", f"printed {said}, wanted {case.stdout[:MOST_SHOWN]!r}")
    return None


def _lines(text: str) -> list[str]:
    """Lines without the white space at their ends and at the end of all, as judges of contests compare."""
    return [line.rstrip() for line in text.rstrip().splitlines()]
