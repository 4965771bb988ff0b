"""More labels of each item than were wanted at first. Never fewer: a slot may be promised, or filled."""

from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign, GoldItem, Item, Slot
from labelplatform.labels.services.campaigns import BATCH, CampaignRefused, look_again_from, new_slot

MOST_OVERLAP = 50


@transaction.atomic
def grow_overlap(*, campaign: Campaign, overlap: int, by: User) -> int:
    """Ask more people about each item; returns how many slots are new. A fixed number of statements a batch.

    Where disagreement had asked for more already, only what is still missing is added. Of gold, which has slots of its
    own, they are kept in reserve; of what is set aside, they are set aside too.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if campaign.overlap == 0:
        raise CampaignRefused(_("The labels of this campaign come in by import; nobody is given its items."))
    if not campaign.overlap <= overlap <= MOST_OVERLAP:
        told = _("Labels per item may only grow, up to %(most)d: now there are %(now)d.")
        raise CampaignRefused(told % {"most": MOST_OVERLAP, "now": campaign.overlap})
    before, campaign.overlap = campaign.overlap, overlap
    campaign.save(update_fields=["overlap"])
    added = 0
    pks = campaign.items.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=BATCH)
    while batch := list(islice(pks, BATCH)):
        added += _add_slots(campaign, batch)
    record(
        by=by,
        verb="grew overlap",
        obj=campaign,
        project=campaign.project,
        before=before,
        overlap=overlap,
        slots=added,
    )
    return added


def _add_slots(campaign: Campaign, pks: list[int]) -> int:
    items = Item.objects.filter(pk__in=pks).prefetch_related("slots", "placed_responses")
    gold = set(GoldItem.objects.filter(item__in=pks).values_list("item", flat=True))
    made = [slot for item in items for slot in _missing(campaign, item, is_gold=item.pk in gold)]
    # Should disagreement add one of these just now, that one is the one more.
    Slot.objects.bulk_create(made, batch_size=BATCH, ignore_conflicts=True)
    if made:
        look_again_from(campaign.pk, min(slot.queue_place for slot in made))
    return len(made)


def _missing(campaign: Campaign, item: Item, *, is_gold: bool) -> list[Slot]:
    there = sorted(item.slots.all(), key=lambda slot: slot.ordinal)
    last = there[-1]
    set_aside = any(slot.state == Slot.State.PARKED for slot in there)
    made = []
    for ordinal in range(last.ordinal + 1, campaign.overlap + 1):
        place = -ordinal if is_gold else last.queue_place + ordinal - last.ordinal
        slot = new_slot(campaign, item, count=len(item.response_ids), ordinal=ordinal, place=place)
        slot.state = Slot.State.PARKED if set_aside else Slot.State.OPEN
        made.append(slot)
    return made
