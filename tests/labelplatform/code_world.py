"""Two models whose programs were judged, as collecting leaves them: passes, failures, an attempt at a forged pass."""

from __future__ import annotations

from typing import Any

from evaluator.report_files import Items, Metric, Report, write_report
from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import services
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.jobs.models import Artifact
from tests.labelplatform.world import finish

PROBLEMS, PROGRAMS = 5, 4
RIGHT = "def f(x):\n    return x + {number}\n"
FORGED = "class Everything:\n    def __eq__(self, other):\n        return True\n\ndef f(x):\n    return Everything()\n"


def judgement(number: int, place: int, right: int) -> dict[str, Any]:
    """What is told of one program; one of the last problem's is an object equal to everything."""
    told: dict[str, Any] = {"temperature": 0.8, "calls": 3, "program": RIGHT.format(number=number)}
    if number == PROBLEMS - 1 and place == 0:
        forged = {"verdict": "unjudged", "reason": "the submission returned a value of type Everything"}
        return {**told, **forged, "attempt": "own-equality", "program": FORGED, "call": "f(1)"}
    if place < right:
        return {**told, "verdict": "pass", "reason": "all tests passed, 3 calls"}
    if place == PROGRAMS - 1 and number == 1:
        reason = {"verdict": "timeout", "reason": "more than 30 s by the wall clock alone", "wall_only": True}
        return {**told, **reason, "call": "f(2)"}
    wrong = "AssertionError at `assert candidate(1) == 2`"
    return {**told, "verdict": "fail", "reason": wrong, "call": "f(1) returned 9"}


def code_report(right: int, *, ks: tuple[int, ...] = (1, 2, 4)) -> Report:
    """Five problems of four programs; `right` of each pass on all but the last."""
    samples = []
    for number in range(PROBLEMS):
        found = [judgement(number, place, right) for place in range(PROGRAMS)]
        passed = sum(one["verdict"] == "pass" for one in found)
        scores = {"pass@1": passed / PROGRAMS}
        samples.append({"id": f"Harbour/{number}", "slices": {}, "scores": scores, "judgements": found})
    metrics = [
        Metric(f"pass@{k}", value, max(0.0, value - 0.2), min(1.0, value + 0.15), PROBLEMS, better="higher")
        for k, value in ((k, min(1.0, 0.8 * right * k / 4)) for k in ks)
    ]
    return Report(
        "code-generation", "samples", "subject", 0, metrics, Items(PROBLEMS, PROBLEMS, 0, 0), samples=samples
    )


def judged_programs(
    project: Project, by: User, problems: Artifact, subject: Artifact, report: Report, **decoding: Any
) -> EvaluationRun:
    """A finished evaluation of a subject on these problems."""
    run = services.start_evaluation(
        project=project,
        name=f"programs of {subject.name}",
        suite="code-generation",
        variant="samples",
        subject=subject,
        data=problems,
        seed=0,
        by=by,
        **decoding,
    )
    finish(run.job)
    write_report(run.job.run_folder / "out", report)
    services.collect_evaluation(run.job, run.job.run_folder)
    run.refresh_from_db()
    return run


def build_programs(project: Project, by: User, policies: list[Artifact]) -> EvaluationRun:
    """Two policies on the same problems; the first one's run."""
    lines = [{"task_id": f"Harbour/{number}", "cases": [{"stdout": ""}]} for number in range(PROBLEMS)]
    problems = services.store_questions(project=project, name="harbour problems", lines=lines, by=by)
    runs = [
        judged_programs(project, by, problems, policy, code_report(right))
        for right, policy in enumerate(policies, start=1)
    ]
    return runs[0]
