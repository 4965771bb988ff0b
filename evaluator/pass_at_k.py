"""The verb pass-at-k: judge samples in the sandbox and estimate pass@k with intervals over problems."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import Problem, read_problems
from evaluator.code_problems.programs import Submission, read_submissions
from evaluator.code_problems.records import Line, Records, key_of
from evaluator.errors import BadInput
from evaluator.progress import Progress
from evaluator.report_files import Items, Metric, Report, data_file, environment
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import NoIsolation
from evaluator.sandbox.referee import BadTests
from evaluator.sandbox.room import Room
from evaluator.sandbox.verdicts import VERDICTS
from evaluator.specs import PassAtKSpec
from evaluator.statistics.pass_at_k import Counts, mean_pass_at_k, pass_at_k

SUITE, VARIANT = "code-generation", "samples"
MOST_WAITING = 4
STAGE_GROUP = "tests=base"
JUDGED = ("verdict", "reason", "calls", "call", "attempt", "wall_only", "retried", "passed_stage", "program")


@dataclass(frozen=True)
class Judged:
    """A submission with its judgement line."""

    submission: Submission
    line: Line


def run(spec: PassAtKSpec, progress: Progress) -> Report:
    """The report of all samples of a file. Refuses bad files before anything runs, and a host without isolation."""
    started = time.monotonic()
    problems = read_problems(spec.problems)
    submissions = read_submissions(spec.samples, problems, spec.stops)
    judged, box = judge_all(problems, submissions, spec, progress)
    return report_of(problems, judged, spec, box, started)


def judge_all(
    problems: Mapping[str, Problem],
    submissions: Sequence[Submission],
    spec: PassAtKSpec,
    progress: Progress,
    steps_before: int = 0,
) -> tuple[list[Judged], Mapping[str, object]]:
    """(every submission with its judgement, the box they ran in); those recorded in `spec.out` are not run again.

    `steps_before` of the progress were other work.
    """
    keys = [key_of(problems[one.task_id], one, spec.seconds) for one in submissions]
    try:
        # The room first: where there is none, nothing is written either.
        with Room(Limits(seconds=spec.seconds), spec.workers) as room, Records(spec.out) as records:
            waiting = [
                (key, one) for key, one in zip(keys, submissions, strict=True) if key not in records.known
            ]
            total = steps_before + len(submissions)
            done = total - len(waiting)
            progress.step(done, total)
            for key, judgement in _judgements(room, problems, waiting, spec.workers):
                records.add({"key": key, **judgement})
                done += 1
                progress.step(done, total)
    except NoIsolation as error:
        raise BadInput(f"refused: {error}") from error
    except BadTests as error:
        records.forget()
        raise BadInput(f"{spec.problems}: {error}") from error
    found = [Judged(one, records.known[key]) for key, one in zip(keys, submissions, strict=True)]
    return found, room.box


def _judgements(
    room: Room, problems: Mapping[str, Problem], waiting: Sequence[tuple[str, Submission]], workers: int
) -> Iterator[tuple[str, Line]]:
    """(key, judgement line) of each submission as they are done, a few in flight."""

    def one(key: str, submission: Submission) -> tuple[str, Line]:
        judgement, passed = judge(room, problems[submission.task_id], submission.program)
        place = {"task_id": submission.task_id, "place": submission.place, "passed_stage": passed}
        return key, {**place, **judgement.record()}

    left = iter(waiting)
    with ThreadPoolExecutor(workers) as pool:
        flying: set[Future[tuple[str, Line]]] = set()
        while True:
            while len(flying) < MOST_WAITING * workers and (next_one := next(left, None)) is not None:
                flying.add(pool.submit(one, *next_one))
            if not flying:
                return
            ready, flying = wait(flying, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ready)


def report_of(
    problems: Mapping[str, Problem],
    judged: Sequence[Judged],
    spec: PassAtKSpec,
    box: Mapping[str, object],
    started: float,
) -> Report:
    """The report: pass@k over problems with samples, base tests apart; verdicts and forged attempts counted."""
    by_problem: dict[str, list[Line]] = {}
    for one in judged:
        line = {**one.line, "program": shown_text(one.submission.program)}
        by_problem.setdefault(one.submission.task_id, []).append(line)
    counts = {name: (len(lines), sum(_passed(line) for line in lines)) for name, lines in by_problem.items()}
    base = {
        name: (len(lines), sum(_passed_base(line) for line in lines)) for name, lines in by_problem.items()
    }
    metrics = _metrics(counts, None, spec)
    if any(len(problem.stages) > 1 for problem in problems.values()):
        metrics += _metrics(base, STAGE_GROUP, spec)
    verdicts = Counter(str(one.line["verdict"]) for one in judged)
    without = sorted(problems.keys() - by_problem.keys())
    return Report(
        suite=SUITE,
        variant=VARIANT,
        subject=str(spec.samples),
        seed=spec.seed,
        metrics=metrics,
        items=Items(len(problems), len(by_problem), 0, len(without)),
        data=[data_file(spec.problems), data_file(spec.samples)],
        spec=spec.record(),
        samples=[_sample(name, by_problem[name], counts[name], spec) for name in sorted(by_problem)],
        extra={
            "samples": len(judged),
            "verdict_counts": {name: verdicts[name] for name in VERDICTS},
            "forged_pass_attempts": _attempts(judged),
            "wall_timeouts": sum(bool(one.line.get("wall_only")) for one in judged),
            "problems_without_samples": without,
            "box": dict(box),
        },
        environment=environment(started),
    )


def shown_text(text: str) -> str:
    """Text that any file takes: half a surrogate pair is written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _passed(line: Line) -> bool:
    return line["verdict"] == "pass"


def _passed_base(line: Line) -> bool:
    return _passed(line) or line.get("passed_stage") == "base"


def _metrics(counts: Counts, group: str | None, spec: PassAtKSpec) -> list[Metric]:
    found = []
    for k in spec.k:
        interval = mean_pass_at_k(counts, k, seed=spec.seed, resamples=spec.resamples)
        figures = (interval.value, interval.low, interval.high, interval.n)
        found.append(Metric(f"pass@{k}", *figures, group, interval.reason, interval.method, "higher"))
    return found


def _sample(name: str, lines: Sequence[Line], counts: tuple[int, int], spec: PassAtKSpec) -> Line:
    n, c = counts
    scores = {f"pass@{k}": pass_at_k(n, c, k) for k in spec.k if k <= n}
    shown = [{key: line[key] for key in JUDGED if line.get(key) is not None} for line in lines]
    return {"id": name, "slices": {}, "scores": scores, "n": n, "c": c, "judgements": shown}


def _attempts(judged: Sequence[Judged]) -> dict[str, int]:
    """How many submissions did what looks like a forged pass, by kind."""
    kinds = Counter(str(one.line["attempt"]) for one in judged if one.line.get("attempt"))
    return {kind: kinds[kind] for kind in sorted(kinds)}
