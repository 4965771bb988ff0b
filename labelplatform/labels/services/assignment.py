"""Who may work on which slot until when."""

import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import BigAutoField, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.compiled_queries import Compiled, Given
from labelplatform.labels.models import Campaign, Item, Skip, Slot
from labelplatform.labels.services import routing, set_aside
from labelplatform.labels.services.campaigns import look_again_from
from labelplatform.labels.services.claim_statement import Wish, take

# A page that is being left may only be reloading: its slot stays promised this long.
LINGER_SECONDS = 60
CLAIM_ATTEMPTS = 5
# When the promise of a slot that was given back ended: no sign of life revives it, and it is the first to go out again.
GIVEN_BACK = datetime(1970, 1, 1, tzinfo=UTC)

_MYSELF = Compiled(
    lambda: (
        User.objects.select_for_update(no_key=True)
        .filter(pk=Given("pk", BigAutoField()))
        .order_by()
        .values_list("pk")
    )
)


class LeaseLost(Exception):
    """The slot is not promised to this person any more."""


class SkipRefused(Exception):
    """A skip without a reason that we know; the message is for the person."""


def claim(*, campaign: Campaign, annotator: User, beside: uuid.UUID | None = None) -> Slot | None:
    """Return a slot promised to this person: the one they hold already, else the next; None when none is left.

    `beside` is a lease they keep as well (the page they are on); so nobody ever holds more than two. Refused
    (`NotForYou`) where the campaign asks for a language or a domain that they do not have.
    """
    if campaign.state != Campaign.State.OPEN or campaign.is_over(timezone.now()):
        return None
    gate = routing.gate(campaign, annotator)
    for _attempt in range(CLAIM_ATTEMPTS):
        now, token = timezone.now(), uuid.uuid4()
        wish = Wish(campaign, annotator.pk, token, now, _expiry(now), beside, gate)
        try:
            with transaction.atomic():
                _one_at_a_time(annotator)
                return take(wish)
        except IntegrityError:
            # The constraint stopped a second slot of one item for one person: look again.
            continue
    return None


def _one_at_a_time(annotator: User) -> None:
    """Two windows of one person claim one after the other, so that the second sees what the first was given.

    SQLite's one writer sees to it by itself.
    """
    if connection.features.has_select_for_update:
        _MYSELF.rows(pk=annotator.pk)


def _expiry(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.LEASE_SECONDS)


def renew(*, token: uuid.UUID, by: User) -> datetime:
    """A sign of life: return until when the slot is promised now."""
    until = _expiry(timezone.now())
    if not _mine(token, by).exclude(lease_expires_at=GIVEN_BACK).update(lease_expires_at=until):
        raise LeaseLost
    return until


def linger(*, token: uuid.UUID, by: User) -> None:
    """The page is being left: keep the promise just long enough for a reload."""
    until = timezone.now() + timedelta(seconds=LINGER_SECONDS)
    _mine(token, by).filter(lease_expires_at__gt=until).update(lease_expires_at=until)


def release(*, token: uuid.UUID, by: User) -> None:
    """Give the slot back at once. The promise only lapses: work finished all the same counts if nobody took it."""
    if not _mine(token, by).update(lease_expires_at=GIVEN_BACK):
        raise LeaseLost


@transaction.atomic
def skip(*, token: uuid.UUID, by: User, reason: str, note: str = "") -> Skip:
    """Give the slot to somebody else because this person cannot judge the item; they are not asked again.

    Once as many people as the campaign allows have skipped an item, what is still wanted of it is set aside.
    """
    if reason not in Skip.Reason.values:
        raise SkipRefused(_("Say why: choose one of the reasons."))
    slot = _mine(token, by).select_related("campaign", "item").first()
    earlier = Skip.objects.filter(item__slots__leases__token=token, annotator=by).first()
    if earlier is not None:
        # The answer to the first try was lost on its way.
        return earlier
    if slot is None:
        raise LeaseLost
    release(token=token, by=by)
    skipped = Skip.objects.create(item=slot.item, annotator=by, reason=reason, note=note.strip()[:500])
    set_aside = slot.item.skips.count() >= slot.campaign.skip_limit and _park(slot.item)
    record(
        by=by,
        verb="skipped item",
        obj=slot.item,
        project=slot.campaign.project,
        reason=reason,
        set_aside=bool(set_aside),
    )
    return skipped


def _park(item: Item) -> int:
    """Set aside what nobody is at work on; who is may finish."""
    now = timezone.now()
    waiting = Q(state=Slot.State.OPEN) | Q(state=Slot.State.LEASED, lease_expires_at__lt=now)
    return item.slots.filter(waiting).update(
        state=Slot.State.PARKED, annotator=None, lease_token=None, lease_expires_at=None
    )


@transaction.atomic
def put_back(*, item: Item, by: User) -> int:
    """Ask people again about an item that was set aside, those who skipped it too; returns how many slots wait."""
    set_aside.forget_skips(item.skips.all())
    parked = list(item.slots.filter(state=Slot.State.PARKED))
    for slot in parked:
        slot.state = Slot.State.OPEN
    Slot.objects.bulk_update(parked, ["state"])
    if parked:
        look_again_from(item.campaign_id, min(slot.queue_place for slot in parked))
    record(by=by, verb="put item back", obj=item, project=item.campaign.project, slots=len(parked))
    return len(parked)


def _mine(token: uuid.UUID, by: User) -> QuerySet[Slot]:
    return Slot.objects.filter(lease_token=token, annotator=by, state=Slot.State.LEASED)
