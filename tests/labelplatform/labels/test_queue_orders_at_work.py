"""A queue that is put in order again and again while people work: nobody is hurt, no label is lost or too many."""

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from labelplatform.accounts.models import User
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, ChosenItem, QueueOrder, Ranking, Slot
from tests.labelplatform.builders import build_membership, build_project, build_user
from tests.labelplatform.labels.building import build_campaign, in_order
from tests.labelplatform.labels.ordering import asked, kept

PEOPLE, ITEMS, ORDERS = 4, 24, 4


def work(campaign: Campaign, person: User) -> int:
    """Claim and submit until nothing is left; how many labels were given."""
    given = 0
    try:
        while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
            assert slot.lease_token is not None
            services.submit_ranking(
                slot=slot,
                lease_token=slot.lease_token,
                submission=uuid.uuid4(),
                tiers=in_order(slot),
                seconds=1.0,
                by=person,
            )
            given += 1
    finally:
        connections.close_all()
    return given


def put_in_order_again_and_again(order: QueueOrder, by: User) -> None:
    """This order, then others at random, as long as two items wait."""
    chance, campaign = random.Random(5), order.campaign
    try:
        for _order in range(ORDERS):
            items = list(campaign.items.all())
            chance.shuffle(items)
            kept(order, items, controls=(2, 5, 9))
            services.put_in_force(order=order)
            order = asked(campaign, by)
    except services.OrderRefused:
        # Fewer than two items wait: the people were quicker.
        return
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_people_at_work_notice_nothing_of_a_new_order() -> None:
    rosa = build_user("rosa")
    project = build_project("harbour", researcher=rosa)
    people = [build_user(f"person-{number}") for number in range(PEOPLE)]
    for person in people:
        build_membership(project, person)
    campaign = build_campaign(project, rosa, prompts=ITEMS, answers=2)
    first = asked(campaign, rosa)
    with ThreadPoolExecutor(PEOPLE + 1) as threads:
        orders = threads.submit(put_in_order_again_and_again, first, rosa)
        given = list(threads.map(lambda person: work(campaign, person), people))
        orders.result()
    first.refresh_from_db()
    assert first.in_force_at is not None
    assert sum(given) == ITEMS
    assert Counter(Ranking.objects.values_list("item", flat=True)) == Counter(
        campaign.items.values_list("pk", flat=True)
    )
    assert set(Slot.objects.filter(campaign=campaign).values_list("state", flat=True)) == {Slot.State.DONE}
    in_force = ChosenItem.objects.filter(in_force=True)
    assert in_force.count() == in_force.values("item").distinct().count()
