"""Drafts and submitted rankings."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.models import Draft, Lease, Placement, Ranking, ResponseFlag, Slot
from labelplatform.labels.services.assignment import LeaseLost
from labelplatform.labels.services.consequences import follow_up

DRAFT_LIMIT_BYTES = 20_000


class SubmissionConflict(Exception):
    """The submission key was used before, with another body."""


class DraftRefused(Exception):
    """A draft that is no draft."""


def save_draft(*, slot: Slot, annotator: User, state: Mapping[str, object]) -> Draft:
    """Keep unfinished work; only of somebody who was promised this slot."""
    if len(json.dumps(state)) > DRAFT_LIMIT_BYTES:
        raise DraftRefused
    if not Lease.objects.filter(slot=slot, annotator=annotator).exists():
        raise LeaseLost
    draft, _made = Draft.objects.update_or_create(
        slot=slot, annotator=annotator, defaults={"state": dict(state)}
    )
    return draft


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
    """Store one person's ranking of a slot's item, exactly once per submission key.

    The same key with the same body returns the first ranking; with another body it is refused. Work that comes
    after the slot has gone to somebody else is kept as surplus.
    """
    judgement = rules.Judgement(tiers, seconds, flags or {}, unacceptable)
    try:
        with transaction.atomic():
            return _earlier(submission, judgement, by) or _store(slot, lease_token, submission, judgement, by)
    except IntegrityError:
        # A twin of this request was faster between our look and our insert: its ranking is the answer.
        earlier = _earlier(submission, judgement, by)
        if earlier is None:
            raise
        return earlier


def _earlier(submission: uuid.UUID, judgement: rules.Judgement, by: User) -> Ranking | None:
    earlier = Ranking.objects.filter(submission=submission).first()
    if earlier is not None and (earlier.body_digest != judgement.digest() or earlier.annotator_id != by.pk):
        raise SubmissionConflict
    return earlier


def _store(
    slot: Slot, lease_token: uuid.UUID, submission: uuid.UUID, judgement: rules.Judgement, by: User
) -> Ranking:
    if not Lease.objects.filter(slot=slot, annotator=by, token=lease_token).exists():
        raise LeaseLost
    responses = list(slot.item.placed_responses.values_list("response", flat=True))
    rules.check(judgement, campaign=slot.campaign, responses=responses)
    held = Q(state=Slot.State.LEASED, annotator=by) | Q(state=Slot.State.OPEN)
    filled = Slot.objects.filter(held, pk=slot.pk, lease_token=lease_token).update(
        state=Slot.State.DONE, annotator=by, lease_expires_at=None
    )
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
        surplus=not filled,
    )
    store_placements([(ranking, judgement, responses)])
    follow_up(ranking, campaign=slot.campaign)
    Draft.objects.filter(slot=slot, annotator=by).delete()
    record(by=by, verb="submitted ranking", obj=ranking, project=slot.campaign.project, surplus=not filled)
    return ranking


def store_placements(stored: Sequence[tuple[Ranking, rules.Judgement, Sequence[int]]]) -> None:
    """Insert where each of the rankings put its responses, and its flags."""
    placements, flags = [], []
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
    Placement.objects.bulk_create(placements, batch_size=1000)
    ResponseFlag.objects.bulk_create(flags, batch_size=1000)
