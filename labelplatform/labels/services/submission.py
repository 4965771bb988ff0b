"""Drafts and submitted rankings."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.logs import Log
from labelplatform.labels.models import (
    Draft,
    Lease,
    Placement,
    Ranking,
    RankingLog,
    ResponseFlag,
    ResponseRating,
    Slot,
)
from labelplatform.labels.services.assignment import LeaseLost
from labelplatform.labels.services.consequences import follow_up
from labelplatform.labels.services.filling import fill, once

# Fifty steps to undo and the log of how it came about are part of it.
DRAFT_LIMIT_BYTES = 60_000


class DraftRefused(Exception):
    """A draft that is no draft."""


class DraftOvertaken(Exception):
    """Another window of the same person has written since; nothing was changed."""


@transaction.atomic
def save_draft(
    *, slot: Slot, annotator: User, state: Mapping[str, object], token: uuid.UUID | None = None
) -> Draft:
    """Keep unfinished work; only of somebody who was promised this slot, and under `token` only while it is the last.

    A state may name its `writer` (one window), its `version` and the version it began from (`base`): what another
    window wrote since is never overwritten, and of one window the higher version stays.
    """
    if len(json.dumps(state)) > DRAFT_LIMIT_BYTES:
        raise DraftRefused
    last = _last_token(slot, annotator)
    if last is None:
        raise LeaseLost
    if token is not None and token != last:
        raise DraftOvertaken
    draft = Draft.objects.select_for_update().filter(slot=slot, annotator=annotator).first()
    if draft is None:
        return Draft.objects.create(slot=slot, annotator=annotator, state=dict(state))
    if "writer" in state and "writer" in draft.state:
        if state["writer"] != draft.state["writer"] and _number(state, "base") < _number(
            draft.state, "version"
        ):
            raise DraftOvertaken
        if state["writer"] == draft.state["writer"] and _number(state, "version") < _number(
            draft.state, "version"
        ):
            return draft
    draft.state = dict(state)
    draft.save(update_fields=["state", "at"])
    return draft


def _last_token(slot: Slot, annotator: User) -> uuid.UUID | None:
    leases = Lease.objects.filter(slot=slot, annotator=annotator).order_by("-pk")
    return leases.values_list("token", flat=True).first()


def _number(state: Mapping[str, object], name: str) -> int:
    told = state.get(name)
    return told if isinstance(told, int) else 0


def submit_ranking(
    *,
    slot: Slot,
    lease_token: uuid.UUID,
    submission: uuid.UUID,
    tiers: Sequence[Sequence[int]],
    seconds: float | None,
    by: User,
    flags: Mapping[int, Collection[str]] | None = None,
    unacceptable: bool = False,
) -> Ranking:
    """Store one person's order of a slot's answers: `submit_judgement` for whoever tells no ratings."""
    judgement = rules.Judgement(tiers, seconds, flags or {}, unacceptable)
    return submit_judgement(
        slot=slot, lease_token=lease_token, submission=submission, judgement=judgement, by=by
    )


def submit_judgement(
    *,
    slot: Slot,
    lease_token: uuid.UUID,
    submission: uuid.UUID,
    judgement: rules.Judgement,
    by: User,
    log: Log | None = None,
) -> Ranking:
    """Store one person's judgement of a slot's item, exactly once per submission key.

    The same key with the same body returns the first ranking; with another body it is refused. Work that comes
    after the slot has gone to somebody else is kept as surplus.
    """

    def store() -> Ranking:
        ranking = _store(slot, lease_token, submission, judgement, by)
        if log is not None:
            shown = {"seed": slot.campaign.seed, "ordinal": slot.ordinal, "shown_order": slot.shown_order}
            body = {**log.body, **shown} if log.body else {}
            RankingLog.objects.create(ranking=ranking, body=body, dropped=log.dropped)
        return ranking

    return once(Ranking, submission=submission, body_digest=judgement.digest(), by=by, store=store)


def _store(
    slot: Slot, lease_token: uuid.UUID, submission: uuid.UUID, judgement: rules.Judgement, by: User
) -> Ranking:
    responses = slot.item.response_ids
    rules.check_submitted(judgement, campaign=slot.campaign, responses=responses)
    filled = fill(slot, lease_token, by)
    ranking = Ranking.objects.create(
        item=slot.item,
        slot=slot,
        annotator=by,
        key=str(submission),
        kind=slot.campaign.kind,
        source=slot.campaign.source,
        shown_order=[responses[position] for position in slot.shown_order],
        seconds=judgement.seconds,
        submission=submission,
        body_digest=judgement.digest(),
        unacceptable=judgement.unacceptable,
        margins=None if judgement.margins is None else list(judgement.margins),
        surplus=not filled,
    )
    store_placements([(ranking, judgement, responses)])
    follow_up(ranking, campaign=slot.campaign)
    Draft.objects.filter(slot=slot, annotator=by).delete()
    record(by=by, verb="submitted ranking", obj=ranking, project=slot.campaign.project, surplus=not filled)
    return ranking


def store_placements(stored: Sequence[tuple[Ranking, rules.Judgement, Sequence[int]]]) -> None:
    """Insert where each of the rankings put its responses, its flags and its ratings."""
    placements, flags, ratings = [], [], []
    for ranking, judgement, responses in stored:
        tiers = [(n, response) for n, tier in enumerate(judgement.tiers, 1) for response in tier]
        left_out = set(responses) - {response for _tier, response in tiers}
        # In the order told, so that the public line comes back as it went in, ties included.
        placed = [*tiers, *((None, response) for response in responses if response in left_out)]
        placements += [Placement(ranking=ranking, response_id=r, tier=tier) for tier, r in placed]
        for response, names in judgement.flags.items():
            flags += [
                ResponseFlag(ranking=ranking, response_id=response, name=name) for name in sorted(set(names))
            ]
        ratings += [
            ResponseRating(ranking=ranking, response_id=response, name=name, value=value)
            for response, given in judgement.ratings.items()
            for name, value in given.items()
        ]
    Placement.objects.bulk_create(placements, batch_size=1000)
    # Most rankings have neither: no statement for nothing.
    if flags:
        ResponseFlag.objects.bulk_create(flags, batch_size=1000)
    if ratings:
        ResponseRating.objects.bulk_create(ratings, batch_size=1000)
