"""The pages of single answers: what an annotator sends, sees and never sees; what a researcher sets up and reads."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, Draft, Label, Slot
from labelplatform.prompts.models import Prompt, Response
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.labels.building import build_campaign, build_prompt_set, claimed, submit
from tests.labelplatform.labels.kind_building import build_label_campaign, give
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}
CHECKED = re.compile(r'name="rating-([a-z-]+)" value="(\d)" checked')


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_label_campaign(project, rosa, overlap=2)


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def address(name: str, slot: Slot, token: uuid.UUID | None = None) -> str:
    return reverse(f"labels:{name}", args=["harbour", token or slot.lease_token])


def form(**told: Any) -> dict[str, Any]:
    ratings = {"rating-helpful": "6", "rating-honest": "7", "rating-harmless": "5"}
    return {"submission": str(uuid.uuid4()), "seconds": "12", **ratings, **told}


def test_the_page_shows_one_answer_and_chooses_nothing(slot: Slot, ada: User, sign_in: SignIn) -> None:
    page = sign_in(ada).get(address("rank", slot)).content.decode()
    assert slot.item.prompt.last_message in page
    assert slot.item.responses.get().text in page
    assert [name for name in ("helpful", "honest", "harmless") if f'name="rating-{name}"' in page] == [
        "helpful",
        "honest",
        "harmless",
    ]
    assert " checked" not in page.replace("data-single-keys checked", "")


def test_without_a_script_a_form_is_a_label_and_leads_to_the_next(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    answer = sign_in(ada).post(address("rank", slot), form(flags=["fails-task", "hallucination"]))
    label = Label.objects.get()
    assert label.body == {
        "ratings": {"helpful": 6, "honest": 7, "harmless": 5},
        "flags": ["fails-task", "hallucination"],
    }
    assert (label.annotator, label.seconds, label.slot) == (ada, 12.0, slot)
    following = Slot.objects.get(annotator=ada, state=Slot.State.LEASED)
    assert (answer.status_code, answer.headers["Location"]) == (302, address("rank", following))


@pytest.mark.parametrize(
    "change",
    [
        {"rating-helpful": "", "rating-honest": "", "rating-harmless": ""},
        {"rating-honest": ""},
        {"rating-honest": "8"},
        {"rating-honest": "0"},
        {"rating-honest": "12"},
        # More digits than Python turns into a number.
        {"rating-honest": "1" * 5000},
        {"rating-honest": "²"},
        {"rating-honest": "best"},
        {"flags": ["smells-odd"]},
        {"submission": "none"},
        {"seconds": "-1"},
    ],
)
def test_what_is_no_label_stores_nothing_and_keeps_what_was_typed(
    slot: Slot, ada: User, sign_in: SignIn, change: dict[str, Any]
) -> None:
    answer = sign_in(ada).post(address("rank", slot), form(**change))
    assert answer.status_code == 422
    assert not Label.objects.exists()
    page = answer.content.decode()
    assert 'role="alert"' in page
    assert "data-typed" in page
    kept = dict(CHECKED.findall(page))
    wanted = {
        name.removeprefix("rating-"): value for name, value in form(**change).items() if "rating-" in name
    }
    assert kept == {name: value for name, value in wanted.items() if value in tuple("1234567")}
    scripted = sign_in(ada).post(address("rank", slot), form(**change), **SCRIPTED)
    assert scripted.status_code == 422
    assert scripted.json()["problem"]


def test_a_retry_is_the_same_label_and_another_body_a_conflict(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    told, browser = form(), sign_in(ada)
    assert browser.post(address("rank", slot), told, **SCRIPTED).status_code == 200
    assert browser.post(address("rank", slot), told, **SCRIPTED).status_code == 200
    assert browser.post(address("rank", slot), {**told, "rating-honest": "1"}, **SCRIPTED).status_code == 409
    assert Label.objects.count() == 1


def test_late_work_is_thanked_for_and_kept(
    project: Project, rosa: User, ada: User, ben: User, sign_in: SignIn
) -> None:
    slot = claimed(build_label_campaign(project, rosa, prompts=1, answers=1), ada)
    lapse(slot)
    taken = claimed(slot.campaign, ben)
    answer = sign_in(ada).post(address("rank", slot), form(), **SCRIPTED)
    assert answer.status_code == 409
    assert Label.objects.get().surplus
    assert sign_in(ada).get(address("rank", slot)).status_code == 410
    assert sign_in(ada).get(address("rank", taken)).status_code == 404


def test_a_log_is_kept_and_a_strange_one_dropped_with_its_reason(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    card = {"first_seen_ms": 5, "dwell_ms": 900, "depth_percent": 100, "expanded_ms": [], "read": None}
    log = {
        "format": "labelplatform-ranking-log/1",
        "presort": False,
        "rate_first": False,
        "language": "en",
        "viewport": [1440, 900],
        "inputs": ["keyboard"],
        "opened": 1,
        "first_action_ms": 3,
        "active_seconds": 4,
        "wall_seconds": 5,
        "edits_after_complete": 0,
        "moves_left_out": 0,
        "views": [[1, "raw"]],
        "moves": [[3, "rate", "honest", "key", None, 7], [4, "flag", "", "key", None, 3]],
        "cards": {"A": card},
    }
    browser.post(address("rank", slot), form(log=json.dumps(log)))
    assert Label.objects.get().log == log
    following = Slot.objects.get(annotator=ada, state=Slot.State.LEASED)
    log["moves"] = [[3, "rate", "Not A Name", "key", None, 7]]
    browser.post(address("rank", following), form(log=json.dumps(log)))
    assert Label.objects.order_by("-pk")[0].log == {"dropped": "moves: found something else than wanted"}


def test_a_draft_comes_back_and_one_that_is_none_is_refused(slot: Slot, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)

    def keep(state: object) -> int:
        return browser.post(
            address("draft", slot), json.dumps(state), content_type="application/json"
        ).status_code

    state = {"ratings": {"honest": 3}, "flags": ["hallucination"], "focus": "harmless", "history": [{}]}
    assert keep({**state, "else": "where"}) == 200
    assert Draft.objects.get().state == state
    page = browser.get(address("rank", slot)).content.decode()
    assert dict(CHECKED.findall(page)) == {"honest": "3"}
    assert 'value="hallucination" checked' in page
    bad: list[object] = [
        [],
        "text",
        {"ratings": []},
        {"ratings": {"overall": 3}},
        {"ratings": {"honest": 8}},
        {"ratings": {"honest": "3"}},
        {"ratings": {"honest": True}},
        {"flags": "hallucination"},
        {"flags": ["smells-odd"]},
        {"focus": "\0"},
    ]
    assert [keep(state) for state in bad] == [400] * len(bad)
    assert keep({"history": ["x" * 170_000] * 3}) == 413
    assert Draft.objects.get().state == state


SECRETS = ("zebra-policy", "zebra-provenance", "zebra-key", "zebra-known", "zebra-ben", "moral-judgement")


@pytest.mark.parametrize("kind", ["rating", "honesty"])
def test_nothing_tells_ada_who_wrote_an_answer_or_what_ben_said(
    project: Project, rosa: User, ada: User, ben: User, sign_in: SignIn, kind: str
) -> None:
    asks: dict[str, object] = {"reference": "never"} if kind == "honesty" else {"names": ["overall"]}
    campaign = build_label_campaign(project, rosa, kind=kind, overlap=2, asks=asks)
    policy = build_artifact(project, name="zebra-policy")
    Response.objects.update(
        policy=policy, provenance={"policy": "zebra-provenance"}, sampling={"zebra-key": 1}
    )
    for response in Response.objects.all():
        Response.objects.filter(pk=response.pk).update(key=f"zebra-key-{response.pk}")
    Prompt.objects.update(detail={"correct_answers": ["zebra-known"], "source": "zebra-known"})
    User.objects.filter(pk=ben.pk).update(username="zebra-ben", first_name="zebra-ben")
    theirs = claimed(campaign, ben)
    names = ["overall"] if kind == "rating" else ["truthful", "informative"]
    flag = "moral-judgement" if kind == "rating" else "hedges"
    give(theirs, ben, {"ratings": dict.fromkeys(names, 6), "flags": [flag]})
    slot, browser = claimed(campaign, ada), sign_in(ada)
    assert slot.item == theirs.item
    told = {"submission": str(uuid.uuid4()), **{f"rating-{name}": "2" for name in names}}
    seen = [
        browser.get(reverse("labels:queue", args=["harbour"])),
        browser.get(address("rank", slot)),
        browser.post(address("draft", slot), "{}", content_type="application/json"),
        browser.post(address("prefetch", slot)),
        browser.post(address("rank", slot), {"submission": str(uuid.uuid4())}, **SCRIPTED),
        browser.post(address("rank", slot), told, follow=True),
    ]
    for answer in seen:
        text = re.sub(r'<input type="checkbox" name="flags" value="[a-z-]+">', "", answer.content.decode())
        assert not [one for one in SECRETS if one in text], answer.request["PATH_INFO"]
    assert "checked" not in seen[1].content.decode().replace("data-single-keys checked", "")
    assert Label.objects.filter(annotator=ada).count() == 1


@pytest.mark.parametrize(
    ("when", "first", "judged"), [("after", False, True), ("always", True, True), ("never", None, None)]
)
def test_known_answers_wait_for_the_annotators_own_judgement(
    project: Project,
    rosa: User,
    ada: User,
    sign_in: SignIn,
    when: str,
    first: bool | None,
    judged: bool | None,
) -> None:
    campaign = build_label_campaign(project, rosa, kind="honesty", asks={"reference": when})
    Prompt.objects.update(detail={"correct_answers": ["It is so."], "incorrect_answers": "It is not."})
    slot, browser = claimed(campaign, ada), sign_in(ada)

    def open_now() -> bool | None:
        page = browser.get(address("rank", slot)).content.decode()
        assert ("It is so." in page, "It is not." in page) == (when != "never",) * 2
        found = re.search(r"data-known( data-after hidden)?>", page)
        return None if found is None else not found[1]

    assert open_now() is first
    services.save_draft(slot=slot, annotator=ada, state={"ratings": {"truthful": 7}})
    assert open_now() is first
    services.save_draft(slot=slot, annotator=ada, state={"ratings": {"truthful": 7, "informative": 1}})
    assert open_now() is judged


def test_where_nothing_is_known_nothing_is_shown(
    project: Project, rosa: User, ada: User, sign_in: SignIn
) -> None:
    slot = claimed(build_label_campaign(project, rosa, kind="honesty", asks={"reference": "always"}), ada)
    Prompt.objects.update(detail={"correct_answers": [], "incorrect_answers": [" "], "source": 7})
    slot.item.refresh_from_db()
    assert "data-known" not in sign_in(ada).get(address("rank", slot)).content.decode()


def wish(chosen: int, **change: Any) -> dict[str, Any]:
    return {"name": "New", "prompt_set": chosen, "kind": "rating", "overlap": 1} | change


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({}, {"names": ["helpful", "honest", "harmless"]}),
        # Switches of orders mean nothing here.
        ({"rate_first": "on", "presort": "on"}, {"names": ["helpful", "honest", "harmless"]}),
        ({"ratings": "overall"}, {"names": ["overall"]}),
        ({"ratings": "own", "own_ratings": " clear, well-sourced ,"}, {"names": ["clear", "well-sourced"]}),
        ({"kind": "honesty"}, {"reference": "after"}),
        ({"kind": "honesty", "reference": "never"}, {"reference": "never"}),
        ({"kind": "ranking", "ratings": "overall"}, {}),
    ],
)
def test_a_campaign_asks_what_its_set_up_says(
    project: Project, rosa: User, sign_in: SignIn, change: dict[str, Any], asks: dict[str, object]
) -> None:
    prompt_set = build_prompt_set(project, rosa, prompts=2, answers=2)
    answer = sign_in(rosa).post(
        reverse("labels:add_campaign", args=["harbour"]), wish(prompt_set.pk, **change)
    )
    assert answer.status_code == 302, answer.content.decode()
    campaign = Campaign.objects.get()
    assert (campaign.kind, campaign.asks) == (change.get("kind", "rating"), asks)
    assert campaign.items.count() == (2 if campaign.gives_rankings else 4)
    assert (campaign.rate_first, campaign.presort) == (False, False)


@pytest.mark.parametrize(
    "change",
    [
        {"ratings": "own"},
        {"ratings": "own", "own_ratings": "Clear"},
        {"ratings": "own", "own_ratings": "clear, clear"},
        {"ratings": "own", "own_ratings": "x" * 61},
        {"ratings": "own", "own_ratings": ",".join("abcdefghi")},
        {"ratings": "stars"},
        {"kind": "honesty", "reference": "later"},
        {"kind": "spelling"},
    ],
)
def test_a_set_up_that_cannot_be_is_refused(
    project: Project, rosa: User, sign_in: SignIn, change: dict[str, Any]
) -> None:
    prompt_set = build_prompt_set(project, rosa)
    answer = sign_in(rosa).post(
        reverse("labels:add_campaign", args=["harbour"]), wish(prompt_set.pk, **change)
    )
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not Campaign.objects.exists()


def test_prompts_of_one_answer_can_be_rated_but_not_ranked(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    prompt_set, page = (
        build_prompt_set(project, rosa, prompts=2, answers=1),
        reverse("labels:add_campaign", args=["harbour"]),
    )
    assert sign_in(rosa).post(page, wish(prompt_set.pk, kind="ranking")).status_code == 422
    assert sign_in(rosa).post(page, wish(prompt_set.pk)).status_code == 302
    assert Campaign.objects.get().items.count() == 2


def test_the_researchers_pages_tell_what_was_said(
    campaign: Campaign, slot: Slot, ada: User, rosa: User, sign_in: SignIn
) -> None:
    give(slot, ada, {"ratings": {"helpful": 1, "honest": 2, "harmless": 3}, "flags": ["fails-task"]})
    browser = sign_in(rosa)
    for page in (
        reverse("labels:campaign", args=["harbour", campaign.pk]),
        reverse("labels:item", args=["harbour", slot.item_id]),
    ):
        text = browser.get(page).content.decode()
        assert "helpful 1 · honest 2 · harmless 3 · fails-task" in text, page
        assert "Ada" in text or "ada" in text
    index = browser.get(reverse("labels:index", args=["harbour"])).content.decode()
    assert "rating</span>" in index
    exports = browser.get(
        reverse("labels:exports", args=["harbour"]), {"campaign": campaign.pk}
    ).content.decode()
    assert reverse("labels:lines", args=["harbour", "ratings"]) + f"?campaign={campaign.pk}" in exports
    assert reverse("labels:export", args=["harbour", "sft"]) not in exports


def test_lines_are_downloaded_whole_and_from_where_they_broke_off(
    campaign: Campaign, ada: User, rosa: User, sign_in: SignIn
) -> None:
    keys = [give(claimed(campaign, ada), ada).key for _item in range(3)]
    place, browser = reverse("labels:lines", args=["harbour", "ratings"]), sign_in(rosa)

    def ids(**told: Any) -> list[str]:
        body = b"".join(browser.get(place, told).streaming_content)  # type: ignore[attr-defined]
        return [json.loads(line)["id"] for line in body.splitlines()]

    assert ids() == ids(campaign=campaign.pk) == keys
    assert ids(after=keys[0]) == keys[1:]
    assert browser.get(place, {"after": "nobody"}).status_code == 404
    assert browser.get(reverse("labels:lines", args=["harbour", "rankings-of"])).status_code == 404


def test_exports_of_rankings_say_where_other_labels_leave(
    campaign: Campaign, project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    browser = sign_in(rosa)
    ranked = build_campaign(project, rosa)
    submit(claimed(ranked, ada), ada)
    for place in (
        reverse("labels:download", args=["harbour"]),
        reverse("labels:export", args=["harbour", "csv"]),
    ):
        answer = browser.get(place, {"campaign": campaign.pk}, follow=True)
        assert answer.redirect_chain
        assert "format of their own" in answer.content.decode()
    lines = reverse("labels:lines", args=["harbour", "ratings"])
    assert browser.get(lines, {"campaign": ranked.pk}).status_code == 404


def test_of_spans_nothing_is_gold(project: Project, rosa: User, sign_in: SignIn) -> None:
    campaign = build_label_campaign(project, rosa, kind="spans", prompts=1, answers=1, name="marked")
    item, browser = campaign.items.get(), sign_in(rosa)
    answer = browser.post(reverse("labels:gold", args=["harbour", item.pk]), {})
    assert answer.status_code == 422
    assert (
        "Make this item gold"
        not in browser.get(reverse("labels:item", args=["harbour", item.pk])).content.decode()
    )
    settings = browser.get(reverse("labels:quality_settings", args=["harbour", campaign.pk])).content.decode()
    assert "gold_rate" not in settings
