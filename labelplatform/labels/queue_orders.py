"""Reading what waits, what an order did with it, and what the order brought.

What is reckoned, `evaluator.statistics` reckons; it is imported where it is used, as in `quality`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from labelplatform.labels import quality
from labelplatform.labels.models import Campaign, ChosenItem, Item, ItemResponse, QueueOrder, Ranking, Slot
from labelplatform.prompts.queries import prompt_line

if TYPE_CHECKING:
    from evaluator.statistics.arm_comparison import ArmComparison
    from evaluator.statistics.control_arm import Arm

ITEMS_AT_ONCE = 200
BINS = 10
BAR_WIDTH = 158
# The comparison reads and reckons so many in about half a second.
MOST_ITEMS_COMPARED = 1000
RESAMPLES = 400


def waiting_items(campaign: Campaign) -> QuerySet[Item]:
    """Items that nobody has begun and somebody may still be given; gold is none of them."""
    slots = Slot.objects.filter(item=OuterRef("pk"))
    in_queue = slots.filter(state=Slot.State.OPEN, queue_place__gte=0)
    begun = slots.filter(~Q(state=Slot.State.OPEN) | Q(promised__gt=0))
    ordinary = campaign.items.filter(gold=None, repeat=None)
    return ordinary.filter(Exists(in_queue), ~Exists(begun)).order_by("pk")


def waiting_response_lines(campaign: Campaign) -> Iterator[dict[str, object]]:
    """The response lines of what waits, each naming its item, as `trainer score` and `evaluator choose-next` read them.

    A response without a policy's name was written by a person, one without a seed was not sampled here: the format
    wants both, so they stand as "person" and 0.
    """
    places = ItemResponse.objects.select_related("response__policy").order_by("position")
    items = waiting_items(campaign).select_related("prompt")
    whole = items.prefetch_related(Prefetch("placed_responses", queryset=places))
    for item in whole.iterator(chunk_size=ITEMS_AT_ONCE):
        for place in item.placed_responses.all():
            response = place.response
            yield {
                **prompt_line(item.prompt),
                "response": response.text,
                "policy": response.policy_name or "person",
                "seed": response.seed or 0,
                "sampling": response.sampling,
                "response_id": response.key,
                "item": item.key,
            }


def orders_of(campaign: Campaign) -> QuerySet[QueueOrder]:
    """The orders of a campaign with how many items each placed and how many of those are labelled, newest first."""
    labelled = Q(chosen_items__in_force=True, chosen_items__item__rankings__surplus=False)
    return (
        campaign.queue_orders.select_related("job")
        .annotate(
            placed=Count("chosen_items", filter=Q(chosen_items__in_force=True), distinct=True),
            labelled=Count("chosen_items", filter=labelled, distinct=True),
        )
        .order_by("-pk")
    )


@dataclass(frozen=True)
class Bin:
    """How many items of each arm have a value from `low` to `high`; `fullest` is the most that any bin holds."""

    low: float
    high: float
    chosen: int
    control: int
    fullest: int

    @property
    def chosen_width(self) -> float:
        """How long the chosen part of its bar is drawn."""
        return round(BAR_WIDTH * self.chosen / self.fullest, 1)

    @property
    def control_width(self) -> float:
        return round(BAR_WIDTH * self.control / self.fullest, 1)

    @property
    def control_start(self) -> float:
        """Where the part of the control arm begins: behind the chosen."""
        return 0.5 + self.chosen_width


def distribution(order: QueueOrder) -> list[Bin]:
    """The values of an order's items, in bins of one width; empty where there are none. One statement."""
    rows = list(order.chosen_items.order_by().values_list("value", "arm"))
    if not rows:
        return []
    low, high = min(value for value, _arm in rows), max(value for value, _arm in rows)
    bins = BINS if high > low else 1
    counts = [{"chosen": 0, "control": 0} for _bin in range(bins)]
    for value, arm in rows:
        at = min(bins - 1, int((value - low) / (high - low) * bins)) if high > low else 0
        counts[at][arm] += 1
    fullest = max(one["chosen"] + one["control"] for one in counts)
    width = (high - low) / bins
    return [
        Bin(low + at * width, low + (at + 1) * width, one["chosen"], one["control"], fullest)
        for at, one in enumerate(counts)
    ]


def labelled_items(order: QueueOrder) -> QuerySet[ChosenItem]:
    """What was labelled under this order, in its order; gold aside."""
    kept = Ranking.objects.filter(item=OuterRef("item"), surplus=False)
    placed = order.chosen_items.filter(in_force=True, item__gold=None)
    return placed.filter(Exists(kept)).order_by("place")


@dataclass(frozen=True)
class Gain:
    """Both arms compared, and how many labelled items, the last of the order, were left out."""

    comparison: ArmComparison
    items_left_out: int


def gain(order: QueueOrder) -> Gain:
    """What the labels of the chosen arm tell, against those of the control arm; five statements."""
    from evaluator.statistics.arm_comparison import compare_arms
    from evaluator.statistics.resampling import Sampling

    labelled = labelled_items(order)
    rows = list(labelled[:MOST_ITEMS_COMPARED])
    left_out = labelled.count() - len(rows) if len(rows) == MOST_ITEMS_COMPARED else 0
    labels = quality.labels_of(Item.objects.filter(pk__in=[row.item_id for row in rows]))
    compared = compare_arms(
        labels,
        arm_of={str(row.item_id): cast("Arm", row.arm) for row in rows},
        scores_of={str(row.item_id): cast("Mapping[str, list[float]]", row.scores) for row in rows},
        sampling=Sampling(seed=order.seed, resamples=RESAMPLES),
    )
    return Gain(compared, left_out)
