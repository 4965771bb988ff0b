"""The labels of an order's two arms, ready to train on each and to compare what came of it on one held-out set."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from labelplatform.labels.models import ChosenItem, QueueOrder, Ranking
from labelplatform.labels.queries import RANKINGS_AT_ONCE, LineMemory, lines_of
from labelplatform.labels.queue_orders import labelled_items


class ArmsRefused(Exception):
    """There is too little to compare; the message says what there is and what is wanted."""


@dataclass(frozen=True)
class ArmRankings:
    """Rankings (ids) to train on, as many of each arm, and those that both are measured on."""

    chosen: list[int]
    control: list[int]
    heldout: list[int]


def arm_rankings(order: QueueOrder, *, heldout_share: float, seed: int) -> ArmRankings:
    """Which labels of an order stand for which side of the comparison.

    Held out is a share of the prompts of the control arm, drawn at random: what the campaign asks, not what the rule
    likes. No ranking of those prompts is trained on. Of the rest each arm gives its first n labels, in the order of the
    queue, n being what the smaller has: what n labels by the rule bring, against n by chance.
    """
    arm_of = dict(labelled_items(order).values_list("item", "arm"))
    place_of = dict(labelled_items(order).values_list("item", "place"))
    rows = Ranking.objects.filter(item__in=list(arm_of), surplus=False).order_by("pk")
    told = sorted(rows.values_list("pk", "item", "item__prompt"), key=lambda row: (place_of[row[1]], row[0]))
    control = ChosenItem.Arm.CONTROL
    prompts = sorted({prompt for _pk, item, prompt in told if arm_of[item] == control})
    random.Random(seed).shuffle(prompts)
    measured = set(prompts[: max(1, round(heldout_share * len(prompts)))])
    heldout = [pk for pk, item, prompt in told if prompt in measured and arm_of[item] == control]
    by_arm: dict[str, list[int]] = {arm: [] for arm in ChosenItem.Arm.values}
    for pk, item, prompt in told:
        if prompt not in measured:
            by_arm[arm_of[item]].append(pk)
    labels = min(map(len, by_arm.values()))
    if not labels:
        found = {arm: len(pks) for arm, pks in by_arm.items()}
        raise ArmsRefused(
            f"order {order.pk}: found {found['chosen']} labels of the chosen arm, {found['control']} of the control "
            f"arm and {len(heldout)} held out, wanted one or more of each: label more, or hold out less"
        )
    return ArmRankings(by_arm["chosen"][:labels], by_arm["control"][:labels], heldout)


def training_lines(trained_on: list[int], heldout: list[int]) -> Iterator[dict[str, object]]:
    """Ranking lines of one arm to train on and of those held out, each naming its split; oldest first."""
    memory, kept_out = LineMemory(), set(heldout)
    waiting = iter(sorted([*trained_on, *heldout]))
    while pks := list(islice(waiting, RANKINGS_AT_ONCE)):
        for pk, line in zip(pks, lines_of(pks, memory), strict=True):
            yield {**line, "split": "heldout" if pk in kept_out else "train"}
