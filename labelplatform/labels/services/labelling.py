"""Submitted labels that are no orders: ratings, honesty checks, spans, demonstrations."""

import uuid

from labelplatform.accounts.models import User
from labelplatform.accounts.services import recording
from labelplatform.compiled_queries import Write, together
from labelplatform.labels import kinds
from labelplatform.labels.logs import Log
from labelplatform.labels.matters import matter_of
from labelplatform.labels.models import Label, Slot
from labelplatform.labels.rules import JudgementRefused
from labelplatform.labels.services.consequences import follow_up_label
from labelplatform.labels.services.filling import once


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

    def store(surplus: bool, forgetting: Write) -> Label:
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
            surplus=surplus,
            log=_log(log),
        )
        project = slot.campaign.project
        together(
            forgetting, recording(by=by, verb="submitted label", obj=label, project=project, surplus=surplus)
        )
        follow_up_label(label, campaign=slot.campaign)
        return label

    return once(
        Label,
        slot,
        lease_token=lease_token,
        submission=submission,
        body_digest=kinds.digest(whole),
        by=by,
        store=store,
    )


def _log(log: Log | None) -> dict[str, object]:
    if log is None:
        return {}
    return {"dropped": log.dropped} if log.dropped else dict(log.body)
