"""Orders of a queue as a job would leave them, without a model that scores."""

from collections.abc import Sequence

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, ChosenItem, Item, QueueOrder, Slot
from labelplatform.labels.services.queue_orders import Choice, ChosenLine, keep_order
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import finish

LOW, HIGH = 0.0, 3.0


def build_reward_models(project: Project, count: int = 2) -> list[Artifact]:
    return [build_artifact(project, Artifact.Kind.REWARD_MODEL, f"taste {number}") for number in range(count)]


def asked(campaign: Campaign, by: User, *, choice: Choice | None = None) -> QueueOrder:
    """An order that was asked for, its job not begun."""
    models = list(Artifact.objects.filter(project=campaign.project, kind=Artifact.Kind.REWARD_MODEL))
    models = models or build_reward_models(campaign.project)
    return services.start_order(campaign=campaign, reward_models=models, choice=choice or Choice(), by=by)


def kept(
    order: QueueOrder,
    items: Sequence[Item],
    *,
    controls: Sequence[int] = (),
    lines: Sequence[ChosenLine] = (),
) -> QueueOrder:
    """The order's job has succeeded: these items in this order, those at the places `controls` drawn at random."""
    finish(order.job)
    told = lines or [
        line_of(item, arm="control" if place in controls else "chosen", value=1 - place / len(items))
        for place, item in enumerate(items, 1)
    ]
    artifact = build_artifact(order.campaign.project, Artifact.Kind.SCORES, made_by=order.job)
    keep_order(order=order, artifact=artifact, lines=told)
    return order


def line_of(item: Item, *, arm: str = "chosen", value: float = 0.1, best: int = 0) -> ChosenLine:
    """Both reward models hold the response at stored place `best` far above the others."""
    keys = list(item.placed_responses.order_by("position").values_list("response__key", flat=True))
    scores = {key: [HIGH, HIGH - 1] if at == best else [LOW, LOW] for at, key in enumerate(keys)}
    return ChosenLine(item.key, arm, value, scores)


def put_in_order(
    campaign: Campaign, by: User, items: Sequence[Item], *, controls: Sequence[int] = ()
) -> QueueOrder:
    order = kept(asked(campaign, by), items, controls=controls)
    services.put_in_force(order=order)
    return order


def queue(campaign: Campaign) -> list[int]:
    """The items of the open slots as they are handed out."""
    slots = Slot.objects.filter(campaign=campaign, state=Slot.State.OPEN, queue_place__gte=0)
    return list(slots.order_by("queue_place", "pk").values_list("item", flat=True))


def arms(order: QueueOrder) -> dict[int, str]:
    return dict(ChosenItem.objects.filter(order=order, in_force=True).values_list("item", "arm"))
