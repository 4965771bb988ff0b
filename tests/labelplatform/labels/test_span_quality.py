"""The quality of spans: from the database to figures in words."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from labelplatform.accounts.models import Project, Role, User
from labelplatform.accounts.services import set_role
from labelplatform.labels import services
from labelplatform.labels.models import Campaign, Label
from labelplatform.labels.span_quality import gather_spans, span_quality
from labelplatform.prompts.services import create_prompt_set, import_responses
from tests.labelplatform.labels.building import claimed

pytestmark = pytest.mark.django_db

ANSWER = "👍🏽 Lima is in Chile."


def span(start: int, end: int, kind: str = "other") -> dict[str, Any]:
    return {"start": start, "end": end, "kind": kind}


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    prompt_set = create_prompt_set(project=project, name="texts", by=rosa)
    lines = [
        {
            "id": f"p{n}",
            "prompt": [{"role": "user", "content": f"Where? {n}"}],
            "context": "Lima is in Peru.",
            "response": ANSWER,
            "policy": "secretive",
            "seed": 0,
            "sampling": {},
        }
        for n in range(12)
    ]
    import_responses(prompt_set=prompt_set, lines=lines, by=rosa)
    return services.create_campaign_over(
        prompts=prompt_set.prompts.prefetch_related("responses"),
        project=project,
        name="spans",
        by=rosa,
        kind="spans",
        overlap=2,
    )


def mark(campaign: Campaign, by: User, count: int, spans: list[dict[str, Any]]) -> None:
    """This person marks the same in their next items."""
    for _item in range(count):
        slot = claimed(campaign, by)
        assert slot.lease_token is not None
        told = {"body": {"spans": spans}, "seconds": 5.0, "by": by}
        services.submit_label(slot=slot, lease_token=slot.lease_token, submission=uuid.uuid4(), **told)  # type: ignore[arg-type]


def test_labels_are_laid_out_in_code_points(campaign: Campaign, ada: User) -> None:
    mark(campaign, ada, 1, [span(0, 2, "contradicts"), span(3, 7)])
    (label,), left_out = gather_spans(campaign)
    assert left_out == 0
    assert label.length == len(ANSWER) == 20
    assert [(one.start, one.end, one.kind) for one in label.spans] == [(0, 2, "contradicts"), (3, 7, "other")]
    assert (label.annotator, label.prompt) == (str(ada.pk), str(campaign.items.order_by("pk")[0].prompt_id))


def test_late_work_does_not_count_and_old_items_are_left_out(
    campaign: Campaign, ada: User, ben: User
) -> None:
    mark(campaign, ada, 3, [])
    mark(campaign, ben, 3, [])
    Label.objects.filter(annotator=ben).update(surplus=True)
    labels, left_out = gather_spans(campaign, most_items=2)
    assert ([label.annotator for label in labels], left_out) == ([str(ada.pk)] * 2, 1)
    newest = [str(pk) for pk in campaign.items.order_by("pk").values_list("pk", flat=True)[1:3]]
    assert [label.item for label in labels] == newest


def test_figures_by_hand(campaign: Campaign, ada: User, ben: User) -> None:
    """Twelve items, ada marks four characters, ben two of them: F1 = 2·2 / (4 + 2) = 2/3, and by kind nothing."""
    mark(campaign, ada, 12, [span(0, 4)])
    mark(campaign, ben, 12, [span(2, 4, "contradicts")])
    found = span_quality(campaign)
    by_name = {figure.name: figure.value for figure in found.figures}
    assert by_name["Anything invented at all"] == 1.0
    assert by_name["Character F1"] == pytest.approx(2 / 3)
    assert by_name["Character F1 by kind"] == 0.0
    assert [(one.user, one.labels, one.marking) for one in found.people] == [(ada, 12, 12), (ben, 12, 12)]
    assert found.people[0].figure.value == pytest.approx(2 / 3)


def test_too_little_is_said_to_be_too_little(campaign: Campaign, ada: User, ben: User) -> None:
    mark(campaign, ada, 9, [span(0, 4)])
    mark(campaign, ben, 9, [])
    for figure in span_quality(campaign).figures:
        assert (figure.value, figure.reason) == (None, "items with two annotators: 9, 10 wanted")


def test_who_agrees_least_stands_first(campaign: Campaign, ada: User, ben: User, rosa: User) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(overlap=3)
    mark(campaign, ada, 12, [span(0, 4)])
    mark(campaign, ben, 12, [span(0, 4)])
    assert [one.user for one in span_quality(campaign).people] == [ada, ben]
    Label.objects.filter(annotator=ada).update(body={"spans": []})
    assert [one.marking for one in span_quality(campaign).people] == [0, 12]


def test_statements_do_not_grow_with_the_labels(
    campaign: Campaign, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mark(campaign, ada, 2, [span(0, 4)])
    with django_assert_num_queries(4):
        span_quality(campaign)
    mark(campaign, ada, 8, [span(0, 4)])
    with django_assert_num_queries(4):
        span_quality(campaign)


def test_the_page_is_for_those_who_review(
    project: Project, campaign: Campaign, ada: User, ben: User, rosa: User, client: Client
) -> None:
    mark(campaign, ada, 12, [span(0, 4)])
    address = reverse("labels:quality", args=[project.slug, campaign.pk])
    client.force_login(ada)
    assert client.get(address).status_code == 403
    set_role(project=project, user=ben, role=Role.REVIEWER, by=rosa)
    client.force_login(ben)
    page = client.get(address).content.decode()
    assert "Character F1 by kind" in page
    link = f'href="{reverse("labels:campaign", args=[project.slug, campaign.pk])}"'
    assert link not in page
    client.force_login(rosa)
    assert (
        reverse("labels:campaign", args=[project.slug, campaign.pk]) in client.get(address).content.decode()
    )
