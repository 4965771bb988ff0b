"""Ringing for a worker. A bell that is not heard costs seconds, never a job: the reaper rings again."""

import logging

from celery import current_app
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from labelplatform.jobs.models import Job

logger = logging.getLogger(__name__)


def ring(job_id: int, queue: str) -> bool:
    """Whether the bell was rung. A missing broker is no reason to fail a request: the row is the truth."""
    try:
        # A connection of our own, tried once: the pool's would try for seconds while somebody waits for a page.
        options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "max_retries": 0}
        with current_app.connection_for_write(
            settings.CELERY_BROKER_URL, transport_options=options
        ) as connection:
            current_app.send_task(
                "jobs.run_job", args=[job_id], queue=queue, retry=False, connection=connection
            )
    except OperationalError as error:
        logger.warning("job %s is queued, but the broker does not answer: %s", job_id, error)
        return False
    Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(rung_at=timezone.now())
    return True
