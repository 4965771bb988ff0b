"""Qualification: gold first and alone, then everything or nothing; a researcher has the last word."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import services, waiting
from labelplatform.labels.models import Campaign, Qualification, QueuePlace, Slot
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.test_assignment import lapse
from tests.labelplatform.labels.test_gold import gild, gold_of
from tests.labelplatform.labels.test_quality import label_all, reversed_order
from tests.labelplatform.labels.test_queue import claims_in

SignIn = Callable[[User], Client]


def swapped(slot: Slot) -> list[list[int]]:
    a, b, c = in_order(slot)
    return [b, a, c]


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    """Five gold items, all in reserve, among nine of three answers; of gold's pairs, three quarters must be right."""
    campaign = build_campaign(project, rosa, prompts=9, answers=3, overlap=2)
    services.set_quality(campaign=campaign, by=rosa, gold_rate=0, gold_slots=3)
    for item in campaign.items.all()[2:7]:
        gild(item, rosa)
    services.set_quality(campaign=campaign, by=rosa, qualification_items=5, qualification_share=0.75)
    return campaign


def state_of(campaign: Campaign, person: User) -> str | None:
    found = Qualification.objects.filter(campaign=campaign, annotator=person).first()
    return found.state if found else None


def given_to(
    campaign: Campaign, person: User, order: Callable[[Slot], list[list[int]]] = in_order
) -> list[int]:
    return [ranking.item_id for ranking in label_all(campaign, person, order)]


def test_gold_comes_first_and_then_everything(campaign: Campaign, ada: User) -> None:
    gold = gold_of(campaign)
    assert state_of(campaign, ada) is None
    first = [ranking.item_id for ranking in label_all(campaign, ada, most=4)]
    assert state_of(campaign, ada) == "pending"
    rest = given_to(campaign, ada)
    assert set(first) | {rest[0]} == gold
    assert state_of(campaign, ada) == "passed"
    ordinary = [item for item in campaign.items.values_list("pk", flat=True) if item not in gold]
    assert rest[1:] == ordinary


def test_who_does_not_reach_the_share_is_given_nothing_more(
    campaign: Campaign, project: Project, ada: User, ben: User
) -> None:
    assert set(given_to(campaign, ada, reversed_order)) == gold_of(campaign)
    assert state_of(campaign, ada) == "failed"
    assert services.claim(campaign=campaign, annotator=ada) is None
    (mine,) = waiting.queue(project, ada)
    assert (mine.closed, mine.for_me, mine.done_by_me) == (True, 0, 5)
    assert len(given_to(campaign, ben)) == 9


def test_reaching_the_share_is_enough_and_others_do_not_count(
    campaign: Campaign, ada: User, ben: User
) -> None:
    """In three of five items one of three pairs is wrong: 12 of 15 are right."""
    Campaign.objects.filter(pk=campaign.pk).update(qualification_share=0.8)
    campaign.refresh_from_db()
    label_all(campaign, ben, reversed_order)
    label_all(campaign, ada, swapped, most=3)
    label_all(campaign, ada, most=2)
    assert (state_of(campaign, ada), state_of(campaign, ben)) == ("passed", "failed")


def test_just_below_the_share_is_below(campaign: Campaign, ada: User) -> None:
    label_all(campaign, ada, swapped, most=4)
    label_all(campaign, ada)
    assert state_of(campaign, ada) == "failed"


def test_what_is_decided_stays_decided(campaign: Campaign, ada: User, rosa: User) -> None:
    label_all(campaign, ada, most=5)
    services.set_quality(campaign=campaign, by=rosa, gold_rate=0.5)
    gild(campaign.items.all()[0], rosa)
    Qualification.objects.update(state="overridden")
    label_all(campaign, ada, reversed_order)
    assert state_of(campaign, ada) == "overridden"


def test_who_passed_is_not_given_the_reserve(campaign: Campaign, ada: User, rosa: User) -> None:
    services.override_qualification(campaign=campaign, annotator=ada, admitted=True, by=rosa)
    assert not set(given_to(campaign, ada)) & gold_of(campaign)
    assert state_of(campaign, ada) == "overridden"


def test_a_claim_stays_one_statement_and_keeps_no_place_in_the_reserve(campaign: Campaign, ada: User) -> None:
    with CaptureQueriesContext(connection) as statements:
        slot = claimed(campaign, ada)
    assert claims_in(statements) == 1
    assert slot.queue_place < 0
    assert not QueuePlace.objects.exists()


def test_who_passed_begins_at_the_front(campaign: Campaign, ada: User, rosa: User) -> None:
    QueuePlace.objects.create(
        campaign=campaign, annotator=ada, place=campaign.slots.order_by("-queue_place")[1].queue_place
    )
    services.override_qualification(campaign=campaign, annotator=ada, admitted=True, by=rosa)
    assert claimed(campaign, ada).item == campaign.items.all()[0]


def test_what_others_let_lapse_is_no_way_around(campaign: Campaign, ada: User, ben: User, rosa: User) -> None:
    services.override_qualification(campaign=campaign, annotator=ben, admitted=True, by=rosa)
    let_go = claimed(campaign, ben)
    lapse(let_go)
    assert let_go.item_id not in gold_of(campaign)
    assert claimed(campaign, ada).item_id in gold_of(campaign)


def test_one_persons_failure_is_nobody_elses(campaign: Campaign, ada: User, ben: User, rosa: User) -> None:
    services.override_qualification(campaign=campaign, annotator=ada, admitted=False, by=rosa)
    assert services.claim(campaign=campaign, annotator=ada) is None
    assert services.claim(campaign=campaign, annotator=ben) is not None


def test_without_a_qualification_nobody_is_examined(campaign: Campaign, ada: User, rosa: User) -> None:
    services.set_quality(campaign=campaign, by=rosa, qualification_items=0, gold_rate=0.5)
    label_all(campaign, ada, reversed_order)
    assert state_of(campaign, ada) is None


def test_ordinary_labels_examine_nobody(campaign: Campaign, ada: User, rosa: User) -> None:
    services.set_quality(campaign=campaign, by=rosa, qualification_items=0)
    held = claimed(campaign, ada)
    services.set_quality(campaign=campaign, by=rosa, qualification_items=5)
    held.campaign.refresh_from_db()
    submit(held, ada)
    assert state_of(campaign, ada) is None


def test_a_qualification_that_nobody_could_pass_is_refused(campaign: Campaign, rosa: User) -> None:
    for wrong in (4, 6):
        with pytest.raises(ValidationError):
            services.set_quality(campaign=campaign, by=rosa, qualification_items=wrong)


def test_before_the_queue_nobody_learns_how_much_comes_first(
    campaign: Campaign, project: Project, ada: User, ben: User, rosa: User
) -> None:
    assert [one.for_me for one in waiting.queue(project, ada)] == [4]
    campaign.slots.filter(item__in=gold_of(campaign)).update(state=Slot.State.PARKED)
    assert [one.for_me for one in waiting.queue(project, ada)] == [0]
    assert services.claim(campaign=campaign, annotator=ada) is None
    services.override_qualification(campaign=campaign, annotator=ben, admitted=True, by=rosa)
    assert [one.for_me for one in waiting.queue(project, ben)] == [4]


def test_a_researcher_sees_and_decides_on_the_persons_page(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn
) -> None:
    label_all(campaign, ada, reversed_order)
    page, decide = (
        reverse(f"labels:{name}", args=["harbour", campaign.pk, ada.pk])
        for name in ("annotator_quality", "qualify")
    )
    browser = sign_in(rosa)
    everybody = reverse("labels:quality", args=["harbour", campaign.pk])
    for shown in (page, everybody):
        assert "not admitted" in browser.get(shown).content.decode()
    queue = sign_in(ada).get(reverse("labels:queue", args=["harbour"])).content.decode()
    assert "This campaign is not open to you just now" in queue
    assert browser.post(decide, {"admitted": "yes"}).headers["Location"] == page
    assert "admitted by a researcher" in browser.get(page).content.decode()
    assert state_of(campaign, ada) == "overridden"
    browser.post(decide, {"admitted": "no"})
    assert state_of(campaign, ada) == "failed"
    told = AuditEntry.objects.filter(verb="overrode qualification").order_by("pk")
    assert [(one.detail["annotator"], one.detail["admitted"]) for one in told] == [
        ("ada", True),
        ("ada", False),
    ]


def test_the_page_refuses_a_qualification_without_gold_enough(
    campaign: Campaign, rosa: User, sign_in: SignIn
) -> None:
    address = reverse("labels:quality_settings", args=["harbour", campaign.pk])
    sent = {
        "most_labels": 3,
        "gold_rate": 0,
        "gold_slots": 3,
        "repeat_rate": 0,
        "repeat_after": 50,
        "qualification_items": 6,
        "qualification_share": 0.8,
    }
    answer = sign_in(rosa).post(address, sent)
    assert answer.status_code == 422
    assert "This campaign has 5 gold items; nobody could do 6." in answer.content.decode()
