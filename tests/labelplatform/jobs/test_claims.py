"""Each change of state is won by exactly one, and by nobody whose fencing number is old."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.jobs import claims, processes
from labelplatform.jobs.claims import Claim
from labelplatform.jobs.models import Job
from tests.labelplatform.jobs.toys import toy

WORKER = "elsewhere:1:1.0"


@pytest.fixture
def job(project: Project, rosa: User) -> Job:
    return toy(project, rosa)


def taken(job: Job) -> Claim:
    claim = claims.claim(job.pk, WORKER)
    assert claim is not None
    return claim


def claimed_by(job_id: int, index: int) -> Claim | None:
    return claims.claim(job_id, f"elsewhere:{index}:1.0")


def state(job: Job) -> str:
    return str(Job.objects.values_list("state", flat=True).get(pk=job.pk))


def at_once(number: int, act: Callable[[int], object]) -> list[object]:
    """What `number` threads got that began together, each with a connection of its own."""
    barrier = threading.Barrier(number)

    def one(index: int) -> object:
        barrier.wait()
        try:
            return act(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@pytest.mark.django_db(transaction=True)
def test_claim_is_won_by_one_of_many(project: Project, rosa: User) -> None:
    for job in [toy(project, rosa, number=number) for number in range(5)]:
        won = [claim for claim in at_once(8, partial(claimed_by, job.pk)) if claim]
        assert won == [Claim(job.pk, 1)]
        job.refresh_from_db()
        assert (job.state, job.attempts, job.fence) == ("running", 1, 1)


@pytest.mark.django_db(transaction=True)
def test_succeed_collects_once_though_many_finish(job: Job) -> None:
    claim = taken(job)
    collected: list[int] = []
    won = at_once(
        6, lambda index: claims.succeed(claim, exit_code=0, collect=lambda: collected.append(index))
    )
    assert (sum(map(bool, won)), len(collected), state(job)) == (1, 1, "succeeded")


def test_claim_counts_the_attempt_before_it_runs(job: Job) -> None:
    taken(job)
    job.refresh_from_db()
    assert (job.attempts, job.worker, job.heartbeat_at is not None) == (1, WORKER, True)


@pytest.mark.parametrize("other", ["running", "succeeded", "failed", "cancelled", "lost"])
def test_claim_takes_queued_jobs_only(job: Job, other: str) -> None:
    finished = timezone.now() if other in {"succeeded", "failed", "cancelled"} else None
    Job.objects.filter(pk=job.pk).update(
        state=other, finished_at=finished, fence=1, heartbeat_at=timezone.now()
    )
    assert claims.claim(job.pk, WORKER) is None


def test_claim_refuses_a_job_that_somebody_wants_cancelled(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())
    assert claims.claim(job.pk, WORKER) is None


def test_claim_refuses_a_job_whose_attempts_are_used_up(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(attempts=3)
    assert claims.claim(job.pk, WORKER) is None


def test_old_fence_changes_nothing(job: Job) -> None:
    old = taken(job)
    assert claims.lose(job.pk, old.fence, failure="gone")
    assert claims.settle(job.pk, old.fence) == "queued"
    new = taken(job)
    collected: list[str] = []
    assert not claims.begin(old, pid=1, pid_started=1.0, argv=["late"])
    assert claims.beat(old, progress={"step": 9}, log_tail="late") is None
    assert not claims.succeed(old, exit_code=0, collect=lambda: collected.append("late"))
    assert not claims.fail(old, failure="late")
    assert not claims.cancelled(old)
    assert not claims.give_back(old)
    assert not claims.lose(job.pk, old.fence, failure="late")
    job.refresh_from_db()
    assert (job.state, job.fence, job.progress, job.log_tail, job.pid, collected) == (
        "running",
        2,
        {},
        "",
        None,
        [],
    )
    assert claims.fail(new, failure="in time")


def test_failed_collect_leaves_the_job_running_and_nothing_behind(job: Job) -> None:
    claim = taken(job)

    def spoil() -> None:
        Project.objects.create(name="half", slug="half")
        raise ValueError("spoiled")

    with pytest.raises(ValueError, match="spoiled"):
        claims.succeed(claim, exit_code=0, collect=spoil)
    assert state(job) == "running"
    assert not Project.objects.filter(slug="half").exists()


def test_given_back_attempt_is_not_held_against_the_job(job: Job) -> None:
    assert claims.give_back(taken(job))
    job.refresh_from_db()
    assert (job.state, job.attempts, job.fence, job.rung_at) == ("queued", 0, 1, None)
    assert taken(job).fence == 2


def test_beat_tells_of_a_wanted_cancel(job: Job) -> None:
    claim = taken(job)
    assert claims.beat(claim, progress={"step": 1}, log_tail="one") is False
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())
    assert claims.beat(claim, progress={"step": 2}, log_tail="two") is True
    job.refresh_from_db()
    assert (job.progress, job.log_tail) == ({"step": 2}, "two")


def test_settle_ends_a_job_after_three_attempts(job: Job) -> None:
    outcomes = []
    for _attempt in range(3):
        claim = taken(job)
        claims.lose(job.pk, claim.fence, failure="It crashed.")
        outcomes.append(claims.settle(job.pk, claim.fence))
    assert outcomes == ["queued", "queued", "failed"]
    job.refresh_from_db()
    assert job.failure == "It crashed. This was attempt 3 of 3: it is not tried again."


def test_settle_cancels_what_somebody_wanted_cancelled(job: Job) -> None:
    claim = taken(job)
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=timezone.now())
    claims.lose(job.pk, claim.fence, failure="gone")
    assert claims.settle(job.pk, claim.fence) == "cancelled"


def test_settle_is_done_once(job: Job) -> None:
    claim = taken(job)
    claims.lose(job.pk, claim.fence, failure="gone")
    assert [claims.settle(job.pk, claim.fence) for _again in range(2)] == ["queued", None]


def test_stale_is_what_has_not_beaten_for_a_lease(job: Job) -> None:
    claim = taken(job)
    assert not claims.stale().exists()
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=29))
    assert not claims.stale().exists()
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=31))
    assert claims.stale().get().fence == claim.fence


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "asleep"},
        {"state": "succeeded"},
        {"finished_at": timezone.now()},
        {"pid": 7},
        {"state": "running", "heartbeat_at": None},
    ],
)
def test_database_refuses_rows_that_cannot_be(job: Job, wrong: dict[str, object]) -> None:
    with pytest.raises(IntegrityError):
        Job.objects.filter(pk=job.pk).update(**wrong)


def test_this_worker_is_known_by_number_and_start() -> None:
    worker = processes.this_worker()
    assert processes.is_here(worker)
    assert not processes.worker_is_gone(worker)
    host, pid, started = worker.rsplit(":", 2)
    assert processes.worker_is_gone(f"{host}:{pid}:{float(started) - 60}")
    assert not processes.worker_is_gone(f"elsewhere:{pid}:1.0")
