"""The body of a job: real children, each outcome a state of the row."""

import json
from collections.abc import Callable

import pytest

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.tasks import run_job
from tests.labelplatform.jobs.toys import toy

Drain = Callable[[], list[Job]]


def test_run_collects_a_finished_job(run_jobs: Drain, project: Project, rosa: User) -> None:
    promised = toy(project, rosa)
    (job,) = run_jobs()
    assert (job.pk, job.state, job.attempts, job.fence, job.exit_code) == (promised.pk, "succeeded", 1, 1, 0)
    assert job.progress == {"step": 2, "steps": 2, "seconds": 0.2, "loss": 0.5}
    assert job.log_tail.strip() == "the last line"
    assert json.loads((job.run_folder / "spec.json").read_text()) == {"act": "write"}
    artifact = Artifact.objects.get(made_by=job)
    assert artifact.folder == f"jobs/{job.pk}/attempt-1/out"
    assert (artifact.path / "result.txt").read_text() == "written\n"


def test_run_takes_a_declared_exit_code_as_success(run_jobs: Drain, project: Project, rosa: User) -> None:
    toy(project, rosa, "three")
    (job,) = run_jobs()
    assert (job.state, job.exit_code) == ("succeeded", 3)


def test_run_tells_why_a_command_failed(run_jobs: Drain, project: Project, rosa: User) -> None:
    toy(project, rosa, "fail")
    (job,) = run_jobs()
    assert (job.state, job.attempts, job.exit_code) == ("failed", 1, 7)
    assert job.failure == "the last line (exit code 7)"
    assert not Artifact.objects.exists()


def test_run_gives_up_a_crashing_command_after_three_attempts(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    toy(project, rosa, "crash")
    assert [job.state for job in run_jobs()] == ["queued", "queued", "failed"]
    job = Job.objects.get()
    assert (job.attempts, job.fence) == (3, 3)
    assert "SIGKILL" in job.failure
    assert sorted(path.name for path in job.run_folder.parent.iterdir()) == [
        "attempt-1",
        "attempt-2",
        "attempt-3",
    ]


def test_run_keeps_nothing_of_a_result_that_cannot_be_collected(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    job = toy(project, rosa, spoil=True)
    with pytest.raises(ValueError, match="cannot be collected"):
        run_jobs()
    job.refresh_from_db()
    assert (job.state, job.failure) == ("failed", "ValueError: this result cannot be collected")
    assert not Artifact.objects.exists()


def test_run_twice_by_a_doubled_message_has_one_effect(run_jobs: Drain, project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    run_jobs()
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.attempts, Artifact.objects.count()) == (1, 1)


def test_run_shows_no_secret(run_jobs: Drain, project: Project, rosa: User) -> None:
    toy(project, rosa, "secret")
    (job,) = run_jobs()
    assert "no key here" in (job.run_folder / "log.txt").read_text()
