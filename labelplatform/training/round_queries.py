"""Reads of rounds: where each is, what it waits for, what came of it."""

import math
from collections.abc import Mapping
from typing import Protocol

from django.db.models import Q, QuerySet

from labelplatform.accounts.models import Project
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels.queries import rankings
from labelplatform.training.round_models import Round, RoundSeries, RoundStep

BROKEN = (Job.State.FAILED, Job.State.CANCELLED)
LINKS = (
    "series__project",
    "series__policy",
    "requested_by",
    "prompt_set",
    "policy",
    "start",
    "reward_model_start",
    "sampling",
    "anchors",
    "campaign",
    "snapshot__job",
    "reward_model__job",
    "reward_model__output",
    "ppo__job",
    "ppo__output",
)


class Wanted(Protocol):
    """What says how many rankings are wanted, and by how many people each item is ranked."""

    @property
    def wanted_rankings(self) -> int: ...

    @property
    def overlap(self) -> int: ...


def prompts_wanted(wanted: Wanted) -> int:
    """How many prompts make so many rankings."""
    return math.ceil(wanted.wanted_rankings / max(1, wanted.overlap))


def with_links(rounds: QuerySet[Round]) -> QuerySet[Round]:
    """The rounds with all that their pages and steps read, in the same statement."""
    return rounds.select_related(*LINKS)


def series_of(project: Project) -> QuerySet[RoundSeries]:
    """The series of a project, newest first."""
    return RoundSeries.objects.filter(project=project).select_related("policy")


def series_visible_in(project: Project, pk: int) -> RoundSeries | None:
    """The only way from a number in an address to a series."""
    return series_of(project).select_related("project").filter(pk=pk).first()


def rounds_of(series: RoundSeries) -> QuerySet[Round]:
    """The rounds of a series with their links, oldest first."""
    return with_links(Round.objects.filter(series=series)).order_by("number")


def round_visible_in(project: Project, pk: int) -> Round | None:
    """The only way from a number in an address to a round."""
    return with_links(Round.objects.filter(series__project=project, pk=pk)).first()


def moving_rounds() -> QuerySet[Round]:
    """Rounds that may have to go on: neither done nor stopped, nothing wrong with their next step."""
    return Round.objects.filter(stopped_at=None, failure="").exclude(step=RoundStep.DONE).order_by("pk")


def newest_policy(series: RoundSeries) -> Artifact:
    """What the last round that came to its end made; the policy of round 0 where none has."""
    made = series.rounds.filter(ppo__output__isnull=False).select_related("ppo__output").order_by("number")
    last = made.last()
    newest = last.ppo.output if last is not None and last.ppo is not None else None
    return newest or series.policy


def jobs_of(row: Round) -> list[Job]:
    """The jobs that the present step waits for."""
    jobs: Mapping[str, tuple[Job | None, ...]] = {
        RoundStep.SAMPLE: (row.sampling, row.anchors),
        RoundStep.FREEZE: (row.snapshot.job if row.snapshot else None,),
        RoundStep.REWARD_MODEL: (row.reward_model.job if row.reward_model else None,),
        RoundStep.PPO: (row.ppo.job if row.ppo else None,),
    }
    return [job for job in jobs.get(row.step, ()) if job is not None]


def rankings_in(row: Round) -> int:
    """How many rankings of the round's campaign count by now: those that its snapshot will hold."""
    if row.campaign is None:
        return 0
    return rankings(row.series.project, {"campaigns": [row.campaign.pk]}).count()


def is_ready(row: Round) -> bool:
    """Whether the present step is done and the next may begin."""
    if row.step == RoundStep.RANK:
        return rankings_in(row) >= row.wanted_rankings
    if row.step == RoundStep.DONE:
        return False
    return all(job.state == Job.State.SUCCEEDED for job in jobs_of(row))


def state_of(row: Round) -> str:
    """One word for a round, of those that the states of jobs have."""
    if row.step == RoundStep.DONE:
        return str(Job.State.SUCCEEDED)
    if row.stopped_at is not None:
        return "paused"
    jobs = jobs_of(row)
    if row.failure or any(job.state in BROKEN for job in jobs):
        return str(Job.State.FAILED)
    if row.step == RoundStep.RANK:
        return "open"
    waiting = jobs and all(job.state == Job.State.QUEUED for job in jobs)
    return str(Job.State.QUEUED if waiting else Job.State.RUNNING)


def filters_of(row: Round) -> dict[str, object]:
    """The rankings that the reward model of a round learns from, as `freeze_snapshot` takes them."""
    assert row.campaign is not None
    if row.learns_from == Round.LearnsFrom.THIS:
        return {"campaigns": [row.campaign.pk]}
    earlier = Round.objects.filter(series=row.series, campaign__isnull=False)
    ages = {
        campaign: row.number - number
        for campaign, number in earlier.filter(number__lte=row.number).values_list("campaign", "number")
    }
    filters: dict[str, object] = {"campaigns": sorted(ages)}
    if row.older_weight < 1:
        filters["weights"] = {str(pk): row.older_weight**age for pk, age in sorted(ages.items()) if age}
    return filters


def latest_of_each(project: Project) -> dict[int, Round]:
    """The newest round of each series of a project, by the id of the series; one statement."""
    rows = with_links(Round.objects.filter(series__project=project)).order_by("number")
    return {row.series_id: row for row in rows}


def judged_rounds(series: RoundSeries) -> QuerySet[Round]:
    """The rounds whose answers people can have compared with those of round 0."""
    return rounds_of(series).filter(~Q(policy=series.policy), campaign__isnull=False)
