"""Schedules: a job every so many minutes, or one for each new artifact of a kind."""

import logging
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job, Schedule
from labelplatform.jobs.services import enqueue

logger = logging.getLogger(__name__)


def ring() -> list[Job]:
    """Enqueues what is due, each due time and each artifact once; the jobs. A refused spec is told on its schedule."""
    jobs = []
    for schedule in Schedule.objects.filter(active=True).select_related("project", "requested_by"):
        for artifact in _new_artifacts(schedule) if schedule.artifact_kind else [None]:
            try:
                job = _answer(schedule, artifact) if artifact else _strike(schedule)
            except (ValidationError, kinds.UnknownKindError) as error:
                logger.warning("schedule %s: %s", schedule.pk, error)
                Schedule.objects.filter(pk=schedule.pk).update(failure=str(error))
                continue
            if job is not None:
                jobs.append(job)
    return jobs


@transaction.atomic
def _strike(schedule: Schedule) -> Job | None:
    """The job of the due time, if it is ours to enqueue: the row's count of rounds is moved by exactly one of us."""
    assert schedule.every_minutes is not None
    due = Schedule.objects.filter(pk=schedule.pk, rounds=schedule.rounds, active=True, next_due_at__lte=Now())
    later = timedelta(minutes=schedule.every_minutes)
    if due.update(rounds=F("rounds") + 1, next_due_at=Now() + later, failure="") != 1:
        return None
    return _enqueue(schedule, None, repeat=schedule.rounds + 1)


def _answer(schedule: Schedule, artifact: Artifact) -> Job | None:
    try:
        with transaction.atomic():
            # Unique in the database: two who ring at once cannot both answer the same artifact.
            Schedule.answered.through.objects.create(schedule_id=schedule.pk, artifact_id=artifact.pk)
    except IntegrityError:
        return None
    return _enqueue(schedule, artifact, repeat=0)


def _new_artifacts(schedule: Schedule) -> list[Artifact]:
    new = Artifact.objects.filter(
        project=schedule.project_id, kind=schedule.artifact_kind, pk__gt=schedule.after_artifact_id
    )
    return list(new.exclude(answered_by=schedule).order_by("pk"))


def _enqueue(schedule: Schedule, artifact: Artifact | None, *, repeat: int) -> Job | None:
    told = kinds.get(schedule.kind).schedule_spec(schedule, artifact)
    if told is None:
        return None
    return enqueue(
        kind=schedule.kind,
        spec={**schedule.spec, **told},
        project=schedule.project,
        by=schedule.requested_by,
        inputs=[artifact] if artifact else [],
        repeat=repeat,
    )
