"""Reads: the jobs of a project, and what one of them is doing."""

import shlex
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.utils.functional import Promise

from labelplatform.accounts.models import Project
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from trainer.progress import read_progress

REPEAT_OUT = "OUT"
RATE_LINES = 20


def jobs_of(project: Project) -> QuerySet[Job]:
    """The jobs of a project with what their list shows: the running first, then what waits, then the newest."""
    urgency = Case(
        When(state=Job.State.RUNNING, then=Value(0)),
        When(state__in=[Job.State.LOST, Job.State.QUEUED], then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return Job.objects.filter(project=project).select_related("requested_by").order_by(urgency, "-pk")


def job_visible_in(project: Project, pk: int) -> Job | None:
    """The only way from a number in an address to a job."""
    return Job.objects.filter(project=project, pk=pk).select_related("requested_by", "project").first()


def artifacts_of(project: Project, *kinds_wanted: str) -> QuerySet[Artifact]:
    """The artifacts of a project, newest first; of these kinds if any are named."""
    found = Artifact.objects.filter(project=project).select_related("made_by").order_by("-pk")
    return found.filter(kind__in=kinds_wanted) if kinds_wanted else found


def title_of(job: Job) -> str | Promise:
    """What its kind is called; a kind that is no longer registered keeps its name."""
    return kinds.get(job.kind).title if job.kind in kinds.names() else job.kind


def metrics_of(job: Job) -> list[dict[str, Any]]:
    """All progress lines of the present attempt, for curves: `{"step", "steps", "seconds", metric: number …}`."""
    try:
        lines, _offset = read_progress(job.run_folder / "out" / "progress.jsonl")
    except (ValueError, NotADirectoryError):
        return []
    return [dict(line) for line in lines]


def repeat_command(job: Job) -> str:
    """The one command that repeats the run without the platform, from the root of this installation.

    Its `--out` is left to choose, since the folder of this run is full; empty before the first attempt.
    """
    out = str(job.run_folder / "out")
    words = [str(word).replace(out, REPEAT_OUT, 1) for word in job.argv]
    return shlex.join(words)


@dataclass(frozen=True)
class LiveJob:
    """What changes on a job's page while it runs."""

    job: Job
    title: str | Promise
    remaining_seconds: float | None

    @property
    def moving(self) -> bool:
        """Whether there is anything to ask for again."""
        return not self.job.is_finished

    @property
    def may_cancel(self) -> bool:
        return self.moving and self.job.cancel_requested_at is None

    @property
    def may_resume(self) -> bool:
        """Whether another try can be asked for."""
        return self.job.state in {Job.State.FAILED, Job.State.CANCELLED}

    @property
    def seconds(self) -> float | None:
        """How long the present attempt took; None before its end."""
        job = self.job
        if job.started_at is None or job.finished_at is None:
            return None
        return (job.finished_at - job.started_at).total_seconds()


def live_job(job: Job) -> LiveJob:
    return LiveJob(job=job, title=title_of(job), remaining_seconds=_remaining(job))


def live_jobs(project: Project, first: int = 0, count: int = 50) -> list[LiveJob]:
    return [live_job(job) for job in jobs_of(project)[first : first + count]]


def counts_of(project: Project) -> dict[str, int]:
    """How many jobs are in each state."""
    rows = Job.objects.filter(project=project).order_by().values("state").annotate(number=Count("pk"))
    return {row["state"]: row["number"] for row in rows}


def _remaining(job: Job) -> float | None:
    """Seconds left at the average pace so far, from the row alone; None while nobody can know."""
    told = job.progress
    step, steps, seconds = told.get("step"), told.get("steps"), told.get("seconds")
    if job.state != Job.State.RUNNING or not step or not steps or not seconds or step > steps:
        return None
    return float(seconds) / float(step) * float(steps - step)
