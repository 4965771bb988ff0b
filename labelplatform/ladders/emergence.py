"""Verbs of emergence reports: from a ladder's evaluations, from a file of points, from the curves of a training run."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from evaluator.report_files import read_report
from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue, register_artifact
from labelplatform.jobs.stored_files import store_files
from labelplatform.ladders.command_lines import CURVES, POINTS
from labelplatform.ladders.models import EmergenceRun, Ladder

KIND = "emergence"
TRAINED = (Artifact.Kind.BASE_MODEL, Artifact.Kind.POLICY, Artifact.Kind.REWARD_MODEL)


def draw_points(*, project: Project, name: str, content: bytes, by: User) -> EmergenceRun:
    """A report of a CSV file of points, kept as it came."""
    files = {POINTS: content}
    points = store_files(
        project=project, kind=Artifact.Kind.SCORES, name=f"{name}: points", files=files, by=by
    )
    return start_emergence(project=project, name=name, told={"points": points.digest}, inputs=[points], by=by)


def draw_curves(*, project: Project, name: str, model: Artifact, by: User) -> EmergenceRun:
    """A report of what a training run measured on its way, against its steps."""
    if model.kind not in TRAINED or not (model.path / CURVES).is_file():
        raise ValidationError(_("%(name)s has no curves of a training run.") % {"name": model.name})
    return start_emergence(project=project, name=name, told={"curves": model.digest}, inputs=[model], by=by)


@transaction.atomic
def start_emergence(
    *,
    project: Project,
    name: str,
    told: Mapping[str, Any],
    inputs: Sequence[Artifact],
    by: User | None,
    ladder: Ladder | None = None,
) -> EmergenceRun:
    """The report of this promise: a new one, or the one whose job already keeps it."""
    spec = {"name": name, "family": name, "seed": 0, **told}
    job = enqueue(kind=KIND, spec=spec, project=project, by=by, inputs=inputs)
    run, created = EmergenceRun.objects.get_or_create(
        job=job, defaults={"project": project, "name": name, "ladder": ladder}
    )
    if created:
        record(by=by, verb="start emergence", obj=run, project=project, name=name, inputs=len(inputs))
    return run


@transaction.atomic
def collect_emergence(job: Job, run_folder: Path) -> None:
    """Register the report with the points it was made of. Called once more, it finds its work done."""
    run = EmergenceRun.objects.select_for_update().get(job=job)
    if run.report_id is not None:
        return
    out = run_folder / "out"
    report = read_report(out, samples=False)
    shutil.copyfile(run_folder / POINTS, out / POINTS)
    run.report = register_artifact(
        project=job.project,
        kind=Artifact.Kind.REPORT,
        name=f"emergence {run.pk}",
        folder=out,
        made_by=job,
        detail={"suite": report.suite, "variant": report.variant, "items": report.items.record()},
    )
    run.save(update_fields=["report"])
    record(by=job.requested_by, verb="collect emergence", obj=run, project=job.project)
