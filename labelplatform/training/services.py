"""Verbs of training: start a run, collect what it made. Each start is one row, one job and one audit line."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Required, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.jobs.kinds import JobKind, register
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import cancel, enqueue, register_artifact
from labelplatform.jobs.stored_files import Content, store_files
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.queries import export_prompt_lines
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import command_lines
from labelplatform.training.models import TrainingRun
from trainer.run_folder import read_outcome

Kind = TrainingRun.Kind
Settings = Mapping[str, Any]
Inputs = Mapping[str, Artifact | Sequence[Artifact] | None]
BROKEN = (Job.State.FAILED, Job.State.CANCELLED)
MODELS = (Artifact.Kind.BASE_MODEL, Artifact.Kind.POLICY)
# The trainer was asked to end by SIGTERM and has left a checkpoint: 128 + 15.
ASKED_TO_END = 143


def store_corpus(
    *, project: Project, name: str, files: Mapping[str, Content], by: User, kind: str = Artifact.Kind.CORPUS
) -> Artifact:
    """Text or demonstrations to train on, stored once as a digested artifact."""
    return store_files(project=project, kind=kind, name=name, files=files, by=by)


def store_prompts(*, prompt_set: PromptSet, by: User, name: str = "") -> Artifact:
    """The prompts of a set as they are now: a run is given these lines, not a set that may grow under it."""
    lines = list(export_prompt_lines(prompt_set))
    if not lines:
        raise ValidationError(_("Prompt set %(name)s has no prompts yet.") % {"name": prompt_set.name})
    name = name or f"{prompt_set.name} ({len(lines)})"
    files: dict[str, Content] = {"prompts.jsonl": lines}
    return store_files(
        project=prompt_set.project, kind=Artifact.Kind.QUESTIONS, name=name, files=files, by=by
    )


def start_pretraining(
    *,
    project: Project,
    name: str,
    corpus: Artifact | Sequence[Artifact],
    settings: Settings,
    by: User,
    purpose: str = "",
    model: Artifact | None = None,
) -> TrainingRun:
    """A language model from nothing but text, or `model` going on with it."""
    if model is not None:
        _wants(model, *MODELS)
    inputs = {"texts": corpus, "model": model}
    return _start(project, Kind.PRETRAIN, name, by, purpose, inputs=inputs, settings=settings)


def start_import(
    *, project: Project, name: str, settings: Settings, by: User, purpose: str = ""
) -> TrainingRun:
    """Weights that ship inside an installed package, converted once into a policy's folder.

    Settings: `package` (as imported), `file` (the GGUF file in it) and `sha256` of that file."""
    return _start(project, Kind.IMPORT, name, by, purpose, inputs={}, settings=settings)


def start_sft(
    *,
    project: Project,
    name: str,
    demonstrations: Artifact,
    model: Artifact,
    settings: Settings,
    by: User,
    purpose: str = "",
) -> TrainingRun:
    """A model taught by demonstrations."""
    _wants(model, *MODELS)
    inputs = {"demonstrations": demonstrations, "model": model}
    return _start(project, Kind.SFT, name, by, purpose, inputs=inputs, settings=settings)


def start_reward_model(
    *,
    project: Project,
    name: str,
    snapshot: Snapshot,
    model: Artifact,
    settings: Settings,
    by: User,
    purpose: str = "",
    demonstrations: Artifact | None = None,
) -> TrainingRun:
    """A model of what the rankings of a snapshot prefer, started from a language model's weights."""
    _wants(model, *MODELS)
    if snapshot.artifact is None:
        raise ValidationError(
            _("Snapshot %(name)s is not frozen yet: wait until its job has succeeded.")
            % {"name": snapshot.name}
        )
    inputs = {"rankings": snapshot.artifact, "model": model, "demonstrations": demonstrations}
    # What people saw and ranked is an answer, also where a model had nothing to say.
    told = {"empty_responses": "keep", **settings}
    return _start(project, Kind.REWARD_MODEL, name, by, purpose, inputs=inputs, settings=told)


class PpoInputs(TypedDict, total=False):
    """What PPO is given: prompts and policy always, reward models unless the settings name a reward."""

    prompts: Required[Artifact]
    policy: Required[Artifact]
    reward_model: Artifact | Sequence[Artifact]
    heldout_reward_model: Artifact | None
    pretraining_text: Artifact | Sequence[Artifact]
    validation: Artifact


def start_ppo(
    *,
    project: Project,
    name: str,
    settings: Settings,
    by: User,
    purpose: str = "",
    **inputs: Unpack[PpoInputs],
) -> TrainingRun:
    """A policy improved against a reward, tied by KL to where it started."""
    _wants(inputs["policy"], *MODELS)
    for model in (*_listed(inputs.get("reward_model")), *_listed(inputs.get("heldout_reward_model"))):
        _wants(model, Artifact.Kind.REWARD_MODEL)
    given: dict[str, Any] = {**inputs}
    return _start(project, Kind.PPO, name, by, purpose, inputs=given, settings=settings)


def start_scoring(
    *, project: Project, name: str, responses: Artifact, reward_model: Artifact, settings: Settings, by: User
) -> Job:
    """The reward model's score of every response line."""
    _wants(reward_model, Artifact.Kind.REWARD_MODEL)
    inputs = {"responses": responses, "reward_model": reward_model}
    return _enqueue(project, "score", name, by, inputs=inputs, settings=settings)


def start_best_of_n(
    *,
    project: Project,
    name: str,
    prompts: Artifact,
    policy: Artifact,
    reward_model: Artifact,
    settings: Settings,
    by: User,
) -> Job:
    """Of n sampled answers the one the reward model likes best: the baseline PPO must be compared with."""
    _wants(policy, *MODELS)
    _wants(reward_model, Artifact.Kind.REWARD_MODEL)
    inputs = {"prompts": prompts, "policy": policy, "reward_model": reward_model}
    return _enqueue(project, "best-of-n", name, by, inputs=inputs, settings=settings)


@transaction.atomic
def cancel_run(*, run: TrainingRun, by: User) -> TrainingRun:
    """The run's job is taken back; what it wrote so far stays in its folder and becomes no artifact."""
    cancel(job=run.job, by=by)
    run.refresh_from_db()
    return run


@transaction.atomic
def _start(
    project: Project, kind: str, name: str, by: User, purpose: str, *, inputs: Inputs, settings: Settings
) -> TrainingRun:
    """The run of this promise: a new one, or the one whose job already keeps it."""
    job = _enqueue(project, kind, name, by, inputs=inputs, settings=settings)
    known = TrainingRun.objects.filter(job=job).first()
    if known is not None:
        return known
    if _name_is_taken(project, kind, name):
        raise ValidationError(
            _("The name %(name)s is taken by an earlier model: choose another.") % {"name": name}
        )
    run = TrainingRun(project=project, kind=kind, name=name, purpose=purpose, job=job)
    run.full_clean()
    run.save(force_insert=True)
    record(by=by, verb="start training", obj=run, project=project, kind=kind, name=name, job=job.pk)
    return run


def _name_is_taken(project: Project, kind: str, name: str) -> bool:
    """Whether a model of this kind has the name, or a run that may still finish will give it."""
    makes = output_kind(kind)
    if Artifact.objects.filter(project=project, kind=makes, name=name).exists():
        return True
    same = [other for other in Kind.values if output_kind(other) == makes]
    runs = TrainingRun.objects.filter(project=project, kind__in=same, name=name)
    return runs.exclude(job__state__in=BROKEN).exists()


def _enqueue(project: Project, kind: str, name: str, by: User, *, inputs: Inputs, settings: Settings) -> Job:
    given = {role: _listed(artifacts) for role, artifacts in inputs.items()}
    spec = {
        "name": name,
        "inputs": {
            role: [artifact.digest for artifact in listed] for role, listed in given.items() if listed
        },
        "settings": dict(settings),
    }
    artifacts = {artifact.pk: artifact for listed in given.values() for artifact in listed}
    return enqueue(kind=kind, spec=spec, project=project, by=by, inputs=list(artifacts.values()))


def _listed(artifacts: Artifact | Sequence[Artifact] | None) -> list[Artifact]:
    if artifacts is None:
        return []
    return [artifacts] if isinstance(artifacts, Artifact) else list(artifacts)


def _wants(artifact: Artifact, *kinds: str) -> None:
    if artifact.kind not in kinds:
        wanted = ", ".join(str(Artifact.Kind(kind).label) for kind in kinds)
        raise ValidationError(
            _("%(name)s is a %(found)s, wanted: %(wanted)s.")
            % {"name": artifact.name, "found": artifact.get_kind_display(), "wanted": wanted}
        )


def output_kind(kind: str) -> str:
    """What a run of this kind makes."""
    return Artifact.Kind.POLICY if kind == Kind.IMPORT else command_lines.VERBS[kind].makes


@transaction.atomic
def collect_run(job: Job, run_folder: Path) -> None:
    """Register the model folder of a finished run and link it. Called once more, it finds its work done."""
    run = TrainingRun.objects.select_for_update().get(job=job)
    if run.output_id is not None:
        return
    detail = {} if job.kind == Kind.IMPORT else {"metrics": _outcome_metrics(run_folder / "out")}
    # A finished run goes on from nothing: its checkpoints are three times the model.
    shutil.rmtree(run_folder / "out" / "checkpoints", ignore_errors=True)
    run.output = register_artifact(
        project=job.project,
        kind=output_kind(job.kind),
        name=run.name,
        folder=run_folder / "out",
        made_by=job,
        detail=detail,
    )
    run.save(update_fields=["output"])
    record(by=job.requested_by, verb="collect training", obj=run, project=job.project, artifact=run.output.pk)


@transaction.atomic
def collect_lines(job: Job, run_folder: Path) -> None:
    """Register the lines that `score` or `best-of-n` wrote."""
    if Artifact.objects.filter(made_by=job).exists():
        return
    verb = command_lines.VERBS[job.kind]
    register_artifact(
        project=job.project,
        kind=verb.makes,
        name=job.spec["name"],
        folder=run_folder / "out",
        made_by=job,
        detail={"files": [verb.out_file]},
    )


def _outcome_metrics(folder: Path) -> dict[str, Any]:
    metrics = read_outcome(folder).get("metrics")
    if not isinstance(metrics, dict):
        raise ValueError(f"{folder / 'outcome.json'}: metrics is {metrics!r}, wanted an object")
    return metrics


def register_job_kinds() -> None:
    """Tell jobs how each training verb is checked, run and collected."""
    titles = {
        "pretrain": gettext_lazy("Pretraining"),
        "sft": gettext_lazy("Supervised fine-tuning"),
        "reward-model": gettext_lazy("Reward model"),
        "ppo": gettext_lazy("PPO"),
        "score": gettext_lazy("Scoring responses"),
        "best-of-n": gettext_lazy("Best of n"),
    }
    register(
        JobKind(
            name=Kind.IMPORT,
            queue=Job.Queue.CPU,
            title=gettext_lazy("Importing weights"),
            command=command_lines.import_command,
            collect=collect_run,
            validate=command_lines.validate_import,
        )
    )
    for name, title in titles.items():
        collect = collect_run if name in Kind.values else collect_lines
        register(
            JobKind(
                name=name,
                queue=Job.Queue.CPU,
                title=title,
                command=partial(command_lines.command, name),
                collect=collect,
                validate=partial(command_lines.validate, name),
                stopped_exit_codes=(ASKED_TO_END,) if command_lines.VERBS[name].resumes else (),
                resumes=command_lines.VERBS[name].resumes,
            )
        )
