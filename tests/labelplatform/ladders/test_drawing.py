"""Emergence reports of points from elsewhere and of a training run's curves."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.ladders import emergence
from labelplatform.ladders.forms import EmergenceForm
from labelplatform.ladders.models import EmergenceRun
from labelplatform.training.models import TrainingRun
from labelplatform.training.services import start_pretraining
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.ladders.building import emergence_report, end_emergence
from tests.labelplatform.world import finish

Browser = Callable[[User], Client]
Kind = Artifact.Kind
DRAW = "/p/harbour/training/ladders/draw/"
CSV = b"task,metric,scale,value\nsums,exact_match,1000,0.1\nsums,exact_match,2000,0.4\n"


def trained(project: Project, rosa: User, name: str = "base") -> Artifact:
    """A model with the curves of its run."""
    files = {"text.txt": "A town.\n"}
    corpus = build_artifact(project, Kind.CORPUS, f"{name} text", files=files, detail={"files": list(files)})
    run = start_pretraining(project=project, name=name, corpus=corpus, settings={"steps": 5}, by=rosa)
    job = finish(run.job)
    (job.run_folder / "out" / "outcome.json").write_text('{"metrics": {"parameters": 1}}', "utf-8")
    kinds.collect(job, job.run_folder)
    output = TrainingRun.objects.get(pk=run.pk).output
    assert output is not None
    return output


def upload(content: bytes = CSV) -> SimpleUploadedFile:
    return SimpleUploadedFile("mine.csv", content, content_type="text/csv")


def test_a_file_of_points_is_kept_and_drawn(sign_in: Browser, rosa: User, project: Project) -> None:
    answer = sign_in(rosa).post(DRAW, {"name": "elsewhere", "file": upload()})
    run = EmergenceRun.objects.get()
    assert answer.headers["Location"] == f"/p/harbour/reports/emergence/{run.pk}/"
    assert (run.name, run.ladder, run.job.requested_by) == ("elsewhere", None, rosa)
    told = kinds.get("emergence").command(run.job, made(run))
    assert told[1:4] == ["-m", "evaluator", "emergence"]
    assert "--scale" not in told
    assert Path(told[4]).read_bytes() == CSV
    end_emergence(run, emergence_report())
    assert run.report is not None
    assert (run.report.path / "points.csv").read_bytes() == CSV


def made(run: EmergenceRun) -> Path:
    """The run's folder, as its worker makes it."""
    run.job.run_folder.mkdir(parents=True)
    return run.job.run_folder


def test_the_curves_of_a_run_are_drawn_over_its_steps(sign_in: Browser, rosa: User, project: Project) -> None:
    model = trained(project, rosa)
    sign_in(rosa).post(DRAW, {"name": "its way", "model": model.pk})
    run = EmergenceRun.objects.get()
    told = kinds.get("emergence").command(run.job, made(run))
    assert told[told.index("--scale") + 1] == "steps"
    with Path(told[4]).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["scale"]) for row in rows] == list(range(1, 101))
    assert {(row["metric"], row["family"], row["task"]) for row in rows} == {("loss", "its way", "training")}
    assert float(rows[-1]["value"]) == 1.0


def test_the_same_promise_is_one_report(rosa: User, project: Project) -> None:
    model = trained(project, rosa)
    first = emergence.draw_curves(project=project, name="its way", model=model, by=rosa)
    assert emergence.draw_curves(project=project, name="its way", model=model, by=rosa) == first
    assert emergence.draw_curves(project=project, name="another", model=model, by=rosa) != first


def test_a_model_without_curves_is_refused(rosa: User, project: Project) -> None:
    model = trained(project, rosa)
    (model.path / "progress.jsonl").unlink()
    for one in (model, build_artifact(project, Kind.SNAPSHOT, files={"progress.jsonl": "{}\n"})):
        with pytest.raises(ValidationError, match="no curves"):
            emergence.draw_curves(project=project, name="x", model=one, by=rosa)


@pytest.mark.parametrize("what", ["nothing", "both", "no name", "a stranger's model", "too much"])
def test_other_wishes_are_refused(
    sign_in: Browser,
    rosa: User,
    project: Project,
    other_project: Project,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, strange = trained(project, rosa), trained(other_project, rosa, "strange")
    monkeypatch.setattr(EmergenceForm, "LARGEST", 100)
    told: dict[str, dict[str, Any]] = {
        "nothing": {"name": "x"},
        "both": {"name": "x", "file": upload(), "model": own.pk},
        "no name": {"name": "", "file": upload()},
        "a stranger's model": {"name": "x", "model": strange.pk},
        "too much": {"name": "x", "file": upload(CSV * 2)},
    }
    browser = sign_in(rosa)
    offered = browser.get(DRAW).content.decode()
    assert (">base<" in offered, "strange" in offered) == (True, False)
    answer = browser.post(DRAW, told[what])
    assert answer.status_code == 422
    assert not EmergenceRun.objects.exists()
    assert not Job.objects.filter(kind="emergence").exists()


def test_other_points_under_a_taken_name_are_told_at_the_form(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    browser = sign_in(rosa)
    browser.post(DRAW, {"name": "elsewhere", "file": upload()})
    answer = browser.post(DRAW, {"name": "elsewhere", "file": upload(CSV + b"sums,bleu,1,2\n")})
    assert answer.status_code == 422
    assert "choose another name" in answer.content.decode()
    assert EmergenceRun.objects.count() == 1
