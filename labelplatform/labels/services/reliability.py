"""Asking for the annotator-reliability model, and keeping what its job found."""

from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from evaluator.report_files import Metric, read_report
from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.jobs.kinds import JobKind, register
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue, register_artifact
from labelplatform.labels import queries, reliability
from labelplatform.labels.models import Campaign, ReliabilityRun

GROUP = "annotator="
FIGURES = ("reliability", "accuracy")


class ReliabilityRefused(Exception):
    """Nothing to reckon with; the message is for the person."""


@transaction.atomic
def compute_reliability(*, campaign: Campaign, by: User | None) -> ReliabilityRun:
    """Ask for the model of the labels that there are now; of the same labels it is the same run."""
    everything = reliability.filters(campaign.pk, 0) | {"last_ranking": None}
    last = queries.rankings(campaign.project, everything).last()
    if last is None:
        raise ReliabilityRefused(_("There is no label to reckon with yet."))
    spec = {"campaign": campaign.pk, "last_ranking": last.pk, "seed": campaign.seed}
    job = enqueue(kind=reliability.KIND, spec=spec, project=campaign.project, by=by)
    run, made = ReliabilityRun.objects.get_or_create(
        job=job, defaults={"campaign": campaign, "last_ranking": last.pk}
    )
    if made:
        record(by=by, verb="asked for annotator reliability", obj=campaign, project=campaign.project)
    return run


@transaction.atomic
def collect(job: Job, run_folder: Path) -> None:
    """Each annotator's figures onto the run. Called once more, it finds its work done."""
    run = ReliabilityRun.objects.select_for_update().get(job=job)
    if run.report_id is not None:
        return
    report = read_report(run_folder / "out")
    found: dict[int, dict[str, object]] = {}
    for metric in report.metrics:
        if metric.name in FIGURES and metric.group and metric.group.startswith(GROUP):
            user = int(metric.group.removeprefix(GROUP))
            found.setdefault(user, {"user": user})[metric.name] = _figure(metric)
    run.figures = list(found.values())
    run.labels, run.items = int(str(report.extra["labels"])), report.items.asked
    run.report = register_artifact(
        project=job.project,
        kind=Artifact.Kind.REPORT,
        name=f"annotator reliability {run.pk}",
        folder=run_folder / "out",
        made_by=job,
        detail={"suite": report.suite, "variant": report.variant},
    )
    run.save(update_fields=["figures", "labels", "items", "report"])
    record(
        by=job.requested_by,
        verb="collect annotator reliability",
        obj=run,
        project=job.project,
        annotators=len(found),
    )


def _figure(metric: Metric) -> dict[str, object]:
    return {
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "n": metric.n,
        "reason": metric.reason or "",
    }


def register_job_kind() -> None:
    """Tell jobs how the model is checked, run and collected."""
    register(
        JobKind(
            name=reliability.KIND,
            queue=Job.Queue.CPU,
            title=reliability.TITLE,
            command=reliability.command,
            collect=collect,
            validate=reliability.validate,
        )
    )
