"""What a lost worker leaves is found, ended and begun again."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.jobs import claims, doorbell, processes, reaping
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.tasks import reap_lost_jobs
from tests.labelplatform.jobs.toys import toy

Drain = Callable[[], list[Job]]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Who was rung for, with a bell that is always heard."""
    heard: list[int] = []

    def ring(job_id: int, queue: str) -> bool:
        heard.append(job_id)
        Job.objects.filter(pk=job_id, state=Job.State.QUEUED).update(rung_at=timezone.now())
        return True

    monkeypatch.setattr(doorbell, "ring", ring)
    return heard


def dead_worker() -> str:
    """The name of a worker of this machine that has just ended."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    host = processes.this_worker().rsplit(":", 2)[0]
    name = f"{host}:{child.pid}:{processes.start_time(child.pid)}"
    child.communicate()
    return name


def test_reap_takes_a_dead_workers_job_at_once(project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    claims.claim(job.pk, dead_worker())
    assert reap_lost_jobs() == [job.pk]
    job.refresh_from_db()
    assert (job.state, job.attempts, job.worker) == ("queued", 1, "")


def test_reap_leaves_living_workers_alone(project: Project, rosa: User) -> None:
    here, there = toy(project, rosa, number=1), toy(project, rosa, number=2)
    claims.claim(here.pk, processes.this_worker())
    claims.claim(there.pk, "elsewhere:1:1.0")
    assert reap_lost_jobs() == []
    assert {job.state for job in Job.objects.all()} == {"running"}


def test_reap_takes_a_job_whose_lease_has_run_out_anywhere(project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    claims.claim(job.pk, "elsewhere:1:1.0")
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    assert reap_lost_jobs() == [job.pk]
    job.refresh_from_db()
    assert job.state == "queued"
    assert "elsewhere" in job.failure


def test_reap_ends_the_orphan_before_the_job_begins_again(project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    claim = claims.claim(job.pk, dead_worker())
    assert claim is not None
    mark = str(job.run_folder.parent / "attempt-1")
    orphan = subprocess.Popen(
        [sys.executable, "-c", "import threading; threading.Event().wait()"],
        env={**os.environ, processes.MARK: mark},
        start_new_session=True,
    )
    claims.begin(claim, pid=orphan.pid, pid_started=processes.start_time(orphan.pid) or 0.0, argv=["x"])
    reap_lost_jobs()
    assert processes.start_time(orphan.pid) is None
    orphan.wait()
    job.refresh_from_db()
    assert job.state == "queued"


def test_reap_keeps_a_job_lost_while_its_orphan_will_not_end(
    project: Project, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = toy(project, rosa)
    claims.claim(job.pk, dead_worker())
    with monkeypatch.context() as patch:
        patch.setattr(processes, "end_orphans", lambda *_: False)
        assert reap_lost_jobs() == []
        job.refresh_from_db()
        assert job.state == "lost"
    assert reap_lost_jobs() == [job.pk]


def test_lost_job_runs_again_to_one_result(run_jobs: Drain, project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    claims.claim(job.pk, dead_worker())
    reap_lost_jobs()
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.fence) == ("succeeded", 2, 2)
    assert Artifact.objects.get().folder == f"jobs/{job.pk}/attempt-2/out"


def test_reap_rings_for_jobs_whose_bell_was_lost(project: Project, rosa: User, rung: list[int]) -> None:
    unheard, lately, long_ago = (toy(project, rosa, number=number) for number in range(3))
    rung.clear()
    now = timezone.now()
    for job, at in ((unheard, None), (lately, now), (long_ago, now - timedelta(seconds=61))):
        Job.objects.filter(pk=job.pk).update(rung_at=at)
    reap_lost_jobs()
    assert rung == [unheard.pk, long_ago.pk]
    reap_lost_jobs()
    assert rung == [unheard.pk, long_ago.pk]


def test_new_worker_has_all_waiting_jobs_rung_for(project: Project, rosa: User, rung: list[int]) -> None:
    jobs = [toy(project, rosa, number=number).pk for number in range(3)]
    rung.clear()
    Job.objects.update(rung_at=timezone.now())
    assert reaping.ring_for_due(everyone=True) == 3
    assert rung == jobs


def test_reap_rings_for_no_job_that_does_not_wait(project: Project, rosa: User, rung: list[int]) -> None:
    job = toy(project, rosa)
    claims.claim(job.pk, processes.this_worker())
    rung.clear()
    reap_lost_jobs()
    assert rung == []
