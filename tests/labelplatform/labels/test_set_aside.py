"""What was set aside: looked at, put back one by one or all at once; and who skips how often."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, Role, User
from labelplatform.labels import services, skips
from labelplatform.labels.models import Campaign, PastSkip, QueuePlace, Skip, Slot
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, submit

SignIn = Callable[[User], Client]


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    made = build_campaign(project, rosa, prompts=4)
    made.skip_limit = 1
    made.save()
    return made


def skip(campaign: Campaign, by: User, reason: str = "expertise", note: str = "") -> Slot:
    slot = claimed(campaign, by)
    assert slot.lease_token is not None
    services.skip(token=slot.lease_token, by=by, reason=reason, note=note)
    return slot


def page_of(campaign: Campaign, browser: Client, query: str = "") -> str:
    return browser.get(reverse("labels:set_aside", args=["harbour", campaign.pk]) + query).content.decode()


def test_the_page_says_who_could_not_judge_it_and_why(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn
) -> None:
    slot = skip(campaign, ada, "language", "half of it is <Basque>")
    page = page_of(campaign, sign_in(rosa))
    assert slot.item.prompt.last_message in page
    assert "I do not read this language well enough" in page
    assert "half of it is &lt;Basque&gt;" in page
    assert "ada" in page
    assert reverse("labels:put_back", args=["harbour", slot.item_id]) in page


def test_reviewers_put_back_too(campaign: Campaign, project: Project, ada: User, sign_in: SignIn) -> None:
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    slot = skip(campaign, ada)
    sign_in(vera).post(reverse("labels:put_back", args=["harbour", slot.item_id]))
    assert not skips.set_aside(campaign).exists()
    assert claimed(campaign, ada) == slot
    past = PastSkip.objects.get()
    assert (past.item, past.annotator, past.reason) == (slot.item, ada, "expertise")
    assert AuditEntry.objects.filter(verb="put item back", by=vera).exists()


def test_all_are_put_back_at_once_for_everybody_however_far_they_are(
    campaign: Campaign, ada: User, ben: User, rosa: User, sign_in: SignIn
) -> None:
    aside = [skip(campaign, ada), skip(campaign, ada, "broken")]
    other = build_campaign(campaign.project, rosa, name="other")
    other.skip_limit = 1
    other.save()
    elsewhere = skip(other, ada)
    while (slot := services.claim(campaign=campaign, annotator=ben)) is not None:
        submit(slot, ben)
    assert QueuePlace.objects.filter(annotator=ben, campaign=campaign).exists()
    answer = sign_in(rosa).post(reverse("labels:put_all_back", args=["harbour", campaign.pk]), follow=True)
    assert "2 items are put back" in answer.content.decode()
    assert list(skips.set_aside(other)) == [elsewhere.item]
    assert Skip.objects.filter(item=elsewhere.item).count() == 1
    assert sorted(past.reason for past in PastSkip.objects.all()) == ["broken", "expertise"]
    place = QueuePlace.objects.get(annotator=ben, campaign=campaign).place
    assert place < min(slot.queue_place for slot in aside)
    assert {claimed(campaign, ben), claimed(campaign, ada)} == set(aside)
    assert services.put_all_back(campaign=campaign, by=rosa) == 0
    assert AuditEntry.objects.filter(verb="put all items back").count() == 1


def test_the_list_is_paged_in_a_fixed_number_of_statements(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labelplatform.labels.steering.ITEMS_A_PAGE", 2)
    slots = [skip(campaign, ada, note=f"note {number}") for number in range(3)]
    browser = sign_in(rosa)
    first, second = page_of(campaign, browser), page_of(campaign, browser, "?page=2")
    assert "note 0" in first
    assert "note 2" not in first
    assert "note 2" in second
    assert 'rel="next"' in first
    with CaptureQueriesContext(connection) as many:
        page_of(campaign, browser)
    services.put_back(item=slots[0].item, by=rosa)
    services.put_back(item=slots[1].item, by=rosa)
    with CaptureQueriesContext(connection) as few:
        page_of(campaign, browser)
    assert len(many) == len(few)


def test_skips_are_counted_by_reason_and_person_put_back_ones_too(
    campaign: Campaign, ada: User, ben: User, rosa: User
) -> None:
    slot = skip(campaign, ada, "language")
    services.put_back(item=slot.item, by=rosa)
    skip(campaign, ada, "language")
    skip(campaign, ada, "broken")
    submit(claimed(campaign, ben), ben)
    found = skips.statistics(campaign)
    assert (found.total, [(one.title, one.times) for one in found.reasons]) == (
        3,
        [("I do not read this language well enough", 2), ("The text is damaged or unreadable", 1)],
    )
    (one,) = found.people
    assert (one.user, one.share.times, one.share.chances, one.share.others) == (ada, 3, 3, 0.0)
    assert one.mostly == "I do not read this language well enough"
    assert not one.share.flagged


def test_whoever_skips_far_more_than_others_is_flagged_and_stands_first(
    project: Project, ada: User, ben: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=24, overlap=2)
    for _item in range(12):
        skip(campaign, ada)
        submit(claimed(campaign, ben), ben)
    skip(campaign, ben)
    found = skips.statistics(campaign)
    assert [(one.user, one.share.flagged) for one in found.people] == [(ada, True), (ben, False)]
    page = page_of(campaign, sign_in(rosa))
    assert page.count("skips far more than others") == 1
