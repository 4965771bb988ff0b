"""Items that too many people skipped: back to people, one by one or all at once."""

from django.db import transaction
from django.db.models import Min, QuerySet

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign, PastSkip, Skip, Slot
from labelplatform.labels.services.campaigns import BATCH, look_again_from


def forget_skips(skips: QuerySet[Skip]) -> None:
    """Whoever skipped these is asked again; that they did still counts in the statistics."""
    told = skips.values("item_id", "annotator_id", "reason", "note", "at")
    PastSkip.objects.bulk_create([PastSkip(**one) for one in told], batch_size=BATCH)
    skips.delete()


@transaction.atomic
def put_all_back(*, campaign: Campaign, by: User) -> int:
    """Ask people again about everything that was set aside; returns how many items that are."""
    parked = Slot.objects.filter(campaign=campaign, state=Slot.State.PARKED)
    # Locked in one order, so that two who do so at once wait for each other.
    slots = list(parked.select_for_update().order_by("pk").values_list("pk", flat=True))
    items = set(parked.values_list("item", flat=True))
    if not slots:
        return 0
    forget_skips(Skip.objects.filter(item__in=parked.values("item")))
    first = parked.aggregate(first=Min("queue_place"))["first"]
    parked.update(state=Slot.State.OPEN)
    look_again_from(campaign.pk, first)
    record(
        by=by,
        verb="put all items back",
        obj=campaign,
        project=campaign.project,
        items=len(items),
        slots=len(slots),
    )
    return len(items)
