"""Ringing for a worker. A bell that is not heard costs seconds, never a job: the reaper rings again for every due row."""

import logging

from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from labelplatform.jobs.models import Job

logger = logging.getLogger(__name__)


def ring(job_id: int, queue: str) -> bool:
    """Whether the bell was rung. A missing broker is no reason to fail a request: the row is the truth."""
    try:
        current_app.send_task("jobs.run_job", args=[job_id], queue=queue, retry=False)
    except OperationalError as error:
        logger.warning("job %s is queued, but the broker does not answer: %s", job_id, error)
        return False
    Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(rung_at=timezone.now())
    return True
