"""Where annotators of ratings and spans disagree, and one annotator's page: what is told to whom."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels import label_disagreement, services
from labelplatform.labels.models import Campaign, Item
from tests.labelplatform.labels.building import claimed
from tests.labelplatform.labels.kind_building import build_label_campaign, give

SignIn = Callable[[User], Client]


@pytest.fixture
def rated(project: Project, rosa: User, ada: User, ben: User) -> Campaign:
    """Three answers; both agree on the first, lie 1 apart on the second's honesty and 5 on the third's harmlessness."""
    campaign = build_label_campaign(project, rosa, kind="rating", prompts=1, answers=3, overlap=2)
    given = {
        ada: [(5, 5, 5), (5, 5, 5), (5, 5, 7)],
        ben: [(5, 5, 5), (5, 4, 5), (5, 5, 2)],
    }
    for person, labels in given.items():
        for helpful, honest, harmless in labels:
            names = {"helpful": helpful, "honest": honest, "harmless": harmless}
            give(claimed(campaign, person), person, {"ratings": names, "flags": []})
    return campaign


def test_the_widest_apart_stand_first_with_a_figure_for_each_name(rated: Campaign) -> None:
    found = label_disagreement.disagreement(rated)
    assert [title for title, _meaning in found.columns] == ["Helpful", "Honest", "Harmless"]
    items = list(Item.objects.order_by("pk").values_list("pk", flat=True))
    assert [(row.item, row.labels, row.figures) for row in found.rows] == [
        (items[2], 2, [0.0, 0.0, 5.0]),
        (items[1], 2, [0.0, 1.0, 0.0]),
        (items[0], 2, [0.0, 0.0, 0.0]),
    ]


def test_what_one_person_labelled_is_no_disagreement(project: Project, rosa: User, ada: User) -> None:
    campaign = build_label_campaign(project, rosa, kind="rating", prompts=1, answers=1, overlap=2)
    give(claimed(campaign, ada), ada, {"ratings": {"helpful": 5, "honest": 5, "harmless": 5}, "flags": []})
    assert label_disagreement.disagreement(campaign).rows == []


def test_spans_by_how_little_they_have_in_common(project: Project, rosa: User, ada: User, ben: User) -> None:
    campaign = build_label_campaign(project, rosa, kind="spans", prompts=1, answers=2, overlap=2)
    mark = {"start": 0, "end": 4, "kind": "other"}
    for person, labels in ((ada, [[mark], [mark]]), (ben, [[mark], [{**mark, "kind": "contradicts"}]])):
        for spans in labels:
            give(claimed(campaign, person), person, {"spans": spans})
    first, second = Item.objects.order_by("pk").values_list("pk", flat=True)
    rows = label_disagreement.disagreement(campaign).rows
    assert [(row.item, row.figures) for row in rows] == [(second, [1.0, 1.0, 0.0]), (first, [1.0, 1.0, 1.0])]


def test_the_pages_say_so_to_researchers_and_to_nobody_who_labels(
    project: Project, rated: Campaign, rosa: User, ada: User, ben: User, sign_in: SignIn
) -> None:
    pages = [
        reverse("labels:disagreement", args=[project.slug, rated.pk]),
        reverse("labels:annotator_quality", args=[project.slug, rated.pk, ada.pk]),
    ]
    shown = [sign_in(rosa).get(page) for page in pages]
    assert [answer.status_code for answer in shown] == [200, 200]
    assert re.findall(r'data-label="H\w+">([\d.]+)</td>', shown[0].content.decode())[:3] == [
        "0.00",
        "0.00",
        "5.00",
    ]
    figures: list[Any] = shown[1].context["figures"]
    assert [figure.name for figure in figures][:2] == ["Helpful: distance from others", "Helpful: leaning"]
    assert {figure.n for figure in figures} == {3}
    assert {sign_in(ben).get(page).status_code for page in pages} == {403}
    quality = sign_in(rosa).get(reverse("labels:quality", args=[project.slug, rated.pk])).content.decode()
    assert all(page in quality for page in pages)


def test_somebody_without_a_label_has_no_page(
    project: Project, rated: Campaign, rosa: User, sign_in: SignIn
) -> None:
    page = reverse("labels:annotator_quality", args=[project.slug, rated.pk, rosa.pk])
    assert sign_in(rosa).get(page).status_code == 404


def test_for_demonstrations_nothing_is_compared_and_the_labels_are_shown(
    project: Project, rosa: User, ada: User, sign_in: SignIn
) -> None:
    campaign = build_label_campaign(project, rosa, kind="demonstration", prompts=1, answers=1, overlap=2)
    give(claimed(campaign, ada), ada, {"response": "Lisbon."})
    browser = sign_in(rosa)
    page = browser.get(reverse("labels:annotator_quality", args=[project.slug, campaign.pk, ada.pk]))
    assert page.context["figures"] == []
    assert "Lisbon." in page.content.decode()
    empty = browser.get(reverse("labels:disagreement", args=[project.slug, campaign.pk]))
    assert "Nothing to compare yet" in empty.content.decode()
    assert services.claim(campaign=campaign, annotator=ada) is None
