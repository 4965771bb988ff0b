"""What the verbs that run programs do. judge-one, score-code and sandbox-check import the standard library only."""

import argparse
import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from evaluator.cli.code_parser import stops_of
from evaluator.code_problems.judging import judge
from evaluator.code_problems.problems import read_problem, read_problems
from evaluator.code_problems.scoring import score_lines
from evaluator.errors import BadInput
from evaluator.sandbox import container
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import LauncherFailed, NoIsolation
from evaluator.sandbox.referee import BadTests
from evaluator.sandbox.room import TIERS, Room, open_slot

MOST_SUBMISSION_BYTES = 4 << 20


def perform(options: argparse.Namespace) -> int:
    """Run the chosen verb and return its exit code: 0, 1 for a failed launcher, 2 for bad input and no isolation."""
    verbs = {
        "pass-at-k": _pass_at_k,
        "judge-one": _judge_one,
        "score-code": _score_code,
        "sandbox-check": _sandbox_check,
    }
    try:
        return verbs[options.verb](options)
    except LauncherFailed as error:
        print(f"{options.verb}: {error}", file=sys.stderr)
        return 1


def _limits(options: argparse.Namespace) -> Limits:
    if not 0.1 <= options.seconds <= 3600:
        raise BadInput(f"--seconds: found {options.seconds}; wanted 0.1 … 3600")
    return Limits(seconds=options.seconds)


def _judge_one(options: argparse.Namespace) -> int:
    """Print the judgement; a host without isolation is the verdict `refused` and exit code 2."""
    limits = _limits(options)
    problem, program = read_problem(options.problem), _program(options.submission)
    try:
        with Room(limits) as room:
            judgement, _ = judge(room, problem, program)
    except NoIsolation as error:
        print(json.dumps({"verdict": "refused", "reason": str(error)}), flush=True)
        raise BadInput(f"judge-one: refused: {error}") from error
    except BadTests as error:
        raise BadInput(f"{options.problem}: {error}") from error
    print(json.dumps(judgement.record()), flush=True)
    return 0


def _program(path: Path) -> str:
    """The text of a submission. Bytes that are no UTF-8 stay what they are: the box's compiler will say so."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_SUBMISSION_BYTES)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a program") from error
    return raw.decode("utf-8", "surrogateescape")


def _score_code(options: argparse.Namespace) -> int:
    """Answer response lines on standard input with score lines until it ends."""
    limits, problems = _limits(options), read_problems(options.problems)
    try:
        with Room(limits) as room:
            score_lines(room, problems, sys.stdin, sys.stdout)
    except NoIsolation as error:
        raise BadInput(f"score-code: refused: {error}") from error
    except BadTests as error:
        raise BadInput(f"{options.problems}: {error}") from error
    return 0


def _sandbox_check(_options: argparse.Namespace) -> int:
    """Say of each tier whether it holds; the last line is JSON."""
    found: dict[str, object] = {}
    lacking = []
    # Where a container is named, no other tier is taken.
    named = bool(os.environ.get(container.PROGRAM))
    tiers = {container.TIER: container.WALLS} if named else TIERS
    for tier, walls in tiers.items():
        try:
            slot = open_slot(Limits(), (tier,))
        except NoIsolation as error:
            lacking.append(str(error))
            print(f"tier {tier} ({walls}): no. {error}")
            continue
        slot.close()
        found.setdefault("tier", tier)
        found.setdefault("box", slot.box)
        print(f"tier {tier} ({walls}): yes, and it held against the self-attack")
    if not named:
        print(
            f"tier {container.TIER} ({container.WALLS}): not asked for; {container.PROGRAM} names docker or podman"
        )
    print(
        json.dumps({"tier": None, **found, "user": os.geteuid(), "drops_root": os.geteuid() == 0}), flush=True
    )
    if not found:
        raise BadInput(f"sandbox-check: {lacking[0]}")
    return 0


def _pass_at_k(options: argparse.Namespace) -> int:
    """Write the report folder and print the figures."""
    # Intervals bring NumPy; the other verbs here answer without it.
    from evaluator.pass_at_k import run
    from evaluator.progress import Progress
    from evaluator.report_files import report_folder, write_report
    from evaluator.specs import PassAtKSpec

    spec = PassAtKSpec(
        problems=options.problems,
        samples=options.samples,
        out=options.out,
        k=options.k,
        seconds=options.seconds,
        workers=options.workers or os.cpu_count() or 1,
        stops=stops_of(options),
        resamples=options.resamples,
        seed=options.seed,
    )
    with ExitStack() as opened:
        if not options.resume:
            opened.enter_context(report_folder(spec.out))
        spec.out.mkdir(parents=True, exist_ok=True)
        progress = opened.enter_context(Progress(spec.out, options.progress))
        report = run(spec, progress)
    write_report(spec.out, report)
    for metric in report.metrics:
        name = f"{metric.name} {metric.group}" if metric.group else metric.name
        bounds = (
            f" [{metric.low:.4g}, {metric.high:.4g}]"
            if metric.low is not None and metric.high is not None
            else ""
        )
        print(
            f"{name}: {metric.value}{bounds}"
            if metric.value is not None
            else f"{name}: not defined: {metric.reason}"
        )
    counts: dict[str, int] = report.extra["verdict_counts"]  # type: ignore[assignment]
    print("verdicts: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    return 0
