"""What was made for rankings and holds for labels of every kind: skipping, the guidelines beside, the preview."""

import html
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evaluator.spans import text_digest
from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import services, skips
from labelplatform.labels.kinds import KINDS
from labelplatform.labels.kinds.spans import source_of
from labelplatform.labels.matters import matter_of
from labelplatform.labels.models import Campaign, Draft, Item, Label, Skip, Slot
from tests.labelplatform.labels.building import claimed
from tests.labelplatform.labels.kind_building import build_label_campaign, give
from tests.labelplatform.labels.test_preview import rows

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}
EVERY_KIND = pytest.mark.parametrize("kind", sorted(KINDS))


def build(project: Project, by: User, kind: str, **told: Any) -> Campaign:
    return build_label_campaign(project, by, kind=kind, **told)


def address(name: str, slot: Slot) -> str:
    return reverse(f"labels:{name}", args=["harbour", slot.lease_token])


def preview_address(item: Item) -> str:
    return reverse("labels:preview", args=["harbour", item.pk])


def form(kind: str, item: Item) -> dict[str, Any]:
    """What a page of this kind sends when all is said."""
    matter = matter_of(item, item.campaign)
    told: dict[str, Any] = {
        "rating": {
            "rating-helpful": "6",
            "rating-honest": "7",
            "rating-harmless": "5",
            "flags": ["hallucination"],
        },
        "honesty": {"rating-truthful": "2", "rating-informative": "7", "flags": []},
        "spans": {
            "spans": json.dumps(
                [
                    {"start": 0, "end": 3, "kind": "contradicts", "source_start": 1, "source_end": 4},
                    {"start": 2, "end": 4, "kind": "other"},
                ]
            ),
            "digest": text_digest(source_of(matter), matter.response),
        },
        "demonstration": {"response": "Steer\r\nport."},
    }
    return {"submission": str(uuid.uuid4()), "seconds": "12.5", **told[kind]}


def in_words(kind: str, item: Item) -> list[list[str]]:
    """The same, as the preview tells it."""
    matter = matter_of(item, item.campaign)
    linked = f"{matter.response[:3]} \u2190 {source_of(matter)[1:4]}"
    told = {
        "rating": [["Helpful", "6"], ["Honest", "7"], ["Harmless", "5"], ["Flags", "Invents facts"]],
        "honesty": [["Truthful", "2"], ["Informative", "7"]],
        "spans": [["Contradicts", linked], ["Other", matter.response[2:4]]],
        "demonstration": [["Answer", "Steer\nport."]],
    }[kind]
    return [*told, ["Seconds", "12.5"]]


@EVERY_KIND
def test_every_page_skips_with_and_without_a_script(
    project: Project, rosa: User, ada: User, sign_in: SignIn, kind: str
) -> None:
    slot = claimed(build(project, rosa, kind), ada)
    page = sign_in(ada).get(address("rank", slot)).content.decode()
    assert re.search(r'<button[^>]*form="skip"[^>]*data-skip', page)
    assert f'<form id="skip" action="{address("skip", slot)}">' in page
    assert re.findall(r'name="reason" value="([^"]+)"', page) == list(Skip.Reason.values)
    assert "labels_skip.js" in page


@EVERY_KIND
def test_guidelines_open_beside_the_work(
    project: Project, rosa: User, ada: User, sign_in: SignIn, kind: str
) -> None:
    slot = claimed(build(project, rosa, kind), ada)
    page = sign_in(ada).get(address("rank", slot)).content.decode()
    assert page.count("data-guidelines-panel") == 1
    assert re.search(r'<a href="[^"]*/guidelines/" target="_blank" data-guidelines>', page)


@EVERY_KIND
def test_a_skipped_item_goes_to_somebody_else(
    project: Project, rosa: User, ada: User, ben: User, sign_in: SignIn, kind: str
) -> None:
    campaign = build(project, rosa, kind)
    slot = claimed(campaign, ada)
    told = sign_in(ada).post(address("skip", slot), {"reason": "language"}, **SCRIPTED)
    following = claimed(campaign, ada)
    assert told.json() == {"next": address("rank", following)}
    assert following.item != slot.item
    assert claimed(campaign, ben).item == slot.item
    assert AuditEntry.objects.get(verb="skipped item").detail["reason"] == "language"


def test_the_share_of_skips_is_of_all_labels_of_the_campaign_s_kind(
    project: Project, rosa: User, ada: User
) -> None:
    campaign = build(project, rosa, "rating", prompts=4, answers=1)
    for _label in range(3):
        give(claimed(campaign, ada), ada)
    token = claimed(campaign, ada).lease_token
    assert token is not None
    services.skip(token=token, by=ada, reason="broken")
    (person,) = skips.statistics(campaign).people
    assert (person.share.times, person.share.chances) == (1, 4)
    Label.objects.update(surplus=True)
    (person,) = skips.statistics(campaign).people
    assert (person.share.times, person.share.chances) == (1, 1)


@EVERY_KIND
def test_a_preview_tells_what_would_be_stored_and_stores_nothing(
    project: Project, rosa: User, sign_in: SignIn, kind: str
) -> None:
    item = build(project, rosa, kind).items.order_by("pk")[0]
    browser, before = sign_in(rosa), rows()
    page = browser.get(preview_address(item)).content.decode()
    assert "Preview: nothing is stored" in page
    assert 'data-seconds-left="900" data-preview' in page
    assert 'form="release"' not in page
    assert 'id="skip"' not in page
    answer = browser.post(preview_address(item), form(kind, item), **SCRIPTED)
    assert answer.json() == {"would_store": in_words(kind, item)}
    plain = html.unescape(browser.post(preview_address(item), form(kind, item)).content.decode())
    assert "This would have been stored" in plain
    assert in_words(kind, item)[0][1] in plain
    assert rows() == before


@EVERY_KIND
def test_a_preview_refuses_what_the_page_would_refuse(
    project: Project, rosa: User, sign_in: SignIn, kind: str
) -> None:
    item = build(project, rosa, kind).items.order_by("pk")[0]
    empty = {
        "rating": ({"rating-helpful": "6"}, "Still to rate: Honest, Harmless"),
        "honesty": ({"rating-truthful": "9"}, "Still to rate: Informative"),
        "spans": ({"digest": form("spans", item)["digest"]}, "say that nothing is"),
        "demonstration": ({"response": " "}, "no answer yet"),
    }
    told, why = empty[kind]
    browser, before = sign_in(rosa), rows()
    keyed = {"submission": str(uuid.uuid4()), **told}
    answer = browser.post(preview_address(item), keyed, **SCRIPTED)
    assert answer.status_code == 422
    assert why in answer.json()["problem"]
    page = browser.post(preview_address(item), keyed)
    assert page.status_code == 422
    assert why in html.unescape(page.content.decode())
    assert "not whole" in browser.post(preview_address(item), told, **SCRIPTED).json()["problem"]
    assert rows() == before


def test_a_preview_without_spans_or_time_says_so(project: Project, rosa: User, sign_in: SignIn) -> None:
    item = build(project, rosa, "spans").items.order_by("pk")[0]
    told = {**form("spans", item), "spans": "[]", "nothing": "1", "seconds": ""}
    answer = sign_in(rosa).post(preview_address(item), told, **SCRIPTED)
    assert answer.json() == {"would_store": [["Marked", "nothing is invented"]]}


def test_a_preview_begins_empty_and_renders_what_is_written(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    campaign = build(project, rosa, "demonstration")
    slot = claimed(campaign, rosa)
    services.save_draft(slot=slot, annotator=rosa, state={"response": "my own draft"})
    browser = sign_in(rosa)
    page = browser.get(preview_address(slot.item)).content.decode()
    assert "my own draft" not in page
    (rendering,) = re.findall(r'data-preview-url="([^"]+)"', page)
    assert "<strong>so</strong>" in browser.post(rendering, {"response": "**so**"}).json()["html"]
    assert Draft.objects.count() == 1
