"""Every change of a job's state, each a conditional update: exactly one row changed, or walk away.

    queued --claim--> running --succeed | fail | cancel--> finished
    running --give_back--> queued              the worker is asked to stop: the attempt does not count
    running --lose--> lost --settle--> queued  the worker is gone, or the child was killed; failed after three attempts
    failed | cancelled --resume--> queued       somebody asks for another try (services.resume)

A Claim carries the fencing number of its attempt. Whoever holds an older one changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from labelplatform.jobs import doorbell
from labelplatform.jobs.models import Job


@dataclass(frozen=True)
class Claim:
    """The right to write one attempt of one job."""

    job_id: int
    fence: int

    def held(self) -> QuerySet[Job]:
        """The one row while the claim holds, no row afterwards."""
        return Job.objects.filter(pk=self.job_id, fence=self.fence, state=Job.State.RUNNING)


def claim(job_id: int, worker: str) -> Claim | None:
    """The claim on a queued job, for exactly one of all who ask; its attempt is counted before it runs."""
    fence = Job.objects.filter(pk=job_id, state=Job.State.QUEUED).values_list("fence", flat=True).first()
    if fence is None:
        return None
    taken = Job.objects.filter(
        pk=job_id,
        fence=fence,
        state=Job.State.QUEUED,
        cancel_requested_at=None,
        attempts__lt=settings.JOB_ATTEMPTS,
    ).update(
        state=Job.State.RUNNING,
        fence=fence + 1,
        attempts=F("attempts") + 1,
        worker=worker,
        pid=None,
        pid_started=None,
        exit_code=None,
        failure="",
        log_tail="",
        progress={},
        heartbeat_at=Now(),
        started_at=Now(),
    )
    return Claim(job_id, fence + 1) if taken == 1 else None


def begin(claim: Claim, *, pid: int, pid_started: float, argv: list[str]) -> bool:
    """Writes down the child before it is watched, so that whoever comes after us can end it."""
    return claim.held().update(pid=pid, pid_started=pid_started, argv=argv, heartbeat_at=Now()) == 1


def beat(claim: Claim, *, progress: Mapping[str, Any], log_tail: str) -> bool | None:
    """Says that the attempt lives. Whether a cancel is asked for; None when the claim no longer holds."""
    if claim.held().update(heartbeat_at=Now(), progress=dict(progress), log_tail=log_tail) != 1:
        return None
    return Job.objects.filter(pk=claim.job_id, cancel_requested_at__isnull=False).exists()


def succeed(claim: Claim, *, exit_code: int, collect: Callable[[], None]) -> bool:
    """Marks the job and collects its results in one transaction: both, once, or neither."""
    with transaction.atomic():
        kept = claim.held().update(
            state=Job.State.SUCCEEDED, exit_code=exit_code, finished_at=Now(), pid=None, pid_started=None
        )
        if kept == 1:
            collect()
    return kept == 1


def fail(claim: Claim, *, failure: str, exit_code: int | None = None) -> bool:
    return _finish(claim.held(), Job.State.FAILED, failure=failure, exit_code=exit_code)


def cancelled(claim: Claim) -> bool:
    return _finish(claim.held(), Job.State.CANCELLED)


def give_back(claim: Claim) -> bool:
    """The worker was asked to stop: the job waits for another one, and this attempt is not held against it."""
    kept = claim.held().update(
        state=Job.State.QUEUED,
        attempts=F("attempts") - 1,
        rung_at=None,
        worker="",
        pid=None,
        pid_started=None,
    )
    return kept == 1


def lose(job_id: int, fence: int, *, failure: str) -> bool:
    """Takes the row from an attempt that is over without a result; `settle` decides what comes next."""
    row = Job.objects.filter(pk=job_id, fence=fence, state=Job.State.RUNNING)
    return row.update(state=Job.State.LOST, failure=failure) == 1


@transaction.atomic
def settle(job_id: int, fence: int) -> str | None:
    """Where a lost job goes: queued again, or cancelled if somebody asked, or failed when its attempts are used up.

    Call it when no process of the lost attempt lives any more. None: somebody else has settled it.
    """
    row = Job.objects.filter(pk=job_id, fence=fence, state=Job.State.LOST)
    job = row.first()
    if job is None:
        return None
    if job.cancel_requested_at is not None:
        return str(Job.State.CANCELLED) if _finish(row, Job.State.CANCELLED) else None
    if job.attempts >= settings.JOB_ATTEMPTS:
        failure = f"{job.failure} This was attempt {job.attempts} of {settings.JOB_ATTEMPTS}: it is not tried again."
        return str(Job.State.FAILED) if _finish(row, Job.State.FAILED, failure=failure) else None
    if row.update(state=Job.State.QUEUED, rung_at=None, worker="", pid=None, pid_started=None) != 1:
        return None
    transaction.on_commit(partial(doorbell.ring, job.pk, job.queue))
    return str(Job.State.QUEUED)


def stale() -> QuerySet[Job]:
    """Running rows whose lease has run out, by the database's clock alone."""
    lease = timedelta(seconds=settings.JOB_LEASE_SECONDS)
    return Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=Now() - lease)


def _finish(row: QuerySet[Job], state: str, **what: Any) -> bool:
    return row.update(state=state, finished_at=Now(), pid=None, pid_started=None, **what) == 1
