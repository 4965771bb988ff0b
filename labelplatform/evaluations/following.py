"""A comparison follows each new evaluation: a Schedule row names the baseline, whoever is measured next the candidate.

With a schedule that evaluates each new policy, every training run ends in a regression report by itself.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun
from labelplatform.jobs.models import Artifact, Job, Schedule
from labelplatform.jobs.services import create_schedule

# Instead of a report's digest: whatever was measured last before the candidate.
PREVIOUS = "previous"


def compare_when_it_appears(schedule: Schedule, artifact: Artifact | None) -> dict[str, Any] | None:
    """What a schedule adds to its spec (baseline, seed) for each new report: both sides of the comparison.

    None, nothing to do, for what is no evaluation, asked something else than the baseline, or has none before it.
    """
    if artifact is None:
        raise ValidationError(_("A comparison is scheduled by the reports that appear, not by the clock."))
    candidate = EvaluationRun.objects.filter(project=schedule.project_id, report=artifact).first()
    if candidate is None:
        return None
    baseline = _baseline(schedule, candidate)
    if baseline is None or baseline.report is None:
        return None
    told = {"seed": 0, **schedule.spec}
    return {**told, "baseline": baseline.report.digest, "candidate": artifact.digest}


def _baseline(schedule: Schedule, candidate: EvaluationRun) -> EvaluationRun | None:
    """The evaluation that a schedule names, or the last one before the candidate; asked the same in any case."""
    asked = {name: getattr(candidate, name) for name in ("project_id", "suite", "variant", "data_id")}
    alike = EvaluationRun.objects.filter(**asked).exclude(pk=candidate.pk).select_related("report")
    wanted = schedule.spec.get("baseline", PREVIOUS)
    if wanted == PREVIOUS:
        return alike.filter(report__lt=candidate.report_id).order_by("-report").first()
    return alike.filter(report__digest=wanted).first()


@transaction.atomic
def follow(*, baseline: EvaluationRun, by: User) -> Schedule:
    """Compare every later evaluation of the same questions with this one; asked again, the schedule there is."""
    if baseline.report is None:
        raise ValidationError(_("The baseline must have finished before others can be compared with it."))
    Project.objects.select_for_update().get(pk=baseline.project_id)
    spec = {"baseline": baseline.report.digest, "seed": 0}
    known = Schedule.objects.filter(project=baseline.project_id, kind="compare", spec=spec).first()
    return known or create_schedule(
        project=baseline.project,
        name=f"compare with evaluation {baseline.pk}",
        kind="compare",
        spec=spec,
        by=by,
        artifact_kind=Artifact.Kind.REPORT,
    )


def comparison_of(job: Job) -> ComparisonRun:
    """The run behind a job; a job that a schedule rang for has none yet."""
    run = ComparisonRun.objects.select_for_update().filter(job=job).first()
    if run is not None:
        return run
    sides = {
        side: EvaluationRun.objects.filter(project=job.project_id, report__digest=job.spec[side]).latest("pk")
        for side in ("baseline", "candidate")
    }
    return ComparisonRun.objects.create(project=job.project, job=job, **sides)
