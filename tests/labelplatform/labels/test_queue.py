"""The order in which slots are handed out, places in the queue, and items that people cannot judge."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import services, skips, waiting
from labelplatform.labels.models import Campaign, Lease, QueuePlace, Skip, Slot
from labelplatform.labels.services.assignment import GIVEN_BACK
from tests.labelplatform.labels.building import build_campaign, build_prompt_set, claimed, submit
from tests.labelplatform.labels.test_assignment import lapse


def token_of(slot: Slot) -> uuid.UUID:
    assert slot.lease_token is not None
    return slot.lease_token


def skip(slot: Slot, by: User, reason: str = "expertise", note: str = "") -> Skip:
    return services.skip(token=token_of(slot), by=by, reason=reason, note=note)


def work_through(campaign: Campaign, annotator: User) -> list[int]:
    """Claim and submit until nothing is left; the items in the order they came."""
    items = []
    while (slot := services.claim(campaign=campaign, annotator=annotator)) is not None:
        submit(slot, annotator)
        items.append(slot.item_id)
    return items


def claims_in(statements: CaptureQueriesContext) -> int:
    return sum("UPDATE labels_slot" in one["sql"] for one in statements)


def test_what_one_holds_comes_before_what_one_let_lapse(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=3)
    first = claimed(campaign, ada)
    second = services.claim(campaign=campaign, annotator=ada, beside=first.lease_token)
    assert second is not None
    lapse(first)
    assert claimed(campaign, ada) == second


def test_slots_go_out_in_the_order_of_the_queue(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=4)
    items = list(campaign.items.values_list("pk", flat=True))
    for place, item in enumerate(reversed(items)):
        campaign.slots.filter(item=item).update(queue_place=place)
    assert work_through(campaign, ada) == items[::-1]


def test_what_somebody_let_lapse_comes_before_what_nobody_had(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=3)
    first = claimed(campaign, ada)
    submit(claimed(campaign, ben), ben)
    lapse(first)
    assert claimed(campaign, ben) == first


def test_what_was_given_back_goes_out_first_and_no_sign_of_life_revives_it(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=3)
    lapsed, released = claimed(campaign, rosa), claimed(campaign, ada)
    lapse(lapsed)
    services.release(token=token_of(released), by=ada)
    with pytest.raises(services.LeaseLost):
        services.renew(token=token_of(released), by=ada)
    released.refresh_from_db()
    assert released.lease_expires_at == GIVEN_BACK
    assert claimed(campaign, ben) == released


def test_coming_back_to_a_lapsed_slot_is_the_same_promise(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa)
    first = claimed(campaign, ada)
    lapse(first)
    again = claimed(campaign, ada)
    assert (again, again.lease_token, again.promised) == (first, first.lease_token, 1)
    assert again.lease_expires_at is not None
    assert again.lease_expires_at > timezone.now()
    assert Lease.objects.count() == 1


def test_the_place_in_the_queue_is_kept_and_moves_with_new_slots_only(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=3, overlap=2)
    first = claimed(campaign, ada)
    place = QueuePlace.objects.get(campaign=campaign, annotator=ada)
    assert place.place == first.queue_place
    submit(first, ada)
    theirs = claimed(campaign, ben)
    submit(theirs, ben)
    far = claimed(campaign, ben)
    lapse(far)
    assert claimed(campaign, ada) == far
    place.refresh_from_db()
    assert place.place == first.queue_place


def test_open_slots_before_ones_place_are_found_when_nothing_is_left_beyond(
    project: Project, ada: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=3)
    QueuePlace.objects.create(campaign=campaign, annotator=ada, place=2**40)
    with CaptureQueriesContext(connection) as statements:
        submit(claimed(campaign, ada), ada)
    assert claims_in(statements) == 2
    assert len(work_through(campaign, ada)) == 2


def test_a_claim_does_not_walk_over_what_the_person_has_done(project: Project, ada: User, rosa: User) -> None:
    """Ada is far ahead of everybody: two slots of each of her items are open still, all before her place."""
    campaign = build_campaign(project, rosa, prompts=6, overlap=3)
    for _item in range(4):
        submit(claimed(campaign, ada), ada)
    with CaptureQueriesContext(connection) as statements:
        slot = claimed(campaign, ada)
    assert slot.item_id == sorted(campaign.items.values_list("pk", flat=True))[4]
    assert claims_in(statements) == 1
    place = QueuePlace.objects.get(annotator=ada).place
    assert campaign.slots.filter(state=Slot.State.OPEN, queue_place__lte=place).count() >= 8


def test_new_items_are_found_by_those_whose_place_lies_beyond_them(
    project: Project, ada: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    QueuePlace.objects.create(campaign=campaign, annotator=ada, place=2**40)
    behind = QueuePlace.objects.create(campaign=campaign, annotator=rosa, place=1)
    prompts = build_prompt_set(project, rosa, prompts=2, name="more").prompts.all()
    services.add_items(campaign=campaign, prompts=prompts, by=rosa)
    assert list(QueuePlace.objects.filter(campaign=campaign)) == [behind]


def test_a_skipped_item_goes_to_others_and_never_back_to_who_skipped_it(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    slot = claimed(campaign, ada)
    skipped = skip(slot, ada, note="  law of Peru  ")
    assert (skipped.item, skipped.annotator, skipped.reason) == (slot.item, ada, "expertise")
    assert skipped.note == "law of Peru"
    assert services.claim(campaign=campaign, annotator=ada) is None
    assert [one.for_me for one in waiting.queue(project, ada)] == [0]
    taken = claimed(campaign, ben)
    assert taken == slot
    lapse(taken)
    assert services.claim(campaign=campaign, annotator=ada) is None
    assert AuditEntry.objects.filter(verb="skipped item", by=ada).count() == 1


def test_skipping_needs_a_known_reason_and_a_lease_of_ones_own(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    slot = claimed(build_campaign(project, rosa), ada)
    with pytest.raises(services.SkipRefused):
        skip(slot, ada, reason="lunch")
    with pytest.raises(services.LeaseLost):
        skip(slot, ben)
    assert not Skip.objects.exists()
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == (Slot.State.LEASED, ada)


def test_skipping_twice_is_one_skip(project: Project, ada: User, rosa: User) -> None:
    slot = claimed(build_campaign(project, rosa), ada)
    assert skip(slot, ada) == skip(slot, ada, reason="language")
    assert Skip.objects.get().reason == "expertise"


def test_an_item_that_enough_people_skipped_is_set_aside_with_their_reasons(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=3)
    Campaign.objects.filter(pk=campaign.pk).update(skip_limit=2)
    working = claimed(campaign, rosa)
    skip(claimed(campaign, ada), ada)
    assert list(skips.set_aside(campaign)) == []
    skip(claimed(campaign, ben), ben, reason="broken")
    assert sorted(campaign.slots.values_list("state", flat=True)) == ["leased", "parked", "parked"]
    (aside,) = skips.set_aside(campaign)
    assert [(one.annotator, one.reason) for one in aside.skips.all()] == [(ada, "expertise"), (ben, "broken")]
    assert not submit(working, rosa).surplus


def test_what_is_put_back_is_asked_of_everybody_again(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=2)
    Campaign.objects.filter(pk=campaign.pk).update(skip_limit=1)
    slot = claimed(campaign, ada)
    skip(slot, ada)
    other = claimed(campaign, ben)
    assert other.item != slot.item
    assert services.put_back(item=slot.item, by=rosa) == 1
    assert claimed(campaign, ada) == slot
    assert list(skips.set_aside(campaign)) == []
