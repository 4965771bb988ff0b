"""One more label where the wanted ones are all in and disagree; where no more are wanted, a reviewer's decision."""

from labelplatform.labels import own_agreement, quality
from labelplatform.labels.models import Adjudication, Campaign, GoldItem, Item, Label, Ranking, Slot
from labelplatform.labels.services.campaigns import look_again_from, new_slot


def ask_once_more(label: Ranking | Label, *, campaign: Campaign) -> bool:
    """Add a slot where this label was the last one wanted and the item's labels agree too little; says whether.

    Once there are as many as disagreement can ask for, an item of orders goes onto the list of those to be decided;
    of ratings and honesty checks nothing is decided: every label stands, and the item leads its list of disagreement.

    In the transaction that stored the label, which is held up by nothing where the campaign asks for no more.
    """
    if campaign.third_opinion_below is None:
        return False
    # Two who give the last two labels at once would each miss the other's: they look one after the other. Not a full
    # lock, for their new rankings already hold a key share of this row.
    item = Item.objects.select_for_update(no_key=True).get(pk=label.item_id)
    slots = list(item.slots.order_by("ordinal").only("ordinal", "state", "queue_place"))
    if not slots or any(slot.state != Slot.State.DONE for slot in slots):
        return False
    if GoldItem.objects.filter(item=item).exists():
        return False
    if campaign.gives_rankings:
        agreed = quality.pairwise_agreement(item)
    else:
        agreed = own_agreement.item_agreement(campaign, item)
    if agreed is None or agreed >= campaign.third_opinion_below:
        return False
    if len(slots) >= campaign.most_labels:
        if campaign.gives_rankings:
            reason = Adjudication.Reason.DISAGREEMENT
            Adjudication.objects.get_or_create(item=item, defaults={"reason": reason})
        return False
    return _add_slot(campaign, item, slots)


def _add_slot(campaign: Campaign, item: Item, slots: list[Slot]) -> bool:
    last = slots[-1]
    added = new_slot(
        campaign,
        item,
        count=len(item.response_ids),
        ordinal=last.ordinal + 1,
        place=last.queue_place + 1,
    )
    # Should anything else have added this ordinal, that one is the one more.
    Slot.objects.bulk_create([added], ignore_conflicts=True)
    look_again_from(campaign.pk, added.queue_place)
    return True
