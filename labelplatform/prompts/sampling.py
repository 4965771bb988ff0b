"""The job kind `sample`: a policy answers prompts, and its answers come back as responses."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from labelplatform.jobs.kinds import JobKind
from labelplatform.jobs.models import Artifact, Job
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.queries import prompt_line
from labelplatform.prompts.services import import_responses
from trainer import json_lines

PROMPTS_FILE, RESPONSES_FILE = "prompts.jsonl", "responses.jsonl"
# Wishes of a sampling request by the flag of `trainer sample` that grants them.
FLAGS = {"temperature": "--temperature", "top_p": "--top-p", "max_new_tokens": "--max-new-tokens"}


def validate(spec: dict[str, Any]) -> None:
    """Refuse a spec that can never run."""
    if not spec.get("prompts"):
        raise ValidationError(_("There are no prompts to answer."))
    if not 1 <= int(spec["responses_per_prompt"]) <= 64:
        raise ValidationError(_("Ask for 1 to 64 answers to each prompt."))
    unknown = set(spec["sampling"]) - set(FLAGS)
    if unknown:
        raise ValidationError(_("Unknown sampling setting: %(name)s") % {"name": sorted(unknown)[0]})


def command(job: Job, run_folder: Path) -> list[str]:
    """Return the child's arguments; writes the prompts beside its output."""
    spec = job.spec
    policy = Artifact.objects.get(pk=spec["policy"], project=job.project)
    prompts = PromptSet.objects.get(pk=spec["prompt_set"], project=job.project).prompts
    by_key = {prompt.key: prompt for prompt in prompts.filter(key__in=spec["prompts"])}
    lines = (prompt_line(by_key[key]) for key in spec["prompts"])
    json_lines.write_atomically(run_folder / PROMPTS_FILE, lines)
    return [
        *(sys.executable, "-m", "trainer", "sample", str(run_folder / PROMPTS_FILE)),
        *("--model", str(policy.path), "--out", str(run_folder / "out" / RESPONSES_FILE)),
        *("--policy", policy.name, "--progress", "json"),
        *("--progress-file", str(run_folder / "out" / "progress.jsonl")),
        *("--responses-per-prompt", str(spec["responses_per_prompt"]), "--seed", str(spec["seed"])),
        *_flags(spec["sampling"]),
    ]


def _flags(sampling: Mapping[str, object]) -> list[str]:
    return [part for name in FLAGS if name in sampling for part in (FLAGS[name], str(sampling[name]))]


def collect(job: Job, run_folder: Path) -> None:
    """Turn the written response lines into responses of the prompts that were asked."""
    policy = Artifact.objects.get(pk=job.spec["policy"], project=job.project)
    lines = [line for _number, line in json_lines.read(run_folder / "out" / RESPONSES_FILE)]
    keyed = [
        # A key of this job's own, so that asking twice with other seeds never collides. An untrained model may say
        # NUL, which no database column takes: it is shown as the character for "not a character".
        {
            **line,
            "response_id": f"job{job.pk}-{number}",
            "response": str(line["response"]).replace("\0", "\ufffd"),
        }
        for number, line in enumerate(lines, 1)
    ]
    import_responses(
        prompt_set=PromptSet.objects.get(pk=job.spec["prompt_set"], project=job.project),
        lines=keyed,
        by=job.requested_by,
        policy=policy,
        recorded=False,
        job=job,
    )


KIND = JobKind(
    name="sample",
    queue=Job.Queue.CPU,
    title=_("Sample responses"),
    command=command,
    collect=collect,
    validate=validate,
)
