"""Items whose right order is known, hidden among the others.

A gold item has a slot for as many people as the campaign says. Of these, as many stand in the queue as its rate asks
for, dealt over all that is still open: each slot is met by whoever comes along, so that the share of gold is the same
for one person at work as for fifty. The others are kept in reserve (a place below 0, where no ordinary claim looks).
"""

import random
from collections import defaultdict
from collections.abc import Sequence

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.models import Campaign, GoldItem, Item, Slot
from labelplatform.labels.services.campaigns import (
    BATCH,
    SLOTS_OF_AN_ITEM,
    look_again_from,
    new_slot,
    queue_place,
)

# An item's own slots end at 50 (overlap and most_labels): behind them, still before the next item, gold may stand.
FIRST_GOLD_PLACE, LAST_GOLD_PLACE = 51, 63


class GoldRefused(Exception):
    """An order that cannot be gold; the message is for the person."""


@transaction.atomic
def set_gold(*, item: Item, tiers: Sequence[Sequence[int]], explanation: str, by: User) -> GoldItem:
    """Say what the right order of an item is, in response ids, best tier first; or say it anew."""
    if not item.campaign.gives_rankings:
        raise GoldRefused(_("Gold is a right order of answers: only campaigns of orders have it."))
    try:
        rules.check(rules.Judgement(tiers), campaign=item.campaign, responses=item.response_ids)
    except rules.JudgementRefused as refusal:
        raise GoldRefused(str(refusal)) from refusal
    if len(tiers) < 2:
        raise GoldRefused(_("An order in which all answers tie asks for nothing: put one above another."))
    gold, _made = GoldItem.objects.update_or_create(
        item=item,
        defaults={"tiers": [list(tier) for tier in tiers], "explanation": explanation, "set_by": by},
    )
    record(by=by, verb="set gold", obj=item, project=item.campaign.project)
    mix_in_gold(campaign=item.campaign, seed=item.campaign.seed)
    return gold


@transaction.atomic
def unset_gold(*, item: Item, by: User) -> None:
    """Make an item an ordinary one again: the slots that it had as gold and nobody was given go; its labels count."""
    spare = [
        slot.pk for slot in _never_given(item.campaign).filter(item=item, ordinal__gt=item.campaign.overlap)
    ]
    if not GoldItem.objects.filter(item=item).delete()[0]:
        return
    Slot.objects.filter(pk__in=spare).delete()
    first = queue_place(item.pk, 0)
    item.slots.filter(state=Slot.State.OPEN).update(queue_place=first + F("ordinal"))
    look_again_from(item.campaign_id, first)
    record(by=by, verb="unset gold", obj=item, project=item.campaign.project)


@transaction.atomic
def mix_in_gold(*, campaign: Campaign, seed: int) -> int:
    """Deal the campaign's gold slots over its queue at its rate; returns how many stand in it now.

    Those that nobody was given yet are dealt anew, so that it may be called again after items or gold were added.
    """
    _make_slots(campaign)
    ordinary = Slot.objects.filter(campaign=campaign, state=Slot.State.OPEN, item__gold=None)
    queue = list(ordinary.order_by("queue_place").values_list("queue_place", flat=True))
    chance = random.Random(seed)
    spare = _dealt(list(_never_given(campaign)), chance)
    rate = campaign.gold_rate
    places = _gold_places(queue, min(len(spare), int(len(queue) * rate / (1 - rate))), chance)
    for slot in spare:
        slot.queue_place = -slot.ordinal
    for slot, place in zip(spare, places, strict=False):
        slot.queue_place = place
    Slot.objects.bulk_update(spare, ["queue_place"], batch_size=BATCH)
    if places:
        look_again_from(campaign.pk, places[0])
    return len(places)


def _make_slots(campaign: Campaign) -> None:
    """Up to `gold_slots` for each gold item, in reserve."""
    made = []
    gold = Item.objects.filter(campaign=campaign, gold__isnull=False)
    for item in gold.prefetch_related("slots", "placed_responses"):
        last = max((slot.ordinal for slot in item.slots.all()), default=0)
        count = len(item.response_ids)
        made += [
            new_slot(campaign, item, count=count, ordinal=ordinal, place=-ordinal)
            for ordinal in range(last + 1, campaign.gold_slots + 1)
        ]
    Slot.objects.bulk_create(made, batch_size=BATCH, ignore_conflicts=True)


def _never_given(campaign: Campaign) -> QuerySet[Slot]:
    """Gold slots that were promised to nobody yet, taken in one order so that two who deal wait for each other."""
    open_slots = Slot.objects.filter(campaign=campaign, state=Slot.State.OPEN, promised=0)
    return open_slots.filter(item__in=GoldItem.objects.values("item")).select_for_update().order_by("pk")


def _dealt(spare: Sequence[Slot], chance: random.Random) -> list[Slot]:
    """Round by round one slot of each item, items shuffled anew, so that no item comes twice before the others."""
    by_item: dict[int, list[Slot]] = defaultdict(list)
    for slot in sorted(spare, key=lambda slot: (slot.item_id, slot.ordinal)):
        by_item[slot.item_id].append(slot)
    rounds = max(map(len, by_item.values()), default=0)
    found = []
    for turn in range(rounds):
        here = [slots[turn] for slots in by_item.values() if turn < len(slots)]
        chance.shuffle(here)
        found += here
    return found


def _gold_places(queue: Sequence[int], wanted: int, chance: random.Random) -> list[int]:
    """Where gold stands: the queue cut into `wanted` pieces of one length, and in each behind an item by chance."""
    found: list[int] = []
    for number in range(wanted):
        start, end = number * len(queue) // wanted, (number + 1) * len(queue) // wanted
        block = queue_place(queue[chance.randrange(start, end)] // SLOTS_OF_AN_ITEM, 0)
        place = block + FIRST_GOLD_PLACE
        if found and found[-1] >= place:
            # More than one behind one item; beyond the last place they share it, which only delays them.
            place = min(found[-1] + 1, block + LAST_GOLD_PLACE)
        found.append(place)
    return found
