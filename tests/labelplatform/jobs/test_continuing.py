"""Another try goes on with what the one before has left: its folder is handed on, whole, and to one alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs import chores, claims, continuing, doorbell, kinds, processes, reaping, services
from labelplatform.jobs.models import Job
from labelplatform.jobs.tasks import do_chores, run_job
from tests.labelplatform.jobs.toys import TOY, toy

Drain = Callable[[], list[Job]]
# Counts its tries in its own folder; ends as the count says.
CHILD = """
import os, pathlib, signal, sys
out = pathlib.Path(sys.argv[1])
out.mkdir(exist_ok=True)
tries = out / "tries"
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
end = sys.argv[2].split(",")[len(tries.read_text()) - 1]
print(end, flush=True)
if end == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
sys.exit(int(end))
"""


def register(name: str, **changed: Any) -> kinds.JobKind:
    def command(job: Job, run_folder: Path) -> list[str]:
        return [sys.executable, "-c", CHILD, str(run_folder / "out"), job.spec["act"]]

    told = {field: getattr(TOY, field) for field in kinds.JobKind.__dataclass_fields__}
    kind = kinds.JobKind(**{**told, "name": name, "command": command, **changed})
    kinds.register(kind)
    return kind


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    """A kind that goes on, and one that does not."""
    register("lasting", resumes=True, stopped_exit_codes=(143,))
    register("fleeting")
    yield
    for name in ("lasting", "fleeting"):
        kinds._kinds.pop(name)


def begin(project: Project, by: User, act: str, kind: str = "lasting") -> Job:
    return services.enqueue(kind=kind, spec={"act": act}, project=project, by=by)


def tries(job: Job) -> dict[str, str]:
    """What each attempt's folder holds of the count."""
    folders = sorted(job.run_folder.parent.iterdir())
    return {one.name: (one / "out" / "tries").read_text() for one in folders if (one / "out").is_dir()}


def test_a_killed_command_goes_on_in_the_folder_it_left(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    begin(project, rosa, "killed,killed,0")
    assert [job.state for job in run_jobs()] == ["queued", "queued", "succeeded"]
    job = Job.objects.get()
    assert tries(job) == {"attempt-3": "xxx"}
    assert job.outputs.get().folder == f"jobs/{job.pk}/attempt-3/out"


def test_what_cannot_go_on_begins_in_a_new_folder(run_jobs: Drain, project: Project, rosa: User) -> None:
    begin(project, rosa, "killed", kind="fleeting")
    run_jobs()
    assert tries(Job.objects.get()) == {"attempt-1": "x", "attempt-2": "x", "attempt-3": "x"}


def test_a_command_that_was_asked_to_end_is_not_failed(run_jobs: Drain, project: Project, rosa: User) -> None:
    begin(project, rosa, "143,0")
    assert [job.state for job in run_jobs()] == ["queued", "succeeded"]
    begin(project, rosa, "143,0", kind="fleeting")
    (job,) = run_jobs()
    assert (job.state, job.exit_code) == ("failed", 143)


def test_a_failed_job_is_resumed_where_it_was(run_jobs: Drain, project: Project, rosa: User) -> None:
    job = begin(project, rosa, "1,1,0")
    run_jobs()
    for state in ("failed", "succeeded"):
        job = services.resume(job=job, by=rosa)
        assert (job.state, job.attempts, job.failure, job.exit_code) == ("queued", 0, "", None)
        assert (job.finished_at, job.cancel_requested_at) == (None, None)
        (job,) = run_jobs()
        assert (job.state, job.attempts) == (state, 1)
    assert tries(job) == {"attempt-3": "xxx"}
    assert AuditEntry.objects.filter(verb="resume job", by=rosa).count() == 2


def test_a_cancelled_job_may_be_resumed_and_others_may_not(
    run_jobs: Drain, project: Project, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "ring", lambda job, queue: rung.append(job))
    job = begin(project, rosa, "0")
    services.resume(job=job, by=rosa)
    assert not AuditEntry.objects.filter(verb="resume job").exists()
    services.cancel(job=job, by=rosa)
    assert services.resume(job=job, by=rosa).state == "queued"
    assert rung == [job.pk, job.pk]
    (done,) = run_jobs()
    assert services.resume(job=done, by=rosa).state == "succeeded"
    assert AuditEntry.objects.filter(verb="resume job").count() == 1


def test_a_job_whose_promise_a_newer_one_keeps_is_not_resumed(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    old = begin(project, rosa, "1")
    run_jobs()
    assert begin(project, rosa, "1") != old
    with pytest.raises(ValidationError, match="newer job keeps this promise"):
        services.resume(job=old, by=rosa)
    old.refresh_from_db()
    assert old.state == "failed"


def test_the_newest_folder_with_anything_in_it_is_handed_on(project: Project, rosa: User) -> None:
    job = begin(project, rosa, "0")
    # Of another test whose rows were rolled back and whose job had this number.
    shutil.rmtree(job.run_folder.parent, ignore_errors=True)
    for fence, text in ((1, "old"), (2, "new"), (3, "")):
        out = job.run_folder.parent / f"attempt-{fence}" / "out"
        out.mkdir(parents=True)
        if text:
            (out / "tries").write_text(text)
    job.fence = 4
    job.run_folder.mkdir(parents=True)
    assert continuing.take_over(job)
    assert tries_of(job, 4) == "new"
    assert tries_of(job, 1) == "old"
    assert not (job.run_folder.parent / "attempt-2" / "out").exists()
    job.fence = 1
    assert not continuing.take_over(job)


def tries_of(job: Job, fence: int) -> str:
    return (job.run_folder.parent / f"attempt-{fence}" / "out" / "tries").read_text()


def test_a_lost_workers_job_goes_on_after_its_child_is_gone(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    """The worker is killed with kill -9 beside its child: the row still says running."""
    job = begin(project, rosa, "killed,0")
    worker = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
    started = processes.start_time(worker.pid)
    name = processes.this_worker().rsplit(":", 2)[0]
    claim = claims.claim(job.pk, f"{name}:{worker.pid}:{started}")
    assert claim is not None
    left = Path(Job.objects.get(pk=job.pk).run_folder) / "out"
    left.mkdir(parents=True)
    (left / "tries").write_text("x")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert reaping.reap() == [job.pk]
    (job,) = run_jobs()
    assert (job.state, job.attempts) == ("succeeded", 2)
    assert tries(job) == {"attempt-2": "xx"}


def test_progress_that_was_cut_off_and_grew_again_is_read_anew(
    run_jobs: Drain, project: Project, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labelplatform.jobs.runner import _Watch

    job = begin(project, rosa, "0")
    run_folder = job.run_folder
    (run_folder / "out").mkdir(parents=True)
    file = run_folder / "out" / "progress.jsonl"
    watch = _Watch(claims.Claim(job.pk, 1), None, run_folder)  # type: ignore[arg-type]
    file.write_text("".join(json.dumps({"step": step, "note": "x" * step}) + "\n" for step in range(1, 6)))
    watch.tell()
    assert watch.progress["step"] == 5
    # The command went back to step 2; its next lines are longer, so that we look into the middle of one.
    file.write_text("".join(json.dumps({"step": step, "note": "y" * 90}) + "\n" for step in range(1, 4)))
    for _ in range(2):
        watch.tell()
    assert watch.progress == {"step": 3, "note": "y" * 90}


def test_the_page_of_a_failed_job_offers_to_resume_it(
    run_jobs: Drain, project: Project, rosa: User, sign_in: Callable[[User], Client]
) -> None:
    job = begin(project, rosa, "1,0")
    client, place = sign_in(rosa), f"/p/harbour/jobs/{job.pk}/"
    assert "Resume job" not in client.get(place).content.decode()
    run_jobs()
    assert "Resume job" in client.get(place).content.decode()
    assert client.post(f"{place}resume/", follow=True).status_code == 200
    job.refresh_from_db()
    assert job.state == "queued"
    run_jobs()
    again = begin(project, rosa, "1,0")
    assert again == job
    toy(project, rosa)


def test_a_refusal_to_resume_is_told_on_the_page(
    run_jobs: Drain, project: Project, rosa: User, ada: User, sign_in: Callable[[User], Client]
) -> None:
    job = begin(project, rosa, "1")
    run_jobs()
    begin(project, rosa, "1")
    place = f"/p/harbour/jobs/{job.pk}/resume/"
    assert "A newer job keeps this promise" in sign_in(rosa).post(place, follow=True).content.decode()
    assert sign_in(ada).post(place).status_code == 403


# Chores


def test_chores_are_done_in_order_and_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def sweep() -> None:
        done.append("sweep")

    monkeypatch.setattr(chores, "_chores", {})
    chores.register("sweep", sweep)
    chores.register("sweep", sweep)
    chores.register("dust", lambda: done.append("dust"))
    assert do_chores() == ["sweep", "dust"]
    assert done == ["sweep", "dust"]
    with pytest.raises(ValueError, match="'sweep' is registered twice"):
        chores.register("sweep", lambda: None)


def test_rounds_are_looked_after_every_few_seconds(settings: Any) -> None:
    from labelplatform.training.round_steps import look_after_rounds

    assert chores._chores["rounds"] is look_after_rounds
    entry = settings.CELERY_BEAT_SCHEDULE["chores"]
    assert (entry["task"], entry["options"]["queue"]) == ("jobs.do_chores", "housekeeping")
    assert do_chores.name == "jobs.do_chores"
    assert run_job.name == "jobs.run_job"
