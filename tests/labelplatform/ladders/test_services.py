"""A ladder's walk: each step a job, the next promised by the last, a broken one begun again and no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.ladders import emergence, services
from labelplatform.ladders.models import EmergenceRun, Ladder
from labelplatform.ladders.queries import ladder_state
from labelplatform.ladders.sizes import Size
from labelplatform.training.models import TrainingRun
from labelplatform.training.services import start_pretraining
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.ladders.building import (
    SETTINGS,
    SIZES,
    TASKS,
    begin_ladder,
    climb,
    end_evaluation,
    end_training,
)
from tests.labelplatform.world import finish

Kind = Artifact.Kind


def corpus(project: Project, name: str = "text") -> Artifact:
    files = {"text.txt": "A town by the sea.\n"}
    return build_artifact(project, Kind.CORPUS, name, files=files, detail={"files": list(files)})


def break_job(job: Job, state: str = Job.State.FAILED) -> None:
    finish(Job.objects.get(pk=job.pk))
    Job.objects.filter(pk=job.pk).update(state=state, failure="no memory")


def test_start_trains_each_size_with_each_seed(project: Project, rosa: User) -> None:
    text = corpus(project)
    ladder = begin_ladder(project, rosa, text=text, seeds=(3, 7))
    rungs = list(ladder.rungs.all())
    assert [(rung.size, rung.seed) for rung in rungs] == [
        (size.name, seed) for size in SIZES for seed in (3, 7)
    ]
    assert TrainingRun.objects.count() == Job.objects.count() == 6
    job = rungs[-1].training.job
    assert job.spec["settings"] == {**SETTINGS, "layers": 2, "width": 32, "heads": 2, "seed": 7}
    assert job.spec["inputs"] == {"texts": [text.digest, ladder.taught.digest]}
    assert (job.kind, job.requested_by) == ("pretrain", rosa)
    assert (ladder.taught.path / "tasks.txt").read_text("utf-8").count(" = ") == 40
    lines = (ladder.asked.path / "items.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 20
    assert json.loads(lines[0])["slices"] == {"task": "copy"}
    assert AuditEntry.objects.get(verb="start ladder").detail == {"name": "small", "rungs": 6}
    assert ladder.tasks == {"names": ["copy", "add"], "taught": 20, "asked": 10, "seed": 0}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"seeds": ()}, "different seeds"),
        ({"seeds": (1, 1)}, "different seeds"),
        ({"seeds": tuple(range(6))}, "different seeds"),
        ({"sizes": (Size(1, 16), Size(1, 17))}, "even number"),
        ({"sizes": (Size(1, 16), Size(1, 16))}, "same number of parameters"),
        ({"tasks": replace(TASKS, names=("fly",))}, "found fly"),
        ({"settings": {**SETTINGS, "steps": 0}}, "steps"),
    ],
)
def test_start_refuses_and_leaves_nothing(
    project: Project, rosa: User, changed: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValidationError, match=complaint):
        begin_ladder(project, rosa, **changed)
    assert not Job.objects.exists()
    assert not Ladder.objects.exists()
    assert not Artifact.objects.exists()


def test_start_refuses_a_taken_name_and_text_that_is_no_corpus_of_this_project(
    project: Project, other_project: Project, rosa: User
) -> None:
    begin_ladder(project, rosa)
    with pytest.raises(ValidationError, match="choose another"):
        begin_ladder(project, rosa)
    for text in (corpus(other_project), build_artifact(project, Kind.POLICY)):
        with pytest.raises(ValidationError, match="corpus of this project"):
            begin_ladder(project, rosa, name="other", text=text)
    assert Ladder.objects.count() == 1


def test_an_evaluation_follows_each_training_and_names_all_that_was_read(
    project: Project, rosa: User
) -> None:
    text = corpus(project)
    ladder = begin_ladder(project, rosa, text=text)
    first, second, _third = ladder.rungs.all()
    end_training(second)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.evaluation is None
    assert second.evaluation is not None
    job, model = second.evaluation, second.training.output
    assert model is not None
    assert (job.kind, job.requested_by, job.state) == ("ladder-evaluation", rosa, "queued")
    assert set(job.inputs.all()) == {model, ladder.asked, ladder.taught, text}
    told = kinds.get(job.kind).command(job, job.run_folder)
    assert told[1:5] == ["-m", "evaluator", "run", "string-tasks"]
    assert told[told.index("--subject") + 1] == str(model.path)
    assert told[told.index("--data") + 1] == str(ladder.asked.path / "items.jsonl")
    named = [told[place + 1] for place, word in enumerate(told) if word == "--training-text"]
    assert named == [str(text.path / "text.txt"), str(ladder.taught.path / "tasks.txt")]


def test_a_pretraining_that_is_no_rung_is_followed_by_nothing(project: Project, rosa: User) -> None:
    run = start_pretraining(
        project=project, name="alone", corpus=corpus(project), settings={"steps": 5}, by=rosa
    )
    job = finish(run.job)
    (job.run_folder / "out" / "outcome.json").write_text('{"metrics": {"parameters": 1}}', "utf-8")
    kinds.collect(job, job.run_folder)
    assert Job.objects.count() == 1
    assert Artifact.objects.get(kind=Kind.BASE_MODEL).name == "alone"


def test_evaluations_are_kept_as_any_other(project: Project, rosa: User) -> None:
    ladder = begin_ladder(project, rosa)
    rung = ladder.rungs.all()[0]
    end_training(rung)
    end_evaluation(rung, 0.4)
    run = EvaluationRun.objects.get()
    assert (run.suite, run.name) == ("string-tasks", "string-tasks: small 1x16 seed 0")
    assert run.metrics.get(name="edit_similarity", group="task=copy").value == 0.4


def test_the_report_follows_the_last_evaluation_and_no_earlier(project: Project, rosa: User) -> None:
    ladder = begin_ladder(project, rosa, seeds=(0, 1))
    rungs = list(ladder.rungs.all())
    for rung in rungs:
        end_training(rung, parameters=1000 * (1 + rung.place // 2))
    for rung in reversed(rungs):
        assert not EmergenceRun.objects.exists()
        end_evaluation(rung, 0.1 * (rung.place + 1))
    run = EmergenceRun.objects.get()
    assert (run.ladder, run.name, run.job.kind, run.job.requested_by) == (ladder, "small", "emergence", rosa)
    reports = [EvaluationRun.objects.get(job=rung.evaluation_id).report for rung in ladder.rungs.all()]
    digests = [report.digest for report in reports if report is not None]
    assert run.job.spec["sizes"] == [
        {"model": size.name, "parameters": 1000 * (place + 1), "reports": digests[2 * place : 2 * place + 2]}
        for place, size in enumerate(SIZES)
    ]
    assert AuditEntry.objects.filter(verb="start emergence").count() == 1


def test_the_points_are_what_the_evaluations_say(project: Project, rosa: User) -> None:
    ladder, run = climb(project, rosa)
    assert run.report is not None
    with (run.report.path / "points.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 3 * len(SIZES)
    copied = [row for row in rows if (row["task"], row["metric"]) == ("copy", "edit_similarity")]
    assert [(row["model"], row["scale"]) for row in copied] == [
        ("1x16", "1000"),
        ("1x32", "2000"),
        ("2x32", "3000"),
    ]
    assert [float(row["value"]) for row in copied] == pytest.approx([0.2, 0.4, 0.6])
    assert {row["family"] for row in rows} == {ladder.name}
    assert run.report.made_by == run.job
    assert run.report.detail["items"] == {"asked": 12, "measured": 12, "abstained": 0, "not_measured": 0}
    told = kinds.get("emergence").command(run.job, run.job.run_folder)
    assert told[1:5] == ["-m", "evaluator", "emergence", str(run.job.run_folder / "points.csv")]
    assert told[told.index("--out") + 1] == str(run.job.run_folder / "out")


def test_a_report_is_collected_once(project: Project, rosa: User) -> None:
    _ladder, run = climb(project, rosa)
    emergence.collect_emergence(run.job, run.job.run_folder)
    assert Artifact.objects.filter(made_by=run.job).count() == 1


def test_go_on_begins_the_broken_training_again_and_no_other(project: Project, rosa: User) -> None:
    ladder = begin_ladder(project, rosa)
    first, second, third = ladder.rungs.all()
    end_training(first)
    break_job(second.training.job)
    before = (first.training_id, third.training_id)
    services.go_on(ladder=ladder, by=rosa)
    old = second.training
    for rung in (first, second, third):
        rung.refresh_from_db()
    assert (first.training_id, third.training_id) == before
    assert second.training_id != old.pk
    assert second.training.job.state == "queued"
    assert second.training.job.spec == old.job.spec
    assert Job.objects.filter(kind="pretrain").count() == 4
    assert Job.objects.filter(kind="ladder-evaluation").count() == 1


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.CANCELLED])
def test_go_on_begins_a_broken_evaluation_again(project: Project, rosa: User, state: str) -> None:
    ladder = begin_ladder(project, rosa)
    first, second, _third = ladder.rungs.all()
    end_training(first)
    first.refresh_from_db()
    assert first.evaluation is not None
    break_job(first.evaluation, state)
    end_training(second)
    first.refresh_from_db()
    assert first.evaluation.state == state, "another rung's step begins nothing again"
    services.go_on(ladder=ladder, by=rosa)
    first.refresh_from_db()
    assert first.evaluation.state == "queued"
    assert Job.objects.filter(kind="ladder-evaluation").count() == 3


def test_go_on_draws_a_broken_report_again(project: Project, rosa: User) -> None:
    ladder, run = climb(project, rosa)
    services.go_on(ladder=ladder, by=rosa)
    assert EmergenceRun.objects.count() == 1, "a report that stands is not drawn again"
    EmergenceRun.objects.update(report=None)
    Artifact.objects.filter(made_by=run.job).delete()
    break_job(run.job)
    services.advance(ladder=ladder, by=rosa)
    assert EmergenceRun.objects.count() == 1, "only a person begins it again"
    services.go_on(ladder=ladder, by=rosa)
    newest = EmergenceRun.objects.first()
    assert newest is not None
    assert (newest.job.state, newest.pk != run.pk) == ("queued", True)
    state = ladder_state(project, ladder.pk)
    assert state is not None
    assert state.emergence == newest
    services.go_on(ladder=ladder, by=rosa)
    assert EmergenceRun.objects.count() == 2


def test_a_step_that_is_refused_is_told_and_does_not_take_the_last_one_back(
    project: Project, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ladder = begin_ladder(project, rosa)
    first = ladder.rungs.all()[0]

    def refuse(**_: object) -> Job:
        raise ValidationError("the queue is closed")

    with monkeypatch.context() as patch:
        patch.setattr(services, "enqueue", refuse)
        end_training(first)
    ladder.refresh_from_db()
    first.refresh_from_db()
    assert ladder.failure == "the queue is closed"
    assert first.training.output is not None
    state = ladder_state(project, ladder.pk)
    assert state is not None
    assert state.may_go_on
    services.go_on(ladder=ladder, by=rosa)
    ladder.refresh_from_db()
    first.refresh_from_db()
    assert ladder.failure == ""
    assert first.evaluation is not None


@pytest.mark.parametrize(
    ("kind", "spec", "complaint"),
    [
        (
            "ladder-evaluation",
            {"name": "x", "suite": "string-tasks", "subject": "d", "seed": 0, "decoding": {}},
            "the text its model has read",
        ),
        ("ladder-evaluation", {"name": "x", "seed": 0, "training_text": ["d"]}, "needs suite, subject"),
        ("emergence", {"name": "x", "family": "y", "sizes": []}, "sizes, of points or of curves"),
        ("emergence", {"sizes": [1]}, "needs name, family"),
        ("emergence", {"name": "x", "family": "y", "sizes": [1], "points": "d"}, "of one of them"),
    ],
)
def test_specs_that_can_never_run_are_refused(kind: str, spec: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        kinds.get(kind).validate(spec)


def test_progress_counts_every_step(project: Project, rosa: User) -> None:
    ladder = begin_ladder(project, rosa)

    def state() -> tuple[int, int, bool, bool]:
        found = ladder_state(project, ladder.pk)
        assert found is not None
        return found.done, found.steps, found.moving, found.may_go_on

    assert state() == (0, 7, True, False)
    first, second, third = ladder.rungs.all()
    end_training(first)
    assert state() == (1, 7, True, False)
    end_evaluation(first, 0.3)
    assert state() == (2, 7, True, False)
    break_job(second.training.job)
    break_job(third.training.job, Job.State.CANCELLED)
    assert state() == (2, 7, False, True)


def test_a_finished_ladder_stands_still(project: Project, rosa: User) -> None:
    ladder, run = climb(project, rosa)
    found = ladder_state(project, ladder.pk)
    assert found is not None
    assert (found.done, found.moving, found.may_go_on, found.emergence) == (7, False, False, run)
    assert [(row.parameters, row.heldout_loss) for row in found.rows] == [
        (1000, 2.5),
        (2000, 2.4),
        (3000, 2.3),
    ]


def test_a_ladder_of_another_project_is_not_there(
    project: Project, other_project: Project, rosa: User
) -> None:
    ladder = begin_ladder(project, rosa)
    assert ladder_state(other_project, ladder.pk) is None


Drain = Callable[[], list[Job]]


def test_a_small_ladder_walks_by_itself_to_its_report(run_jobs: Drain, project: Project, rosa: User) -> None:
    """The whole way with real commands: two sizes, seconds, and a report that says that two are not enough."""
    settings = {**SETTINGS, "steps": 8, "batch_tokens": 512}
    ladder = begin_ladder(project, rosa, text=corpus(project), sizes=SIZES[:2], settings=settings)
    ran = run_jobs()
    assert [(job.kind, job.state) for job in ran] == [
        ("pretrain", "succeeded"),
        ("pretrain", "succeeded"),
        ("ladder-evaluation", "succeeded"),
        ("ladder-evaluation", "succeeded"),
        ("emergence", "succeeded"),
    ], [job.failure for job in ran]
    for asked in EvaluationRun.objects.all():
        assert asked.metrics.get(name="contaminated", group="").value == 0.0
        assert asked.metrics.filter(name="exact_match", group="task=copy").exists()
    run = EmergenceRun.objects.get(ladder=ladder)
    assert run.report is not None
    report = json.loads((run.report.path / "report.json").read_text("utf-8"))
    assert {verdict["verdict"] for verdict in report["verdicts"]} == {"not enough sizes"}
    assert len(report["verdicts"]) == 6
    with (run.report.path / "points.csv").open(encoding="utf-8") as file:
        scales = {float(row["scale"]) for row in csv.DictReader(file)}
    outputs = [rung.training.output for rung in ladder.rungs.all()]
    assert scales == {output.detail["metrics"]["parameters"] for output in outputs if output is not None}
