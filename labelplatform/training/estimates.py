"""What a run will take, reckoned by the trainer's own `estimate` before it is begun; beside it what it really took.

Nothing here loads a model: shapes are read from config.json and tokens counted by tokenizer.json (`trainer.estimate`).
Of large data every n-th line is counted, so that a page never waits for a whole corpus.
"""

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from django.conf import settings as site
from django.utils.translation import gettext as _

from labelplatform.jobs.models import Artifact, Job
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.queries import export_prompt_lines
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import command_lines
from labelplatform.training.command_lines import Role, files_of
from trainer.errors import BadInput
from trainer.estimate.specs import EstimateSpec
from trainer.estimate.verb import estimate, took
from trainer.specs import TrainingSpec

Paths = tuple[str, ...]
# The input of a verb whose every line is counted in tokens, and the file that is meant where a folder is given.
COUNTED = {
    "sft": ("demonstrations", ""),
    "reward-model": ("rankings", "rankings.jsonl"),
    "ppo": ("prompts", ""),
}
# Data beyond this many bytes are counted by every n-th line (about a second of counting).
MOST_BYTES = 2_000_000
PROMPTS = "prompts.jsonl"


@dataclass(frozen=True)
class Reckoned:
    """The estimate of a run as `trainer estimate` tells it, or why there is none; `every` n-th line was counted."""

    told: Mapping[str, Any] | None
    refusal: str = ""
    every: int = 1


def reckon(
    verb: str, settings: Mapping[str, Any], inputs: Mapping[str, Sequence[Any]], assumed: Mapping[str, Any]
) -> Reckoned:
    """The estimate of a run with these settings and inputs (artifacts, snapshots or prompt sets by role)."""
    missing = [role for role in needed(verb) if not inputs.get(role)]
    if missing:
        return Reckoned(None, _("Choose what it is given first: its inputs say how much there is to learn."))
    with tempfile.TemporaryDirectory(prefix="estimate-") as scratch:
        paths = {
            role.name: tuple(_paths(role, inputs.get(role.name, ()), Path(scratch)))
            for role in command_lines.VERBS[verb].roles
        }
        words = json.dumps([settings, assumed], sort_keys=True)
        given = tuple(sorted((name, found) for name, found in paths.items() if found))
        fresh = any(isinstance(one, PromptSet) for listed in inputs.values() for one in listed)
        found = (_reckon if fresh else _remembered)(verb, words, given)
    if found.told is not None:
        return found
    # What is remembered is in no language: who asks next may read another.
    return replace(found, refusal=_("It cannot be told: %(said)s.") % {"said": _named(found.refusal, inputs)})


def _named(said: str, inputs: Mapping[str, Sequence[Any]]) -> str:
    """A refusal that names artifacts as people do, not by their folders."""
    for one in (one for listed in inputs.values() for one in listed):
        artifact = one.artifact if isinstance(one, Snapshot) else one
        if isinstance(artifact, Artifact):
            said = said.replace(artifact.folder, artifact.name)
    return said


def needed(verb: str) -> list[str]:
    """The roles without which nothing can be reckoned."""
    fields = {entry.name: entry for entry in command_lines.VERBS[verb].spec.fields()}
    return [role.name for role in command_lines.VERBS[verb].roles if fields[role.name].required]


def reckon_job(job: Job, assumed: Mapping[str, Any]) -> Reckoned:
    """The estimate of a run that was promised, from its frozen spec."""
    by_digest = {artifact.digest: artifact for artifact in job.inputs.all()}
    inputs = {
        role: [by_digest[digest] for digest in digests if digest in by_digest]
        for role, digests in job.spec.get("inputs", {}).items()
    }
    return reckon(job.kind, job.spec.get("settings", {}), inputs, assumed)


def really_took(job: Job) -> Mapping[str, Any]:
    """What a finished run says it took; empty before its end, and where its folder is gone."""
    try:
        return took(job.run_folder / "out") or {}
    except (BadInput, OSError):
        return {}


def _paths(role: Role, given: Iterable[Any], scratch: Path) -> Iterator[str]:
    for one in given:
        if isinstance(one, PromptSet):
            path = scratch / PROMPTS
            lines = (json.dumps(line, ensure_ascii=False) + "\n" for line in export_prompt_lines(one))
            path.write_text("".join(lines), "utf-8")
            yield str(path)
        else:
            artifact = one.artifact if isinstance(one, Snapshot) else one
            assert isinstance(artifact, Artifact)
            yield from map(str, files_of(artifact, role))


def _reckon(verb: str, words: str, given: tuple[tuple[str, Paths], ...]) -> Reckoned:
    settings, assumed = json.loads(words)
    fields = {entry.name: entry for entry in command_lines.VERBS[verb].spec.fields()}
    with tempfile.TemporaryDirectory(prefix="estimate-") as scratch:
        every = 1
        paths: dict[str, list[str]] = {}
        for name, listed in given:
            thinned = [thin(verb, name, Path(path), Path(scratch)) for path in listed]
            every = max([every, *(step for step, _path in thinned)])
            paths[name] = [path for _step, path in thinned]
        told = {name: found if fields[name].many else ",".join(found) for name, found in paths.items()}
        try:
            spec = command_lines.VERBS[verb].spec.from_json({**settings, **told, "out": "-"}, verb)
            own = EstimateSpec.from_json({"run": "-", **assumed}, "estimate")
            reckoned: dict[str, Any] = estimate(cast(TrainingSpec, spec), own)
            if every > 1 and verb != "ppo" and own.tokens is None:
                whole = replace(own, tokens=every * reckoned["tokens"])
                reckoned = estimate(cast(TrainingSpec, spec), whole)
        except (BadInput, OSError) as error:
            return Reckoned(None, _reason(error, scratch))
    return Reckoned(reckoned, every=every)


_remembered = lru_cache(maxsize=256)(_reckon)


def thin(verb: str, role: str, path: Path, scratch: Path) -> tuple[int, str]:
    """(n, file): every n-th line of the data at `path`, in a file of its own where n > 1."""
    counted, name = COUNTED.get(verb, ("", ""))
    file = path / name if name and path.is_dir() else path
    size = file.stat().st_size if role == counted and file.is_file() else 0
    step = math.ceil(size / MOST_BYTES)
    if step <= 1:
        return 1, str(path)
    thinned = scratch / f"{role}.jsonl"
    with file.open("rb") as lines, thinned.open("wb") as kept:
        kept.writelines(line for number, line in enumerate(lines) if number % step == 0)
    return step, str(thinned)


def _reason(error: Exception, scratch: str) -> str:
    """Why nothing can be told, without where this site keeps its files."""
    return str(error).replace(f"{site.ARTIFACTS_DIR}/", "").replace(f"{scratch}/", "")
