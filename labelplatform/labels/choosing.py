"""The job kind `choose-next`: reward models score the answers that wait, a rule says which items come first."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from labelplatform.jobs.kinds import JobKind
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import register_artifact
from labelplatform.labels.models import Campaign, QueueOrder
from labelplatform.labels.queue_orders import waiting_response_lines
from labelplatform.labels.services.queue_orders import JOB_KIND, ChosenLine, keep_order, put_in_force
from trainer import json_lines

RESPONSES_FILE = "responses.jsonl"
# The report of `evaluator choose-next` in the job's output folder, beside the score files.
ORDER_FOLDER, ORDER_FILE = "order", "samples.jsonl"


def validate(spec: dict[str, Any]) -> None:
    """Refuse a spec that can never run."""
    if not {"campaign", "by", "control_share", "seed", "reward_models"} <= set(spec):
        raise ValidationError("choose-next: wanted campaign, by, control_share, seed and reward_models")
    if spec["by"] not in QueueOrder.Rule.values:
        raise ValidationError(
            f"choose-next: by: found {spec['by']!r}, wanted one of {QueueOrder.Rule.values}"
        )
    if not 0 < spec["control_share"] < 1:
        raise ValidationError(f"choose-next: control_share: found {spec['control_share']}, wanted 0 to 1")
    fewest = 2 if spec["by"] == QueueOrder.Rule.DISAGREEMENT else 1
    if len(spec["reward_models"]) < fewest:
        raise ValidationError(f"choose-next: reward_models: wanted {fewest} or more")


def command(job: Job, run_folder: Path) -> list[str]:
    """Return the child's arguments; writes the answers that wait beside its output."""
    spec = job.spec
    campaign = Campaign.objects.get(pk=spec["campaign"], project=job.project)
    json_lines.write_atomically(run_folder / RESPONSES_FILE, waiting_response_lines(campaign))
    by_digest = {artifact.digest: artifact for artifact in job.inputs.all()}
    models = [str(by_digest[digest].path) for digest in spec["reward_models"]]
    return [
        *(sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "choose_next"),
        *("--responses", str(run_folder / RESPONSES_FILE), "--reward-models", *models),
        *("--by", spec["by"], "--control-share", str(spec["control_share"]), "--seed", str(spec["seed"])),
        *("--out", str(run_folder / "out")),
    ]


def collect(job: Job, run_folder: Path) -> None:
    """Keep the order; once that is committed, put it in force, in steps that hold nobody up."""
    # Not the campaign with it: whoever claims refers to that row.
    order = QueueOrder.objects.select_for_update(of=("self",)).select_related("campaign").get(job=job)
    if order.artifact_id is not None:
        return
    artifact = register_artifact(
        project=job.project,
        kind=Artifact.Kind.SCORES,
        name=f"{order.campaign.name[:90]} · {JOB_KIND} {order.pk}",
        folder=run_folder / "out",
        made_by=job,
    )
    keep_order(order=order, artifact=artifact, lines=_lines(run_folder / "out", order.rule))
    transaction.on_commit(partial(put_in_force, order=order, by=job.requested_by))


def _lines(folder: Path, rule: str) -> Iterator[ChosenLine]:
    for _number, read in json_lines.read(folder / ORDER_FOLDER / ORDER_FILE):
        line: dict[str, Any] = dict(read)
        yield ChosenLine(line["id"], line["arm"], line["scores"][rule], line["response_scores"])


KIND = JobKind(
    name=JOB_KIND,
    queue=Job.Queue.CPU,
    title=_("Choose what is labelled next"),
    command=command,
    collect=collect,
    validate=validate,
)
