"""Making campaigns and their items."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.labels import kinds
from labelplatform.labels.models import RANKING_KINDS, Campaign, Item, ItemResponse, QueuePlace, Slot
from labelplatform.labels.orders import shown_order
from labelplatform.labels.services.guidelines import publish_guidelines
from labelplatform.labels.shapes import shape_of
from labelplatform.prompts.models import Prompt, Response
from trainer.snapshots import Message, prompt_digest

BATCH = 500
SLOTS_OF_AN_ITEM = 64


class CampaignRefused(Exception):
    """A campaign or item that cannot be made; the message is for the person."""


@dataclass(frozen=True)
class NewItem:
    """A prompt with the responses to put to people, and the key it is known by (empty: derived)."""

    prompt: Prompt
    responses: Sequence[Response]
    key: str = ""


@dataclass(frozen=True)
class Stages:
    """Whether answers are rated before they are put in order, and whether the ratings propose that order.

    Of a campaign that collects no orders: what it asks, in the words of its kind (labels/kinds).
    """

    rate_first: bool = False
    presort: bool = False
    asks: Mapping[str, object] = field(default_factory=dict)


@transaction.atomic
def create_campaign(
    *,
    project: Project,
    name: str,
    by: User | None,
    kind: str = Campaign.Kind.RANKING,
    guidelines: str = "",
    overlap: int = 1,
    source: str = Campaign.Source.CAMPAIGN,
    seed: int = 0,
) -> Campaign:
    """Make a campaign without items."""
    if overlap < 1 and source == Campaign.Source.CAMPAIGN:
        raise CampaignRefused(_("At least one person must label each item."))
    if Campaign.objects.filter(project=project, name=name).exists():
        raise CampaignRefused(_("This project has a campaign of that name already."))
    campaign = Campaign.objects.create(
        project=project,
        name=name,
        kind=kind,
        asks=_asks(kind, {}),
        overlap=overlap,
        source=source,
        seed=seed,
        # People's own tools often rank only the best few; on our page everything is placed.
        allow_unranked=source == Campaign.Source.IMPORT,
    )
    record(by=by, verb="created campaign", obj=campaign, project=project, overlap=overlap, source=source)
    if guidelines.strip():
        publish_guidelines(campaign=campaign, english=guidelines, by=by)
    return campaign


def _asks(kind: str, told: Mapping[str, object]) -> dict[str, object]:
    """The settings of a kind in full; of orders there are none here."""
    if kind in RANKING_KINDS:
        return {}
    if kind not in kinds.KINDS:
        raise CampaignRefused(_("There are no campaigns of this kind yet: %(kind)s.") % {"kind": kind})
    try:
        return kinds.KINDS[kind].asks(told)
    except kinds.AsksRefused as refusal:
        raise CampaignRefused(str(refusal)) from refusal


@transaction.atomic
def create_campaign_over(
    *,
    prompts: Iterable[Prompt],
    project: Project,
    name: str,
    by: User | None,
    kind: str = Campaign.Kind.RANKING,
    guidelines: str = "",
    overlap: int = 1,
    stages: Stages | None = None,
) -> Campaign:
    """Make a campaign and put these prompts to people; refused when there is nothing to put."""
    campaign = create_campaign(
        project=project, name=name, by=by, kind=kind, guidelines=guidelines, overlap=overlap
    )
    if stages is not None:
        set_stages(campaign=campaign, stages=stages, by=by)
    if not add_items(campaign=campaign, prompts=prompts, by=by):
        raise CampaignRefused(_nothing_to_put(kind))
    return campaign


def _nothing_to_put(kind: str) -> str:
    fewest = shape_of(kind).fewest
    if fewest > 1:
        return _("No prompt of this set has two answers yet: sample or import some first.")
    if fewest:
        return _("No prompt of this set has an answer yet: sample or import some first.")
    return _("This set has no prompts yet: import some first.")


@transaction.atomic
def set_stages(*, campaign: Campaign, stages: Stages, by: User | None) -> None:
    """Say how the page of a campaign goes. A proposal needs ratings to come from; single answers know no order."""
    orders = campaign.gives_rankings
    campaign.rate_first = orders and stages.rate_first
    campaign.presort = campaign.rate_first and stages.presort
    campaign.asks = _asks(campaign.kind, stages.asks)
    campaign.save(update_fields=["rate_first", "presort", "asks"])
    record(
        by=by,
        verb="set campaign stages",
        obj=campaign,
        project=campaign.project,
        rate_first=campaign.rate_first,
        presort=campaign.presort,
        **({"asks": campaign.asks} if campaign.asks else {}),
    )


@transaction.atomic
def set_state(*, campaign: Campaign, state: str, by: User) -> None:
    """Open, pause or close a campaign. Leases already given stay good."""
    campaign.state = Campaign.State(state)
    campaign.save(update_fields=["state"])
    record(by=by, verb="set campaign state", obj=campaign, project=campaign.project, state=state)


@transaction.atomic
def add_items(
    *, campaign: Campaign, prompts: Iterable[Prompt], by: User | None, responses_per_item: int | None = None
) -> int:
    """Put prompts with their responses to people; returns how many items are new.

    Of a campaign of orders each prompt must have 2…9 responses (exactly 2 of them are shown in one of comparisons) and
    is one item; of one that asks about single answers each response is an item of its own; of one of demonstrations
    each prompt is an item without answers. A prompt that is an item already is left as it is. `responses_per_item`
    takes only that many responses of a prompt, the oldest first.
    """
    shape, new = shape_of(campaign.kind), []
    for prompt in prompts:
        responses = list(prompt.responses.all())[:responses_per_item] if shape.most else []
        if len(responses) < shape.fewest:
            raise CampaignRefused(_too_few(prompt, shape.fewest))
        if shape.one_per_response:
            new += [NewItem(prompt, [response]) for response in responses]
        else:
            # Without answers an item is its prompt: two may ask the same of different contexts.
            new.append(NewItem(prompt, responses[: shape.most], key="" if shape.most else prompt.key))
    made = create_items(campaign, new)
    record(by=by, verb="added items", obj=campaign, project=campaign.project, items=len(made))
    return len(made)


def _too_few(prompt: Prompt, fewest: int) -> str:
    if fewest > 1:
        return _("Prompt %(key)s has fewer than two answers.") % {"key": prompt.key}
    return _("Prompt %(key)s has no answer.") % {"key": prompt.key}


def item_key(messages: Sequence[Mapping[str, object]], response_keys: Iterable[str]) -> str:
    """Return the name of an item as the public ranking line derives it: from its prompt and its responses."""
    prompt = prompt_digest([Message(str(message["role"]), str(message["content"])) for message in messages])
    parts = [prompt, *sorted(response_keys)]
    body = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def create_items(campaign: Campaign, wanted: Iterable[NewItem]) -> list[Item]:
    """Insert items that are new with their responses and slots, in a fixed number of statements a batch."""
    by_key: dict[str, NewItem] = {}
    for new in wanted:
        key = new.key or item_key(new.prompt.messages, (response.key for response in new.responses))
        if by_key.setdefault(key, new).prompt != new.prompt:
            raise CampaignRefused(_("Two prompts make the same item: %(key)s") % {"key": new.prompt.key})
    there = set(campaign.items.filter(key__in=by_key).values_list("key", flat=True))
    fresh = {key: new for key, new in by_key.items() if key not in there}
    items = Item.objects.bulk_create(
        [Item(campaign=campaign, prompt=new.prompt, key=key) for key, new in fresh.items()], batch_size=BATCH
    )
    ItemResponse.objects.bulk_create(
        [
            ItemResponse(item=item, response=response, position=position)
            for item in items
            for position, response in enumerate(fresh[item.key].responses)
        ],
        batch_size=BATCH,
    )
    slots = [slot for item in items for slot in _slots(campaign, item, len(fresh[item.key].responses))]
    Slot.objects.bulk_create(slots, batch_size=BATCH)
    if slots:
        # Nobody's place in the queue may lie beyond what is new.
        first = min(slot.queue_place for slot in slots)
        QueuePlace.objects.filter(campaign=campaign, place__gte=first).delete()
    return items


def queue_place(rank: int, ordinal: int) -> int:
    """Where a slot stands in its campaign's queue: an item's slots one after the other, items by rank."""
    return rank * SLOTS_OF_AN_ITEM + ordinal


def _slots(campaign: Campaign, item: Item, count: int) -> list[Slot]:
    return [
        new_slot(campaign, item, count=count, ordinal=ordinal, place=queue_place(item.pk, ordinal))
        for ordinal in range(1, campaign.overlap + 1)
    ]


def new_slot(campaign: Campaign, item: Item, *, count: int, ordinal: int, place: int) -> Slot:
    """A slot with its own order of the answers; seeded by names, so that a rerun shows the same."""
    order = shown_order(count=count, seed=f"{campaign.seed}/{item.key}", ordinal=ordinal)
    return Slot(item=item, campaign=campaign, ordinal=ordinal, queue_place=place, shown_order=order)


def look_again_from(campaign: int, place: int) -> None:
    """Something new stands at this place of a campaign's queue: whoever has come further looks at it all the same.

    Rows are taken in one order, so that two who do so at once wait for each other instead of locking up.
    """
    beyond = QueuePlace.objects.filter(campaign=campaign, place__gte=place)
    list(beyond.select_for_update().order_by("pk").values_list("pk"))
    beyond.update(place=place - 1)
