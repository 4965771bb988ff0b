"""The page and the dialog by which somebody says that they cannot judge an item."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, Lease, Skip, Slot
from labelplatform.labels.templatetags.labelling import skip_reasons
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=2)


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def address(name: str, slot: Slot) -> str:
    return reverse(f"labels:{name}", args=["harbour", slot.lease_token])


def test_the_ranking_page_has_the_dialog_and_a_way_without_a_script(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    page = sign_in(ada).get(address("rank", slot)).content.decode()
    assert page.count(f'action="{address("skip", slot)}"') == 2
    assert re.search(r'<button[^>]*form="skip"[^>]*data-skip', page)
    assert "<dialog" in page
    assert re.findall(r'name="reason" value="([^"]+)"', page) == list(Skip.Reason.values)
    assert [name for name, _title in skip_reasons()] == list(Skip.Reason.values)


def test_the_plain_form_skips_and_hands_out_the_next_item(
    slot: Slot, campaign: Campaign, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    form = browser.get(address("skip", slot)).content.decode()
    assert re.findall(r'name="reason" value="([^"]+)"', form) == list(Skip.Reason.values)
    assert f'href="{address("rank", slot)}"' in form
    answer = browser.post(address("skip", slot), {"reason": "language", "note": "Basque?"}, follow=True)
    skipped = Skip.objects.get()
    assert (skipped.item, skipped.annotator, skipped.reason, skipped.note) == (
        slot.item,
        ada,
        "language",
        "Basque?",
    )
    following = Slot.objects.get(annotator=ada, lease_token__isnull=False, item__skips=None)
    assert answer.redirect_chain == [(address("rank", following), 302)]
    assert "Thank you for saying so" in answer.content.decode()


def test_a_script_is_told_where_to_go_and_a_retry_is_the_same_skip(
    slot: Slot, ada: User, ben: User, campaign: Campaign, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    told = browser.post(address("skip", slot), {"reason": "broken"}, **SCRIPTED)
    following = services.claim(campaign=campaign, annotator=ada)
    assert following is not None
    assert (told.status_code, told.json()) == (200, {"next": address("rank", following)})
    assert claimed(campaign, ben) == slot
    again = browser.post(address("skip", slot), {"reason": "other"}, **SCRIPTED)
    assert again.json() == told.json()
    assert Skip.objects.get().reason == "broken"
    assert slot.lease_token is not None
    assert services.skip(token=slot.lease_token, by=ada, reason="other") == Skip.objects.get()
    assert AuditEntry.objects.filter(verb="skipped item").count() == 1
    assert claimed(campaign, ben) == slot


@pytest.mark.parametrize("reason", ["", "lunch"])
def test_without_a_known_reason_nothing_is_skipped(
    slot: Slot, ada: User, sign_in: SignIn, reason: str
) -> None:
    told = {"reason": reason, "note": "kept <in> the box"}
    page = sign_in(ada).post(address("skip", slot), told)
    assert page.status_code == 422
    assert 'role="alert"' in page.content.decode()
    assert 'value="kept &lt;in&gt; the box"' in page.content.decode()
    scripted = sign_in(ada).post(address("skip", slot), told, **SCRIPTED)
    assert (scripted.status_code, list(scripted.json())) == (422, ["problem"])
    assert not Skip.objects.exists()
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == (Slot.State.LEASED, ada)


def test_where_time_had_run_out_one_is_told_so_and_goes_on(
    slot: Slot, campaign: Campaign, ada: User, ben: User, sign_in: SignIn
) -> None:
    lapse(slot)
    assert claimed(campaign, ben) == slot
    answer = sign_in(ada).post(address("skip", slot), {"reason": "other"}, follow=True)
    assert "had run out already" in answer.content.decode()
    assert not Skip.objects.exists()
    assert answer.redirect_chain[-1][0] == address("rank", Slot.objects.get(annotator=ada))


def test_after_the_last_item_comes_the_queue(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    slot = claimed(build_campaign(project, rosa, prompts=1, name="one"), ada)
    answer = sign_in(ada).post(address("skip", slot), {"reason": "other"}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("labels:queue", args=["harbour"])


def test_nobody_skips_what_was_given_to_somebody_else(slot: Slot, ben: User, sign_in: SignIn) -> None:
    assert sign_in(ben).post(address("skip", slot), {"reason": "other"}).status_code == 404
    assert sign_in(ben).get(address("skip", slot)).status_code == 404
    with pytest.raises(services.LeaseLost):
        services.skip(token=slot.lease_token or uuid.uuid4(), by=ben, reason="other")
    assert not Skip.objects.exists()


def test_what_is_submitted_is_skipped_no_more(slot: Slot, ada: User) -> None:
    submit(slot, ada)
    token = Lease.objects.get().token
    with pytest.raises(services.LeaseLost):
        services.skip(token=token, by=ada, reason="other")
