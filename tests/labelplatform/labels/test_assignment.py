"""Who gets which slot: exact overlap, leases that end, nobody twice on an item."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.models import Lease, Slot
from labelplatform.labels.orders import letters, shown_order
from tests.labelplatform.labels.building import build_campaign, claimed, submit


def lapse(slot: Slot) -> None:
    Slot.objects.filter(pk=slot.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_two_people_get_different_items_while_overlap_is_one(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=2)
    first, second = claimed(campaign, ada), claimed(campaign, ben)
    assert first.item != second.item
    assert (first.annotator, second.annotator) == (ada, ben)


def test_an_item_is_given_to_exactly_as_many_people_as_wanted(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    submit(claimed(campaign, ada), ada)
    submit(claimed(campaign, ben), ben)
    assert services.claim(campaign=campaign, annotator=rosa) is None


def test_nobody_gets_an_item_twice(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    submit(claimed(campaign, ada), ada)
    assert services.claim(campaign=campaign, annotator=ada) is None


def test_the_database_refuses_one_person_on_two_slots_of_an_item(
    project: Project, ada: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    slot = claimed(campaign, ada)
    other = Slot.objects.exclude(pk=slot.pk).get()
    other.state, other.annotator = Slot.State.LEASED, ada
    other.lease_token, other.lease_expires_at = uuid.uuid4(), timezone.now()
    with pytest.raises(IntegrityError, match=r"slot_person_once_per_item|UNIQUE"):
        other.save()


def test_claiming_again_gives_the_slot_one_holds(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa)
    slot = claimed(campaign, ada)
    assert claimed(campaign, ada) == slot
    assert Lease.objects.count() == 1


def test_beside_a_slot_one_may_hold_one_more_and_no_third(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=3, overlap=2)
    first = claimed(campaign, ada)
    second = services.claim(campaign=campaign, annotator=ada, beside=first.lease_token)
    third = services.claim(campaign=campaign, annotator=ada, beside=first.lease_token)
    assert second is not None
    assert second.item != first.item
    assert third == second


def test_a_lapsed_lease_goes_to_the_next_person(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    slot = claimed(campaign, ada)
    assert services.claim(campaign=campaign, annotator=ben) is None
    lapse(slot)
    taken = claimed(campaign, ben)
    assert taken == slot
    assert taken.lease_token != slot.lease_token
    assert taken.annotator == ben


def test_a_released_slot_is_open_at_once(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    slot = claimed(campaign, ada)
    assert slot.lease_token is not None
    services.release(token=slot.lease_token, by=ada)
    assert claimed(campaign, ben) == slot


def test_only_the_holder_renews_and_releases(project: Project, ada: User, ben: User, rosa: User) -> None:
    slot = claimed(build_campaign(project, rosa), ada)
    assert slot.lease_token is not None
    with pytest.raises(services.LeaseLost):
        services.renew(token=slot.lease_token, by=ben)
    with pytest.raises(services.LeaseLost):
        services.release(token=slot.lease_token, by=ben)
    slot.refresh_from_db()
    assert slot.state == Slot.State.LEASED


def test_a_sign_of_life_lengthens_the_lease(project: Project, ada: User, rosa: User) -> None:
    slot = claimed(build_campaign(project, rosa), ada)
    lapse(slot)
    assert slot.lease_token is not None
    assert services.renew(token=slot.lease_token, by=ada) > timezone.now() + timedelta(minutes=14)


def test_a_page_being_left_holds_the_slot_for_a_reload_only(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    slot = claimed(build_campaign(project, rosa), ada)
    assert slot.lease_token is not None
    services.linger(token=slot.lease_token, by=ben)
    slot.refresh_from_db()
    assert slot.lease_expires_at is not None
    assert slot.lease_expires_at > timezone.now() + timedelta(minutes=14)
    services.linger(token=slot.lease_token, by=ada)
    slot.refresh_from_db()
    assert timezone.now() < slot.lease_expires_at < timezone.now() + timedelta(seconds=61)


def test_leaving_never_lengthens_a_lease(project: Project, ada: User, rosa: User) -> None:
    slot = claimed(build_campaign(project, rosa), ada)
    lapse(slot)
    assert slot.lease_token is not None
    services.linger(token=slot.lease_token, by=ada)
    slot.refresh_from_db()
    assert slot.lease_expires_at is not None
    assert slot.lease_expires_at < timezone.now()


def test_begun_work_is_offered_before_new_work(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=3)
    first = claimed(campaign, ada)
    second = services.claim(campaign=campaign, annotator=ada, beside=first.lease_token)
    assert second is not None
    services.save_draft(slot=second, annotator=ada, state={"places": {"A": 1}})
    for slot in (first, second):
        assert slot.lease_token is not None
        services.release(token=slot.lease_token, by=ada)
    assert claimed(campaign, ada) == second


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_campaign_that_is_not_open_hands_out_nothing(
    project: Project, ada: User, rosa: User, state: str
) -> None:
    campaign = build_campaign(project, rosa)
    services.set_state(campaign=campaign, state=state, by=rosa)
    assert services.claim(campaign=campaign, annotator=ada) is None


def test_a_claim_takes_the_same_few_statements_for_few_and_for_many_items(
    project: Project, ada: User, rosa: User
) -> None:
    counted = []
    for prompts in (2, 60):
        campaign = build_campaign(project, rosa, prompts=prompts, answers=2, name=f"of {prompts}")
        with CaptureQueriesContext(connection) as statements:
            claimed(campaign, ada)
        counted.append(sum("SAVEPOINT" not in statement["sql"] for statement in statements))
    # The claim, the lease, the place in the queue; in PostgreSQL all in one, after the lock of the person's row.
    assert counted == ([2, 2] if connection.features.has_select_for_update else [3, 3])


def test_orders_are_seeded_and_turned_so_that_each_answer_stands_once_in_each_place() -> None:
    orders = [shown_order(count=5, seed="campaign/item", ordinal=ordinal) for ordinal in range(1, 6)]
    assert orders == [shown_order(count=5, seed="campaign/item", ordinal=ordinal) for ordinal in range(1, 6)]
    assert [sorted(column) for column in zip(*orders, strict=True)] == [[0, 1, 2, 3, 4]] * 5
    several = {tuple(shown_order(count=5, seed=f"campaign/{item}", ordinal=1)) for item in range(50)}
    assert len(several) > 20
    assert letters(3) == ["A", "B", "C"]


def test_the_slot_keeps_its_order_and_the_ranking_logs_it(project: Project, ada: User, rosa: User) -> None:
    slot = claimed(build_campaign(project, rosa, answers=6), ada)
    stored = list(slot.item.placed_responses.values_list("response", flat=True))
    assert sorted(slot.shown_order) == list(range(6))
    assert submit(slot, ada).shown_order == [stored[place] for place in slot.shown_order]
