"""Writes: promise a job, take the promise back, and give a finished folder a name."""

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.jobs import doorbell, kinds
from labelplatform.jobs.digests import folder_digest, identity
from labelplatform.jobs.models import Artifact, Job, Schedule


def enqueue(
    *,
    kind: str,
    spec: Mapping[str, Any],
    project: Project,
    by: User | None,
    inputs: Sequence[Artifact] = (),
    repeat: int = 0,
) -> Job:
    """The job that keeps this promise: a new one, or the one that already does (unless it failed or was cancelled).

    The bell rings after the commit, so that no worker looks for a row that is not there yet.
    """
    job_kind = kinds.get(kind)
    frozen = dict(spec)
    job_kind.validate(frozen)
    if any(artifact.project_id != project.pk for artifact in inputs):
        raise ValidationError("An input belongs to another project.")
    name = identity(
        kind=kind, spec=frozen, input_digests=[artifact.digest for artifact in inputs], repeat=repeat
    )
    with transaction.atomic():
        existing = _kept_promise(project, name)
        if existing is not None:
            return existing
        job = Job(
            project=project,
            kind=kind,
            spec=frozen,
            repeat=repeat,
            identity=name,
            requested_by=by,
            queue=job_kind.queue,
            code_version=code_version(),
        )
        try:
            with transaction.atomic():
                job.save(force_insert=True)
        except IntegrityError:
            # Somebody promised the same between our look and our write (PostgreSQL; SQLite's writers stand in line).
            existing = _kept_promise(project, name)
            if existing is None:
                raise
            return existing
        job.inputs.set(inputs)
        record(by=by, verb="enqueue job", obj=job, project=project, kind=kind, identity=name)
        transaction.on_commit(partial(doorbell.ring, job.pk, job.queue))
    return job


def _kept_promise(project: Project, name: str) -> Job | None:
    broken = [Job.State.FAILED, Job.State.CANCELLED]
    return Job.objects.filter(project=project, identity=name).exclude(state__in=broken).first()


@transaction.atomic
def cancel(*, job: Job, by: User | None) -> Job:
    """A job that has not begun is cancelled at once; a running one is asked to end, and its worker ends the child."""
    now = timezone.now()
    waiting = Job.objects.filter(pk=job.pk, state__in=[Job.State.QUEUED, Job.State.LOST])
    changed = waiting.update(state=Job.State.CANCELLED, cancel_requested_at=now, finished_at=now)
    if not changed:
        running = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, cancel_requested_at=None)
        changed = running.update(cancel_requested_at=now)
    if changed:
        record(by=by, verb="cancel job", obj=job, project=job.project)
    job.refresh_from_db()
    return job


@transaction.atomic
def resume(*, job: Job, by: User | None) -> Job:
    """A job that failed or was cancelled waits for a worker again, with all its attempts before it.

    It is the same promise in the same row: what its kind can go on from (`JobKind.resumes`), it goes on from. A job
    that waits, runs or has succeeded is left as it is. Refused where a newer job keeps the promise by now.
    """
    broken = Job.objects.filter(pk=job.pk, state__in=[Job.State.FAILED, Job.State.CANCELLED])
    try:
        with transaction.atomic():
            changed = broken.update(
                state=Job.State.QUEUED,
                attempts=0,
                cancel_requested_at=None,
                finished_at=None,
                exit_code=None,
                failure="",
                rung_at=None,
                worker="",
            )
    except IntegrityError as error:
        raise ValidationError(_("A newer job keeps this promise already: look at that one.")) from error
    if changed:
        record(by=by, verb="resume job", obj=job, project=job.project)
        bell = partial(doorbell.ring, job.pk, job.queue)
        transaction.on_commit(bell)
    job.refresh_from_db()
    return job


@transaction.atomic
def register_artifact(
    *,
    project: Project,
    kind: str,
    name: str,
    folder: str | Path,
    made_by: Job | None = None,
    detail: Mapping[str, Any] | None = None,
    by: User | None = None,
) -> Artifact:
    """A named, digested folder below ARTIFACTS_DIR (`folder` is relative to it, or lies in it)."""
    root = Path(settings.ARTIFACTS_DIR).resolve()
    place = (root / folder).resolve()
    if not place.is_relative_to(root) or place == root:
        raise ValidationError(f"{folder} is not inside the artifacts folder.")
    if not place.is_dir():
        raise ValidationError(f"{folder} is not a folder: an artifact is a folder of files.")
    artifact = Artifact(
        project=project,
        kind=kind,
        name=name,
        digest=folder_digest(place),
        folder=place.relative_to(root).as_posix(),
        made_by=made_by,
        detail=dict(detail or {}),
    )
    artifact.full_clean(exclude=["made_by"])
    artifact.save(force_insert=True)
    author = by or (made_by.requested_by if made_by else None)
    record(by=author, verb="register artifact", obj=artifact, project=project, kind=kind, name=name)
    return artifact


@transaction.atomic
def create_schedule(
    *,
    project: Project,
    name: str,
    kind: str,
    spec: Mapping[str, Any],
    by: User | None,
    every_minutes: int | None = None,
    artifact_kind: str = "",
) -> Schedule:
    """Jobs of `kind` from now on: every so many minutes, or for each new artifact of `artifact_kind`."""
    kinds.get(kind)
    latest = Artifact.objects.filter(project=project).order_by("-pk").values_list("pk", flat=True).first()
    schedule = Schedule(
        project=project,
        name=name,
        kind=kind,
        spec=dict(spec),
        every_minutes=every_minutes,
        artifact_kind=artifact_kind,
        requested_by=by,
        next_due_at=timezone.now() if every_minutes else None,
        after_artifact_id=latest or 0,
    )
    schedule.full_clean()
    schedule.save(force_insert=True)
    record(by=by, verb="create schedule", obj=schedule, project=project, kind=kind)
    return schedule


@cache
def code_version() -> str:
    """The commit this process was started from, `-dirty` when files differ from it; empty outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
