"""A ladder and what its workers would have left, step by step; no model is trained for a look at a row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from evaluator.figures import Curves, Figure, Series, Table
from evaluator.report_files import Items, Metric, Report, Verdict, write_report
from labelplatform.accounts.models import Project, User
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.ladders import services
from labelplatform.ladders.models import EmergenceRun, Ladder, Rung
from labelplatform.ladders.sizes import Size
from tests.labelplatform import world

SIZES = (Size(1, 16), Size(1, 32), Size(2, 32))
TASKS = services.Tasks(("copy", "add"), taught=20, asked=10)
SETTINGS = {"context": 64, "vocabulary": 300, "steps": 5, "batch_tokens": 64, "learning_rate": 0.01}


def begin_ladder(project: Project, by: User, **changed: Any) -> Ladder:
    """A ladder of three sizes and one seed, unless told otherwise."""
    told: dict[str, Any] = {
        "name": "small",
        "text": None,
        "tasks": TASKS,
        "sizes": SIZES,
        "seeds": (0,),
        "settings": SETTINGS,
        **changed,
    }
    return services.start_ladder(project=project, by=by, **told)


def end_training(rung: Rung, *, parameters: int | None = None) -> None:
    """A rung's pretraining has succeeded."""
    job = world.finish(Job.objects.get(pk=rung.training.job_id))
    metrics = {"parameters": parameters or 1000 * (rung.place + 1), "heldout_loss": 2.5 - 0.1 * rung.place}
    outcome = {"format": "labelplatform-outcome/1", "verb": "pretrain", "metrics": metrics, "seconds": 1.0}
    (job.run_folder / "out" / "outcome.json").write_text(json.dumps(outcome), "utf-8")
    (job.run_folder / "out" / "weights.txt").write_text(f"{job.pk}", "utf-8")
    kinds.collect(job, job.run_folder)


def string_report(share: float, *, subject: str = "model", tasks: Sequence[str] = ("copy", "add")) -> Report:
    """What the suite would report: half the share right exactly, the share right by symbol."""
    values = {"exact_match": share / 2, "edit_similarity": share, "log_probability": share - 3}
    chances = {"exact_match": 0.0, "edit_similarity": 0.1, "log_probability": -2.8}
    metrics = [
        Metric(name, value, value - 0.1, value + 0.1, 10, f"task={task}", better="higher")
        for task in tasks
        for name, value in values.items()
    ]
    metrics += [
        Metric(f"chance_{name}", value, None, None, 10, f"task={task}", better="neither")
        for task in tasks
        for name, value in chances.items()
    ]
    whole = Metric("exact_match", share / 2, None, None, 20, better="higher")
    return Report("string-tasks", "completion", subject, 0, [whole, *metrics], Items(20, 20, 0, 0))


def end_evaluation(rung: Rung, share: float) -> None:
    """A rung's evaluation has succeeded."""
    rung.refresh_from_db()
    assert rung.evaluation_id is not None
    job = world.finish(Job.objects.get(pk=rung.evaluation_id))
    write_report(job.run_folder / "out", string_report(share, subject=str(job.pk)))
    kinds.collect(job, job.run_folder)


POINTS = Table(("scale", "value"), ((1000, 0.1), (2000, None), (3000, 0.25)))
CURVE = "copy/exact_match/small"


def emergence_report(*verdicts: tuple[str, str]) -> Report:
    """A report with one verdict a curve, a figure of all and one of the first curve."""
    told = verdicts or ((CURVE, "sharp only in the metric"), ("copy/edit_similarity/small", "gradual"))
    drawn = Curves(
        (Series("exact_match", (1000.0, 3000.0), (0.1, 0.25)),), "Parameters", "exact_match", x_log=True
    )
    return Report(
        "emergence",
        "least squares",
        "points.csv",
        0,
        [Metric("linearity", 1.25, None, None, 3, CURVE, better="neither")],
        Items(12, 12, 0, 0),
        [Verdict("emergence", said, f"argued for {curve}", curve) for curve, said in told],
        figures=[
            Figure("points", "All curves", "Each metric over scale.", POINTS, drawn),
            Figure("curve-1-copy", CURVE, "One curve.", POINTS, drawn),
            Figure("fits", "Support for a break", "Fits.", POINTS, missing="not enough data: 3 sizes"),
        ],
    )


def end_emergence(run: EmergenceRun, report: Report | None = None) -> Artifact:
    """An emergence report has been made; its points are those that its command was given."""
    job = world.finish(Job.objects.get(pk=run.job_id))
    kinds.get(job.kind).command(job, job.run_folder)
    write_report(job.run_folder / "out", report or emergence_report())
    kinds.collect(job, job.run_folder)
    run.refresh_from_db()
    assert run.report is not None
    return run.report


def climb(project: Project, by: User) -> tuple[Ladder, EmergenceRun]:
    """A whole ladder, to its report."""
    ladder = begin_ladder(project, by)
    for rung in ladder.rungs.all():
        end_training(rung)
        end_evaluation(rung, 0.2 * (rung.place + 1))
    run = EmergenceRun.objects.get(ladder=ladder)
    end_emergence(run)
    return ladder, run
