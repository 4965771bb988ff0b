"""Kinds of jobs for these tests: real commands, real children, nothing imitated."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from labelplatform.accounts.models import Project, User
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue, register_artifact

CHILD = Path(__file__).parent / "child.py"


def _command(job: Job, run_folder: Path) -> list[str]:
    return [sys.executable, str(CHILD), str(job.spec["act"]), "--out", str(run_folder / "out")]


def _collect(job: Job, run_folder: Path) -> None:
    register_artifact(
        project=job.project,
        kind=Artifact.Kind.REPORT,
        name=f"toy of job {job.pk}",
        folder=run_folder / "out",
        made_by=job,
    )
    if job.spec.get("spoil"):
        raise ValueError("this result cannot be collected")


def _validate(spec: dict[str, Any]) -> None:
    if "act" not in spec:
        raise ValidationError("a toy needs an act")


TOY = kinds.JobKind(
    name="toy",
    queue="cpu",
    title="Toy",
    command=_command,
    collect=_collect,
    validate=_validate,
    success_exit_codes=(0, 3),
)


@contextmanager
def registered() -> Iterator[None]:
    kinds.register(TOY)
    try:
        yield
    finally:
        kinds._kinds.pop("toy")


def toy(project: Project, by: User, act: str = "write", **spec: object) -> Job:
    return enqueue(kind="toy", spec={"act": act, **spec}, project=project, by=by)
