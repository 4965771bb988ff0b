"""Verbs of choosing what is labelled next: ask for an order, keep it, put it in force.

Only items that nobody has begun are placed anew, each in a piece of the queue that one of them had: what is begun, gold
and what is in reserve stay where they are, and the campaign's queue is the same places with other items in them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import enqueue
from labelplatform.labels import queue_orders
from labelplatform.labels.models import Campaign, ChosenItem, Item, ItemResponse, QueueOrder, Slot
from labelplatform.labels.services.campaigns import (
    BATCH,
    SLOTS_OF_AN_ITEM,
    look_again_from,
    queue_place,
)

JOB_KIND = "choose-next"
FEWEST_ITEMS = 2
ITEMS_AT_ONCE = 200
PARTS = 4


class OrderRefused(Exception):
    """An order that cannot be asked for or put in force; the message is for the person."""


@dataclass(frozen=True)
class Choice:
    """How to choose: by which rule, with which control arm."""

    rule: str = QueueOrder.Rule.DISAGREEMENT
    control_share: float = 0.2
    seed: int = 0


@dataclass(frozen=True)
class ChosenLine:
    """One line of the order that came out: public names of the item and of its responses."""

    item: str
    arm: str
    value: float
    scores: Mapping[str, Sequence[float]]


@transaction.atomic
def start_order(
    *, campaign: Campaign, reward_models: Sequence[Artifact], choice: Choice, by: User
) -> QueueOrder:
    """Ask these reward models what people should label next; the job scores every answer that waits now."""
    # One at a time: two orders would take the same items from each other. No full lock, for claims refer to the row.
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    _check(campaign, reward_models, choice)
    orders = QueueOrder.objects.filter(campaign=campaign)
    job = enqueue(
        kind=JOB_KIND,
        spec={
            "campaign": campaign.pk,
            "by": choice.rule,
            "control_share": choice.control_share,
            "seed": choice.seed,
            "reward_models": [model.digest for model in reward_models],
        },
        project=campaign.project,
        by=by,
        inputs=reward_models,
        # The same wish later is another order: other items wait then.
        repeat=orders.count(),
    )
    order = QueueOrder.objects.create(
        campaign=campaign, job=job, rule=choice.rule, control_share=choice.control_share, seed=choice.seed
    )
    record(
        by=by,
        verb="choose what is labelled next",
        obj=order,
        project=campaign.project,
        rule=choice.rule,
        control_share=choice.control_share,
    )
    return order


def _check(campaign: Campaign, reward_models: Sequence[Artifact], choice: Choice) -> None:
    if any(model.kind != Artifact.Kind.REWARD_MODEL for model in reward_models) or not reward_models:
        raise OrderRefused(_("Choose one reward model at least."))
    if choice.rule == QueueOrder.Rule.DISAGREEMENT and len(reward_models) < 2:
        raise OrderRefused(
            _("One reward model has nobody to disagree with: choose two or more, or the expected margin.")
        )
    finished = (Job.State.SUCCEEDED, Job.State.FAILED, Job.State.CANCELLED)
    if campaign.queue_orders.exclude(job__state__in=finished).exists():
        raise OrderRefused(_("An order of this campaign is being reckoned: wait for it, or cancel its job."))
    if queue_orders.waiting_items(campaign)[:FEWEST_ITEMS].count() < FEWEST_ITEMS:
        raise OrderRefused(
            _("Fewer than two items wait that nobody has begun: there is nothing to put in order.")
        )


@transaction.atomic
def keep_order(*, order: QueueOrder, artifact: Artifact, lines: Iterable[ChosenLine]) -> int:
    """Store what came out, with the place that each item is to have; returns how many. The queue is as it was."""
    campaign = order.campaign
    known = {line.item: line for line in lines}
    ids = dict(campaign.items.filter(key__in=list(known)).values_list("key", "pk")) if known else {}
    blocks = _blocks(campaign)
    there = [(ids[key], line) for key, line in known.items() if ids.get(key) in blocks]
    responses = _responses(campaign)
    # The pieces that these items have now, in the order of the queue, go to them in the new order.
    free = sorted(blocks[item] for item, _line in there)
    ChosenItem.objects.bulk_create(
        [
            ChosenItem(
                order=order,
                item_id=item,
                arm=line.arm,
                place=place,
                block=block,
                value=line.value,
                scores={str(responses[item][key]): list(scores) for key, scores in line.scores.items()},
            )
            for place, (block, (item, line)) in enumerate(zip(free, there, strict=True), 1)
        ],
        batch_size=BATCH,
    )
    order.artifact = artifact
    order.save(update_fields=["artifact"])
    return len(there)


def _blocks(campaign: Campaign) -> dict[int, int]:
    """The piece of the queue in which each item's open slots stand."""
    waiting = Slot.objects.filter(campaign=campaign, state=Slot.State.OPEN, queue_place__gte=0)
    first = waiting.order_by().values_list("item").annotate(Min("queue_place"))
    return {item: place // SLOTS_OF_AN_ITEM for item, place in first}


def _responses(campaign: Campaign) -> dict[int, dict[str, int]]:
    """Each item's responses by their public name."""
    found: dict[int, dict[str, int]] = {}
    places = ItemResponse.objects.filter(item__campaign=campaign).order_by()
    for item, key, response in places.values_list("item", "response__key", "response").iterator():
        found.setdefault(item, {})[key] = response
    return found


def put_in_force(*, order: QueueOrder, by: User | None = None) -> int:
    """Give the queue this order; returns how many items it placed. What was begun meanwhile stays, and is in no arm.

    In transactions of a quarter of the items at most, so that whoever asks for an item meanwhile finds others that no
    lock holds. Broken off, it may be asked for again: it goes on with what is not in its place yet.
    """
    if _is_overtaken(order):
        raise OrderRefused(_("A later order is in force: this one would undo it."))
    waiting = order.chosen_items.filter(in_force=False).count()
    size = max(1, min(ITEMS_AT_ONCE, waiting // PARTS))
    while _place_some(order, size):
        pass
    with transaction.atomic():
        first = order.chosen_items.filter(in_force=True).aggregate(first=Min("block"))["first"]
        if first is not None:
            look_again_from(order.campaign_id, queue_place(first, 0))
        placed = order.chosen_items.filter(in_force=True).count()
        QueueOrder.objects.filter(pk=order.pk, in_force_at=None).update(in_force_at=timezone.now())
        record(by=by, verb="put order in force", obj=order, project=order.campaign.project, items=placed)
    order.refresh_from_db()
    return placed


def _is_overtaken(order: QueueOrder) -> bool:
    later = ChosenItem.objects.filter(order__campaign=order.campaign_id, order__gt=order.pk)
    return later.filter(in_force=True).exists()


@transaction.atomic
def _place_some(order: QueueOrder, size: int) -> int:
    """Put the next items in their places; how many there were."""
    rows = list(order.chosen_items.select_for_update().filter(in_force=False).order_by("place")[:size])
    block_of = {row.item_id: row.block for row in rows}
    slots = list(Slot.objects.select_for_update().filter(item__in=block_of).order_by("pk"))
    begun = {slot.item_id for slot in slots if slot.state != Slot.State.OPEN or slot.promised}
    begun |= set(
        Item.objects.filter(pk__in=block_of).exclude(gold=None, repeat=None).values_list("pk", flat=True)
    )
    moved = [slot for slot in slots if slot.item_id not in begun]
    for slot in moved:
        slot.queue_place = queue_place(block_of[slot.item_id], slot.ordinal)
    Slot.objects.bulk_update(moved, ["queue_place"], batch_size=BATCH)
    placed = set(block_of) - begun
    # An item is in one arm of one order: the one that it was handed out under.
    elsewhere = ChosenItem.objects.filter(~Q(order=order), item__in=placed)
    elsewhere.delete()
    order.chosen_items.filter(item__in=begun, in_force=False).delete()
    order.chosen_items.filter(item__in=placed).update(in_force=True)
    return len(rows)
