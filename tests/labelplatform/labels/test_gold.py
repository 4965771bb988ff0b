"""Gold items: set by a researcher, dealt into the queue at their rate, measured with, never exported, never told."""

import re
import uuid
from collections import Counter
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labelplatform.accounts.models import AuditEntry, Project, Role, User
from labelplatform.labels import quality, queries, services, waiting
from labelplatform.labels.models import Campaign, GoldItem, Item, QueuePlace, Ranking, Slot
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.test_quality import label_all, reversed_order

SignIn = Callable[[User], Client]


def gild(item: Item, by: User, explanation: str = "secretgold") -> GoldItem:
    """Gold in the stored order."""
    tiers = [[response] for response in item.placed_responses.values_list("response", flat=True)]
    return services.set_gold(item=item, tiers=tiers, explanation=explanation, by=by)


def build_gilded(
    project: Project, rosa: User, *, rate: float, gold: int, prompts: int, people: int = 6
) -> Campaign:
    campaign = build_campaign(project, rosa, prompts=prompts + gold, answers=3)
    services.set_quality(campaign=campaign, by=rosa, gold_rate=rate, gold_slots=people)
    for item in campaign.items.order_by("-pk")[:gold]:
        gild(item, rosa)
    return campaign


def gold_of(campaign: Campaign) -> set[int]:
    return set(campaign.items.filter(gold__isnull=False).values_list("pk", flat=True))


def in_queue(campaign: Campaign) -> list[int]:
    """Items of the open slots as they would be handed out."""
    open_slots = campaign.slots.filter(state=Slot.State.OPEN, queue_place__gte=0)
    return list(open_slots.order_by("queue_place", "pk").values_list("item", flat=True))


def test_gold_is_kept_as_it_was_said_and_may_be_said_anew(project: Project, rosa: User) -> None:
    item = build_campaign(project, rosa, prompts=1, answers=3).items.get()
    a, b, c = item.placed_responses.values_list("response", flat=True)
    services.set_gold(item=item, tiers=[[b], [a, c]], explanation="b is right", by=rosa)
    services.set_gold(item=item, tiers=[[b], [c], [a]], explanation="so it is", by=rosa)
    gold = GoldItem.objects.get()
    assert (gold.item, gold.tiers, gold.explanation, gold.set_by) == (item, [[b], [c], [a]], "so it is", rosa)
    assert AuditEntry.objects.filter(verb="set gold").count() == 2


@pytest.mark.parametrize("wrong", [[], [[0, 1, 2]], [[0], [1]], [[0], [0, 1, 2]], [[0], [1, 2, 3]]])
def test_an_order_that_measures_nothing_is_no_gold(
    project: Project, rosa: User, wrong: list[list[int]]
) -> None:
    item = build_campaign(project, rosa, prompts=1, answers=3).items.get()
    ids = [*item.placed_responses.values_list("response", flat=True), 10**6]
    with pytest.raises(services.GoldRefused):
        services.set_gold(
            item=item, tiers=[[ids[n] for n in tier] for tier in wrong], explanation="", by=rosa
        )
    assert not GoldItem.objects.exists()


def test_gold_has_a_slot_for_as_many_people_as_told_each_with_its_order(project: Project, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.25, gold=2, prompts=6, people=5)
    for item in gold_of(campaign):
        slots = campaign.slots.filter(item=item).order_by("ordinal")
        assert [slot.ordinal for slot in slots] == [1, 2, 3, 4, 5]
        assert sorted(Counter(tuple(slot.shown_order) for slot in slots).values()) == [1, 2, 2]
    ordinary = campaign.slots.exclude(item__in=gold_of(campaign))
    assert ordinary.count() == 6


@pytest.mark.parametrize(("rate", "wanted"), [(0.0, 0), (0.1, 3), (0.25, 10), (0.5, 30)])
def test_gold_stands_in_the_queue_at_its_rate(project: Project, rosa: User, rate: float, wanted: int) -> None:
    campaign = build_gilded(project, rosa, rate=rate, gold=8, prompts=30)
    gold, queue = gold_of(campaign), in_queue(campaign)
    assert sum(item in gold for item in queue) == wanted
    assert len(queue) == 30 + wanted
    for half in (queue[: len(queue) // 2], queue[len(queue) // 2 :]):
        assert abs(sum(item in gold for item in half) - wanted / 2) <= 1


def test_no_gold_item_comes_twice_before_the_others_came(project: Project, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.25, gold=3, prompts=27)
    gold = gold_of(campaign)
    met = [item for item in in_queue(campaign) if item in gold]
    assert [set(met[start : start + 3]) for start in (0, 3, 6)] == [gold] * 3


def test_where_gold_stands_and_which_is_chance_of_the_seed_alone(project: Project, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.2, gold=5, prompts=40)
    gold, places, orders = gold_of(campaign), [], []
    for seed in (1, 1, 2):
        services.mix_in_gold(campaign=campaign, seed=seed)
        queue = in_queue(campaign)
        places.append([at for at, item in enumerate(queue) if item in gold])
        orders.append([item for item in queue if item in gold])
    assert places[0] == places[1] != places[2]
    assert orders[0] == orders[1] != orders[2]


def test_people_are_given_gold_at_its_rate_however_many_they_are(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_gilded(project, rosa, rate=0.2, gold=8, prompts=32)
    gold, given = gold_of(campaign), []
    for turn in range(40):
        person = (ada, ben)[turn % 2]
        slot = services.claim(campaign=campaign, annotator=person)
        if slot is None:
            continue
        submit(slot, person)
        given.append(slot.item_id)
    assert sum(item in gold for item in given) == pytest.approx(8, abs=2)
    assert len([item for item in given if item not in gold]) == 32


def test_what_is_in_reserve_is_not_handed_out_and_not_counted(
    project: Project, ada: User, rosa: User
) -> None:
    campaign = build_gilded(project, rosa, rate=0.0, gold=2, prompts=3)
    assert waiting.queue(project, ada)[0].for_me == 3
    assert len(label_all(campaign, ada)) == 3
    assert waiting.queue(project, ada)[0].for_me == 0
    assert not waiting.waiting_slots(campaign, ada, timezone.now()).exists()


def test_gold_dealt_anew_is_found_by_who_had_gone_further(project: Project, ada: User, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.0, gold=2, prompts=4)
    QueuePlace.objects.create(campaign=campaign, annotator=ada, place=10**9)
    services.set_quality(campaign=campaign, by=rosa, gold_rate=0.5)
    first = campaign.slots.filter(item__in=gold_of(campaign), queue_place__gte=0).order_by("queue_place")[0]
    assert QueuePlace.objects.get().place == first.queue_place - 1


def test_what_somebody_was_given_stays_where_it_is(project: Project, ada: User, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.5, gold=1, prompts=2)
    held = next(
        slot
        for slot in iter(lambda: claim_and_go_on(campaign, ada), None)
        if slot.item_id in gold_of(campaign)
    )
    place = Slot.objects.get(pk=held.pk).queue_place
    services.mix_in_gold(campaign=campaign, seed=5)
    assert Slot.objects.get(pk=held.pk).queue_place == place


def claim_and_go_on(campaign: Campaign, person: User) -> Slot | None:
    slot = services.claim(campaign=campaign, annotator=person)
    if slot is not None and not hasattr(slot.item, "gold"):
        submit(slot, person)
    return slot


def test_gold_that_is_none_any_more_is_an_ordinary_item(project: Project, ada: User, rosa: User) -> None:
    campaign = build_gilded(project, rosa, rate=0.0, gold=1, prompts=2, people=4)
    item = Item.objects.get(gold__isnull=False)
    QueuePlace.objects.create(campaign=campaign, annotator=ada, place=10**9)
    services.unset_gold(item=item, by=rosa)
    assert not GoldItem.objects.exists()
    assert [slot.queue_place for slot in item.slots.all()] == [item.pk * 64 + 1]
    assert in_queue(campaign) == list(campaign.items.values_list("pk", flat=True))
    assert QueuePlace.objects.get().place < item.pk * 64 + 1
    services.unset_gold(item=item, by=rosa)
    assert AuditEntry.objects.filter(verb="unset gold").count() == 1


def test_labels_of_gold_measure_people_and_are_no_data(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=3, answers=3)
    item = campaign.items.all()[0]
    gold_label, *others = label_all(campaign, ada)
    gild(item, rosa)
    assert list(queries.rankings(project)) == others
    assert list(queries.rankings(project, {"with_gold": True})) == [gold_label, *others]
    counts = ("items_wanted", "slots_wanted", "slots_done", "rankings_kept")
    assert list(queries.campaigns(project).values_list(*counts)) == [(2, 2, 2, 2)]
    lines = [line["item"] for line in queries.ranking_lines(project)]
    assert item.key not in lines
    assert len(lines) == 2


def test_agreement_with_gold_is_what_people_said_of_it(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    """Five gold items of three answers: ada has them all right, ben in four, and the fifth reversed."""
    campaign = build_campaign(project, rosa, prompts=5, answers=3, overlap=2)
    label_all(campaign, ada)
    label_all(campaign, ben, most=4)
    label_all(campaign, ben, reversed_order)
    for item in campaign.items.all():
        gild(item, rosa)
    gold = {one.user: one.quality.gold for one in quality.campaign_quality(campaign).people}
    assert (gold[ada].value, gold[ben].n) == (1.0, 5)
    assert gold[ben].value == pytest.approx(0.8)


def test_gold_asks_for_no_third_opinion(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1, answers=3, overlap=2)
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=1.0, gold_slots=2, gold_rate=0.5)
    label_all(campaign, ada)
    gild(campaign.items.get(), rosa)
    campaign.slots.update(queue_place=1)
    label_all(campaign, ben, reversed_order)
    assert campaign.slots.count() == 2


def test_a_rate_that_is_none_is_refused(project: Project, rosa: User) -> None:
    campaign = build_campaign(project, rosa)
    for wrong in ({"gold_rate": 0.51}, {"gold_rate": -0.1}, {"gold_slots": 1001}):
        with pytest.raises(ValidationError):
            services.set_quality(campaign=campaign, by=rosa, **wrong)


def tell(page: bytes) -> str:
    """A page without what differs each time it is made."""
    return re.sub(
        r"[0-9a-f]{8}-[0-9a-f-]{27}|value=\"\w{64}\"|data-\S*seconds\S*|\d\d:\d\d", "", page.decode()
    )


def test_the_page_of_a_gold_item_is_the_page_of_any(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, answers=3)
    slot, browser = claimed(campaign, ada), sign_in(ada)
    assert isinstance(slot.lease_token, uuid.UUID)
    address = reverse("labels:rank", args=["harbour", slot.lease_token])
    before = browser.get(address)
    gild(slot.item, rosa)
    after = browser.get(address)
    assert tell(before.content) == tell(after.content)
    assert "secretgold" not in after.content.decode()


def places(first: int, second: int, third: int) -> dict[str, object]:
    return {"place-1": first, "place-2": second, "place-3": third, "explanation": "It is so."}


def test_a_researcher_makes_an_item_gold_on_its_page(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, answers=3)
    (ranking,) = label_all(campaign, ada, reversed_order)
    item, browser = campaign.items.get(), sign_in(rosa)
    page, address = (reverse(f"labels:{name}", args=["harbour", item.pk]) for name in ("item", "gold"))
    taken = browser.get(page, {"from": ranking.pk}).content.decode()
    assert re.findall(r'name="place-(\d)" value="(\d)"', taken) == [("1", "3"), ("2", "2"), ("3", "1")]
    assert browser.post(address, places(1, 1, 1)).status_code == 422
    assert browser.post(address, {"place-1": 1}).status_code == 422
    assert not GoldItem.objects.exists()
    assert browser.post(address, places(3, 1, 3)).headers["Location"] == page
    a, b, c = item.response_ids
    assert (GoldItem.objects.get().tiers, GoldItem.objects.get().explanation) == ([[b], [a, c]], "It is so.")
    shown = browser.get(page).content.decode()
    assert re.findall(r'name="place-(\d)" value="(\d)"', shown) == [("1", "2"), ("2", "1"), ("3", "2")]
    browser.post(address, {"remove": "1"})
    assert not GoldItem.objects.exists()


def test_a_reviewer_sees_labels_but_sets_no_gold(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, answers=3)
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    page = sign_in(vera).get(reverse("labels:item", args=["harbour", campaign.items.get().pk]))
    assert page.status_code == 200
    assert "place-1" not in page.content.decode()
    assert not Ranking.objects.exists()
