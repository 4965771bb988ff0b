"""What every submission has in common, whatever its label is: exactly once per key, a slot filled, late work kept."""

import uuid
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import BigAutoField, UUIDField

from labelplatform.accounts.models import User
from labelplatform.compiled_queries import Compiled, CompiledChange, Given, Write
from labelplatform.labels.models import Draft, Label, Lease, Ranking, Slot
from labelplatform.labels.services.assignment import LeaseLost

L = TypeVar("L", Ranking, Label)

_FILL = CompiledChange(
    lambda: Slot.objects.filter(
        pk=Given("slot", BigAutoField()),
        lease_token=Given("token", UUIDField()),
        state=Slot.State.LEASED,
        annotator=Given("annotator", BigAutoField()),
    ),
    state=Slot.State.DONE,
    lease_expires_at=None,
)
_FORGET = CompiledChange(
    lambda: Draft.objects.filter(
        slot=Given("slot", BigAutoField()), annotator=Given("annotator", BigAutoField())
    )
)
_EARLIER: dict[type[Ranking] | type[Label], Compiled[Ranking] | Compiled[Label]] = {
    Ranking: Compiled(lambda: Ranking.objects.filter(submission=Given("submission", UUIDField()))),
    Label: Compiled(lambda: Label.objects.filter(submission=Given("submission", UUIDField()))),
}


class SubmissionConflict(Exception):
    """The submission key was used before, with another body."""


def once(
    model: type[L],
    slot: Slot,
    *,
    lease_token: uuid.UUID,
    submission: uuid.UUID,
    body_digest: str,
    by: User,
    store: Callable[[bool, Write], L],
) -> L:
    """Fill the slot and store a label, exactly once per submission key.

    The same key with the same body returns the first label; with another body it is refused. `store` is told whether
    the work is surplus (it came after the slot had gone to somebody else), and the write that forgets what was
    unfinished, for it to make together with its own.
    """
    try:
        with transaction.atomic():
            filled = _FILL.run(slot=slot.pk, token=lease_token, annotator=by.pk)
            # What comes again finds its slot filled: only then is there something to look for.
            earlier = None if filled else earlier_label(model, submission, body_digest, by)
            if earlier is not None:
                return earlier
            # Who fills the slot was promised it; late work needs to have been.
            if not filled and not Lease.objects.filter(slot=slot, annotator=by, token=lease_token).exists():
                raise LeaseLost
            return store(not filled, _FORGET.write(slot=slot.pk, annotator=by.pk))
    except IntegrityError:
        # A twin of this request was faster between our look and our insert: its label is the answer.
        earlier = earlier_label(model, submission, body_digest, by)
        if earlier is None:
            raise
        return earlier


def earlier_label(model: type[L], submission: uuid.UUID, body_digest: str, by: User) -> L | None:
    """The label that this key stored before, if any; refused (SubmissionConflict) where it was another's, or said
    another thing."""
    earlier: L | None = _EARLIER[model].first(submission=submission)
    if earlier is not None and (earlier.body_digest != body_digest or earlier.annotator_id != by.pk):
        raise SubmissionConflict
    return earlier
