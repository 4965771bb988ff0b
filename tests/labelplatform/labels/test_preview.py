"""A campaign as an annotator would see it: the real page, judged by the same rules, and nothing is stored."""

import html
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, Role, User
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, Item
from labelplatform.labels.preview_words import stored_words
from labelplatform.labels.rules import Judgement
from labelplatform.labels.shown import responses_by_letter
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed
from tests.labelplatform.labels.test_annotating import body

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    made = build_campaign(project, rosa, prompts=3)
    services.set_state(campaign=made, state="paused", by=rosa)
    return made


@pytest.fixture
def item(campaign: Campaign) -> Item:
    return campaign.items.order_by("pk")[0]


def address(item: Item) -> str:
    return reverse("labels:preview", args=["harbour", item.pk])


def rows() -> dict[str, list[dict[str, Any]]]:
    """Everything that labelling keeps."""
    models = [*apps.get_app_config("labels").get_models(), apps.get_model("accounts", "AuditEntry")]
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def test_the_preview_is_the_page_that_an_annotator_gets(
    campaign: Campaign, item: Item, ada: User, rosa: User, sign_in: SignIn
) -> None:
    page = sign_in(rosa).get(address(item)).content.decode()
    assert "Preview: nothing is stored" in page
    assert "data-preview" in page
    assert 'data-seconds-left="900"' in page
    assert 'form="release"' not in page
    services.set_state(campaign=campaign, state="open", by=rosa)
    slot = claimed(campaign, ada)
    assert slot.item == item
    theirs = sign_in(ada).get(reverse("labels:rank", args=["harbour", slot.lease_token])).content.decode()
    assert "Preview" not in re.sub(r'data-[a-z-]+="[^"]*"', "", theirs)
    answers = r"data-text>(.*?)</div>"
    assert re.findall(answers, page, re.DOTALL) == re.findall(answers, theirs, re.DOTALL)
    assert len(re.findall(answers, page, re.DOTALL)) == 4


def test_next_example_walks_all_items_and_begins_again(
    campaign: Campaign, rosa: User, sign_in: SignIn
) -> None:
    browser = sign_in(rosa)
    page = reverse("labels:preview_campaign", args=["harbour", campaign.pk])
    answer = browser.get(page, follow=True)
    seen = [answer.redirect_chain[-1][0]]
    for _example in range(3):
        told = browser.get(seen[-1]).content.decode()
        seen.append(re.findall(r'href="([^"]*/preview/)"', told)[0])
    assert seen == [address(item) for item in campaign.items.order_by("pk")] + seen[:1]


def test_a_campaign_without_items_says_so(project: Project, rosa: User, sign_in: SignIn) -> None:
    empty = services.create_campaign(project=project, name="empty", by=rosa)
    answer = sign_in(rosa).get(reverse("labels:preview_campaign", args=["harbour", empty.pk]), follow=True)
    assert "There is no item to look at yet." in answer.content.decode()


def test_what_would_be_stored_is_told_and_nothing_is(item: Item, rosa: User, sign_in: SignIn) -> None:
    browser, before = sign_in(rosa), rows()
    told = body("2114", margins="", **{"flags-A": ["hallucination"]})
    answer = browser.post(address(item), told, **SCRIPTED)
    assert answer.json() == {
        "would_store": [["Order", "B = C > A > D"], ["Flags", "A: Invents facts"], ["Seconds", "31.5"]]
    }
    page = html.unescape(browser.post(address(item), told).content.decode())
    assert "This would have been stored" in page
    assert "B = C > A > D" in page
    assert browser.get(address(item)).status_code == 200
    assert rows() == before


@pytest.mark.parametrize(
    ("places", "told"), [("    ", "No answer is placed"), ("12  ", "2 to go"), ("9123", "from 1")]
)
def test_what_would_be_refused_is_refused(
    item: Item, rosa: User, sign_in: SignIn, places: str, told: str
) -> None:
    before = rows()
    answer = sign_in(rosa).post(address(item), body(places), **SCRIPTED)
    assert answer.status_code == 422
    assert told in answer.json()["problem"]
    page = sign_in(rosa).post(address(item), body(places))
    assert page.status_code == 422
    assert told in page.content.decode()
    assert rows() == before


def test_ratings_are_asked_for_as_of_annotators(item: Item, rosa: User, sign_in: SignIn) -> None:
    services.set_stages(campaign=item.campaign, stages=services.Stages(rate_first=True), by=rosa)
    refused = sign_in(rosa).post(address(item), body("1234"), **SCRIPTED)
    assert "4 to go" in refused.json()["problem"]
    ratings = {f"rating-{letter}": value for letter, value in zip("ABCD", "7531", strict=True)}
    told = sign_in(rosa).post(address(item), body("1234", margins="1,2,3", **ratings), **SCRIPTED)
    assert told.json()["would_store"][1:3] == [
        ["Ratings", "A 7, B 5, C 3, D 1"],
        ["How clear the gaps are", "1, 2, 3"],
    ]


def test_the_looker_s_own_draft_is_not_shown(
    campaign: Campaign, item: Item, rosa: User, sign_in: SignIn
) -> None:
    services.set_state(campaign=campaign, state="open", by=rosa)
    slot = claimed(campaign, rosa)
    services.save_draft(slot=slot, annotator=rosa, state={"places": {"A": 3}})
    assert 'data-draft="{}"' in sign_in(rosa).get(address(slot.item)).content.decode()


@pytest.mark.parametrize("role", [Role.ANNOTATOR, Role.REVIEWER])
def test_only_researchers_preview(project: Project, item: Item, sign_in: SignIn, role: str) -> None:
    vera = build_user("vera")
    build_membership(project, vera, role)
    assert sign_in(vera).get(address(item)).status_code == 403
    assert sign_in(vera).post(address(item), {"submission": str(uuid.uuid4())}).status_code == 403


def test_a_judgement_in_words(campaign: Campaign, ada: User, rosa: User) -> None:
    services.set_state(campaign=campaign, state="open", by=rosa)
    responses = responses_by_letter(claimed(campaign, ada))
    a, b, c, d = (responses[letter] for letter in "ABCD")
    words = dict(stored_words(Judgement([[c], [b, a]]), responses))
    assert words == {"Order": "C > A = B | unranked: D"}
    assert stored_words(Judgement([], unacceptable=True, seconds=3), responses) == [
        ("Order", "unranked: A, B, C, D"),
        ("All unacceptable", "yes"),
        ("Seconds", "3"),
    ]
    assert d not in (a, b, c)
