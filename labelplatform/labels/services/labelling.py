"""Submitted labels that are no orders: ratings, honesty checks, spans, demonstrations."""

import uuid

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import kinds
from labelplatform.labels.logs import Log
from labelplatform.labels.matters import matter_of
from labelplatform.labels.models import Draft, Label, Slot
from labelplatform.labels.rules import JudgementRefused
from labelplatform.labels.services.filling import fill, once


def submit_label(
    *,
    slot: Slot,
    lease_token: uuid.UUID,
    submission: uuid.UUID,
    body: kinds.Body,
    seconds: float | None,
    by: User,
    log: Log | None = None,
) -> Label:
    """Store what one person said about a slot's item, exactly once per submission key.

    The same key with the same body returns the first label; with another body it is refused. Work that comes after
    the slot has gone to somebody else is kept as surplus.
    """
    kind = kinds.kind_of(slot.campaign)
    if kind is None:
        raise JudgementRefused(f"{slot.campaign.kind}: such labels are given by submit_judgement")
    whole = kind.check(body, matter_of(slot.item, slot.campaign))

    def store() -> Label:
        filled = fill(slot, lease_token, by)
        label = Label.objects.create(
            item=slot.item,
            slot=slot,
            annotator=by,
            key=str(submission),
            kind=slot.campaign.kind,
            source=slot.campaign.source,
            seconds=seconds,
            submission=submission,
            body_digest=kinds.digest(whole),
            body=whole,
            surplus=not filled,
            log=_log(log),
        )
        Draft.objects.filter(slot=slot, annotator=by).delete()
        record(by=by, verb="submitted label", obj=label, project=slot.campaign.project, surplus=not filled)
        return label

    return once(Label, submission=submission, body_digest=kinds.digest(whole), by=by, store=store)


def _log(log: Log | None) -> dict[str, object]:
    if log is None:
        return {}
    return {"dropped": log.dropped} if log.dropped else dict(log.body)
