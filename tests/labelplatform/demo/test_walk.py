"""Chains go on when their jobs have succeeded, side by side, and stop with a sentence when one did not."""

from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from threading import Event

import pytest
from django.utils import timezone
from rich.console import Console

from labelplatform.accounts.models import Project
from labelplatform.demo.walk import Bars, Chain, StepFailedError, Walker, walk
from labelplatform.jobs.models import Job

pytestmark = pytest.mark.django_db


def build_job(project: Project, identity: str) -> Job:
    return Job.objects.create(project=project, kind="ppo", identity=identity)


def end(job: Job, state: str, failure: str = "") -> None:
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(
        state=state, failure=failure, finished_at=now, heartbeat_at=now, fence=1
    )


def chain(told: list[str], *steps: tuple[str, Sequence[Job]]) -> Chain:
    for name, jobs in steps:
        told.append(name)
        yield jobs
    told.append("end")


def test_a_chain_waits_for_all_its_jobs(project: Project) -> None:
    first, second, third = (build_job(project, name) for name in "abc")
    told: list[str] = []
    walker = Walker("Atlas", chain(told, ("one", [first, second]), ("two", [third])))
    walker.advance()
    walker.advance()
    assert told == ["one"]
    end(first, Job.State.SUCCEEDED)
    walker.advance()
    assert told == ["one"]
    end(second, Job.State.SUCCEEDED)
    walker.advance()
    assert (told, walker.finished) == (["one", "two"], False)
    end(third, Job.State.SUCCEEDED)
    walker.advance()
    assert (told, walker.finished) == (["one", "two", "end"], True)


def test_finished_steps_are_walked_through_at_once(project: Project) -> None:
    jobs = [build_job(project, name) for name in "ab"]
    for job in jobs:
        end(job, Job.State.SUCCEEDED)
    told: list[str] = []
    walker = Walker("Atlas", chain(told, ("one", jobs[:1]), ("two", jobs[1:]), ("three", [])))
    walker.advance()
    assert (told, walker.finished) == (["one", "two", "three", "end"], True)


@pytest.mark.parametrize("state", [Job.State.LOST, Job.State.QUEUED])
def test_a_lost_job_is_waited_for(state: str, project: Project) -> None:
    job = build_job(project, "a")
    Job.objects.filter(pk=job.pk).update(state=state)
    walker = Walker("Atlas", chain([], ("one", [job])))
    walker.advance()
    walker.advance()
    assert not walker.finished


@pytest.mark.parametrize("state", [Job.State.FAILED, Job.State.CANCELLED])
def test_a_broken_job_ends_the_walk_with_its_reason(state: str, project: Project) -> None:
    job = build_job(project, "a")
    walker = Walker("Atlas", chain([], ("one", [job])))
    walker.advance()
    end(job, state, failure="the disk is full")
    with pytest.raises(StepFailedError, match=rf"Atlas: .*job {job.pk}.*the disk is full"):
        walker.advance()


def test_one_chain_does_not_wait_for_the_other(project: Project) -> None:
    slow = build_job(project, "a")
    told: list[str] = []
    walkers = [
        Walker("Atlas", chain([], ("one", [slow]))),
        Walker("Assistant", chain(told, ("one", []), ("two", []))),
    ]
    checks: Iterator[Callable[[], None]] = iter([lambda: None, lambda: end(slow, Job.State.SUCCEEDED)])
    console = Console(file=StringIO())
    with Bars(console) as bars:
        walk(walkers, bars=bars, check=lambda: next(checks)(), stop=Event())
    assert told == ["one", "two", "end"]
    assert all(walker.finished for walker in walkers)


def test_a_platform_that_fell_ends_the_walk(project: Project) -> None:
    def fallen() -> None:
        raise RuntimeError("the worker died six times")

    walker = Walker("Atlas", chain([], ("one", [build_job(project, "a")])))
    with Bars(Console(file=StringIO())) as bars, pytest.raises(RuntimeError, match="six times"):
        walk([walker], bars=bars, check=fallen, stop=Event())
