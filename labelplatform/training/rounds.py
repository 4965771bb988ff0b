"""Verbs of rounds: begin one, resume it where a step came to nothing, stop it. What follows a step: round_steps."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import cancel
from labelplatform.jobs.services import resume as resume_job
from labelplatform.labels.models import Campaign
from labelplatform.labels.services import set_state
from labelplatform.prompts.models import Prompt, PromptSet
from labelplatform.prompts.services import request_responses
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import command_lines, round_queries
from labelplatform.training.models import TrainingRun
from labelplatform.training.round_models import (
    FEWEST_ANSWERS,
    MOST_ANSWERS,
    Round,
    RoundSeries,
    RoundStep,
)

MODELS = (Artifact.Kind.POLICY, Artifact.Kind.BASE_MODEL)
# Inputs that a later step will have, for a check of its settings before the first step.
LATER = {
    "reward-model": {"rankings": ["later"], "model": ["later"]},
    "ppo": {"prompts": ["later"], "policy": ["later"], "reward_model": ["later"]},
}


@dataclass(frozen=True)
class Wishes:
    """What a round is to do. `start` None: PPO starts from the newest policy."""

    prompt_set: PromptSet
    wanted_rankings: int
    reward_model_start: Artifact
    start: Artifact | None = None
    answers: int = 4
    overlap: int = 1
    learns_from: str = Round.LearnsFrom.ALL
    older_weight: float = 1.0
    guidelines: str = ""
    told: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seed: int = 0

    def columns(self, newest: Artifact) -> dict[str, Any]:
        """The columns of the row that keeps these wishes."""
        told = {verb: dict(self.told.get(verb, {})) for verb in ("sample", "reward-model", "ppo")}
        return {**vars(self), "start": self.start or newest, "told": told}


@transaction.atomic
def begin_series(*, project: Project, name: str, policy: Artifact, wishes: Wishes, by: User) -> Round:
    """Round 0 of a new series; asked for once more in the same words, the one there is."""
    known = RoundSeries.objects.filter(project=project, name=name).select_related("policy").first()
    if known is not None:
        if known.policy != policy:
            raise _taken(name)
        return begin_round(series=known, number=0, wishes=wishes, by=by)
    _check_model(project, policy)
    series = RoundSeries(project=project, name=name, policy=policy)
    series.full_clean()
    series.save(force_insert=True)
    record(by=by, verb="begin series of rounds", obj=series, project=project, policy=policy.name)
    return begin_round(series=series, number=0, wishes=wishes, by=by)


@transaction.atomic
def begin_round(*, series: RoundSeries, number: int, wishes: Wishes, by: User) -> Round:
    """The round of this number, its answers asked for; asked for once more in the same words, the one there is."""
    # Two who begin at once stand in line here.
    RoundSeries.objects.select_for_update().get(pk=series.pk)
    known = round_queries.rounds_of(series).filter(number=number).first()
    newest = known.policy if known else round_queries.newest_policy(series)
    told = wishes.columns(newest)
    if known is not None:
        if any(getattr(known, name) != value for name, value in told.items()):
            raise _taken(str(known))
        return known
    _check(series, number, wishes, told)
    row = Round(series=series, number=number, policy=newest, requested_by=by, **told)
    row.sampling, row.anchors = _ask(row)
    row.full_clean()
    row.save(force_insert=True)
    record(
        by=by,
        verb="begin round",
        obj=row,
        project=series.project,
        series=series.name,
        number=number,
        rankings=wishes.wanted_rankings,
    )
    return row


def _taken(name: str) -> ValidationError:
    return ValidationError(_("%(name)s exists with other wishes: choose another name.") % {"name": name})


def _check(series: RoundSeries, number: int, wishes: Wishes, told: Mapping[str, Any]) -> None:
    """Refuse what a later step would stumble over, before anybody ranks for it."""
    earlier = list(series.rounds.order_by("number"))
    if number != len(earlier):
        raise ValidationError(_("The next round is number %(number)s.") % {"number": len(earlier)})
    moving = next((one for one in earlier if one.is_moving), None)
    if moving is not None:
        raise ValidationError(_("%(name)s is still on its way: wait for it, or stop it.") % {"name": moving})
    if wishes.prompt_set.project_id != series.project_id:
        raise ValidationError(_("The prompt set belongs to another project."))
    for model in (told["start"], wishes.reward_model_start):
        _check_model(series.project, model)
    if not FEWEST_ANSWERS <= wishes.answers <= MOST_ANSWERS:
        words = {"fewest": FEWEST_ANSWERS, "most": MOST_ANSWERS}
        raise ValidationError(_("Ask for %(fewest)s to %(most)s answers to each prompt.") % words)
    if not 0 < wishes.older_weight <= 1:
        raise ValidationError(_("Older rankings weigh more than 0 and at most as much as new ones: 1."))
    for verb, inputs in LATER.items():
        command_lines.validate(verb, {"name": "later", "inputs": inputs, "settings": told["told"][verb]})
    _check_prompts(wishes)
    _check_names(series.project, f"{series} · {number}")


def _check_model(project: Project, model: Artifact) -> None:
    if model.project_id != project.pk or model.kind not in MODELS:
        raise ValidationError(
            _("%(name)s is no policy or base model of this project.") % {"name": model.name}
        )


def _check_prompts(wishes: Wishes) -> None:
    """Each wanted ranking has its prompt, and as many people as are asked for."""
    there, wanted = wishes.prompt_set.prompts.count(), round_queries.prompts_wanted(wishes)
    if there < wanted:
        words = {"wanted": wanted, "there": there, "name": wishes.prompt_set.name, "people": wishes.overlap}
        raise ValidationError(
            _(
                "%(people)s people an item make %(wanted)s prompts; %(name)s has %(there)s: "
                "want fewer rankings, or more people an item."
            )
            % words
        )


def _check_names(project: Project, name: str) -> None:
    """What the steps will make is called after the round: nothing else may be called so."""
    kinds = (Artifact.Kind.SNAPSHOT, Artifact.Kind.REWARD_MODEL, Artifact.Kind.POLICY)
    if (
        Campaign.objects.filter(project=project, name=name).exists()
        or Snapshot.objects.filter(project=project, name=name).exists()
        or TrainingRun.objects.filter(project=project, name=name).exists()
        or Artifact.objects.filter(project=project, name=name, kind__in=kinds).exists()
    ):
        raise ValidationError(_("Something here is called %(name)s already.") % {"name": name})


def _ask(row: Round) -> tuple[Job, Job | None]:
    """The answers of the newest policy and, beside them, one each of round 0's, where that is another."""
    told: dict[str, Any] = {
        "prompt_set": row.prompt_set,
        "prompts": _drawn(row),
        "sampling": row.told["sample"],
        "seed": row.seed,
        "by": row.requested_by,
    }
    sampling = request_responses(policy=row.policy, responses_per_prompt=row.answers, **told)
    first = row.series.policy
    if row.policy == first:
        return sampling, None
    return sampling, request_responses(policy=first, responses_per_prompt=1, **told)


def _drawn(row: Round) -> Sequence[Prompt]:
    """As many prompts as the wanted rankings need, drawn by the seed of the round alone."""
    prompts = list(row.prompt_set.prompts.order_by("pk"))
    wanted = min(len(prompts), round_queries.prompts_wanted(row))
    chosen = random.Random(f"{row.seed}/{row.number}").sample(range(len(prompts)), wanted)
    return [prompts[place] for place in sorted(chosen)]


@transaction.atomic
def resume_round(*, row: Round, by: User) -> Round:
    """Goes on where the round is: its failed jobs wait for a worker again, from what they have kept.

    Nothing is begun again that has succeeded. A round on which nothing is wrong is left as it is.
    """
    row = Round.objects.select_for_update().get(pk=row.pk)
    broken = [job for job in round_queries.jobs_of(row) if job.state in round_queries.BROKEN]
    if row.step == RoundStep.DONE or not (row.failure or row.stopped_at or broken):
        return row
    try:
        with transaction.atomic():
            Round.objects.filter(pk=row.pk).update(failure="", stopped_at=None)
    except IntegrityError as error:
        raise ValidationError(_("Another round of this series is on its way.")) from error
    for job in broken:
        resume_job(job=job, by=by)
    campaign = row.campaign
    if row.step == RoundStep.RANK and campaign is not None and campaign.state == Campaign.State.PAUSED:
        set_state(campaign=campaign, state=Campaign.State.OPEN, by=by)
    record(by=by, verb="resume round", obj=row, project=row.series.project, step=row.step)
    row.refresh_from_db()
    return row


@transaction.atomic
def stop_round(*, row: Round, by: User) -> Round:
    """Nothing more comes of the round until it is resumed: its jobs are cancelled, its campaign pauses."""
    moving = Round.objects.filter(pk=row.pk, stopped_at=None).exclude(step=RoundStep.DONE)
    if moving.update(stopped_at=Now()) == 1:
        row.refresh_from_db()
        for job in round_queries.jobs_of(row):
            cancel(job=job, by=by)
        if row.step == RoundStep.RANK and row.campaign is not None:
            set_state(campaign=row.campaign, state=Campaign.State.PAUSED, by=by)
        record(by=by, verb="stop round", obj=row, project=row.series.project, step=row.step)
    row.refresh_from_db()
    return row


@transaction.atomic
def take_what_there_is(*, row: Round, by: User) -> Round:
    """The round waits for no more rankings than there are by now. Refused without one."""
    row = Round.objects.select_for_update().get(pk=row.pk)
    there = round_queries.rankings_in(row)
    if row.step != RoundStep.RANK or there >= row.wanted_rankings:
        return row
    if there == 0:
        raise ValidationError(_("There is no ranking yet."))
    wanted, row.wanted_rankings = row.wanted_rankings, there
    row.save(update_fields=["wanted_rankings"])
    record(
        by=by,
        verb="settle for fewer rankings",
        obj=row,
        project=row.series.project,
        wanted=wanted,
        there=there,
    )
    return row
