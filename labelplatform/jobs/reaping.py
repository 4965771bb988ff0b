"""What a lost worker leaves: rows that say running. Found by the clock of the database, or at once on this machine."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from labelplatform.jobs import claims, doorbell, processes
from labelplatform.jobs.models import Job

logger = logging.getLogger(__name__)


def reap() -> list[int]:
    """Ends what is left of lost attempts and lets their jobs begin again; the ids of the jobs it settled.

    1. A running row whose lease has run out, or whose worker on this machine is dead, becomes lost.
    2. What still lives of a lost attempt on this machine is ended, then the row is settled.
    3. Every queued row that was not rung for lately is rung for.
    May run anywhere, any number of times, at the same time: each step is a conditional update.
    """
    for job in _without_worker():
        failure = f"The worker {job.worker.partition(':')[0]} was gone during attempt {job.attempts}."
        if claims.lose(job.pk, job.fence, failure=failure):
            logger.warning("job %s was lost with its worker (attempt %s)", job.pk, job.attempts)
    settled = [job.pk for job in Job.objects.filter(state=Job.State.LOST) if _settled(job)]
    ring_for_due()
    return settled


def _without_worker() -> list[Job]:
    running = Job.objects.filter(state=Job.State.RUNNING)
    gone = [job for job in running if processes.worker_is_gone(job.worker)]
    known = {job.pk for job in gone}
    return gone + [job for job in claims.stale() if job.pk not in known]


def _settled(job: Job) -> bool:
    here = processes.is_here(job.worker)
    if here and not processes.end_orphans(str(job.run_folder), job.pid, job.pid_started):
        logger.error("job %s: processes of its lost attempt do not end; looking again later", job.pk)
        return False
    return claims.settle(job.pk, job.fence) is not None


def ring_for_due(*, everyone: bool = False) -> int:
    """Rings for queued rows whose bell was never heard or is long past; how many. `everyone`: for all queued rows."""
    past = timezone.now() - timedelta(seconds=settings.JOB_RING_AGAIN_SECONDS)
    due = Job.objects.filter(state=Job.State.QUEUED).order_by("pk")
    if not everyone:
        due = due.filter(Q(rung_at=None) | Q(rung_at__lt=past))
    rung = 0
    for job_id, queue in due.values_list("pk", "queue"):
        if not doorbell.ring(job_id, queue):
            break
        rung += 1
    return rung
