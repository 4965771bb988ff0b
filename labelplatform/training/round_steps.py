"""What follows when a step of a round is done. The rows are the truth: looked at every few seconds, in any process.

    sample --answers are there--> rank --wanted rankings are in--> freeze --written--> reward-model --> ppo --> done

Going on is one transaction that first takes the row, so that of many who look at once one goes on and the others find
it done; a look that never happens costs seconds, a look too many costs nothing.
"""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch
from django.db.models.functions import Now

from labelplatform.accounts.services import record
from labelplatform.jobs.models import Job
from labelplatform.labels.models import Campaign
from labelplatform.labels.services import CampaignRefused, add_items, create_campaign, set_state
from labelplatform.prompts.models import Response
from labelplatform.snapshots.services import SnapshotRefused, freeze_snapshot
from labelplatform.training import round_queries
from labelplatform.training.round_models import Round, RoundStep
from labelplatform.training.services import start_ppo, start_reward_model, store_prompts

logger = logging.getLogger(__name__)
Made = dict[str, Any]
REFUSALS = (ValidationError, CampaignRefused, SnapshotRefused, OSError)


def look_after_rounds() -> int:
    """Goes on with every round whose step is done; how many went on. The chore of this app."""
    return sum(advance(pk) for pk in list(round_queries.moving_rounds().values_list("pk", flat=True)))


def advance(pk: int) -> bool:
    """Whether the round went on by one step. What refuses the next step is told on the row, until it is resumed."""
    row = round_queries.with_links(Round.objects.filter(pk=pk)).get()
    if not round_queries.is_ready(row):
        return False
    following = list(RoundStep)[list(RoundStep).index(RoundStep(row.step)) + 1]
    here = Round.objects.filter(pk=pk, step=row.step, stopped_at=None, failure="")
    try:
        with transaction.atomic():
            if here.update(step_since=Now()) != 1:
                return False
            made = _BEGIN[following](row)
            Round.objects.filter(pk=pk).update(step=following, **made)
            record(
                by=row.requested_by, verb="advance round", obj=row, project=row.series.project, step=following
            )
    except REFUSALS as error:
        logger.warning("round %s does not go on to %s: %s", pk, following, error)
        here.update(failure=_words(error))
        return False
    return True


def _words(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


def _open_campaign(row: Round) -> Made:
    """Each prompt with the answers that the jobs of this round sampled, put to people."""
    project, by = row.series.project, row.requested_by
    jobs: list[Job] = [job for job in (row.sampling, row.anchors) if job is not None]
    campaign = create_campaign(
        project=project,
        name=str(row),
        by=by,
        guidelines=row.guidelines,
        overlap=row.overlap,
        seed=row.seed,
    )
    answers = Response.objects.filter(job__in=jobs).order_by("pk")
    asked = row.prompt_set.prompts.filter(key__in=row.sampling.spec["prompts"])
    prompts = asked.prefetch_related(Prefetch("responses", queryset=answers)).order_by("pk")
    add_items(campaign=campaign, prompts=prompts, by=by)
    return {"campaign": campaign}


def _freeze(row: Round) -> Made:
    """No more rankings are asked for, and those there are are frozen: this round's, or all rounds' with weights."""
    assert row.campaign is not None
    project, by = row.series.project, row.requested_by
    set_state(campaign=row.campaign, state=Campaign.State.CLOSED, by=by)
    filters = round_queries.filters_of(row)
    return {"snapshot": freeze_snapshot(project=project, name=str(row), by=by, filters=filters)}


def _train_reward_model(row: Round) -> Made:
    assert row.snapshot is not None
    run = start_reward_model(
        project=row.series.project,
        name=str(row),
        snapshot=row.snapshot,
        model=row.reward_model_start,
        settings=row.told["reward-model"],
        by=row.requested_by,
    )
    return {"reward_model": run}


def _begin_ppo(row: Round) -> Made:
    assert row.reward_model is not None
    assert row.reward_model.output is not None
    by = row.requested_by
    run = start_ppo(
        project=row.series.project,
        name=str(row),
        prompts=store_prompts(prompt_set=row.prompt_set, by=by),
        policy=row.start,
        reward_model=row.reward_model.output,
        settings=row.told["ppo"],
        by=by,
    )
    return {"ppo": run}


def _finish(row: Round) -> Made:
    return {}


_BEGIN: dict[RoundStep, Callable[[Round], Made]] = {
    RoundStep.RANK: _open_campaign,
    RoundStep.FREEZE: _freeze,
    RoundStep.REWARD_MODEL: _train_reward_model,
    RoundStep.PPO: _begin_ppo,
    RoundStep.DONE: _finish,
}
