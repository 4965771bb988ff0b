"""Figures of ratings by hand: agreement by name, medians and quarters by person, what lies apart."""

import io
import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.label_quality import Given, label_quality, name_quality, spread
from labelplatform.labels.models import Campaign, Label
from tests.labelplatform.labels.building import claimed
from tests.labelplatform.labels.kind_building import build_label_campaign, give
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]


def given(*pairs: tuple[float, float]) -> list[Given]:
    """Two people's ratings of as many answers, each to a prompt of its own."""
    return [
        Given(item, item, person, {"overall": value}, (), None)
        for item, both in enumerate(pairs)
        for person, value in enumerate(both)
    ]


@pytest.mark.parametrize(
    ("values", "middle", "low", "high"),
    [((), None, None, None), ((5,), 5, None, None), ((1, 7), 4, 2.5, 5.5), ((7, 1, 2, 3, 4), 3, 2, 4)],
)
def test_a_persons_middle_and_quarters(
    values: tuple[float, ...], middle: float | None, low: float | None, high: float | None
) -> None:
    found = spread("overall", values)
    assert (found.median, found.low, found.high) == (middle, low, high)


def test_agreement_needs_ten_answers_rated_twice() -> None:
    found = name_quality(given(*[(1, 1), (7, 7)] * 4, (1, 7)), "overall", seed=1)
    assert found is not None
    assert (found.n, found.alpha.value, found.alpha.n) == (18, None, 9)
    assert name_quality(given((1, 1)), "honest", seed=1) is None


def test_full_agreement_is_one_and_opposites_are_below_chance() -> None:
    same = name_quality(given(*[(1, 1), (7, 7)] * 6), "overall", seed=1)
    against = name_quality(given(*[(1, 7), (7, 1)] * 6), "overall", seed=1)
    assert same is not None
    assert against is not None
    assert same.alpha.value == 1.0
    # n = 24 paired values, 12 each of two: alpha = 1 - 23 · 24 / (2 · 12 · 12).
    assert against.alpha.value == pytest.approx(1 - 23 * 24 / 288)
    assert same.mean == against.mean == 4.0


def test_a_step_aside_is_less_apart_than_the_whole_scale() -> None:
    found = name_quality(given(*[(1, 2), (7, 7)] * 6), "overall", seed=1)
    assert found is not None
    # n = 24: 6 ones, 6 twos, 12 sevens. Squared ordinal distances: 36 of 1 and 2, 225 of 1 and 7, 81 of 2 and 7.
    expected = 36 * 36 + 72 * 225 + 72 * 81
    assert found.alpha.value == pytest.approx(1 - 23 * (6 * 36) / expected)


@pytest.fixture
def rated(project: Project, rosa: User, ada: User, ben: User) -> Campaign:
    """Two answers, three labels, one late."""
    campaign = build_label_campaign(
        project, rosa, prompts=2, answers=1, overlap=2, asks={"names": ["clear", "overall"]}
    )
    for clear, overall in ((2, 5), (6, 5)):
        give(claimed(campaign, ada), ada, {"ratings": {"clear": clear, "overall": overall}, "flags": []})
    slot = claimed(campaign, ben)
    give(slot, ben, {"ratings": {"clear": 7, "overall": 4}, "flags": ["fails-task"]}, seconds=30.5)
    late = claimed(campaign, ben)
    token = late.lease_token
    lapse(late)
    claimed(campaign, rosa)
    give(late, ben, {"ratings": {"clear": 1, "overall": 1}, "flags": ["hallucination"]}, lease_token=token)
    return campaign


def test_a_campaign_in_figures(rated: Campaign, ada: User, ben: User) -> None:
    assert Label.objects.filter(surplus=True).count() == 1
    found = label_quality(rated)
    assert (found.labels, found.items, found.annotators, found.left_out) == (3, 2, 2, 0)
    assert [(one.name, one.n, one.mean) for one in found.names] == [
        ("clear", 3, 5.0),
        ("overall", 3, pytest.approx(14 / 3)),
    ]
    assert found.flags == [("fails-task", 1)]
    assert [(row.user, row.labels, row.median_seconds) for row in found.people] == [
        (ada, 2, 9.5),
        (ben, 1, 30.5),
    ]
    assert [(one.median, one.low, one.high) for one in found.people[0].spreads] == [(4, 3, 5), (5, 5, 5)]
    (apart,) = found.apart
    assert (apart.name, apart.apart, apart.labels) == ("clear", 5, 2)


def test_names_stand_as_asked_and_imported_ones_behind_them(project: Project, rosa: User) -> None:
    lines = [
        {
            "id": str(number),
            "prompt": [{"role": "user", "content": "Why?"}],
            "response": str(number),
            "ratings": ratings,
            "flags": [],
            "annotator": "somebody",
        }
        for number, ratings in enumerate(({"zeal": 2, "honest": 3}, {"art": 1, "helpful": 7}))
    ]
    upload = io.BytesIO("".join(json.dumps(line) + "\n" for line in lines).encode())
    services.import_labels(project=project, upload=upload, target="in", by=rosa)
    found = label_quality(Campaign.objects.get())
    assert [one.name for one in found.names] == ["helpful", "honest", "art", "zeal"]
    assert [(one.name, one.median) for one in found.people[0].spreads] == [
        ("helpful", 7),
        ("honest", 3),
        ("art", 1),
        ("zeal", 2),
    ]
    assert found.apart == []


def test_the_widest_name_of_an_item_is_named_and_the_widest_item_first(
    project: Project, rosa: User, ada: User, ben: User
) -> None:
    campaign = build_label_campaign(project, rosa, prompts=3, answers=1, overlap=2)
    values = [(4, 4, 4), (4, 4, 3), (7, 4, 1)]
    for person, factor in ((ada, 0), (ben, 1)):
        for one in values:
            slot = claimed(campaign, person)
            ratings = dict(zip(("helpful", "honest", "harmless"), one if factor else (4, 4, 4), strict=True))
            give(slot, person, {"ratings": ratings, "flags": []})
    found = label_quality(campaign).apart
    items = list(campaign.items.order_by("pk"))
    assert [(one.item, one.name, one.apart) for one in found] == [
        (items[2], "harmless", 3),
        (items[1], "harmless", 1),
    ]


def test_statements_do_not_grow_with_labels(
    rated: Campaign, django_assert_num_queries: Callable[[int], object]
) -> None:
    with django_assert_num_queries(4):  # type: ignore[attr-defined]
        label_quality(rated)


def test_the_page_tells_it_to_researchers_and_reviewers(
    rated: Campaign, rosa: User, ada: User, sign_in: SignIn
) -> None:
    place = reverse("labels:quality", args=["harbour", rated.pk])
    page = sign_in(rosa).get(place).content.decode()
    for told in ("clear", "Overall", "wanted", "Does not do what was asked"):
        assert told in page, told
    assert sign_in(ada).get(place).status_code == 403
