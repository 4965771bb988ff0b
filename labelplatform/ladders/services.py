"""Verbs of ladders: start one, take its next steps, go on with a broken one, draw what came of it.

Every step is a job. The next one is promised in the transaction that marks the last one succeeded, so that no step is
lost with a process and none is taken twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.evaluations.services import collect_evaluation
from labelplatform.jobs.kinds import JobKind, follow, register
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue
from labelplatform.jobs.stored_files import store_files
from labelplatform.ladders import command_lines, emergence
from labelplatform.ladders.models import Ladder, Rung
from labelplatform.ladders.sizes import MOST_SEEDS, Size, estimates
from labelplatform.ladders.string_tasks import make_material
from labelplatform.training.models import TrainingRun
from labelplatform.training.services import start_pretraining

EVALUATION = "ladder-evaluation"
SUITE, VARIANT = "string-tasks", "completion"
BROKEN = (Job.State.FAILED, Job.State.CANCELLED)


@dataclass(frozen=True)
class Tasks:
    """What the models are taught and asked: so many documents and items of each task, drawn by a seed."""

    names: tuple[str, ...]
    taught: int = 4000
    asked: int = 100
    seed: int = 0

    def record(self) -> dict[str, Any]:
        """The same as JSON, for the ladder's row."""
        return {"names": list(self.names), "taught": self.taught, "asked": self.asked, "seed": self.seed}


@transaction.atomic
def start_ladder(
    *,
    project: Project,
    name: str,
    text: Artifact | None,
    tasks: Tasks,
    sizes: Sequence[Size],
    seeds: Sequence[int],
    settings: Mapping[str, Any],
    by: User,
) -> Ladder:
    """A ladder and the pretraining of each of its sizes with each seed, smallest first."""
    if Ladder.objects.filter(project=project, name=name).exists():
        raise ValidationError(_("A ladder has the name %(name)s: choose another.") % {"name": name})
    if not 1 <= len(set(seeds)) <= MOST_SEEDS or len(set(seeds)) < len(seeds):
        raise ValidationError(_("Give 1 to %(most)d different seeds.") % {"most": MOST_SEEDS})
    if text is not None and (text.project_id != project.pk or text.kind != Artifact.Kind.CORPUS):
        raise ValidationError(_("The text must be a corpus of this project."))
    found = [one.parameters for one in estimates(sizes, settings)]
    if len(set(found)) < len(found):
        raise ValidationError(_("Two sizes have the same number of parameters: choose others."))
    taught, asked = _material(project, name, tasks, by)
    ladder = Ladder(
        project=project,
        name=name,
        text=text,
        taught=taught,
        asked=asked,
        tasks=tasks.record(),
        settings=dict(settings),
        requested_by=by,
    )
    ladder.full_clean()
    ladder.save(force_insert=True)
    every = [(size, seed) for size in sizes for seed in seeds]
    for place, (size, seed) in enumerate(every):
        training = _train(ladder, size.settings(), f"{name} {size.name} seed {seed}", seed, by)
        Rung.objects.create(ladder=ladder, place=place, size=size.name, seed=seed, training=training)
    record(by=by, verb="start ladder", obj=ladder, project=project, name=name, rungs=len(every))
    return ladder


def _material(project: Project, name: str, tasks: Tasks, by: User) -> tuple[Artifact, Artifact]:
    try:
        material = make_material(tasks.names, seed=tasks.seed, taught=tasks.taught, asked=tasks.asked)
    except ValueError as error:
        raise ValidationError(str(error)) from error
    taught = store_files(
        project=project,
        kind=Artifact.Kind.CORPUS,
        name=f"{name}: tasks taught",
        files={"tasks.txt": material.text},
        by=by,
    )
    asked = store_files(
        project=project,
        kind=Artifact.Kind.QUESTIONS,
        name=f"{name}: items asked",
        files={"items.jsonl": material.items},
        by=by,
    )
    return taught, asked


def _train(ladder: Ladder, shape: Mapping[str, Any], name: str, seed: int, by: User | None) -> TrainingRun:
    assert by is not None
    return start_pretraining(
        project=ladder.project,
        name=name,
        corpus=corpus_of(ladder),
        settings={**ladder.settings, **shape, "seed": seed},
        by=by,
        purpose=_("A rung of the ladder %(name)s.") % {"name": ladder.name},
    )


def corpus_of(ladder: Ladder) -> list[Artifact]:
    """All that the models of a ladder read."""
    return [text for text in (ladder.text, ladder.taught) if text is not None]


@transaction.atomic
def go_on(*, ladder: Ladder, by: User) -> Ladder:
    """Begin again each step that failed or was cancelled, and no other: what has been made is kept."""
    record(by=by, verb="go on with ladder", obj=ladder, project=ladder.project)
    for rung in ladder.rungs.select_related("training__job"):
        run = rung.training
        if run.job.state in BROKEN:
            shape = {name: run.job.spec["settings"][name] for name in ("layers", "width", "heads")}
            rung.training = _train(ladder, shape, run.name, rung.seed, by)
            rung.save(update_fields=["training"])
    advance(ladder=ladder, by=by, again=True)
    ladder.refresh_from_db()
    return ladder


@transaction.atomic
def advance(*, ladder: Ladder, by: User | None, again: bool = False) -> None:
    """Promise every step whose turn has come; `again` takes up broken ones too. A refusal is told on the ladder.

    The row is held meanwhile: of two rungs that end at once, the later sees what the earlier has done.
    """
    ladder = Ladder.objects.select_for_update().get(pk=ladder.pk)
    failure = ""
    try:
        with transaction.atomic():
            _advance(ladder, by or ladder.requested_by, again=again)
    except ValidationError as error:
        failure = "; ".join(error.messages)
    if failure != ladder.failure:
        ladder.failure = failure
        ladder.save(update_fields=["failure"])


def _advance(ladder: Ladder, by: User | None, *, again: bool) -> None:
    rungs = list(ladder.rungs.select_related("training__output", "evaluation"))
    for rung in rungs:
        wanted = rung.evaluation is None or (again and rung.evaluation.state in BROKEN)
        if wanted and rung.training.output is not None:
            rung.evaluation = _ask(ladder, rung.training.output, by)
            rung.save(update_fields=["evaluation"])
    if all(rung.evaluation and rung.evaluation.state == Job.State.SUCCEEDED for rung in rungs):
        _draw(ladder, rungs, by, again=again)


def _ask(ladder: Ladder, model: Artifact, by: User | None) -> Job:
    corpus = corpus_of(ladder)
    spec = {
        "name": f"{SUITE}: {model.name}",
        "suite": SUITE,
        "variant": VARIANT,
        "subject": model.digest,
        "data": ladder.asked.digest,
        "training_text": [text.digest for text in corpus],
        "seed": 0,
        "decoding": {},
    }
    inputs = [model, ladder.asked, *corpus]
    return enqueue(kind=EVALUATION, spec=spec, project=ladder.project, by=by, inputs=inputs)


def _draw(ladder: Ladder, rungs: Sequence[Rung], by: User | None, *, again: bool) -> None:
    # Begun again, a report that stands is its own promise kept: the same job, the same row.
    if not again and ladder.emergence_runs.exists():
        return
    reports = list(Artifact.objects.filter(made_by__in=[rung.evaluation_id for rung in rungs]))
    emergence.start_emergence(
        project=ladder.project,
        name=ladder.name,
        told={"sizes": _measured(rungs)},
        inputs=reports,
        by=by,
        ladder=ladder,
    )


def _measured(rungs: Sequence[Rung]) -> list[dict[str, Any]]:
    """Each size with its parameters and the reports of its seeds, in the order of the rungs."""
    sizes: dict[str, dict[str, Any]] = {}
    for rung in rungs:
        output = rung.training.output
        assert output is not None
        own = sizes.setdefault(
            rung.size,
            {"model": rung.size, "parameters": output.detail["metrics"]["parameters"], "reports": []},
        )
        own["reports"].append(Artifact.objects.get(made_by=rung.evaluation).digest)
    return list(sizes.values())


def after_training(job: Job) -> None:
    """A pretraining run has succeeded: if it is a rung's, its evaluation follows."""
    rung = Rung.objects.filter(training__job=job).select_related("ladder").first()
    if rung is not None:
        advance(ladder=rung.ladder, by=job.requested_by)


@transaction.atomic
def collect_rung(job: Job, run_folder: Path) -> None:
    """Keep a rung's evaluation as any other; after the last one, the curve is drawn."""
    collect_evaluation(job, run_folder)
    rung = Rung.objects.filter(evaluation=job).select_related("ladder").first()
    if rung is not None:
        advance(ladder=rung.ladder, by=job.requested_by)


def register_job_kinds() -> None:
    """Tell jobs how the later steps are checked, run and collected, and follow pretraining."""
    lines = command_lines
    register(
        JobKind(
            name=EVALUATION,
            queue=Job.Queue.CPU,
            title=gettext_lazy("Evaluation of a ladder's rung"),
            command=lines.evaluation_command,
            collect=collect_rung,
            validate=lines.validate_ladder_evaluation,
        )
    )
    register(
        JobKind(
            name=emergence.KIND,
            queue=Job.Queue.CPU,
            title=gettext_lazy("Emergence report"),
            command=lines.emergence_command,
            collect=emergence.collect_emergence,
            validate=lines.validate_emergence,
        )
    )
    follow(TrainingRun.Kind.PRETRAIN, after_training)
