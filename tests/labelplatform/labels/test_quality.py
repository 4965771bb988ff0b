"""Quality: what the statistics are given, which figures and flags are shown, and in which order."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelplatform.accounts.models import Project, Role, User
from labelplatform.labels import quality, quality_words, services
from labelplatform.labels.models import Campaign, Item, Ranking, Slot
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]
Order = Callable[[Slot], list[list[int]]]


def reversed_order(slot: Slot) -> list[list[int]]:
    return in_order(slot)[::-1]


def as_shown(slot: Slot) -> list[list[int]]:
    stored = in_order(slot)
    return [stored[place] for place in slot.shown_order]


def label_all(
    campaign: Campaign, annotator: User, order: Order = in_order, most: int = 1000
) -> list[Ranking]:
    """Claim and submit in this order until nothing is left, or `most` labels are given."""
    given: list[Ranking] = []
    while len(given) < most and (slot := services.claim(campaign=campaign, annotator=annotator)):
        given.append(submit(slot, annotator, order(slot)))
    return given


def figures_of(campaign: Campaign) -> dict[str, quality_words.Figure]:
    found = quality_words.campaign_figures(quality.campaign_quality(campaign).agreement)
    return {figure.name: figure for figure in found}


def rows_of(campaign: Campaign) -> list[quality_words.PersonRow]:
    return quality_words.person_rows(quality.campaign_quality(campaign))


def test_a_label_is_laid_out_as_it_is_stored(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1, answers=4)
    slot = claimed(campaign, ada)
    stored = [tier[0] for tier in in_order(slot)]
    ranking = submit(slot, ada, [[stored[2]], [stored[0], stored[3]], [stored[1]]])
    (label,) = quality.gather(campaign, 10).labels
    assert label.responses == tuple(map(str, stored))
    assert label.tiers == (2, 3, 1, 2)
    assert label.shown == tuple(str(stored[place]) for place in slot.shown_order)
    assert label.words == (4, 4, 4, 4)
    assert (label.item, label.annotator, label.id) == (str(slot.item_id), str(ada.pk), str(ranking.pk))
    assert (label.prompt, label.kind, label.seconds) == (str(slot.item.prompt_id), "ranking", 12.5)


def test_late_work_is_no_label_here(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    late = claimed(campaign, ada)
    lapse(late)
    submit(claimed(campaign, ben), ben)
    assert submit(late, ada).surplus
    assert [label.annotator for label in quality.gather(campaign, 10).labels] == [str(ben.pk)]


def test_labels_come_in_order_of_time(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=3, overlap=2)
    given = [*label_all(campaign, ben), *label_all(campaign, ada)]
    assert [label.id for label in quality.gather(campaign, 10).labels] == [str(one.pk) for one in given]
    first, last = given[0], given[-1]
    Ranking.objects.filter(pk=first.pk).update(at=last.at)
    assert quality.gather(campaign, 10).labels[-2].id == str(first.pk)


def test_only_the_items_labelled_last_are_read(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=5)
    given = label_all(campaign, ada, most=4)
    gathered = quality.gather(campaign, 3)
    assert [label.id for label in gathered.labels] == [str(one.pk) for one in given[1:]]
    assert (gathered.items, gathered.items_left_out) == (3, 1)


def test_an_item_of_late_work_alone_is_not_read(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=2)
    first, second = label_all(campaign, ada)
    Ranking.objects.filter(pk=second.pk).update(surplus=True)
    gathered = quality.gather(campaign, 1)
    assert [label.id for label in gathered.labels] == [str(first.pk)]
    assert gathered.items_left_out == 0


def test_reading_takes_as_many_statements_for_few_as_for_many(
    project: Project, ada: User, rosa: User
) -> None:
    campaign, counts = build_campaign(project, rosa, prompts=8), []
    for most in (2, 6):
        label_all(campaign, ada, most=most)
        with CaptureQueriesContext(connection) as statements:
            quality.campaign_quality(campaign)
        counts.append(len(statements))
    assert counts == [7, 7]


def test_agreement_of_a_campaign_is_what_people_said(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    """Ten items of three answers: in five ada and ben say the same, in five the opposite."""
    campaign = build_campaign(project, rosa, prompts=10, answers=3, overlap=2)
    label_all(campaign, ada)
    label_all(campaign, ben, most=5)
    label_all(campaign, ben, reversed_order)
    found = figures_of(campaign)
    assert found["Pairwise agreement"].value == pytest.approx(0.5)
    assert found["Pairwise agreement, ties aside"].value == pytest.approx(0.5)
    assert found["Kendall's tau-b"].value == pytest.approx(0)
    assert found["Krippendorff's alpha"].value == pytest.approx(1 / 60)
    for name in ("Pairwise agreement", "Krippendorff's alpha", "Kendall's tau-b", "Fleiss' kappa"):
        one = found[name]
        assert one.n == 10
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high
    told = found["Kendall's W"]
    assert (told.value, told.reason) == (None, "items with three annotators: 0, 10 wanted")


def test_too_few_items_have_a_reason_instead_of_a_figure(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=9, overlap=2)
    label_all(campaign, ada)
    label_all(campaign, ben)
    told = figures_of(campaign)["Pairwise agreement"]
    assert (told.value, told.reason) == (None, "items with two annotators: 9, 10 wanted")
    (row, _other) = rows_of(campaign)
    reasons = {figure.name: figure.reason for figure in row.figures}
    assert reasons["With others"] == "items that somebody else labelled too: 9, 10 wanted"
    assert reasons["With gold"] == "gold items: 0, 5 wanted"
    assert reasons["With themselves"] == "items labelled twice: 0, 5 wanted"


def test_a_figure_without_an_interval_says_why(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=10, overlap=2)
    label_all(campaign, ada)
    label_all(campaign, ben)
    told = figures_of(campaign)["Kendall's tau-b"]
    assert (told.value, told.low, told.reason) == (1.0, None, "no interval: all items say the same")


def test_where_nothing_differs_there_is_no_figure_and_that_is_the_reason(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=10, overlap=2)
    for person in (ada, ben):
        label_all(campaign, person, lambda slot: [[one[0] for one in in_order(slot)]])
    told = figures_of(campaign)["Krippendorff's alpha"]
    assert (told.value, told.n, told.reason) == (None, 10, "not defined: nothing differs")


def test_who_needs_a_look_stands_first_with_the_reason_in_words(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=40, answers=4, overlap=3)
    zoe = build_user("zoe")
    build_membership(project, zoe)
    label_all(campaign, ada)
    label_all(campaign, ben)
    label_all(campaign, zoe, as_shown)
    rows = rows_of(campaign)
    assert [row.person.user for row in rows] == [zoe, ada, ben]
    assert [len(row.flags) for row in rows] == [2, 0, 0]
    place = rows[0].person.quality.position
    assert rows[0].flags[0] == (
        f"Takes the first: the answer shown first was best in {place.hits} of {place.looks} items, "
        f"chance gives {place.expected:.1f}."
    )
    assert rows[0].flags[1] == "Agrees less with the others than they do on the whole."


def test_the_upside_down_and_the_hasty_are_told_apart(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=20, answers=4, overlap=3)
    zoe = build_user("zoe")
    build_membership(project, zoe)
    label_all(campaign, ada)
    label_all(campaign, ben)
    label_all(campaign, zoe, reversed_order)
    Ranking.objects.filter(annotator=ben).update(seconds=0.3)
    flags = {row.person.user.username: row.flags for row in rows_of(campaign)}
    upside_down = "Against the others: more pairs are ordered the other way round than the same way."
    hasty = "Too fast: 100 % of the labels took less time than the shortest answer takes to read."
    assert flags == {"zoe": [upside_down], "ben": [hasty], "ada": []}


def test_of_the_unflagged_the_lowest_agreement_stands_first(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=12, answers=4, overlap=3)
    zoe, yan = build_user("zoe"), build_user("yan")
    label_all(campaign, zoe)
    label_all(campaign, ada)
    label_all(campaign, ben, reversed_order, most=1)
    label_all(campaign, ben, most=10)
    label_all(campaign, yan)
    assert [row.person.user.username for row in rows_of(campaign)] == ["ben", "ada", "zoe", "yan"]


def test_items_are_sorted_by_how_little_people_agree(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=4, answers=3, overlap=2)
    label_all(campaign, ada)
    label_all(campaign, ben, most=1)
    label_all(campaign, ben, reversed_order, most=1)
    label_all(campaign, ben, lambda slot: [in_order(slot)[1], in_order(slot)[0], in_order(slot)[2]], most=1)
    same, opposite, swapped, _alone = campaign.items.values_list("pk", flat=True)
    found = quality.compared_items(campaign)
    assert [(int(one.item), one.labels) for one in found] == [(opposite, 2), (swapped, 2), (same, 2)]
    assert [one.pairwise for one in found] == pytest.approx([0, 2 / 3, 1])
    with CaptureQueriesContext(connection) as statements:
        compared = quality.with_items(found)
    assert [one.item.pk for one in compared] == [opposite, swapped, same]
    assert len(statements) == 1


def test_labels_of_an_item_lie_side_by_side(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1, answers=3, overlap=2)
    first = claimed(campaign, ada)
    a, b, c = (tier[0] for tier in in_order(first))
    submit(first, ada, [[c], [a, b]])
    submit(claimed(campaign, ben), ben, [], unacceptable=True)
    labels = quality.labels_side_by_side(campaign.items.get())
    assert [(one.ranking.annotator, one.tiers) for one in labels] == [
        (ada, [2, 2, 1]),
        (ben, [None, None, None]),
    ]


@pytest.fixture
def labelled(project: Project, ada: User, ben: User, rosa: User) -> Campaign:
    campaign = build_campaign(project, rosa, prompts=30, answers=3, overlap=2)
    label_all(campaign, ada)
    label_all(campaign, ben, reversed_order)
    return campaign


def test_the_pages_tell_it(labelled: Campaign, ada: User, rosa: User, sign_in: SignIn) -> None:
    browser, where = sign_in(rosa), ["harbour", labelled.pk]
    page = browser.get(reverse("labels:quality", args=where)).content.decode()
    assert "60 labels of 30 items by 2 annotators" in page
    assert "72.6 %" in page
    assert "Against the others" in page
    assert "older ones are left out" not in page
    person = browser.get(reverse("labels:annotator_quality", args=[*where, ada.pk])).content.decode()
    assert "30 labels among the items reckoned." in person
    assert "Against the others" in person
    item = browser.get(reverse("labels:item", args=["harbour", labelled.items.all()[0].pk])).content.decode()
    assert item.index(">ada<") < item.index(">ben<")


def test_the_items_are_paged(labelled: Campaign, rosa: User, sign_in: SignIn) -> None:
    address = reverse("labels:disagreement", args=["harbour", labelled.pk])
    pages = [
        sign_in(rosa).get(address, {"page": page}).content.decode().count("/labels/items/") for page in (1, 2)
    ]
    assert pages == [25, 5]


def test_what_is_left_out_is_said(
    labelled: Campaign, ada: User, rosa: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "MOST_ITEMS", 20)
    page = sign_in(rosa).get(reverse("labels:quality", args=["harbour", labelled.pk])).content.decode()
    assert "Only the 20 items labelled last are reckoned; 10 older ones are left out." in page


def test_somebody_who_gave_nothing_here_has_no_page(labelled: Campaign, rosa: User, sign_in: SignIn) -> None:
    address = reverse("labels:annotator_quality", args=["harbour", labelled.pk, rosa.pk])
    assert sign_in(rosa).get(address).status_code == 404


def test_somebody_whose_labels_are_old_has_a_page_without_figures(
    labelled: Campaign, ada: User, rosa: User, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "MOST_ITEMS", 1)
    Ranking.objects.filter(annotator=ada, item=Item.objects.last()).delete()
    address = reverse("labels:annotator_quality", args=["harbour", labelled.pk, ada.pk])
    page = sign_in(rosa).get(address).content.decode()
    assert "No label among the 1 items labelled last" in page


def test_a_reviewer_is_not_sent_to_a_page_that_is_closed_to_them(
    labelled: Campaign, project: Project, rosa: User, sign_in: SignIn
) -> None:
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    address = reverse("labels:quality", args=["harbour", labelled.pk])
    closed = f'href="{reverse("labels:campaign", args=["harbour", labelled.pk])}"'
    assert closed not in sign_in(vera).get(address).content.decode()
    assert closed in sign_in(rosa).get(address).content.decode()
