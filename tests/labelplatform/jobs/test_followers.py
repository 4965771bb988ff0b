"""Apps further down the street hear of a finished job in the transaction that finishes it."""

from collections.abc import Callable, Iterator

import pytest

from labelplatform.accounts.models import Project, User
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from tests.labelplatform.jobs.toys import toy

Drain = Callable[[], list[Job]]


@pytest.fixture(autouse=True)
def _nobody_follows_for_good() -> Iterator[None]:
    yield
    kinds._followers.pop("toy", None)


def test_a_follower_hears_of_each_success_after_it_is_collected(
    run_jobs: Drain, project: Project, rosa: User
) -> None:
    heard: list[tuple[int, int, str]] = []

    def then(job: Job) -> None:
        state = Job.objects.get(pk=job.pk).state
        heard.append((job.pk, Artifact.objects.filter(made_by=job).count(), state))

    kinds.follow("toy", then)
    kinds.follow("toy", then)
    kinds.follow("another", heard.append)  # type: ignore[arg-type]
    done, failed = toy(project, rosa), toy(project, rosa, "fail")
    run_jobs()
    kinds._followers.pop("another")
    assert heard == [(done.pk, 1, "succeeded")]
    assert Job.objects.get(pk=failed.pk).state == "failed"


def test_what_a_follower_raises_fails_the_job(run_jobs: Drain, project: Project, rosa: User) -> None:
    def then(_job: Job) -> None:
        raise ValueError("no next step")

    kinds.follow("toy", then)
    job = toy(project, rosa)
    with pytest.raises(ValueError, match="no next step"):
        run_jobs()
    job.refresh_from_db()
    assert (job.state, job.failure) == ("failed", "ValueError: no next step")
    assert not Artifact.objects.exists()
