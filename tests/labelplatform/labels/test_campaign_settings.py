"""A campaign's settings: at set-up, while it runs, and those that hold from the first label on; overlap that grows."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, QueuePlace, Slot
from tests.labelplatform.labels.building import build_campaign, build_prompt_set, claimed, submit
from tests.labelplatform.labels.test_views import wish

SignIn = Callable[[User], Client]
DEADLINE = datetime(2031, 5, 6, 7, 8, tzinfo=UTC)


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=3)


def told(**changes: Any) -> dict[str, Any]:
    return {"name": "ranking", "overlap": 1, "skip_limit": 3, **changes}


def address(campaign: Campaign) -> str:
    return reverse("labels:edit_campaign", args=["harbour", campaign.pk])


def test_all_settings_are_saved_and_shown_again(campaign: Campaign, rosa: User, sign_in: SignIn) -> None:
    browser = sign_in(rosa)
    form = told(
        name="Law",
        overlap=2,
        skip_limit=5,
        priority=7,
        deadline="2031-05-06T07:08",
        close_at_deadline="on",
        required_languages=["zh", "en"],
        required_domains="Tax law, medicine",
        route_languages="on",
        route_domains="on",
        rate_first="on",
        presort="on",
        allow_unranked="on",
    )
    assert browser.post(address(campaign), form).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.overlap, campaign.skip_limit, campaign.priority) == ("Law", 2, 5, 7)
    assert (campaign.deadline, campaign.close_at_deadline) == (DEADLINE, True)
    assert campaign.required_languages == ["en", "zh"]
    assert campaign.required_domains == ["medicine", "tax law"]
    assert campaign.route_languages
    assert campaign.route_domains
    assert campaign.rate_first
    assert campaign.presort
    assert campaign.allow_unranked
    assert campaign.slots.count() == 6
    entry = AuditEntry.objects.get(verb="changed campaign settings")
    assert entry.detail["changed"]["deadline"] == [None, "2031-05-06T07:08:00+00:00"]
    assert entry.detail["changed"]["name"] == ["ranking", "Law"]
    page = browser.get(address(campaign)).content.decode()
    assert 'value="2031-05-06T07:08"' in page
    assert 'value="medicine, tax law"' in page
    assert page.count(" checked") == 8
    facts = browser.get(reverse("labels:campaign", args=["harbour", campaign.pk])).content.decode()
    assert "English, 中文" in facts
    assert "medicine, tax law" in facts
    assert "closes then" in facts


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": ""}, "required"),
        ({"name": "other"}, "name already"),
        ({"skip_limit": 0}, "greater than or equal to 1"),
        ({"overlap": 51}, "less than or equal to 50"),
        ({"close_at_deadline": "on"}, "needs one"),
        ({"deadline": "soon"}, "valid date"),
        ({"priority": 101}, "less than or equal to 100"),
        ({"required_languages": ["tlh"]}, "tlh"),
    ],
)
def test_what_cannot_be_is_refused_whole(
    campaign: Campaign, rosa: User, sign_in: SignIn, changes: dict[str, Any], why: str
) -> None:
    build_campaign(campaign.project, rosa, name="other")
    answer = sign_in(rosa).post(address(campaign), told(**{"priority": 9, **changes}))
    assert answer.status_code == 422
    assert why in answer.content.decode()
    campaign.refresh_from_db()
    assert (campaign.name, campaign.priority, campaign.slots.count()) == ("ranking", 0, 3)
    assert not AuditEntry.objects.filter(verb="changed campaign settings").exists()


def test_fewer_labels_per_item_are_refused(campaign: Campaign, rosa: User, sign_in: SignIn) -> None:
    services.grow_overlap(campaign=campaign, overlap=3, by=rosa)
    answer = sign_in(rosa).post(address(campaign), told(overlap=2))
    assert answer.status_code == 422
    campaign.refresh_from_db()
    assert campaign.overlap == 3
    for overlap in (2, 51):
        with pytest.raises(services.CampaignRefused, match="only grow"):
            services.grow_overlap(campaign=campaign, overlap=overlap, by=rosa)


@pytest.mark.parametrize("name", ["rate_first", "allow_unranked"])
def test_how_a_label_is_given_stays_from_the_first_label_on(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn, name: str
) -> None:
    services.set_settings(campaign=campaign, settings={name: True}, by=rosa)
    services.set_settings(campaign=campaign, settings={name: False}, by=rosa)
    submit(claimed(campaign, ada), ada)
    with pytest.raises(ValidationError, match="labels already"):
        services.set_settings(campaign=campaign, settings={name: True}, by=rosa)
    campaign.refresh_from_db()
    answer = sign_in(rosa).post(address(campaign), told(**{name: "on", "priority": 2}))
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert (getattr(campaign, name), campaign.priority) == (False, 2)
    assert " disabled" in sign_in(rosa).get(address(campaign)).content.decode()


def test_a_proposal_needs_ratings(campaign: Campaign, rosa: User) -> None:
    services.set_settings(campaign=campaign, settings={"presort": True}, by=rosa)
    assert not campaign.presort


def test_unknown_settings_are_refused_and_unchanged_ones_not_noted(campaign: Campaign, rosa: User) -> None:
    with pytest.raises(ValidationError, match="found 'state'"):
        services.set_settings(campaign=campaign, settings={"state": "closed"}, by=rosa)
    assert services.set_settings(campaign=campaign, settings={"priority": 0}, by=rosa) == []
    assert not AuditEntry.objects.filter(verb="changed campaign settings").exists()


def test_the_database_knows_that_closing_needs_a_deadline(campaign: Campaign) -> None:
    with pytest.raises(IntegrityError):
        Campaign.objects.filter(pk=campaign.pk).update(close_at_deadline=True)


def test_set_up_takes_them_too_and_may_leave_the_campaign_paused(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    prompt_set = build_prompt_set(project, rosa)
    page = reverse("labels:add_campaign", args=["harbour"])
    steered = {"priority": 3, "deadline": "2031-05-06T07:08", "required_domains": "law", "open_at_once": "on"}
    assert sign_in(rosa).post(page, wish(prompt_set.pk, **steered)).status_code == 302
    opened = Campaign.objects.get()
    assert (opened.state, opened.priority, opened.deadline) == ("open", 3, DEADLINE)
    assert opened.required_domains == ["law"]
    sign_in(rosa).post(page, wish(prompt_set.pk, name="Later"))
    assert Campaign.objects.get(name="Later").state == "paused"
    refused = sign_in(rosa).post(page, wish(prompt_set.pk, name="Never", close_at_deadline="on"))
    assert refused.status_code == 422
    assert not Campaign.objects.filter(name="Never").exists()
    assert 'name="open_at_once"' in sign_in(rosa).get(page).content.decode()


def test_more_labels_are_asked_of_everybody_however_far_they_are(
    campaign: Campaign, ada: User, ben: User, rosa: User
) -> None:
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        submit(slot, ada)
    QueuePlace.objects.create(campaign=campaign, annotator=ben, place=2**40)
    items = list(campaign.items.order_by("pk"))
    assert services.grow_overlap(campaign=campaign, overlap=2, by=rosa) == 3
    first = min(campaign.slots.filter(ordinal=2).values_list("queue_place", flat=True))
    assert set(campaign.queue_places.values_list("place", flat=True)) == {first - 1}
    assert services.claim(campaign=campaign, annotator=ada) is None
    given = []
    while (slot := services.claim(campaign=campaign, annotator=ben)) is not None:
        given.append(slot.item)
        submit(slot, ben)
    assert given == items
    ordinals = campaign.slots.order_by("item", "ordinal").values_list("ordinal", flat=True)
    assert list(ordinals) == [1, 2] * 3
    orders = {slot.item_id: [] for slot in campaign.slots.all()}  # type: dict[int, list[list[int]]]
    for slot in campaign.slots.order_by("ordinal"):
        orders[slot.item_id].append(slot.shown_order)
    assert all(second == first[1:] + first[:1] for first, second in orders.values())


def test_where_disagreement_asked_for_more_only_the_rest_is_added(campaign: Campaign, rosa: User) -> None:
    item = campaign.items.order_by("pk")[0]
    first = item.slots.get()
    place = first.queue_place + 1
    Slot.objects.create(item=item, campaign=campaign, ordinal=2, queue_place=place, shown_order=[0, 1, 2, 3])
    assert services.grow_overlap(campaign=campaign, overlap=3, by=rosa) == 5
    assert list(item.slots.order_by("ordinal").values_list("queue_place", flat=True)) == [
        first.queue_place,
        place,
        place + 1,
    ]
    assert services.grow_overlap(campaign=campaign, overlap=3, by=rosa) == 0


def test_slots_of_what_is_set_aside_are_too_and_those_of_gold_stay_in_reserve(
    campaign: Campaign, rosa: User
) -> None:
    aside, gold, plain = campaign.items.order_by("pk")
    aside.slots.update(state=Slot.State.PARKED)
    services.set_quality(campaign=campaign, by=rosa, gold_slots=1)
    ids = gold.response_ids
    services.set_gold(item=gold, tiers=[ids[:1], ids[1:]], explanation="", by=rosa)
    services.grow_overlap(campaign=campaign, overlap=2, by=rosa)
    assert set(aside.slots.values_list("state", flat=True)) == {"parked"}
    assert gold.slots.get(ordinal=2).queue_place == -2
    assert plain.slots.get(ordinal=2).state == "open"


def test_imported_campaigns_hand_out_nothing(project: Project, rosa: User, sign_in: SignIn) -> None:
    imported = services.create_campaign(project=project, name="in", by=rosa, overlap=0, source="import")
    with pytest.raises(services.CampaignRefused, match="by import"):
        services.grow_overlap(campaign=imported, overlap=1, by=rosa)
    assert 'name="overlap"' not in sign_in(rosa).get(address(imported)).content.decode()
    saved = sign_in(rosa).post(address(imported), {"name": "in", "skip_limit": 3, "allow_unranked": "on"})
    assert saved.status_code == 302


def test_growing_takes_the_same_statements_for_few_and_for_many_items(project: Project, rosa: User) -> None:
    counted = []
    for size in (3, 90):
        campaign = build_campaign(project, rosa, prompts=size, name=f"of {size}")
        with CaptureQueriesContext(connection) as statements:
            assert services.grow_overlap(campaign=campaign, overlap=2, by=rosa) == size
        counted.append(len(statements))
    assert counted[0] == counted[1]
