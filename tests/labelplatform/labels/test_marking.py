"""What goes with a ranking beside its order: marks of what is invented, and an answer of the person's own."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels import queries, rules, services
from labelplatform.labels.kinds import Unreadable
from labelplatform.labels.label_lines import files_of, label_lines, lines_for, refuse_other_kind
from labelplatform.labels.marking import read_better, read_marks
from labelplatform.labels.models import Campaign, Draft, Label, Ranking, Slot
from labelplatform.labels.shown import responses_by_letter
from labelplatform.prompts.models import Response
from tests.labelplatform.labels.building import build_campaign, claimed
from trainer.prompts import parse_demonstration
from trainer.rankings import parse_ranking, to_line

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}
MARK = {"start": 0, "end": 6, "kind": "contradicts"}
LATER = {"start": 7, "end": 8, "kind": "other"}


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=2, answers=3)


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def sent(**more: object) -> dict[str, Any]:
    places = {"place-A": "1", "place-B": "2", "place-C": "3"}
    return {"submission": str(uuid.uuid4()), **places, **more}


def submitted(browser: Client, slot: Slot, **more: object) -> Any:
    return browser.post(reverse("labels:rank", args=["harbour", slot.lease_token]), sent(**more), **SCRIPTED)


def the_line(project: Project) -> dict[str, Any]:
    (line,) = queries.ranking_lines(project)
    return dict(line)


def test_marks_stand_on_the_line_by_response_and_come_back_as_they_went(
    project: Project, slot: Slot, ada: User, sign_in: SignIn
) -> None:
    responses = responses_by_letter(slot)
    keys = dict(Response.objects.values_list("pk", "key"))
    answer = submitted(sign_in(ada), slot, marks=json.dumps({"C": [LATER, MARK], "B": []}))
    assert answer.status_code == 200
    line = the_line(project)
    assert line["spans"] == {keys[responses["C"]]: [MARK, LATER]}
    assert to_line(parse_ranking(dict(line), ""))["spans"] == line["spans"]
    assert queries.ranking_line(Ranking.objects.get())["spans"] == line["spans"]


def test_without_marks_a_line_says_nothing_of_them(
    project: Project, slot: Slot, ada: User, sign_in: SignIn
) -> None:
    assert submitted(sign_in(ada), slot, marks="{}", better=" \n ").status_code == 200
    assert "spans" not in the_line(project)
    assert not Label.objects.exists()


@pytest.mark.parametrize(
    "told",
    [
        *("no json", "[]", '{"D": []}', "[" * 50_000, json.dumps({"A": [MARK, MARK]})),
        '{"A": [{"start": 0, "end": 999, "kind": "other"}]}',
        '{"A": [{"start": 0, "end": 6, "kind": "odd"}]}',
        '{"A": [{"start": 3, "end": 3, "kind": "other"}]}',
    ],
)
def test_marks_that_are_none_are_refused_and_nothing_is_stored(
    slot: Slot, ada: User, sign_in: SignIn, told: str
) -> None:
    assert submitted(sign_in(ada), slot, marks=told).status_code == 422
    assert not Ranking.objects.exists()


def test_marks_are_read_about_the_response_behind_the_letter(slot: Slot) -> None:
    responses = responses_by_letter(slot)
    assert read_marks(json.dumps({"B": [MARK]}), responses) == {responses["B"]: [MARK]}
    assert read_marks("", responses) == {}
    with pytest.raises(Unreadable):
        read_marks("7", responses)


def test_ones_own_answer_leaves_as_a_demonstration_with_its_prompt(
    project: Project, campaign: Campaign, slot: Slot, ada: User, sign_in: SignIn
) -> None:
    assert submitted(sign_in(ada), slot, better="Better:\r\n里斯本。").status_code == 200
    ranking = Ranking.objects.get()
    (line,) = label_lines(project, "demonstrations")
    told = parse_demonstration(dict(line), "")
    assert (told.response, told.annotator, told.id) == ("Better:\n里斯本。", "ada", f"{ranking.key}-better")
    assert [one.content for one in told.prompt] == [one["content"] for one in slot.item.prompt.messages]
    assert line["ranking"] == ranking.key
    assert line["prompt_id"] == slot.item.prompt.key
    # It is about the prompt alone: none of the answers that were shown is meant.
    assert not {"response_id", "policy"} & set(line)
    assert [(one.name, one.lines) for one in files_of(project, campaign)] == [("demonstrations", 1)]
    refuse_other_kind(campaign, "demonstrations")
    messages = [one["id"] for one in lines_for(project, "sft")]
    assert messages == [ranking.key, f"{ranking.key}-better"]


def test_it_is_no_label_that_the_campaign_asked_for(
    project: Project, slot: Slot, ada: User, sign_in: SignIn
) -> None:
    submitted(sign_in(ada), slot, better="mine")
    found: Any = queries.campaigns(project).get()
    assert (found.labels_kept, found.slots_done) == (1, 1)


def test_a_retry_is_the_same_submission_and_another_text_another_body(
    slot: Slot, ada: User, sign_in: SignIn
) -> None:
    browser, token = sign_in(ada), slot.lease_token
    address = reverse("labels:rank", args=["harbour", token])
    told = sent(better="mine", marks=json.dumps({"A": [MARK]}))
    assert [browser.post(address, told, **SCRIPTED).status_code for _again in range(2)] == [200, 200]
    assert (Ranking.objects.count(), Label.objects.count()) == (1, 1)
    assert browser.post(address, {**told, "better": "another"}, **SCRIPTED).status_code == 409
    assert browser.post(address, {**told, "marks": ""}, **SCRIPTED).status_code == 409
    assert (Ranking.objects.count(), Label.objects.get().body) == (1, {"response": "mine"})


def test_late_work_keeps_its_answer_aside_with_it(
    project: Project, slot: Slot, ada: User, ben: User, campaign: Campaign
) -> None:
    from tests.labelplatform.labels.test_assignment import lapse

    token = slot.lease_token
    assert token is not None
    lapse(slot)
    other = claimed(campaign, ben)
    assert other.pk == slot.pk
    responses = list(responses_by_letter(slot).values())
    judgement = rules.Judgement([[one] for one in responses], better="mine")
    ranking = services.submit_judgement(
        slot=slot, lease_token=token, submission=uuid.uuid4(), judgement=judgement, by=ada
    )
    assert ranking.surplus
    assert Label.objects.get().surplus
    assert list(label_lines(project, "demonstrations")) == []


def test_an_answer_that_could_be_no_demonstration_is_refused() -> None:
    assert read_better("\r\n ") == ""
    for told in ("x" * 20_001, "\x00"):
        with pytest.raises(rules.JudgementRefused):
            read_better(told)


def test_a_draft_keeps_both_and_refuses_what_is_neither(slot: Slot, ada: User, sign_in: SignIn) -> None:
    browser, address = sign_in(ada), reverse("labels:draft", args=["harbour", slot.lease_token])

    def kept(**state: object) -> int:
        return browser.post(address, json.dumps(state), content_type="application/json").status_code

    good = {"marks": {"A": [MARK]}, "better": "half an ans"}
    assert kept(**good) == 200
    assert {name: Draft.objects.get().state[name] for name in good} == good
    wrong: list[object] = [{"D": []}, [], {"A": 7}, {"A": [7]}]
    assert {kept(marks=marks) for marks in wrong} == {400}
    assert kept(marks={"A": [MARK] * 201}) == kept(better=7) == kept(better="x" * 20_001) == 400


def test_the_longest_answer_in_chinese_and_a_page_full_of_marks_are_kept_and_a_draft_has_an_end(
    slot: Slot, ada: User
) -> None:
    full = {
        "better": "里" * 20_000,
        "marks": {letter: [{"start": n, "end": n + 100_000, "kind": "wrong-attribution"} for n in range(200)]
                  for letter in "ABCDEFGHI"},
        "history": ["x" * 200] * 60,
        "log": {"moves": [[10_000_000, "unacceptable", "A", "button", 10, 10]] * 600},
    }  # fmt: skip
    services.save_draft(slot=slot, annotator=ada, state=full)
    services.save_draft(slot=slot, annotator=ada, state={"response": "里" * 166_000})
    with pytest.raises(services.DraftRefused):
        services.save_draft(slot=slot, annotator=ada, state={"response": "里" * 167_000})
