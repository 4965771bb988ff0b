"""Weights of campaigns: in the lines of a snapshot, and nowhere else."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Job
from labelplatform.labels.models import Campaign
from labelplatform.snapshots.services import freeze_snapshot
from labelplatform.snapshots.weights import weighted_lines
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from trainer.snapshots import read_snapshot

Drain = Callable[[], list[Job]]


@pytest.fixture
def two(project: Project, ada: User, rosa: User) -> list[Campaign]:
    """Two campaigns of two rankings each, given by turns."""
    both = [build_campaign(project, rosa, prompts=2, name=name) for name in ("older", "newer")]
    for _turn in range(2):
        for campaign in both:
            submit(claimed(campaign, ada), ada)
    return both


def test_each_line_carries_the_weight_of_its_campaign(two: list[Campaign], project: Project) -> None:
    older, newer = two
    filters: dict[str, Any] = {"campaigns": [newer.pk, older.pk], "weights": {str(older.pk): 0.25}}
    told = [(line["prompt"], line.get("weight")) for line in weighted_lines(project, filters)]
    plain = [line["prompt"] for line in weighted_lines(project, {"campaigns": [older.pk, newer.pk]})]
    assert [weight for _prompt, weight in told] == [0.25, 0.25, None, None]
    assert sorted(map(str, plain)) == sorted(str(prompt) for prompt, _weight in told)


def test_without_weights_lines_are_as_they_were(two: list[Campaign], project: Project) -> None:
    lines = list(weighted_lines(project, {}))
    assert len(lines) == 4
    assert not any("weight" in line for line in lines)
    assert not any("weight" in line for line in weighted_lines(project, {"campaigns": [two[0].pk]}))


def test_a_snapshot_with_weights_is_frozen_with_them(
    run_jobs: Drain, two: list[Campaign], project: Project, rosa: User
) -> None:
    older, newer = two
    wished = {"campaigns": [older.pk, newer.pk], "weights": {str(older.pk): 0.5}}
    snapshot = freeze_snapshot(project=project, name="both", by=rosa, filters=wished)
    run_jobs()
    snapshot.refresh_from_db()
    assert snapshot.artifact is not None
    frozen = read_snapshot(snapshot.artifact.path)
    assert [ranking.weight for ranking in frozen.rankings] == [0.5, 0.5, None, None]
    assert frozen.manifest is not None
    assert frozen.manifest.filters["weights"] == {str(older.pk): 0.5}


@pytest.mark.parametrize("weight", [0, -1, float("inf"), float("nan"), True, "1", None])
def test_a_weight_is_a_number_above_0(
    two: list[Campaign], project: Project, rosa: User, weight: object
) -> None:
    wished = {"campaigns": [two[0].pk], "weights": {str(two[0].pk): weight}}
    with pytest.raises(ValidationError, match="wanted a number above 0"):
        freeze_snapshot(project=project, name="both", by=rosa, filters=wished)


def test_weights_are_of_the_campaigns_that_are_named(
    two: list[Campaign], project: Project, rosa: User
) -> None:
    for wished in (
        {"weights": {str(two[1].pk): 0.5}},
        {"campaigns": [two[0].pk], "weights": {str(two[1].pk): 0.5}},
    ):
        with pytest.raises(ValidationError, match="wanted those of the filter alone"):
            freeze_snapshot(project=project, name="both", by=rosa, filters=wished)
    with pytest.raises(ValidationError, match="wanted a number for each campaign"):
        freeze_snapshot(project=project, name="both", by=rosa, filters={"weights": [1]})
