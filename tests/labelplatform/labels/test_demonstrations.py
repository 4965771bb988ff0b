"""Answers written by people: whole, long enough, and the same after a way out and in again."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels import kinds, services
from labelplatform.labels.kinds.demonstrations import DEMONSTRATION, MOST_CHARACTERS
from labelplatform.labels.kinds.kind import Matter
from labelplatform.labels.label_lines import label_lines
from labelplatform.labels.models import Campaign, Label, Slot
from labelplatform.labels.services import CampaignRefused, JudgementRefused
from labelplatform.labels.services.label_recording import record_labels
from labelplatform.prompts.services import create_prompt_set, import_prompts
from tests.labelplatform.labels.building import claimed
from trainer.errors import BadInput
from trainer.prompts import parse_demonstration

PROMPT = [{"role": "user", "content": "Where is Lima?"}]
MATTER = Matter({"fewest_characters": 5}, PROMPT)


def checked(written: str, matter: Matter = MATTER) -> Any:
    told = QueryDict(mutable=True)
    told["response"] = written
    return DEMONSTRATION.check(DEMONSTRATION.read(told, matter), matter)["response"]


def test_what_is_written_is_kept_as_it_is() -> None:
    assert checked("  In Peru.\r\n\r\n利马 👍🏽\n") == "  In Peru.\n\n利马 👍🏽\n"


@pytest.mark.parametrize("written", ["", "   ", "\r\n\t\u3000"])
def test_nothing_is_no_answer(written: str) -> None:
    with pytest.raises(JudgementRefused, match="There is no answer yet"):
        checked(written)


def test_an_answer_is_as_long_as_the_campaign_asks() -> None:
    """Blanks at the ends do not count; characters are code points."""
    assert checked("12345") == "12345"
    assert checked("👍👍👍👍👍") == "👍👍👍👍👍"
    with pytest.raises(JudgementRefused, match="has 4 characters; this campaign asks for at least 5"):
        checked(" 1234 \n")
    assert checked("1", Matter({}, PROMPT)) == "1"


def test_an_answer_has_an_end() -> None:
    assert len(checked("a" * MOST_CHARACTERS)) == 20_000
    with pytest.raises(JudgementRefused, match="20001 characters; at most 20000"):
        checked("a" * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize("written", ["good text \0", "good text \ud800"])
def test_what_is_no_text_is_refused(written: str) -> None:
    with pytest.raises(JudgementRefused, match="characters that are no text"):
        checked(written)


def test_the_shortest_answer_is_a_setting() -> None:
    assert DEMONSTRATION.asks({}) == {"fewest_characters": 1}
    assert DEMONSTRATION.asks({"fewest_characters": 200}) == {"fewest_characters": 200}
    for wrong in (-1, MOST_CHARACTERS + 1, "20", 2.5, True):
        with pytest.raises(kinds.AsksRefused):
            DEMONSTRATION.asks({"fewest_characters": wrong})


def test_a_draft_is_a_text() -> None:
    assert DEMONSTRATION.fits({}, MATTER)
    assert DEMONSTRATION.fits({"response": "a" * MOST_CHARACTERS}, MATTER)
    assert not DEMONSTRATION.fits({"response": "a" * (MOST_CHARACTERS + 1)}, MATTER)
    assert not DEMONSTRATION.fits({"response": None}, MATTER)


def test_what_was_written_is_shown_again() -> None:
    typed = QueryDict(mutable=True)
    typed["response"] = "typed"
    assert DEMONSTRATION.shown(MATTER, {"response": "kept"}, typed)["written"] == "typed"
    assert DEMONSTRATION.shown(MATTER, {"response": "kept"}, None)["written"] == "kept"
    assert DEMONSTRATION.shown(MATTER, {}, None)["fewest_characters"] == 5


def campaign_of(project: Project, by: User, **asks: object) -> Campaign:
    prompt_set = create_prompt_set(project=project, name="prompts", by=by)
    lines = [{"id": f"p{n}", "prompt": PROMPT, "context": f"text {n}"} for n in range(2)]
    import_prompts(prompt_set=prompt_set, lines=lines, by=by)
    return services.create_campaign_over(
        prompts=prompt_set.prompts.all(),
        project=project,
        name="demonstrations",
        by=by,
        kind="demonstration",
        stages=services.Stages(asks=asks),
    )


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return campaign_of(project, rosa, fewest_characters=5)


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def address(slot: Slot, name: str = "rank") -> str:
    return reverse(f"labels:{name}", args=[slot.campaign.project.slug, slot.lease_token])


@pytest.mark.django_db
def test_the_same_question_of_two_texts_is_two_items(campaign: Campaign) -> None:
    assert {item.prompt.context for item in campaign.items.all()} == {"text 0", "text 1"}
    assert campaign.asks == {"fewest_characters": 5}


@pytest.mark.django_db
def test_a_setting_that_is_none_makes_no_campaign(project: Project, rosa: User) -> None:
    with pytest.raises(CampaignRefused, match="The shortest answer"):
        campaign_of(project, rosa, fewest_characters=-5)


@pytest.mark.django_db
def test_the_page_takes_what_is_whole_and_keeps_the_box_of_what_is_not(
    slot: Slot, ada: User, client: Client
) -> None:
    client.force_login(ada)
    page = client.get(address(slot))
    assert page.templates[0].name == "labels/demonstrate.html"
    told = {"submission": str(uuid.uuid4()), "response": "\nabc"}
    refused = client.post(address(slot), told)
    assert refused.status_code == 422
    assert not Label.objects.exists()
    # The parser takes the first line's end off; what was typed begins with one.
    assert "\n\nabc</textarea>" in refused.content.decode()
    assert client.post(address(slot), {**told, "response": "In Peru.\r\n<b>"}).status_code == 302
    assert Label.objects.get().body == {"response": "In Peru.\n<b>"}


@pytest.mark.django_db
def test_the_preview_is_what_an_answer_looks_like_and_nothing_is_kept(
    slot: Slot, ada: User, ben: User, client: Client
) -> None:
    client.force_login(ada)
    answer = client.post(address(slot, "preview_text"), {"response": "**so** <script>alert(1)</script>"})
    assert answer.json()["html"].startswith("<p><strong>so</strong>")
    assert "<script" not in answer.json()["html"]
    assert not slot.drafts.exists()
    long = client.post(address(slot, "preview_text"), {"response": "a" * (MOST_CHARACTERS + 5)})
    assert long.json()["html"].count("a") == MOST_CHARACTERS
    client.force_login(ben)
    assert client.post(address(slot, "preview_text"), {"response": "x"}).status_code == 404


@pytest.mark.django_db
def test_what_goes_out_comes_in_again_the_same(project: Project, slot: Slot, ada: User) -> None:
    assert slot.lease_token is not None
    services.submit_label(
        slot=slot,
        lease_token=slot.lease_token,
        submission=uuid.uuid4(),
        body={"response": "In Peru, on the coast."},
        seconds=4.5,
        by=ada,
    )
    out = list(label_lines(project, "demonstrations"))
    assert parse_demonstration(dict(out[0]), "").response == "In Peru, on the coast."
    assert (out[0]["annotator"], out[0]["context"]) == ("ada", "text 0")
    foreign = {"id": "d9", "prompt": PROMPT, "response": "Far.", "annotator": "zoe", "note": [1]}
    assert recorded_again([*out, foreign])[:1] == out
    found = recorded_again([foreign], "third")[0]
    assert {key: found[key] for key in ("id", "prompt", "response", "note")} == {
        key: foreign[key] for key in ("id", "prompt", "response", "note")
    }


def recorded_again(lines: list[Any], slug: str = "elsewhere") -> list[dict[str, Any]]:
    elsewhere = Project.objects.create(name=slug, slug=slug)
    target = services.create_campaign(
        project=elsewhere, name="in", by=None, kind="demonstration", overlap=0, source="import"
    )
    assert record_labels(campaign=target, lines=lines, by=None) == len(lines)
    return [dict(one) for one in label_lines(elsewhere, "demonstrations")]


def test_lines_that_are_none_are_refused() -> None:
    good = {"id": "d", "prompt": PROMPT, "response": "In Peru.", "annotator": "ann"}
    assert DEMONSTRATION.from_line(good).item_key == DEMONSTRATION.from_line(good).prompt_key
    assert DEMONSTRATION.from_line({**good, "item": "i"}).item_key == "i"
    keys = {
        DEMONSTRATION.from_line({**good, **more}).prompt_key
        for more in ({}, {"context": "a"}, {"context": "b"})
    }
    assert len(keys) == 3
    changes: tuple[dict[str, object], ...] = (
        {"response": ""},
        {"prompt": []},
        {"seconds": "1"},
        {"context": 3},
        {"item": ""},
    )
    for change in changes:
        with pytest.raises(BadInput, match="wanted"):
            DEMONSTRATION.from_line({**good, **change})


def test_a_line_tells_its_kind() -> None:
    good = {"id": "d", "prompt": PROMPT, "response": "In Peru.", "annotator": "ann"}
    assert kinds.kind_of_line(good) is DEMONSTRATION
    assert kinds.kind_of_line({**good, "spans": []}) is kinds.KINDS["spans"]
    assert kinds.kind_of_line({**good, "ratings": {}}) is kinds.KINDS["rating"]


def test_a_label_is_told_in_short() -> None:
    assert DEMONSTRATION.in_short({"response": "a" * 300}) == "a" * 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "fewest", "status"), [("30", 30, 302), ("", 1, 302), ("0", None, 422), ("x", None, 422)]
)
def test_a_campaign_is_set_up_over_prompts_without_answers(
    project: Project, rosa: User, client: Client, told: str, fewest: int | None, status: int
) -> None:
    prompt_set = create_prompt_set(project=project, name="prompts", by=rosa)
    import_prompts(prompt_set=prompt_set, lines=[{"id": "p", "prompt": PROMPT}], by=rosa)
    form = {"name": "new", "prompt_set": prompt_set.pk, "kind": "demonstration", "overlap": 1}
    client.force_login(rosa)
    answer = client.post(
        reverse("labels:add_campaign", args=[project.slug]), {**form, "fewest_characters": told}
    )
    assert answer.status_code == status
    made = Campaign.objects.filter(kind="demonstration").first()
    assert (made and made.asks) == (fewest and {"fewest_characters": fewest})
