"""The job kind `snapshot`: a child writes the folder, collecting makes it an artifact."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from labelplatform.jobs.kinds import JobKind
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import register_artifact
from labelplatform.snapshots.models import Snapshot
from trainer.snapshots import verify_snapshot


def validate(spec: dict[str, Any]) -> None:
    """Refuse a spec that can never run."""
    if not {"project", "name", "filters", "heldout_share"} <= set(spec):
        raise ValidationError("snapshot: wanted project, name, filters and heldout_share")


def command(job: Job, run_folder: Path) -> list[str]:
    """Return the child's arguments."""
    manage = Path(settings.BASE_DIR) / "manage.py"
    spec, out = run_folder / "spec.json", run_folder / "out"
    return [sys.executable, str(manage), "write_snapshot", "--spec", str(spec), "--out", str(out)]


def collect(job: Job, run_folder: Path) -> None:
    """Register the written folder, once its manifest and every file in it agree."""
    manifest = verify_snapshot(run_folder / "out")
    snapshot = Snapshot.objects.select_for_update().get(project=job.project, job=job)
    snapshot.counts = manifest.counts
    snapshot.artifact = register_artifact(
        project=job.project,
        kind=Artifact.Kind.SNAPSHOT,
        name=snapshot.name,
        folder=run_folder / "out",
        made_by=job,
        detail={"counts": manifest.counts, "filters": snapshot.filters},
    )
    snapshot.save(update_fields=["counts", "artifact"])


KIND = JobKind(
    name="snapshot",
    queue=Job.Queue.CPU,
    title=_("Freeze snapshot"),
    command=command,
    collect=collect,
    validate=validate,
)
