"""The annotator's pages: what they show, what they take, and what they never tell."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services, waiting
from labelplatform.labels.models import Campaign, Draft, Ranking, Slot
from labelplatform.labels.shown import responses_by_letter
from labelplatform.prompts.models import Response
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import build_campaign, build_prompt_set, claimed, submit
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=3, answers=4, overlap=2)


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def address(name: str, slot: Slot, token: uuid.UUID | None = None) -> str:
    return reverse(f"labels:{name}", args=["harbour", token or slot.lease_token])


def body(places: str, **more: Any) -> dict[str, Any]:
    """`body("2134")`: answer A to place 2, B to 1 … with a new key."""
    told = {
        f"place-{letter}": place for letter, place in zip("ABCDEFGHI", places, strict=False) if place != " "
    }
    return {"submission": str(uuid.uuid4()), "seconds": "31.5", **told, **more}


def test_the_queue_says_what_waits_and_start_leads_to_the_ranking_page(
    campaign: Campaign, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    page = browser.get(reverse("labels:queue", args=["harbour"])).content.decode()
    assert re.search(r"<b>3</b>\s*items wait for you", page)
    started = browser.post(reverse("labels:start", args=["harbour", campaign.pk]))
    slot = Slot.objects.get(annotator=ada)
    assert started.headers["Location"] == address("rank", slot)
    shown = browser.get(started.headers["Location"]).content.decode()
    for letter, response in responses_by_letter(slot).items():
        assert f'name="place-{letter}"' in shown
        assert Response.objects.get(pk=response).text in shown


def test_the_queue_offers_what_others_let_lapse_and_counts_what_they_hold(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    slot = claimed(build_campaign(project, rosa, prompts=1), ben)
    (held,) = waiting.queue(project, ada)
    assert (held.for_me, held.held_by_others) == (0, 1)
    lapse(slot)
    (lapsed,) = waiting.queue(project, ada)
    assert (lapsed.for_me, lapsed.held_by_others) == (1, 0)
    (own,) = waiting.queue(project, ben)
    assert (own.for_me, own.held_by_others) == (1, 0)
    submit(claimed(slot.campaign, ada), ada)
    (done,) = waiting.queue(project, ada)
    assert (done.for_me, done.held_by_others, done.done_by_me) == (0, 0, 1)


def test_a_script_may_have_the_page_of_its_next_item_at_once(
    campaign: Campaign, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    place = reverse("labels:start", args=["harbour", campaign.pk])
    page = browser.post(place, headers={"prefer": "return=representation"})
    held = campaign.slots.get(annotator=ada)
    assert page.status_code == 200
    assert page.headers["Content-Location"] == address("rank", held)
    assert f'action="{address("release", held)}"' in page.content.decode()
    assert browser.post(place, headers={"prefer": "respond-async"}).status_code == 302
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        submit(slot, ada)
    none = browser.post(place, headers={"prefer": "return=representation"})
    assert none.headers["Location"] == reverse("labels:queue", args=["harbour"])


def test_a_script_that_has_its_next_item_is_given_no_other(
    slot: Slot, campaign: Campaign, ada: User, sign_in: SignIn
) -> None:
    form = {f"place-{letter}": place for place, letter in enumerate(responses_by_letter(slot), 1)}
    told = {**form, "submission": str(uuid.uuid4()), "then": "nothing"}
    answer = sign_in(ada).post(address("rank", slot), told, headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {"next": None})
    assert not campaign.slots.filter(state=Slot.State.LEASED).exists()


def test_looking_at_the_queue_takes_nothing(campaign: Campaign, ada: User, sign_in: SignIn) -> None:
    sign_in(ada).get(reverse("labels:queue", args=["harbour"]))
    assert sign_in(ada).get(reverse("labels:start", args=["harbour", campaign.pk])).status_code == 405
    assert not Slot.objects.exclude(state=Slot.State.OPEN).exists()


def test_without_a_script_numbers_in_boxes_are_a_ranking_and_lead_to_the_next(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    answer = sign_in(ada).post(address("rank", slot), body("2411", **{"flags-A": ["hallucination"]}))
    ranking = Ranking.objects.get()
    letters = responses_by_letter(slot)
    places = dict(ranking.placements.values_list("response", "tier"))
    assert [places[letters[letter]] for letter in "ABCD"] == [2, 3, 1, 1]
    assert ranking.seconds == 31.5
    assert [flag.response_id for flag in ranking.flags.all()] == [letters["A"]]
    following = Slot.objects.get(annotator=ada, state=Slot.State.LEASED)
    assert (answer.status_code, answer.headers["Location"]) == (302, address("rank", following))
    assert following.item != slot.item


def test_letters_stand_for_the_shuffled_answers(slot: Slot) -> None:
    stored = list(slot.item.placed_responses.values_list("response", flat=True))
    assert responses_by_letter(slot) == {
        letter: stored[place] for letter, place in zip("ABCD", slot.shown_order, strict=True)
    }


def test_a_script_is_told_where_to_go(slot: Slot, ada: User, sign_in: SignIn) -> None:
    told = sign_in(ada).post(address("rank", slot), body("1234"), **SCRIPTED)
    following = Slot.objects.get(annotator=ada, state=Slot.State.LEASED)
    assert (told.status_code, told.json()) == (200, {"next": address("rank", following)})


def test_after_the_last_item_comes_the_queue_with_thanks(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    slot = claimed(build_campaign(project, rosa, prompts=1), ada)
    answer = sign_in(ada).post(address("rank", slot), body("1234"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("labels:queue", args=["harbour"])
    assert "All done, thank you" in answer.content.decode()


@pytest.mark.parametrize("places", ["    ", "123 ", "1 3 ", "12x4", "1230", "1 99", "12.54"])
def test_what_is_not_a_whole_order_is_refused_and_kept_in_the_boxes(
    slot: Slot, ada: User, sign_in: SignIn, places: str
) -> None:
    answer = sign_in(ada).post(address("rank", slot), body(places))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    if places == "123 ":
        assert (
            'name="place-B" inputmode="numeric" pattern="[1-9]" maxlength="1" value="2"'
            in answer.content.decode()
        )
    assert sign_in(ada).post(address("rank", slot), body(places), **SCRIPTED).json()["problem"]
    assert not Ranking.objects.exists()


def test_opening_and_submitting_at_once_stores_nothing(slot: Slot, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    page = browser.get(address("rank", slot)).content.decode()
    untouched = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page))
    del untouched["unacceptable"]
    untouched = {name: value for name, value in untouched.items() if not name.startswith("flags-")}
    assert browser.post(address("rank", slot), untouched).status_code == 422
    assert not Ranking.objects.exists()


def test_all_unacceptable_is_one_tick(slot: Slot, ada: User, sign_in: SignIn) -> None:
    assert sign_in(ada).post(address("rank", slot), body("    ", unacceptable="on")).status_code == 302
    assert Ranking.objects.get().unacceptable


def test_a_retry_is_the_same_ranking_and_another_body_under_its_key_is_a_conflict(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    told = body("1234")
    for _send in range(2):
        assert sign_in(ada).post(address("rank", slot), told, **SCRIPTED).status_code == 200
    other = sign_in(ada).post(address("rank", slot), {**told, "place-A": "4", "place-D": "1"}, **SCRIPTED)
    assert other.status_code == 409
    assert "first one counts" in other.json()["problem"]
    assert Ranking.objects.count() == 1


def test_late_work_is_kept_and_told_kindly(
    project: Project, ada: User, ben: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=2)
    slot = claimed(campaign, ada)
    lapse(slot)
    claimed(campaign, ben)
    browser = sign_in(ada)
    told = browser.post(address("rank", slot), body("1234"), **SCRIPTED)
    assert told.status_code == 409
    page = browser.get(told.json()["next"]).content.decode()
    assert "kept as an extra one; thank you" in page
    assert Ranking.objects.get().surplus


def test_a_page_whose_item_has_moved_on_says_so(slot: Slot, ada: User, ben: User, sign_in: SignIn) -> None:
    submit(slot, ada)
    answer = sign_in(ada).get(address("rank", slot))
    assert answer.status_code == 410
    assert "moved on" in answer.content.decode()


def test_a_draft_is_restored_on_reload(slot: Slot, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    state = {
        "places": {"A": 2, "C": 1},
        "focus": "C",
        "flags": {"B": ["fails-task"]},
        "history": [{}],
        "at": 5,
    }
    saved = browser.post(address("draft", slot), json.dumps(state), content_type="application/json")
    assert saved.status_code == 200
    page = browser.get(address("rank", slot)).content.decode()
    assert 'name="place-A" inputmode="numeric" pattern="[1-9]" maxlength="1" value="2"' in page
    draft = re.search(r'data-draft="([^"]*)"', page)
    assert draft is not None
    assert json.loads(draft[1].replace("&quot;", '"')) == {**state, "unacceptable": False}
    assert re.search(r'name="flags-B" value="fails-task" checked', page)


@pytest.mark.parametrize(
    "state",
    [
        "no json",
        "[]",
        '{"places": {"Z": 1}}',
        '{"places": {"A": 0}}',
        '{"places": {"A": 5}}',
        '{"places": {"A": true}}',
        '{"places": []}',
        '{"flags": {"A": ["unknown"]}}',
        '{"flags": {"Z": []}}',
        '{"flags": {"A": 3}}',
        '{"ratings": {"A": 8}}',
        '{"ratings": {"A": 0}}',
        '{"ratings": {"Z": 1}}',
        '{"history": ["\\u0000"]}',
        '{"log": {"a": "\\ud800"}}',
        "[" * 10_000,
    ],
)
def test_what_is_no_draft_is_refused(slot: Slot, ada: User, sign_in: SignIn, state: str) -> None:
    answer = sign_in(ada).post(address("draft", slot), state, content_type="application/json")
    assert answer.status_code == 400
    assert not Draft.objects.exists()


def test_a_draft_without_end_is_refused(slot: Slot, ada: User, sign_in: SignIn) -> None:
    state = json.dumps({"history": ["x" * 170_000] * 3})
    assert (
        sign_in(ada).post(address("draft", slot), state, content_type="application/json").status_code == 413
    )


def test_signs_of_life_leaving_and_stopping(slot: Slot, ada: User, ben: User, sign_in: SignIn) -> None:
    browser, token = sign_in(ada), slot.lease_token
    assert browser.post(address("renew", slot)).json()["seconds_left"] > 800
    assert browser.post(address("leave", slot)).status_code == 204
    assert browser.post(address("release", slot)).headers["Location"] == reverse(
        "labels:queue", args=["harbour"]
    )
    slot.refresh_from_db()
    assert slot.lease_expires_at is not None
    assert slot.lease_expires_at < timezone.now()
    lost = browser.post(address("renew", slot, token))
    assert lost.status_code == 410
    assert "Submit all the same" in lost.json()["problem"]


@pytest.mark.parametrize("name", ["rank", "draft", "renew", "prefetch", "leave", "release"])
def test_a_lease_is_nobody_elses(
    slot: Slot, ben: User, rosa: User, olga: User, other_project: Project, sign_in: SignIn, name: str
) -> None:
    for person in (ben, rosa, olga):
        assert sign_in(person).post(address(name, slot), body("1234")).status_code == 404
    elsewhere = reverse(f"labels:{name}", args=["elsewhere", slot.lease_token])
    assert sign_in(olga).post(elsewhere, body("1234")).status_code == 404
    assert "/sign-in/" in Client().post(address(name, slot)).headers["Location"]
    assert not Ranking.objects.exists()


def test_the_ranking_page_needs_its_csrf_token(slot: Slot, ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    for name in ("rank", "draft", "renew", "prefetch", "leave", "release"):
        assert strict.post(address(name, slot), body("1234")).status_code == 403


def test_the_ranking_page_takes_a_fixed_number_of_statements(
    project: Project, ada: User, rosa: User, sign_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    browser = sign_in(ada)
    for answers in (2, 9):
        slot = claimed(build_campaign(project, rosa, answers=answers, name=f"of {answers}"), ada)
        with django_assert_max_num_queries(9):
            assert browser.get(address("rank", slot)).status_code == 200


def test_a_script_that_claims_again_finds_what_was_left(
    campaign: Campaign, ada: User, sign_in: SignIn
) -> None:
    slot = claimed(campaign, ada)
    services.save_draft(slot=slot, annotator=ada, state={"places": {"B": 2}, "seconds": 77})
    place = reverse("labels:start", args=["harbour", campaign.pk])
    page = sign_in(ada).post(place, headers={"prefer": "return=representation"})
    assert page.headers["Content-Location"] == address("rank", slot)
    assert "&quot;seconds&quot;: 77" in page.content.decode()


def test_the_queue_takes_two_statements_a_campaign_whatever_its_length(
    project: Project, ada: User, rosa: User, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    browser = sign_in(ada)
    for number, prompts in enumerate((2, 30), 1):
        build_campaign(project, rosa, prompts=prompts, answers=2, name=f"of {prompts}")
        with django_assert_num_queries(4 + 2 * number):
            browser.get(reverse("labels:queue", args=["harbour"]))


def test_the_queue_counts_no_further_than_anybody_needs_to_know(
    project: Project, ada: User, rosa: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MOST_ITEMS_COUNTED", 2)
    build_campaign(project, rosa, prompts=3, overlap=2)
    (found,) = waiting.queue(project, ada)
    assert (found.for_me, found.more) == (2, True)
    assert "2+" in sign_in(ada).get(reverse("labels:queue", args=["harbour"])).content.decode()


SECRETS = (
    "zebra-policy",
    "zebra-provenance",
    "zebra-key",
    "zebra-gold",
    "zebra-ben",
    "moral-judgement-by-ben",
)


@pytest.fixture
def planted(project: Project, ada: User, ben: User, rosa: User) -> Campaign:
    """A campaign whose every hidden field holds a secret, with ben's label on the item that ada has."""
    # So many others first that a response's id is told from the small numbers of any page.
    build_prompt_set(project, rosa, prompts=30, answers=4, name="others")
    campaign = build_campaign(project, rosa, prompts=2, answers=3, overlap=2)
    policy = build_artifact(project, name="zebra-policy")
    Response.objects.update(
        policy=policy, provenance={"policy": "zebra-provenance"}, sampling={"zebra-key": 1}
    )
    for response in Response.objects.all():
        Response.objects.filter(pk=response.pk).update(key=f"zebra-key-{response.pk}")
    for item in campaign.items.all():
        item.prompt.detail = {"gold": "zebra-gold"}
        item.prompt.save()
    User.objects.filter(pk=ben.pk).update(username="zebra-ben", first_name="zebra-ben")
    slot = claimed(campaign, ben)
    services.save_draft(slot=slot, annotator=ben, state={"places": {"A": 1}, "note": "zebra-ben"})
    submit(slot, ben)
    return campaign


def test_nothing_an_annotator_can_fetch_tells_who_wrote_or_ranked_what(
    planted: Campaign, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    slot = claimed(planted, ada)
    seen = [
        browser.get(reverse("labels:queue", args=["harbour"])),
        browser.get(reverse("labels:guidelines", args=["harbour", planted.pk])),
        browser.get(address("rank", slot)),
        browser.post(
            address("draft", slot), json.dumps({"places": {"A": 1}}), content_type="application/json"
        ),
        browser.post(address("renew", slot)),
        browser.post(address("prefetch", slot)),
        browser.post(address("rank", slot), body("1  "), **SCRIPTED),
        browser.post(address("rank", slot), body("123"), follow=True),
        browser.get(address("rank", slot)),
        browser.get(reverse("chat:index", args=["harbour"])),
    ]
    for answer in seen:
        text = answer.content.decode() + str(dict(answer.headers))
        assert not [secret for secret in SECRETS if secret in text], answer.request["PATH_INFO"]
    page = seen[2].content.decode()
    assert seen[5].json()["next"]
    assert "answer 0 to" in page or "answer 1 to" in page
    for response in slot.item.responses.all():
        assert not re.search(rf'(value|data-\w+|id)="{response.pk}"', page)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("index", ()),
        ("download", ()),
        ("add_campaign", ()),
        ("campaign", ("campaign",)),
        ("ranking", ("ranking",)),
    ],
)
def test_the_researchers_pages_are_closed_to_annotators_and_to_other_projects(
    planted: Campaign, ada: User, rosa: User, olga: User, other_project: Project, sign_in: SignIn,
    name: str, arguments: tuple[str, ...],
) -> None:  # fmt: skip
    known = {"campaign": planted.pk, "ranking": Ranking.objects.get().pk}
    here = reverse(f"labels:{name}", args=["harbour", *(known[argument] for argument in arguments)])
    there = reverse(f"labels:{name}", args=["elsewhere", *(known[argument] for argument in arguments)])
    assert sign_in(rosa).get(here).status_code == 200
    assert sign_in(ada).get(here).status_code == 403
    assert sign_in(olga).get(here).status_code == 404
    assert sign_in(olga).get(there).status_code == (404 if arguments else 200)
    assert "/sign-in/" in Client().get(here).headers["Location"]
