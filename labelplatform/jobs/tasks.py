"""The only Celery tasks of the house. A message carries a job's id and nothing else that could be forged."""

import logging
import signal
from types import FrameType
from typing import Any

import psutil
from celery import shared_task
from celery.signals import worker_process_init, worker_ready, worker_shutting_down

from labelplatform.jobs import chores, reaping, runner, schedules

logger = logging.getLogger(__name__)


@shared_task(name="jobs.run_job", acks_late=True)
def run_job(job_id: int) -> None:
    """Runs the job if it is still to be run."""
    if type(job_id) is not int:
        logger.error("a message names no job: %r", job_id)
        return
    runner.run(job_id)


@shared_task(name="jobs.reap_lost_jobs")
def reap_lost_jobs() -> list[int]:
    """Every few seconds, on a queue with a slot of its own."""
    return reaping.reap()


@shared_task(name="jobs.ring_schedules")
def ring_schedules() -> list[int]:
    """Every few seconds, on a queue with a slot of its own."""
    return [job.pk for job in schedules.ring()]


@shared_task(name="jobs.do_chores")
def do_chores() -> list[str]:
    """Every few seconds, on a queue with a slot of its own."""
    return chores.do_all()


@worker_ready.connect
def _take_over(**_: Any) -> None:
    """A new worker first looks what an earlier one on this machine has left, and rings for all that waits."""
    reaping.reap()
    reaping.ring_for_due(everyone=True)


@worker_process_init.connect
def _listen_for_stop(**_: Any) -> None:
    signal.signal(signal.SIGUSR2, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    runner.Stop.asked = True


@worker_shutting_down.connect
def _hand_back(**_: Any) -> None:
    """A worker that is asked to end does not wait for hours of training: its children give their jobs back."""
    runner.Stop.asked = True
    for child in psutil.Process().children():
        child.send_signal(signal.SIGUSR2)
