"""Items that come to the same person a second time, hidden among the others: how far people agree with themselves.

Dealt when a label is stored, in a campaign that asks for it: every so many labels of a person, at a place of each
stretch that chance (seeded) has chosen, an item that they labelled long enough ago is put to them again as a twin
(models/repeats.py). The twin's one slot is promised to that person from the start, so their next claim finds it; in
other people's claims it does not come up (claim_statement.py).
"""

import hashlib
import math
import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from labelplatform.labels.models import Campaign, Item, ItemResponse, Label, Lease, Ranking, RepeatItem, Slot
from labelplatform.labels.orders import shown_order

# Below 0 no walk along the queue comes by: the slot is somebody's already.
OUT_OF_THE_QUEUE = -1


def deal_repeat(label: Ranking | Label, *, campaign: Campaign) -> RepeatItem | None:
    """After a person's label: put an earlier item of theirs to them once more where one is due; None where none is."""
    if not campaign.repeat_rate or _measures(label.item_id):
        return None
    theirs = _ordinary_labels(campaign, label.annotator_id)
    given = theirs.count()
    seed = f"{campaign.seed}/{label.annotator_id}"
    if not is_due(given, campaign.repeat_rate, seed):
        return None
    spare = given - campaign.repeat_after
    if spare <= 0:
        return None
    last = theirs.order_by("pk").values_list("pk", flat=True)[spare - 1]
    choices = theirs.filter(pk__lte=last)
    if campaign.gives_rankings:
        # An item whose answers are all unacceptable has no order to be consistent in.
        choices = choices.filter(unacceptable=False)
    choices = choices.exclude(item__repeats__annotator=label.annotator_id).order_by("pk")
    there = choices.count()
    if not there:
        return None
    first = choices.select_related("item")[random.Random(f"{seed}/{given}").randrange(there)]
    try:
        with transaction.atomic():
            return _twin(campaign, first)
    except IntegrityError:
        # Another window of theirs was faster: once is enough.
        return None


def is_due(given: int, rate: float, seed: str) -> bool:
    """Whether a repeat follows on a person's label number `given`, so that `rate` of all they are given are repeats.

    Their labels are cut into stretches as long as it takes for one repeat, and one falls anywhere in each: not to be
    foreseen, yet no stretch goes without.
    """
    stretch = (1 - rate) / rate
    number = int((given - 1) / stretch)
    start, end = (math.ceil(edge * stretch) for edge in (number, number + 1))
    return random.Random(f"{seed}/{number}").randrange(start, end) == given - 1


def _measures(item: int) -> bool:
    """Whether an item is gold or a twin itself: those are neither counted nor repeated."""
    return Item.objects.filter(pk=item).exclude(gold=None, repeat=None).exists()


def _ordinary_labels(campaign: Campaign, annotator: int) -> QuerySet[Any]:
    table = Ranking if campaign.gives_rankings else Label
    found: QuerySet[Any] = table._default_manager.filter(
        item__campaign=campaign,
        annotator=annotator,
        kind=campaign.kind,
        surplus=False,
        item__gold=None,
        item__repeat=None,
    )
    # A decision is a reviewer's word, given in full sight of what others said.
    return found.filter(decides=None) if campaign.gives_rankings else found


def _twin(campaign: Campaign, first: Ranking | Label) -> RepeatItem:
    """The item once more, in another order of its answers, promised to whoever labelled it."""
    key = hashlib.sha256(f"repeat/{first.item_id}/{first.annotator_id}".encode()).hexdigest()
    item = Item.objects.create(campaign=campaign, prompt_id=first.item.prompt_id, key=key)
    responses = first.item.response_ids
    ItemResponse.objects.bulk_create(
        ItemResponse(item=item, response_id=response, position=position)
        for position, response in enumerate(responses)
    )
    now = timezone.now()
    slot = Slot.objects.create(
        item=item,
        campaign=campaign,
        ordinal=1,
        queue_place=OUT_OF_THE_QUEUE,
        promised=1,
        state=Slot.State.LEASED,
        annotator_id=first.annotator_id,
        lease_token=uuid.uuid4(),
        lease_expires_at=now + timedelta(seconds=settings.LEASE_SECONDS),
        shown_order=_another_order(key, responses, getattr(first, "shown_order", ())),
    )
    token = slot.lease_token
    assert token is not None
    Lease.objects.create(slot=slot, annotator_id=first.annotator_id, token=token, claimed_at=now)
    return RepeatItem.objects.create(item=item, original_id=first.item_id, annotator_id=first.annotator_id)


def _another_order(key: str, responses: Sequence[int], seen: Sequence[int]) -> list[int]:
    """An order of places in which the responses do not stand as they were seen (labels of one answer saw none)."""
    orders = (shown_order(count=len(responses), seed=key, ordinal=turn) for turn in (1, 2))
    return next(order for order in orders if [responses[place] for place in order] != list(seen))
