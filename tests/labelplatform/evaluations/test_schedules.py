"""An evaluation follows a model that knows nothing of it."""

import pytest
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import command_lines, services
from labelplatform.evaluations.models import EvaluationRun, LeaderboardRun
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job, Schedule
from labelplatform.jobs.schedules import ring
from labelplatform.jobs.services import create_schedule
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.conftest import Finish, closed_book
from tests.labelplatform.evaluations.test_command_lines import RUN, heard
from tests.labelplatform.evaluations.test_services import rated


def test_each_new_policy_is_asked_once(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    spec = {
        "suite": "hallucination-open-domain",
        "variant": "closed-book",
        "data": questions.digest,
        "seed": 3,
    }
    create_schedule(project=project, name="ask", kind="evaluate", spec=spec, by=rosa, artifact_kind="policy")
    policy = build_artifact(project, name="new")
    (job,) = ring()
    assert ring() == []
    told = heard(command_lines.evaluate_command(job, RUN))
    assert (told["subject"], told["data"]) == (str(policy.path), questions.path / "questions.jsonl")
    for _ in range(2):
        services.collect_evaluation(job, finish_with(job, closed_book(0.5)))
    run = EvaluationRun.objects.get()
    assert (run.name, run.subject, run.data, run.seed) == (
        "hallucination-open-domain: new",
        policy,
        questions,
        3,
    )
    assert run.metrics.count() == 4


def test_each_new_snapshot_is_rated(project: Project, rosa: User, finish_with: Finish) -> None:
    create_schedule(
        project=project, name="rate", kind="leaderboard", spec={"seed": 1}, by=rosa, artifact_kind="snapshot"
    )
    frozen = build_artifact(project, Artifact.Kind.SNAPSHOT)
    snapshot = Snapshot.objects.create(project=project, name="new", artifact=frozen)
    (job,) = ring()
    assert heard(command_lines.leaderboard_command(job, RUN))["rankings"] == frozen.path / "rankings.jsonl"
    services.collect_leaderboard(job, finish_with(job, rated(("after", 1000.0))))
    assert LeaderboardRun.objects.get().snapshot == snapshot


@pytest.mark.parametrize("kind", ["evaluate", "leaderboard"])
def test_the_clock_cannot_say_whom_to_measure(project: Project, kind: str) -> None:
    with pytest.raises(ValidationError, match="not by the clock"):
        kinds.get(kind).schedule_spec(Schedule(project=project, spec={}), None)
    assert not Job.objects.exists()
