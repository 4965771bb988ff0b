"""One more label where people disagree: exactly one, found by everybody, never beyond the most, also all at once."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.urls import reverse

from evaluator.statistics.agreement import item_agreement
from evaluator.statistics.ranking_labels import RankingLabel
from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import quality, services
from labelplatform.labels.models import Campaign, QueuePlace, Ranking, Slot
from labelplatform.labels.orders import shown_order
from tests.labelplatform.builders import build_membership, build_project, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.test_assignment import lapse
from tests.labelplatform.labels.test_quality import label_all, reversed_order

FORM = {
    "repeat_rate": "0",
    "repeat_after": "50",
    "third_opinion_below": "",
    "most_labels": "5",
    "gold_rate": "0.1",
    "gold_slots": "3",
    "qualification_items": "0",
    "qualification_share": "0.75",
}
SignIn = Callable[[User], Client]


@pytest.fixture
def zoe(project: Project) -> User:
    zoe = build_user("zoe")
    build_membership(project, zoe)
    return zoe


def build_asking(project: Project, rosa: User, below: float | None, **size: Any) -> Campaign:
    campaign = build_campaign(project, rosa, **{"prompts": 1, "answers": 3, "overlap": 2, **size})
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=below, most_labels=4)
    return campaign


def states(campaign: Campaign) -> list[str]:
    return list(campaign.slots.order_by("ordinal").values_list("state", flat=True))


def swapped(slot: Slot) -> list[list[int]]:
    """The first two exchanged: of three pairs, two are as in `in_order`."""
    a, b, c = in_order(slot)
    return [b, a, c]


@pytest.mark.parametrize(
    ("below", "order", "more"),
    [
        (0.5, reversed_order, True),
        (0.5, swapped, False),
        (0.7, swapped, True),
        (2 / 3, swapped, False),
        (1.0, in_order, False),
        (0.0, reversed_order, False),
        (None, reversed_order, False),
    ],
)
def test_one_more_is_asked_where_agreement_is_below(
    project: Project,
    ada: User,
    ben: User,
    rosa: User,
    below: float | None,
    order: Callable[[Slot], list[list[int]]],
    more: bool,
) -> None:
    campaign = build_asking(project, rosa, below)
    label_all(campaign, ada)
    assert states(campaign) == ["done", "open"]
    label_all(campaign, ben, order)
    assert states(campaign) == ["done", "done", *(["open"] if more else [])]


def test_the_slot_more_has_its_own_order_and_place(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_asking(project, rosa, 1.0)
    label_all(campaign, ada)
    label_all(campaign, ben, reversed_order)
    first, second, third = campaign.slots.order_by("ordinal")
    seed = f"{campaign.seed}/{third.item.key}"
    assert (third.ordinal, third.queue_place) == (3, second.queue_place + 1)
    assert third.shown_order == shown_order(count=3, seed=seed, ordinal=3)
    assert len({tuple(one.shown_order) for one in (first, second, third)}) == 3


def test_it_goes_on_up_to_the_most(project: Project, ada: User, ben: User, rosa: User, zoe: User) -> None:
    campaign = build_asking(project, rosa, 1.0)
    for person in (ada, ben, zoe, rosa):
        assert services.claim(campaign=campaign, annotator=person)
        label_all(campaign, person, reversed_order if person in {ben, rosa} else in_order)
    assert states(campaign) == ["done"] * 4


def test_late_work_asks_nobody(project: Project, ada: User, ben: User, rosa: User, zoe: User) -> None:
    campaign = build_asking(project, rosa, None)
    late = claimed(campaign, ada)
    lapse(late)
    label_all(campaign, ben)
    label_all(campaign, zoe, reversed_order)
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=1.0)
    late.campaign.refresh_from_db()
    assert submit(late, ada).surplus
    assert states(campaign) == ["done", "done"]


def test_a_single_label_has_nobody_to_disagree_with(project: Project, ada: User, rosa: User) -> None:
    campaign = build_asking(project, rosa, 1.0, overlap=1)
    label_all(campaign, ada)
    assert states(campaign) == ["done"]


def test_where_nothing_can_be_compared_nobody_more_is_asked(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_asking(project, rosa, 1.0)
    label_all(campaign, ada)
    submit(claimed(campaign, ben), ben, [], unacceptable=True)
    assert states(campaign) == ["done", "done"]


def test_what_is_set_aside_is_not_asked_again(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_asking(project, rosa, 1.0, overlap=3)
    campaign.slots.filter(ordinal=3).update(state=Slot.State.PARKED)
    label_all(campaign, ada)
    label_all(campaign, ben, reversed_order)
    assert states(campaign) == ["done", "done", "parked"]


def test_who_has_gone_further_in_the_queue_finds_it(
    project: Project, ada: User, ben: User, rosa: User, zoe: User
) -> None:
    campaign = build_asking(project, rosa, 1.0, prompts=4, overlap=2)
    first = campaign.items.all()[0]
    slot = claimed(campaign, zoe)
    services.skip(token=slot.lease_token, by=zoe, reason="expertise")  # type: ignore[arg-type]
    label_all(campaign, ada)
    yan = build_user("yan")
    place_of_it = campaign.slots.filter(item=first).order_by("-ordinal")[0].queue_place + 1
    QueuePlace.objects.create(campaign=campaign, annotator=yan, place=place_of_it)
    before = QueuePlace.objects.get(annotator=ada).place
    label_all(campaign, ben, reversed_order, most=1)
    added = campaign.slots.get(item=first, ordinal=3)
    assert QueuePlace.objects.get(annotator=yan).place == added.queue_place - 1
    assert before > QueuePlace.objects.get(annotator=ada).place == added.queue_place - 1
    assert claimed(campaign, yan) == added


def test_who_has_not_come_so_far_stays_where_they_are(
    project: Project, ada: User, ben: User, rosa: User, zoe: User
) -> None:
    campaign = build_asking(project, rosa, 1.0, prompts=3, overlap=2)
    QueuePlace.objects.create(campaign=campaign, annotator=zoe, place=5)
    other = build_asking(project, rosa, 1.0, name="other")
    QueuePlace.objects.create(campaign=other, annotator=zoe, place=10**9)
    label_all(campaign, ada)
    label_all(campaign, ben, reversed_order)
    assert list(QueuePlace.objects.filter(annotator=zoe).values_list("place", flat=True)) == [5, 10**9]


def test_no_setting_that_is_none_is_stored(project: Project, rosa: User) -> None:
    campaign = build_asking(project, rosa, 0.5)
    for wrong in (
        {"third_opinion_below": 1.5},
        {"third_opinion_below": -0.1},
        {"most_labels": 51},
        {"seed": 1},
    ):
        with pytest.raises(ValidationError):
            services.set_quality(campaign=Campaign.objects.get(pk=campaign.pk), by=rosa, **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(third_opinion_below=1.5)
    assert Campaign.objects.get(pk=campaign.pk).third_opinion_below == 0.5
    assert AuditEntry.objects.filter(verb="set campaign quality").count() == 1


def test_a_researcher_sets_it_on_a_page(project: Project, rosa: User, sign_in: SignIn) -> None:
    campaign = build_campaign(project, rosa)
    address = reverse("labels:quality_settings", args=["harbour", campaign.pk])
    page = sign_in(rosa).get(address).content.decode()
    assert 'name="most_labels" value="3"' in page
    answer = sign_in(rosa).post(address, {**FORM, "third_opinion_below": "0.6"})
    assert answer.headers["Location"] == reverse("labels:quality", args=["harbour", campaign.pk])
    campaign.refresh_from_db()
    assert (campaign.third_opinion_below, campaign.most_labels) == (0.6, 5)
    assert sign_in(rosa).post(address, {**FORM, "third_opinion_below": "2"}).status_code == 422
    sign_in(rosa).post(address, FORM)
    campaign.refresh_from_db()
    assert campaign.third_opinion_below is None


def work(campaign: Campaign, person: User, seed: int) -> None:
    chance = random.Random(seed)
    try:
        while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
            tiers = in_order(slot)
            chance.shuffle(tiers)
            submit(slot, person, tiers)
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_it_is_exact_when_everybody_submits_at_once() -> None:
    """Eight people, twelve items: each item ends with as many labels as its disagreement asked for, not one more."""
    rosa = build_user("rosa")
    project = build_project("harbour", researcher=rosa)
    campaign = build_asking(project, rosa, 0.7, prompts=12)
    people = [build_user(f"person{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: work(campaign, *one), [(p, n) for n, p in enumerate(people)]))
    for person in people:
        # Somebody may have found nothing left while the last labels were still being given.
        work(campaign, person, seed=8)
    assert set(campaign.slots.values_list("state", flat=True)) == {Slot.State.DONE}
    assert not Ranking.objects.filter(surplus=True).exists()
    counts = set()
    for item in campaign.items.all():
        labels = quality.labels_of(campaign.items.filter(pk=item.pk))
        counts.add(len(labels))
        for wanted in range(2, len(labels) + 1):
            agreed = agreement_of_first(labels, wanted)
            assert (agreed < 0.7 and wanted < 4) == (wanted < len(labels)), (item, wanted, agreed)
    assert 4 in counts
    assert counts <= {2, 3, 4}


def agreement_of_first(labels: list[RankingLabel], count: int) -> float:
    agreed = item_agreement(sorted(labels, key=lambda label: int(label.id))[:count])[0].pairwise
    assert agreed is not None
    return agreed
