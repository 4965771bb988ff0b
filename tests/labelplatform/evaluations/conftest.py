"""Reports as the evaluator writes them, put where a finished job would have left them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from evaluator.report_files import Items, Metric, Report, write_report
from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import finish

Finish = Callable[[Job, Report], Path]


def metric(name: str, value: float | None, group: str | None = None, **more: object) -> Metric:
    """A metric with an interval of a tenth to either side."""
    low, high = (None, None) if value is None else (value - 0.1, value + 0.1)
    reason = "no item was measured" if value is None else None
    better = {"wrong": "lower", "abstained": "neither"}.get(name, "higher")
    return Metric(name, value, low, high, 40, group, reason, "bootstrap", better, extra=more)


def closed_book(grade: float, *more: Metric, samples: list[dict[str, object]] | None = None) -> Report:
    """A report of the closed-book suite."""
    metrics = [
        metric("grade", grade),
        metric("right", grade - 0.1),
        metric("abstained", 0.2),
        metric("wrong", 0.3),
    ]
    return Report(
        suite="hallucination-open-domain",
        variant="closed-book",
        subject="subject",
        seed=0,
        metrics=[*metrics, *more],
        items=Items(40, 40, 8, 0),
        samples=samples or [],
    )


@pytest.fixture
def finish_with() -> Finish:
    """Finish a job's row with this report in its folder; returns the run folder."""

    def write(job: Job, report: Report) -> Path:
        finish(job)
        write_report(job.run_folder / "out", report)
        return job.run_folder

    return write


@pytest.fixture
def questions(project: Project, rosa: User) -> Artifact:
    files = {"questions.jsonl": '{"id": "q"}\n'}
    return build_artifact(project, Artifact.Kind.QUESTIONS, files=files, detail={"files": list(files)})


@pytest.fixture
def snapshot(project: Project) -> Snapshot:
    return Snapshot.objects.create(
        project=project, name="first", artifact=build_artifact(project, Artifact.Kind.SNAPSHOT)
    )


@pytest.fixture(autouse=True)
def _own_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of jobs come again after a rolled back test; their folders must not."""
    monkeypatch.setattr(settings, "ARTIFACTS_DIR", tmp_path)
