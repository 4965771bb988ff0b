"""Rated before ranked: ratings, margins, the log, drafts of two windows, and the next item promised beside."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.labels import queries, rules, services
from labelplatform.labels.models import Campaign, Draft, Lease, Ranking, RankingLog, Slot
from labelplatform.labels.services import submission
from labelplatform.labels.shown import responses_by_letter
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.test_annotating import SCRIPTED, address, body
from tests.labelplatform.labels.test_assignment import lapse
from tests.labelplatform.labels.test_logs import card, log

SignIn = Callable[[User], Client]
RATED = {f"rating-{letter}": value for letter, value in zip("ABCD", "7315", strict=True)}


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    campaign = build_campaign(project, rosa, prompts=3, answers=4)
    services.set_stages(campaign=campaign, stages=services.Stages(rate_first=True, presort=True), by=rosa)
    return campaign


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def whole_log(**change: Any) -> str:
    return json.dumps(log(cards={letter: card() for letter in "ABCD"}, **change))


def test_ratings_and_margins_are_stored_and_told_in_the_public_line(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    sent = body("1243", margins="3,1,2", **RATED)
    assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 200
    ranking = Ranking.objects.get()
    keys = {
        letter: slot.item.responses.get(pk=response).key
        for letter, response in responses_by_letter(slot).items()
    }
    line = queries.ranking_line(ranking)
    assert line["ratings"] == {keys[letter]: {"overall": int(RATED[f"rating-{letter}"])} for letter in "ABCD"}
    assert line["margins"] == [3, 1, 2]
    assert line["tiers"] == [[keys[letter]] for letter in "ABDC"]


def test_where_nothing_is_told_of_them_the_line_has_neither(project: Project, ada: User, rosa: User) -> None:
    line = queries.ranking_line(submit(claimed(build_campaign(project, rosa), ada), ada))
    assert not {"ratings", "margins"} & set(line)


@pytest.mark.parametrize(
    "change", [{"rating-B": ""}, {"rating-A": "8"}, {"rating-A": "0"}, {"rating-A": "x"}]
)
def test_every_answer_must_be_rated_from_one_to_seven(
    slot: Slot, ada: User, sign_in: SignIn, change: dict[str, str]
) -> None:
    answer = sign_in(ada).post(address("rank", slot), body("1234", **{**RATED, **change}))
    assert answer.status_code == 422
    assert not Ranking.objects.exists()
    assert (
        'name="rating-D" inputmode="numeric" pattern="[1-7]" maxlength="1" value="5"'
        in answer.content.decode()
    )


def test_unacceptable_needs_no_rating(slot: Slot, ada: User, sign_in: SignIn) -> None:
    sent = body("    ", unacceptable="on")
    assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 200


def test_ratings_alone_are_no_order(slot: Slot, ada: User, sign_in: SignIn) -> None:
    """The proposal lives in the page: what nobody confirmed is never sent, and the server makes none up."""
    answer = sign_in(ada).post(address("rank", slot), body("    ", **RATED), **SCRIPTED)
    assert answer.status_code == 422
    assert not Ranking.objects.exists()


@pytest.mark.parametrize("margins", ["1,2", "1,2,3,1", "1,2,4", "0,1,2", "1,,2", "big"])
def test_margins_are_one_for_each_gap_or_none(slot: Slot, ada: User, sign_in: SignIn, margins: str) -> None:
    sent = body("1234", margins=margins, **RATED)
    assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 422
    assert not Ranking.objects.exists()


def test_ties_leave_fewer_gaps(slot: Slot, ada: User, sign_in: SignIn) -> None:
    sent = body("1122", margins="2", **RATED)
    assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 200
    assert Ranking.objects.get().margins == [2]


JUDGEMENT = rules.Judgement(
    tiers=[[1], [2]],
    flags={1: ["hallucination"]},
    ratings={1: {"overall": 6}, 2: {"overall": 2}},
    margins=[1],
)


@pytest.mark.parametrize(
    "change",
    [
        {"tiers": [[2], [1]]},
        {"flags": {2: ["hallucination"]}},
        {"flags": {}},
        {"ratings": {1: {"overall": 6}, 2: {"overall": 3}}},
        {"ratings": {1: {"overall": 6}, 2: {"other": 2}}},
        {"ratings": {2: {"overall": 6}, 1: {"overall": 2}}},
        {"ratings": {}},
        {"margins": [2]},
        {"margins": None},
        {"unacceptable": True},
    ],
)
def test_another_judgement_has_another_digest(change: dict[str, Any]) -> None:
    assert replace(JUDGEMENT, **change).digest() != JUDGEMENT.digest()


def test_the_same_judgement_told_otherwise_has_the_same_digest() -> None:
    turned = {2: {"overall": 2.0}, 1: {"overall": 6.0}}
    assert replace(JUDGEMENT, ratings=turned, margins=[1.0], seconds=9).digest() == JUDGEMENT.digest()


@pytest.mark.parametrize("ratings", [{1: {"overall": 0.5}}, {1: {"overall": 7.5}}, {9: {"overall": 4}}])
def test_the_verb_refuses_what_is_no_rating(slot: Slot, ada: User, ratings: dict[int, Any]) -> None:
    with pytest.raises(services.JudgementRefused):
        rules.check(replace(JUDGEMENT, flags={}, ratings=ratings), campaign=slot.campaign, responses=[1, 2])


def test_a_retry_with_another_rating_is_a_conflict(slot: Slot, ada: User, sign_in: SignIn) -> None:
    sent = body("1234", **RATED)
    assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 200
    assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 200
    other = {**sent, "rating-A": "6"}
    assert sign_in(ada).post(address("rank", slot), other, **SCRIPTED).status_code == 409


def test_the_log_is_kept_with_what_the_server_knows_itself(slot: Slot, ada: User, sign_in: SignIn) -> None:
    sent = body("1234", log=whole_log(), **RATED)
    for _send in range(2):
        assert sign_in(ada).post(address("rank", slot), sent, **SCRIPTED).status_code == 200
    kept = RankingLog.objects.get()
    shown = {"seed": slot.campaign.seed, "ordinal": 1, "shown_order": slot.shown_order}
    assert kept.ranking == Ranking.objects.get()
    assert kept.body == {**json.loads(whole_log()), **shown}
    assert kept.dropped == ""


@pytest.mark.parametrize("told", ["no json", "{}", "x" * 200_000, "\0", '{"format": 1}'])
def test_a_bad_log_is_dropped_with_a_note_and_the_ranking_counts(
    slot: Slot, ada: User, sign_in: SignIn, told: str
) -> None:
    answer = sign_in(ada).post(address("rank", slot), body("1234", log=told, **RATED), **SCRIPTED)
    assert answer.status_code == 200
    kept = RankingLog.objects.get()
    assert kept.body == {}
    assert kept.dropped
    assert not Ranking.objects.get().surplus


def test_without_a_log_there_is_none(slot: Slot, ada: User, sign_in: SignIn) -> None:
    sign_in(ada).post(address("rank", slot), body("1234", **RATED), **SCRIPTED)
    assert Ranking.objects.exists()
    assert not RankingLog.objects.exists()


def keep(slot: Slot, ada: User, places: dict[str, int], **told: Any) -> None:
    token = told.pop("token", slot.lease_token)
    services.save_draft(slot=slot, annotator=ada, state={"places": places, **told}, token=token)


def kept() -> Any:
    return Draft.objects.get().state["places"]


def test_of_one_window_the_newer_draft_stays(slot: Slot, ada: User) -> None:
    keep(slot, ada, {"A": 1}, writer="one", version=5, base=0)
    keep(slot, ada, {"A": 2}, writer="one", version=4, base=0)
    assert kept() == {"A": 1}
    keep(slot, ada, {"A": 3}, writer="one", version=6, base=0)
    assert kept() == {"A": 3}


def test_a_window_never_overwrites_what_another_wrote_since(slot: Slot, ada: User, sign_in: SignIn) -> None:
    keep(slot, ada, {"A": 1}, writer="one", version=1, base=0)
    keep(slot, ada, {"A": 2}, writer="two", version=2, base=1)
    with pytest.raises(services.DraftOvertaken):
        keep(slot, ada, {"A": 3}, writer="one", version=9, base=0)
    late = json.dumps({"places": {"A": 3}, "writer": "one", "version": 9, "base": 0})
    answer = sign_in(ada).post(address("draft", slot), late, content_type="application/json")
    assert answer.status_code == 409
    assert "another window" in answer.json()["problem"]
    assert kept() == {"A": 2}


def test_a_draft_that_another_window_writes_meanwhile_is_read_again(
    slot: Slot, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and our write the other window, which began from the same version, writes."""
    keep(slot, ada, {"A": 1}, writer="one", version=1, base=0)
    rewrite = submission._REWRITE.run
    raced: list[bool] = []

    def race(**told: Any) -> int:
        if not raced:
            raced.append(True)
            keep(slot, ada, {"A": 2}, writer="two", version=2, base=1)
        return rewrite(**told)

    monkeypatch.setattr(submission._REWRITE, "run", race)
    with pytest.raises(services.DraftOvertaken):
        keep(slot, ada, {"A": 3}, writer="one", version=2, base=1)
    assert kept() == {"A": 2}


def test_a_first_draft_that_another_window_writes_meanwhile_is_read_again(
    slot: Slot, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = submission._DRAFTS.insert
    raced: list[bool] = []

    def race(*drafts: Draft) -> bool:
        if not raced:
            raced.append(True)
            keep(slot, ada, {"A": 2})
        return insert(*drafts)

    monkeypatch.setattr(submission._DRAFTS, "insert", race)
    keep(slot, ada, {"A": 3})
    assert kept() == {"A": 3}
    assert Draft.objects.count() == 1


def test_a_draft_under_an_older_lease_is_refused(slot: Slot, ada: User, ben: User) -> None:
    older = slot.lease_token
    for person in (ben, ada):
        lapse(slot)
        newer = claimed(slot.campaign, person)
    assert newer.pk == slot.pk
    keep(newer, ada, {"A": 1})
    with pytest.raises(services.DraftOvertaken):
        keep(newer, ada, {"A": 2}, token=older)
    assert kept() == {"A": 1}


def test_each_person_keeps_a_draft_of_their_own_of_one_slot(slot: Slot, ada: User, ben: User) -> None:
    keep(slot, ada, {"A": 1})
    lapse(slot)
    keep(claimed(slot.campaign, ben), ben, {"A": 2})
    drafts = Draft.objects.order_by("pk").values_list("annotator", "state__places")
    assert list(drafts) == [(ada.pk, {"A": 1}), (ben.pk, {"A": 2})]


def test_the_next_item_is_promised_beside_and_is_what_comes_next(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    told = browser.post(address("prefetch", slot)).json()
    assert browser.post(address("prefetch", slot)).json() == told
    held = Slot.objects.filter(annotator=ada, state=Slot.State.LEASED)
    assert held.count() == 2
    beside = held.exclude(pk=slot.pk).get()
    assert told == {"next": address("rank", beside)}
    assert browser.get(told["next"]).status_code == 200
    following = browser.post(address("rank", slot), body("1234", **RATED), **SCRIPTED).json()
    assert following == told
    assert held.count() == 1


def test_the_page_beside_comes_at_once_to_a_script_that_prefers_it(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    page = browser.post(address("prefetch", slot), headers={"Prefer": "return=representation"})
    beside = Slot.objects.filter(annotator=ada).exclude(pk=slot.pk).get()
    assert (page.status_code, page.headers["Content-Location"]) == (200, address("rank", beside))
    assert beside.item.prompt.messages[-1]["content"] in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


def test_nothing_is_promised_beside_what_is_lost_or_last(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    last = claimed(build_campaign(project, rosa, prompts=1, name="one"), ada)
    browser = sign_in(ada)
    assert browser.post(address("prefetch", last)).json() == {"next": None}
    submit(last, ada)
    assert browser.post(address("prefetch", last)).status_code == 410
    assert Lease.objects.count() == 1


def test_the_page_says_what_comes_first(slot: Slot, ada: User, sign_in: SignIn, rosa: User) -> None:
    page = sign_in(ada).get(address("rank", slot)).content.decode()
    assert "data-rate-first" in page
    assert "data-presort" in page
    assert page.count('data-rate="7"') == 5
    services.set_stages(campaign=slot.campaign, stages=services.Stages(presort=True), by=rosa)
    page = sign_in(ada).get(address("rank", slot)).content.decode()
    assert "data-rate-first" not in page
    assert "data-presort" not in page
    assert "data-rate=" not in page


def test_a_draft_brings_back_ratings_steps_and_view(slot: Slot, ada: User, sign_in: SignIn) -> None:
    state: dict[str, Any] = {
        "ratings": {"A": 7},
        "stage": "rate",
        "history": [{"ratings": {}}],
        "future": [],
        "view": "grid",
    }
    state |= {
        "margins": {},
        "proposed": False,
        "log": {"moves": []},
        "writer": str(uuid.uuid4()),
        "version": 3,
    }
    browser = sign_in(ada)
    sent = json.dumps({**state, "strange": 1})
    assert browser.post(address("draft", slot), sent, content_type="application/json").status_code == 200
    page = browser.get(address("rank", slot)).content.decode()
    assert Draft.objects.get().state == {**state, "unacceptable": False}
    assert 'name="rating-A" inputmode="numeric" pattern="[1-7]" maxlength="1" value="7"' in page
