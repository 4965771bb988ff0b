"""A ladder of five sizes by the platform's own jobs, from nothing to the emergence page, in under twenty minutes.

    python benchmarks/ladder.py [--data DIR] [--sizes "1x16, …"] [--seeds 0] [--steps N] [--workers 2]

Starts a ladder as the form does, runs its jobs with two workers of one thread each, and prints one JSON object: what
each size learned, the verdict on each curve with its argument, seconds by the clock and by the processor. DIR keeps
database and files, so that the page can be opened (LABELPLATFORM_DATA=DIR). Exit 1 when a bar is missed: fewer than
five sizes, 20 minutes or more, a job that failed, no report, an item that stands in what was read.
"""

import argparse
import json
import logging
import os
import resource
import secrets
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from labelplatform.accounts.models import User
    from labelplatform.ladders.models import Ladder

LONGEST_SECONDS, FEWEST_SIZES = 20 * 60, 5
SIZES = "1x16, 1x32, 2x32, 2x64, 3x96"
TASKS = "copy,reverse,sort,transcribe,add"
POLL_SECONDS = 0.5


def main() -> int:
    """Runs the ladder and prints what came of it; 0 when every bar is met."""
    told = _arguments()
    with tempfile.TemporaryDirectory(prefix="ladder-") as scratch:
        data = told.data or Path(scratch)
        data.mkdir(parents=True, exist_ok=True)
        os.environ["LABELPLATFORM_DATA"] = str(data.resolve())
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labelplatform.settings")
        os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import django

        django.setup()
        # Nobody listens to a bell here: the jobs are taken from the table.
        logging.getLogger("labelplatform.jobs.doorbell").setLevel(logging.ERROR)
        started = time.monotonic()
        ladder = begin(told)
        work(told.workers)
        found = outcome(ladder, time.monotonic() - started)
    print(json.dumps(found, indent=1, ensure_ascii=False))
    for bar in found["missed"]:
        print(f"missed: {bar}", file=sys.stderr)
    return 1 if found["missed"] else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        help="folder that keeps database and files; new or empty (default: a temporary one)",
    )
    add("--sizes", default=SIZES, help=f"layers x width of each model (default {SIZES})")
    add("--seeds", default="0", help="seeds of each size (default 0)")
    add("--steps", type=int, default=1000, help="optimiser steps of each run (default 1000)")
    add("--batch-tokens", type=int, default=2048, help="tokens of a step (default 2048)")
    add("--learning-rate", type=float, default=0.004, help="peak learning rate (default 0.004)")
    add("--tasks", default=TASKS, help=f"tasks (default {TASKS})")
    add("--taught", type=int, default=6000, help="documents of each task (default 6000)")
    add("--asked", type=int, default=100, help="items asked of each task (default 100)")
    add("--workers", type=int, default=2, help="jobs at one time (default 2)")
    return parser.parse_args()


def begin(told: argparse.Namespace) -> "Ladder":
    """A project with a text, and the ladder over it."""
    from django.core.management import call_command

    from labelplatform.accounts.models import Role
    from labelplatform.accounts.services import create_project, create_user, set_role
    from labelplatform.ladders.forms import LadderForm
    from labelplatform.ladders.services import Tasks, start_ladder
    from labelplatform.ladders.sizes import parse_sizes
    from labelplatform.training.services import store_corpus

    call_command("migrate", verbosity=0)
    by: User = create_user(username="rosa", password=None, by=None)
    project = create_project(name="Ladder", slug="ladder", by=None)
    set_role(project=project, user=by, role=Role.RESEARCHER, by=None)
    text = store_corpus(project=project, name="Cities", files={"cities.jsonl": sentences()}, by=by)
    return start_ladder(
        project=project,
        name="Small models",
        text=text,
        tasks=Tasks(tuple(told.tasks.split(",")), taught=told.taught, asked=told.asked),
        sizes=parse_sizes(told.sizes),
        seeds=[int(seed) for seed in told.seeds.split(",")],
        settings={
            **LadderForm.ALWAYS,
            "steps": told.steps,
            "batch_tokens": told.batch_tokens,
            "learning_rate": told.learning_rate,
        },
        by=by,
    )


def sentences() -> list[dict[str, object]]:
    """Plain statements about cities, as the demo's models read them."""
    from labelplatform.demo.atlas import build_world, corpus_lines

    return [line for line in corpus_lines(build_world(0), 0) if "text" in line]


def work(workers: int) -> None:
    """Runs all jobs, those that finishing jobs promise too, `workers` at a time."""
    from django.db import connection

    from labelplatform.jobs.models import Job
    from labelplatform.jobs.runner import run

    rest = Event()

    def next_job() -> int | None:
        return Job.objects.filter(state=Job.State.QUEUED).order_by("pk").values_list("pk", flat=True).first()

    def worker() -> None:
        try:
            while Job.objects.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING]).exists():
                job = next_job()
                if job is None:
                    rest.wait(POLL_SECONDS)
                else:
                    run(job)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(worker) for _ in range(workers)]:
            done.result()


def outcome(ladder: "Ladder", seconds: float) -> dict[str, Any]:
    """What each rung learned, the verdicts with their argument, and which bars were missed."""
    from evaluator.report_files import read_report
    from labelplatform.jobs.models import Job
    from labelplatform.ladders.queries import ladder_state

    state = ladder_state(ladder.project, ladder.pk)
    assert state is not None
    rungs = [_rung(row) for row in state.rows]
    drawn = state.emergence.report if state.emergence else None
    verdicts = read_report(drawn.path, samples=False).verdicts if drawn else []
    sizes = {rung["size"] for rung in rungs}
    failed = Job.objects.exclude(state=Job.State.SUCCEEDED)
    missed = [f"{job.kind} {job.pk}: {job.state} {job.failure}" for job in failed]
    missed += [f"{len(sizes)} sizes, wanted {FEWEST_SIZES}"] if len(sizes) < FEWEST_SIZES else []
    missed += [f"{seconds:.0f} s, wanted less than {LONGEST_SECONDS}"] if seconds >= LONGEST_SECONDS else []
    missed += [] if verdicts else ["no emergence report"]
    missed += [f"{rung['size']}: items that were read" for rung in rungs if rung.get("contaminated") != 0.0]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "sizes": len(sizes),
        "rungs": rungs,
        "verdicts": [
            {"curve": one.group, "verdict": one.verdict, "argument": one.reason} for one in verdicts
        ],
        "seconds": round(seconds, 1),
        "cpu_seconds": round(children.ru_utime + children.ru_stime, 1),
        "missed": missed,
    }


def _rung(row: Any) -> dict[str, Any]:
    output, job = row.rung.training.output, row.rung.evaluation
    told: dict[str, Any] = {"size": row.rung.size, "seed": row.rung.seed, "parameters": row.parameters}
    if output is not None:
        known = output.detail["metrics"]
        told |= {name: known[name] for name in ("heldout_loss", "tokens", "cpu_seconds")}
    run = getattr(job, "evaluation_run", None)
    for metric in run.metrics.all() if run else ():
        if metric.name == "contaminated" and not metric.group:
            told["contaminated"] = metric.value
        elif metric.group.startswith("task=") and not metric.name.startswith("chance"):
            told.setdefault(metric.group.removeprefix("task="), {})[metric.name] = metric.value
    return told


if __name__ == "__main__":
    sys.exit(main())
