"""Who may work on which slot until when."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign, Draft, Lease, Ranking, Slot

# A page that is being left may only be reloading: its slot stays promised this long.
LINGER_SECONDS = 60
CLAIM_ATTEMPTS = 5


class LeaseLost(Exception):
    """The slot is not promised to this person any more."""


def lease_seconds() -> int:
    """Return how long a slot is promised without a sign of life."""
    return int(getattr(settings, "LEASE_SECONDS", 900))


def claim(*, campaign: Campaign, annotator: User, beside: uuid.UUID | None = None) -> Slot | None:
    """Return a slot promised to this person: the one they hold already, else the next; None when none is left.

    `beside` is a lease they keep as well (the page they are on); so nobody ever holds more than two.
    """
    if campaign.state != Campaign.State.OPEN:
        return None
    for _attempt in range(CLAIM_ATTEMPTS):
        try:
            with transaction.atomic():
                _one_at_a_time(annotator)
                return _held(campaign, annotator, beside) or _take(campaign, annotator)
        except IntegrityError:
            # The constraint stopped a second slot of one item for one person: look again.
            continue
    return None


def _one_at_a_time(annotator: User) -> None:
    """Two windows of one person claim one after the other, so that the second sees what the first was given."""
    list(User.objects.select_for_update(no_key=True).filter(pk=annotator.pk).values_list("pk"))


def _held(campaign: Campaign, annotator: User, beside: uuid.UUID | None) -> Slot | None:
    live = Slot.objects.filter(campaign=campaign, annotator=annotator, state=Slot.State.LEASED)
    slot = (
        live.filter(lease_expires_at__gte=timezone.now()).exclude(lease_token=beside).order_by("pk").first()
    )
    if slot is not None:
        slot.lease_expires_at = _expiry(timezone.now())
        Slot.objects.filter(pk=slot.pk).update(lease_expires_at=slot.lease_expires_at)
    return slot


def _take(campaign: Campaign, annotator: User) -> Slot | None:
    """Promise the first waiting slot in one statement; begun work comes before new work."""
    now, token = timezone.now(), uuid.uuid4()
    waiting = waiting_slots(campaign, annotator, now).order_by("-priority", "item_id", "ordinal")
    begun = waiting.filter(Exists(Draft.objects.filter(slot=OuterRef("pk"), annotator=annotator)))
    promise = {
        "state": Slot.State.LEASED,
        "annotator": annotator,
        "lease_token": token,
        "lease_expires_at": _expiry(now),
    }
    if not (_first(begun).update(**promise) or _first(waiting).update(**promise)):
        return None
    slot = Slot.objects.get(lease_token=token)
    Lease.objects.create(slot=slot, annotator=annotator, token=token, claimed_at=now)
    return slot


def waiting_slots(campaign: Campaign, annotator: User, now: datetime) -> QuerySet[Slot]:
    """Slots that this person could take now: open or lapsed, on items they have not touched otherwise."""
    mine = Slot.objects.filter(item=OuterRef("item"), annotator=annotator).exclude(state=Slot.State.OPEN)
    labelled = Ranking.objects.filter(item=OuterRef("item"), annotator=annotator)
    free = Q(state=Slot.State.OPEN) | Q(state=Slot.State.LEASED, lease_expires_at__lt=now)
    return Slot.objects.filter(
        free, ~Exists(mine.exclude(pk=OuterRef("pk"))), ~Exists(labelled), campaign=campaign
    )


def _first(waiting: QuerySet[Slot]) -> QuerySet[Slot]:
    """The first of the waiting slots that nobody else is just taking.

    PostgreSQL skips rows that another claim has locked; SQLite, which knows no row locks, has one writer, begun
    IMMEDIATE.
    """
    free = waiting.select_for_update(skip_locked=True, of=("self",))
    return Slot.objects.filter(pk=Subquery(free.values("pk")[:1]))


def _expiry(now: datetime) -> datetime:
    return now + timedelta(seconds=lease_seconds())


def renew(*, token: uuid.UUID, by: User) -> datetime:
    """A sign of life: return until when the slot is promised now."""
    until = _expiry(timezone.now())
    if not _mine(token, by).update(lease_expires_at=until):
        raise LeaseLost
    return until


def linger(*, token: uuid.UUID, by: User) -> None:
    """The page is being left: keep the promise just long enough for a reload."""
    until = timezone.now() + timedelta(seconds=LINGER_SECONDS)
    _mine(token, by).filter(lease_expires_at__gt=until).update(lease_expires_at=until)


def release(*, token: uuid.UUID, by: User) -> None:
    """Give the slot back at once; its token stays, so that work finished all the same counts if nobody took it."""
    if not _mine(token, by).update(state=Slot.State.OPEN, annotator=None, lease_expires_at=None):
        raise LeaseLost


def _mine(token: uuid.UUID, by: User) -> QuerySet[Slot]:
    return Slot.objects.filter(lease_token=token, annotator=by, state=Slot.State.LEASED)
