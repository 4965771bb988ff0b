"""The pages on which researchers choose what is labelled next and see what it brought."""

from collections.abc import Callable
from unittest.mock import ANY

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels.models import Campaign, QueueOrder
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.ordering import asked, build_reward_models, kept, line_of, put_in_order

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=6)


def page_of(campaign: Campaign) -> str:
    return reverse("labels:choose", args=["harbour", campaign.pk])


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


def wish(models: list[int], **more: object) -> dict[str, object]:
    return {"reward_models": models, "rule": "disagreement", "control_share": "0.25", "seed": "4", **more}


def test_an_order_is_asked_for(campaign: Campaign, rosa: User, sign_in: Browser) -> None:
    models = build_reward_models(campaign.project)
    answer = sign_in(rosa).post(page_of(campaign), wish([model.pk for model in models]))
    order = QueueOrder.objects.get()
    assert (answer.status_code, answer["Location"]) == (
        302,
        reverse("labels:queue_order", args=["harbour", order.pk]),
    )
    assert (order.rule, order.control_share, order.seed, order.job.state) == (
        "disagreement",
        0.25,
        4,
        "queued",
    )
    assert order.job.spec == {
        "campaign": campaign.pk,
        "by": "disagreement",
        "control_share": 0.25,
        "seed": 4,
        "reward_models": [model.digest for model in reversed(models)],
    }
    assert order.job.requested_by == rosa
    told = text(sign_in(rosa).get(answer["Location"]))
    assert "taste 0, taste 1" in told
    assert "Nothing is reckoned yet." in told
    assert "Put in force" not in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rule": "luck"}, "Select a valid choice"),
        ({"control_share": "0"}, "greater than or equal to 0.05"),
        ({"control_share": "1"}, "less than or equal to 0.95"),
        ({"seed": "-1"}, "greater than or equal to 0"),
        ({"reward_models": []}, "This field is required"),
    ],
)
def test_a_bad_wish_is_told_at_its_field(
    campaign: Campaign, rosa: User, sign_in: Browser, change: dict[str, object], told: str
) -> None:
    models = build_reward_models(campaign.project)
    answer = sign_in(rosa).post(page_of(campaign), wish([model.pk for model in models], **change))
    assert answer.status_code == 422
    assert told in text(answer)
    assert not QueueOrder.objects.exists()


def test_a_refusal_is_said_on_the_form(campaign: Campaign, rosa: User, sign_in: Browser) -> None:
    (model,) = build_reward_models(campaign.project, 1)
    answer = sign_in(rosa).post(page_of(campaign), wish([model.pk]))
    assert answer.status_code == 422
    assert "One reward model has nobody to disagree with" in text(answer)


def test_another_projects_reward_model_is_no_choice(
    campaign: Campaign, rosa: User, sign_in: Browser, other_project: Project
) -> None:
    theirs = build_reward_models(other_project, 2)
    answer = sign_in(rosa).post(page_of(campaign), wish([model.pk for model in theirs]))
    assert answer.status_code == 422
    assert "taste" not in text(sign_in(rosa).get(page_of(campaign)))


def test_the_page_of_a_campaign_leads_here_and_tells_what_waits(
    campaign: Campaign, rosa: User, ada: User, sign_in: Browser
) -> None:
    claimed(campaign, ada)
    assert page_of(campaign) in text(
        sign_in(rosa).get(reverse("labels:campaign", args=["harbour", campaign.pk]))
    )
    told = text(sign_in(rosa).get(page_of(campaign)))
    assert "5 items wait that nobody has begun." in told
    assert "None yet: items go out in the order they came in." in told
    put_in_order(campaign, rosa, list(campaign.items.all()))
    assert "where reward models disagree most</a>" in text(sign_in(rosa).get(page_of(campaign)))


def test_an_order_that_was_broken_off_is_put_in_force_by_hand(
    campaign: Campaign, rosa: User, sign_in: Browser
) -> None:
    order = kept(asked(campaign, rosa), list(campaign.items.order_by("-pk")))
    page = reverse("labels:queue_order", args=["harbour", order.pk])
    force = reverse("labels:put_in_force", args=["harbour", order.pk])
    assert force in text(sign_in(rosa).get(page))
    browser = sign_in(rosa)
    told = text(browser.post(force, follow=True))
    assert "The order is in force: 6 items are in their places." in told
    assert force not in told
    put_in_order(campaign, rosa, list(campaign.items.all()))
    assert "A later order is in force" in text(browser.post(force, follow=True))


def test_the_gain_stands_beside_what_it_does_not_say(
    project: Project, rosa: User, ada: User, sign_in: Browser
) -> None:
    campaign = build_campaign(project, rosa, prompts=30)
    found = list(campaign.items.all())
    # The models are wrong about what the rule chose, right about what chance drew.
    lines = [
        line_of(item, arm="control", best=0)
        if n % 2
        else line_of(item, arm="chosen", best=n % 4 // 2 * 3 or 3)
        for n, item in enumerate(found)
    ]
    order = kept(asked(campaign, rosa), found, lines=lines)
    page = reverse("labels:queue_order", args=["harbour", order.pk])
    browser = sign_in(rosa)
    assert text(browser.get(page)).count("items with such labels: 0, 10 wanted in each arm") == 12
    browser.post(reverse("labels:put_in_force", args=["harbour", order.pk]))
    for turn in range(30):
        slot = claimed(campaign, ada)
        submit(slot, ada, in_order(slot) if turn % 5 else in_order(slot)[::-1])
    answer = browser.get(page)
    rows = {row.name: row for row in answer.context["rows"]}
    assert rows["Pairs decided"].chosen.value == 1.0
    assert rows["Surprise of the models"].difference.value > 0.3
    assert rows["Surprise of the models"].differs
    assert rows["Models right"].differs
    assert rows["Models right"].control.value > rows["Models right"].chosen.value
    assert rows["People agree"].chosen.reason == "items with such labels: 0, 10 wanted in each arm"
    told = text(answer)
    assert "15 on 15 items chosen by the rule, 15 on 15 items drawn at random" in told
    assert f"export_arms --order {order.pk}" in told
    assert "Not measured: that a reward model trained on the chosen items is better." in told
    assert "interval without 0" in told


def test_the_pages_statements_do_not_grow(project: Project, rosa: User, ada: User, sign_in: Browser) -> None:
    browser, counts = sign_in(rosa), []
    for number in (4, 14):
        campaign = build_campaign(project, rosa, prompts=number, name=f"of {number}")
        order = put_in_order(campaign, rosa, list(campaign.items.all()), controls=(2,))
        for _turn in range(number - 1):
            submit(claimed(campaign, ada), ada)
        own = []
        for page in (page_of(campaign), reverse("labels:queue_order", args=["harbour", order.pk])):
            browser.get(page)
            with CaptureQueriesContext(connection) as found:
                assert browser.get(page).status_code == 200
            own.append(len(found))
        counts.append(own)
    assert counts[0] == counts[1] == [ANY, ANY]
    assert max(counts[0]) < 20
