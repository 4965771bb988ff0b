"""What is always true of a stored figure, whoever writes it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.models import (
    ComparisonRun,
    EvaluationRun,
    LeaderboardRun,
    MeasuredEffect,
    MeasuredMetric,
    PolicyRating,
)
from labelplatform.jobs.models import Artifact
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.test_services import ask


@pytest.fixture
def run(project: Project, rosa: User, questions: Artifact) -> EvaluationRun:
    return ask(project, rosa, questions)


def refused(make: Any) -> bool:
    try:
        with transaction.atomic():
            make()
    except IntegrityError:
        return True
    return False


@pytest.mark.parametrize(
    "figures",
    [
        {"value": None},
        {"value": 1.0, "low": 0.9, "high": 0.8},
        {"value": 1.0, "low": 0.9},
        {"value": 1.0, "better": "sideways"},
        {"value": 1.0, "n": -1},
    ],
)
def test_a_figure_that_cannot_be_is_refused(run: EvaluationRun, figures: dict[str, Any]) -> None:
    assert refused(lambda: MeasuredMetric.objects.create(run=run, name="grade", **figures))


def test_a_metric_stands_once_in_a_group(run: EvaluationRun) -> None:
    MeasuredMetric.objects.create(run=run, name="grade", value=1.0)
    assert refused(lambda: MeasuredMetric.objects.create(run=run, name="grade", value=2.0))
    MeasuredMetric.objects.create(run=run, name="grade", group="tier=never", value=2.0)


def test_a_comparison_is_of_two(run: EvaluationRun) -> None:
    made = {"project": run.project, "job": run.job}
    assert refused(lambda: ComparisonRun.objects.create(baseline=run, candidate=run, **made))


@pytest.mark.parametrize(
    ("better", "change", "harm"),
    [("higher", -0.2, 0.2), ("lower", 0.2, 0.2), ("lower", -0.2, -0.2), ("neither", 0.9, 0)],
)
def test_harm_is_the_loss_in_the_metrics_own_direction(better: str, change: float, harm: float) -> None:
    assert MeasuredEffect(better=better, value=change).harm == harm
    assert MeasuredEffect(better=better, value=None).harm == 0


def test_ratings_stand_best_first_and_unrated_last(
    project: Project, snapshot: Snapshot, run: EvaluationRun
) -> None:
    board = LeaderboardRun.objects.create(project=project, snapshot=snapshot, job=run.job)
    for name, value in (("low", 900.0), ("none", None), ("high", 1100.0)):
        PolicyRating.objects.create(
            run=board, group=name, value=value, reason="apart" if value is None else ""
        )
    assert [rating.group for rating in board.ratings.all()] == ["high", "low", "none"]
    assert refused(lambda: PolicyRating.objects.create(run=board, group="low", value=1.0))
    assert refused(
        lambda: PolicyRating.objects.create(run=board, group="x", value=1.0, rank_best=3, rank_worst=2)
    )
    assert refused(lambda: PolicyRating.objects.create(run=board, group="x", value=1.0, rank_best=3))


def test_evaluations_of_one_job_cannot_be_two(run: EvaluationRun) -> None:
    fields = {"project": run.project, "name": "b", "suite": "s", "subject": build_artifact(run.project)}
    assert refused(lambda: EvaluationRun.objects.create(job=run.job, **fields))
