"""Schedules: each due time and each artifact is answered once."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Job, Schedule
from labelplatform.jobs.services import create_schedule
from labelplatform.jobs.tasks import ring_schedules
from tests.labelplatform.builders import build_artifact


def by_clock(project: Project, by: User) -> Schedule:
    return create_schedule(
        project=project, name="hourly", kind="toy", spec={"act": "write"}, by=by, every_minutes=60
    )


def by_artifact(project: Project, by: User) -> Schedule:
    return create_schedule(
        project=project, name="after", kind="toy", spec={"act": "write"}, by=by, artifact_kind="policy"
    )


def test_clock_strikes_once_when_due(project: Project, rosa: User) -> None:
    schedule = by_clock(project, rosa)
    (first,) = ring_schedules()
    assert ring_schedules() == []
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=timezone.now() - timedelta(seconds=1))
    (second,) = ring_schedules()
    jobs = Job.objects.in_bulk([first, second])
    # The same spec again and again: told apart by the round, or the second would be the first one's promise.
    assert [(job.repeat, job.spec) for job in (jobs[first], jobs[second])] == [
        (1, {"act": "write"}),
        (2, {"act": "write"}),
    ]
    schedule.refresh_from_db()
    assert schedule.next_due_at is not None
    assert timezone.now() < schedule.next_due_at <= timezone.now() + timedelta(minutes=60)


def test_artifact_is_answered_once_with_itself_as_input(
    project: Project, other_project: Project, rosa: User
) -> None:
    build_artifact(project, "policy", "there before")
    by_artifact(project, rosa)
    build_artifact(project, "report", "of another kind")
    build_artifact(other_project, "policy", "of another project")
    assert ring_schedules() == []
    artifact = build_artifact(project, "policy", "new")
    (job_id,) = ring_schedules()
    assert ring_schedules() == []
    job = Job.objects.get(pk=job_id)
    assert list(job.inputs.all()) == [artifact]
    assert job.spec == {"act": "write", "artifact": artifact.pk}
    assert job.requested_by == rosa


def test_inactive_schedule_is_silent(project: Project, rosa: User) -> None:
    by_clock(project, rosa)
    Schedule.objects.update(active=False)
    assert ring_schedules() == []


def test_refused_spec_is_told_and_disturbs_no_other(project: Project, rosa: User) -> None:
    broken = by_clock(project, rosa)
    Schedule.objects.filter(pk=broken.pk).update(spec={})
    by_artifact(project, rosa)
    build_artifact(project, "policy", "new")
    assert len(ring_schedules()) == 1
    broken.refresh_from_db()
    assert "needs an act" in broken.failure
    assert broken.rounds == 0


@pytest.mark.parametrize(
    "when", [{}, {"every_minutes": 5, "artifact_kind": "policy"}, {"artifact_kind": "poem"}]
)
def test_schedule_goes_by_clock_or_by_artifact(project: Project, rosa: User, when: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        create_schedule(project=project, name="x", kind="toy", spec={}, by=rosa, **when)  # type: ignore[arg-type]
