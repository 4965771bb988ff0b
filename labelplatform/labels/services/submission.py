"""Drafts and submitted rankings."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import BigAutoField, DateTimeField, JSONField
from django.utils import timezone

from labelplatform.accounts.models import User
from labelplatform.accounts.services import recording
from labelplatform.compiled_queries import Columns, CompiledChange, Given, Insertion, Write, together
from labelplatform.labels import rules
from labelplatform.labels.logs import Log
from labelplatform.labels.models import (
    Draft,
    Placement,
    Ranking,
    RankingLog,
    ResponseFlag,
    ResponseRating,
    Slot,
)
from labelplatform.labels.services import better_answers
from labelplatform.labels.services.assignment import LeaseLost
from labelplatform.labels.services.consequences import follow_up
from labelplatform.labels.services.filling import once

# In UTF-8. An answer of 20,000 characters, 200 marks in each of nine answers and a log of 600 moves stay below it
# together; what else the page keeps, steps to undo, it keeps within 200,000 (labels_keeping.js).
DRAFT_LIMIT_BYTES = 500_000
DRAFT_ATTEMPTS = 5


_DRAFT = Columns(Draft)
# The token of the person's last promise, and beside it what they left unfinished, if anything.
_STANDING = """
    SELECT last.token, {draft} FROM
      (SELECT token, slot_id AS of_slot, annotator_id AS of_person FROM labels_lease
       WHERE slot_id = %s AND annotator_id = %s ORDER BY id DESC LIMIT 1) last
    LEFT JOIN labels_draft ON slot_id = of_slot AND annotator_id = of_person
"""
_REWRITE = CompiledChange(
    lambda: Draft.objects.filter(pk=Given("pk", BigAutoField()), at=Given("read_at", DateTimeField())),
    state=Given("state", JSONField()),
    at=Given("at", DateTimeField()),
)
# A twin of the same person's other window may be faster: the one that is there stays, and is read again.
_DRAFTS = Insertion(Draft, or_nothing=True)
_RANKINGS, _LOGS = Insertion(Ranking), Insertion(RankingLog)
_PARTS: tuple[Insertion[Any], ...] = (
    Insertion(Placement),
    Insertion(ResponseFlag),
    Insertion(ResponseRating),
)


class DraftRefused(Exception):
    """A draft that is no draft."""


class DraftOvertaken(Exception):
    """Another window of the same person has written since; nothing was changed."""


def save_draft(
    *, slot: Slot, annotator: User, state: Mapping[str, object], token: uuid.UUID | None = None
) -> Draft:
    """Keep unfinished work; only of somebody who was promised this slot, and under `token` only while it is the last.

    A state may name its `writer` (one window), its `version` and the version it began from (`base`): what another
    window wrote since is never overwritten, and of one window the higher version stays.
    """
    told = json.dumps(state, ensure_ascii=False)
    if len(told.encode("utf-8", "surrogatepass")) > DRAFT_LIMIT_BYTES:
        raise DraftRefused
    for _attempt in range(DRAFT_ATTEMPTS):
        last, draft = _standing(slot, annotator)
        if last is None:
            raise LeaseLost
        if token is not None and token != last:
            raise DraftOvertaken
        kept = _keep(slot, annotator, draft, state)
        if kept is not None:
            return kept
    raise DraftOvertaken


def _standing(slot: Slot, annotator: User) -> tuple[uuid.UUID | None, Draft | None]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING.format(draft=_DRAFT.names), [slot.pk, annotator.pk])
        row = cursor.fetchone()
    if row is None:
        return None, None
    # SQLite keeps a UUID as text.
    return uuid.UUID(str(row[0])), None if row[1] is None else _DRAFT.made(row[1:])


def _keep(slot: Slot, annotator: User, draft: Draft | None, state: Mapping[str, object]) -> Draft | None:
    """One write, which counts only while the draft is as it was read; None where another window came between."""
    if draft is None:
        draft = Draft(slot=slot, annotator=annotator, state=dict(state))
        return draft if _DRAFTS.insert(draft) else None
    if "writer" in state and "writer" in draft.state:
        another = state["writer"] != draft.state["writer"]
        if another and _number(state, "base") < _number(draft.state, "version"):
            raise DraftOvertaken
        if not another and _number(state, "version") < _number(draft.state, "version"):
            return draft
    read_at, draft.state, draft.at = draft.at, dict(state), timezone.now()
    written = _REWRITE.run(pk=draft.pk, read_at=read_at, state=draft.state, at=draft.at)
    return draft if written else None


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

    def store(surplus: bool, forgetting: Write) -> Ranking:
        ranking = ranking_of(slot, submission, judgement, by, surplus=surplus)
        _store(ranking, slot, judgement, log, forgetting)
        return ranking

    return once(
        Ranking,
        slot,
        lease_token=lease_token,
        submission=submission,
        body_digest=judgement.digest(),
        by=by,
        store=store,
    )


def ranking_of(
    slot: Slot, submission: uuid.UUID, judgement: rules.Judgement, by: User, *, surplus: bool
) -> Ranking:
    """The ranking that a complete judgement makes."""
    responses = slot.item.response_ids
    rules.check_submitted(judgement, campaign=slot.campaign, responses=responses)
    return Ranking(
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
        surplus=surplus,
        detail=better_answers.told_with(judgement, slot.item),
    )


def _store(
    ranking: Ranking, slot: Slot, judgement: rules.Judgement, log: Log | None, forgetting: Write
) -> None:
    """Insert it with all that belongs to it."""
    by, campaign, surplus = ranking.annotator, slot.campaign, ranking.surplus
    _RANKINGS.insert(ranking)
    writes = [forgetting]
    parts: Sequence[Sequence[Any]] = _parts([(ranking, judgement, slot.item.response_ids)])
    for insertion, rows in zip(_PARTS, parts, strict=True):
        # Most rankings have neither flags nor ratings: no statement for nothing.
        writes += [insertion.write(*rows)] if rows else []
    if judgement.better:
        writes.append(better_answers.keeping(ranking, judgement.better))
    if log is not None:
        shown = {"seed": campaign.seed, "ordinal": slot.ordinal, "shown_order": slot.shown_order}
        body = {**log.body, **shown} if log.body else {}
        writes.append(_LOGS.write(RankingLog(ranking=ranking, body=body, dropped=log.dropped)))
    project = campaign.project
    writes.append(recording(by=by, verb="submitted ranking", obj=ranking, project=project, surplus=surplus))
    together(*writes)
    follow_up(ranking, campaign=campaign)


def store_placements(stored: Sequence[tuple[Ranking, rules.Judgement, Sequence[int]]]) -> None:
    """Insert where each of the rankings put its responses, its flags and its ratings."""
    placements, flags, ratings = _parts(stored)
    Placement.objects.bulk_create(placements, batch_size=1000)
    # Most rankings have neither: no statement for nothing.
    if flags:
        ResponseFlag.objects.bulk_create(flags, batch_size=1000)
    if ratings:
        ResponseRating.objects.bulk_create(ratings, batch_size=1000)


def _parts(
    stored: Sequence[tuple[Ranking, rules.Judgement, Sequence[int]]],
) -> tuple[list[Placement], list[ResponseFlag], list[ResponseRating]]:
    placements: list[Placement] = []
    flags: list[ResponseFlag] = []
    ratings: list[ResponseRating] = []
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
    return placements, flags, ratings
