"""What every submission has in common, whatever its label is: exactly once per key, a slot filled, late work kept."""

import uuid
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction

from labelplatform.accounts.models import User
from labelplatform.labels.models import Label, Lease, Ranking, Slot
from labelplatform.labels.services.assignment import LeaseLost

Given = TypeVar("Given", Ranking, Label)


class SubmissionConflict(Exception):
    """The submission key was used before, with another body."""


def once(
    model: type[Given], *, submission: uuid.UUID, body_digest: str, by: User, store: Callable[[], Given]
) -> Given:
    """Store a label, exactly once per submission key.

    The same key with the same body returns the first label; with another body it is refused.
    """
    try:
        with transaction.atomic():
            return _earlier(model, submission, body_digest, by) or store()
    except IntegrityError:
        # A twin of this request was faster between our look and our insert: its label is the answer.
        earlier = _earlier(model, submission, body_digest, by)
        if earlier is None:
            raise
        return earlier


def _earlier(model: type[Given], submission: uuid.UUID, body_digest: str, by: User) -> Given | None:
    earlier = model._default_manager.filter(submission=submission).first()
    if earlier is not None and (earlier.body_digest != body_digest or earlier.annotator_id != by.pk):
        raise SubmissionConflict
    return earlier


def fill(slot: Slot, lease_token: uuid.UUID, by: User) -> bool:
    """Mark a slot as done by who holds it; False where the work came after it had gone to somebody else.

    Who fills the slot was promised it; late work needs to have been.
    """
    held = Slot.objects.filter(pk=slot.pk, lease_token=lease_token, state=Slot.State.LEASED, annotator=by)
    if held.update(state=Slot.State.DONE, annotator=by, lease_expires_at=None):
        return True
    if not Lease.objects.filter(slot=slot, annotator=by, token=lease_token).exists():
        raise LeaseLost
    return False
