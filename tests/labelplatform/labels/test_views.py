"""The researcher's pages: campaigns, their progress, their labels."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, Role, User
from labelplatform.labels.models import Campaign
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, build_prompt_set, claimed, submit

SignIn = Callable[[User], Client]


def wish(chosen: int, **change: Any) -> dict[str, Any]:
    return {
        "name": "New",
        "prompt_set": chosen,
        "kind": "ranking",
        "overlap": 2,
        "guidelines": "Be fair.",
    } | change


def test_a_campaign_is_made_over_a_prompt_set(project: Project, rosa: User, sign_in: SignIn) -> None:
    prompt_set = build_prompt_set(project, rosa, prompts=3, answers=4)
    answer = sign_in(rosa).post(reverse("labels:add_campaign", args=["harbour"]), wish(prompt_set.pk))
    campaign = Campaign.objects.get()
    assert answer.headers["Location"] == reverse("labels:campaign", args=["harbour", campaign.pk])
    assert (campaign.items.count(), campaign.slots.count(), campaign.overlap) == (3, 6, 2)


@pytest.mark.parametrize(
    ("ticked", "stages"),
    [({}, (False, False)), ({"rate_first": "on"}, (True, False)), ({"presort": "on"}, (False, False)),
     ({"rate_first": "on", "presort": "on"}, (True, True))],
)  # fmt: skip
def test_rating_first_and_its_proposal_are_switches_of_a_campaign(
    project: Project, rosa: User, sign_in: SignIn, ticked: dict[str, str], stages: tuple[bool, bool]
) -> None:
    prompt_set = build_prompt_set(project, rosa)
    page = reverse("labels:add_campaign", args=["harbour"])
    assert 'name="rate_first" id="id_rate_first" checked' in re.sub(
        r' aria-describedby="[^"]*"', "", sign_in(rosa).get(page).content.decode()
    )
    sign_in(rosa).post(page, wish(prompt_set.pk, **ticked))
    campaign = Campaign.objects.get()
    assert (campaign.rate_first, campaign.presort) == stages
    entry = AuditEntry.objects.get(verb="set campaign stages")
    assert entry.detail == {"rate_first": stages[0], "presort": stages[1]}


@pytest.mark.parametrize(
    "change", [{"overlap": 0}, {"name": ""}, {"kind": "spelling"}, {"prompt_set": 10**6}]
)
def test_a_campaign_that_cannot_be_is_refused(
    project: Project, rosa: User, sign_in: SignIn, change: dict[str, Any]
) -> None:
    prompt_set = build_prompt_set(project, rosa)
    answer = sign_in(rosa).post(
        reverse("labels:add_campaign", args=["harbour"]), wish(prompt_set.pk, **change)
    )
    assert answer.status_code == 422
    assert not Campaign.objects.exists()


def test_one_name_is_one_campaign_and_an_empty_set_makes_none(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    browser, page = sign_in(rosa), reverse("labels:add_campaign", args=["harbour"])
    lonely = build_prompt_set(project, rosa, answers=1, name="lonely")
    assert browser.post(page, wish(lonely.pk)).status_code == 422
    assert not Campaign.objects.exists()
    full = build_prompt_set(project, rosa, name="full")
    assert browser.post(page, wish(full.pk)).status_code == 302
    assert "name already" in browser.post(page, wish(full.pk)).content.decode()


def test_another_projects_prompts_cannot_be_chosen(
    project: Project, other_project: Project, rosa: User, olga: User, sign_in: SignIn
) -> None:
    theirs = build_prompt_set(other_project, olga)
    answer = sign_in(rosa).post(reverse("labels:add_campaign", args=["harbour"]), wish(theirs.pk))
    assert answer.status_code == 422


def test_progress_people_and_newest_rankings(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=4)
    ranking = submit(claimed(campaign, ada), ada)
    browser = sign_in(rosa)
    page = browser.get(reverse("labels:campaign", args=["harbour", campaign.pk])).content.decode()
    assert '<progress value="1" max="4"' in page
    assert "ada" in page
    assert reverse("labels:ranking", args=["harbour", ranking.pk]) in page
    assert (
        '<progress value="1" max="4"'
        in browser.get(reverse("labels:index", args=["harbour"])).content.decode()
    )


def test_one_ranking_tells_all_for_lineage(project: Project, ada: User, rosa: User, sign_in: SignIn) -> None:
    ranking = submit(claimed(build_campaign(project, rosa), ada), ada)
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    for person in (rosa, vera):
        page = sign_in(person).get(reverse("labels:ranking", args=["harbour", ranking.pk])).content.decode()
        assert "first-policy" in page
        assert "recorded" in page
        for response in ranking.item.responses.all():
            assert response.text in page


def test_the_download_is_the_public_lines(project: Project, ada: User, rosa: User, sign_in: SignIn) -> None:
    one, two = (build_campaign(project, rosa, name=name) for name in ("one", "two"))
    kept = [submit(claimed(campaign, ada), ada) for campaign in (one, two)]
    page = reverse("labels:download", args=["harbour"])

    def ids(query: str = "") -> list[str]:
        answer = sign_in(rosa).get(page + query)
        assert "attachment" in answer.headers["Content-Disposition"]
        return [json.loads(line)["id"] for line in b"".join(answer.streaming_content).splitlines()]  # type: ignore[attr-defined]

    assert ids() == [ranking.key for ranking in kept]
    assert ids(f"?campaign={two.pk}") == [kept[1].key]
    assert sign_in(rosa).get(f"{page}?campaign=%00x").status_code == 404


def test_pausing_and_opening_again(project: Project, ada: User, rosa: User, sign_in: SignIn) -> None:
    campaign = build_campaign(project, rosa)
    page = reverse("labels:set_state", args=["harbour", campaign.pk])
    for state, kept in (("paused", "paused"), ("nonsense", "paused"), ("open", "open")):
        sign_in(rosa).post(page, {"state": state})
        campaign.refresh_from_db()
        assert campaign.state == kept
    assert sign_in(ada).post(page, {"state": "closed"}).status_code == 403


def test_the_list_takes_a_fixed_number_of_statements(
    project: Project, rosa: User, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    browser = sign_in(rosa)
    for count in (1, 4):
        for number in range(count):
            build_campaign(project, rosa, prompts=2, answers=2, name=f"{count}/{number}")
        with django_assert_num_queries(2):
            browser.get(reverse("labels:index", args=["harbour"]))
