"""Decisions: which items want one, who may give it, and what exports make of it."""

import json
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, Role, User
from labelplatform.labels import quality, queries, review_queries, services
from labelplatform.labels.models import Adjudication, Campaign, GoldItem, Item, Ranking
from labelplatform.snapshots.forms import SnapshotForm
from labelplatform.snapshots.services import freeze_snapshot
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]


@pytest.fixture
def vera(project: Project) -> User:
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    return vera


def label(campaign: Campaign, by: User, *, reverse_it: bool = False) -> Ranking:
    slot = claimed(campaign, by)
    return submit(slot, by, in_order(slot)[::-1] if reverse_it else None)


def disputed(project: Project, rosa: User, people: list[User], **settings: object) -> Campaign:
    """One item of which every second person says the reverse."""
    campaign = build_campaign(project, rosa, prompts=1, overlap=len(people), answers=3)
    if settings:
        services.set_quality(campaign=campaign, by=rosa, **settings)
    for number, person in enumerate(people):
        label(campaign, person, reverse_it=number % 2 == 1)
    return campaign


def listed(item: Item, by: User) -> Item:
    services.ask_for_decision(item=item, by=by)
    return item


def ids(item: Item) -> list[list[int]]:
    return [[response] for response in item.response_ids]


def test_where_the_most_labels_still_disagree_the_item_is_to_be_decided(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = disputed(project, rosa, [ada, ben], third_opinion_below=0.8, most_labels=2)
    (one,) = review_queries.to_decide(campaign)
    assert (one.item, one.reason, one.asked_by, one.decision) == (
        campaign.items.get(),
        Adjudication.Reason.DISAGREEMENT,
        None,
        None,
    )
    assert one.labels == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "settings",
    [{}, {"third_opinion_below": 0.8, "most_labels": 3}, {"third_opinion_below": 0.0, "most_labels": 2}],
    ids=["no bound", "one more label first", "they agree enough"],
)
def test_otherwise_nothing_is(
    project: Project, ada: User, ben: User, rosa: User, settings: dict[str, object]
) -> None:
    disputed(project, rosa, [ada, ben], **settings)
    assert not Adjudication.objects.exists()


def test_gold_is_never_to_be_decided(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    item = campaign.items.get()
    services.set_quality(campaign=campaign, by=rosa, third_opinion_below=0.8, most_labels=2, gold_slots=2)
    services.set_gold(item=item, tiers=ids(item), explanation="", by=rosa)
    services.set_quality(campaign=campaign, by=rosa, gold_rate=0.5)
    with pytest.raises(services.AdjudicationRefused, match="measures people"):
        services.ask_for_decision(item=item, by=rosa)
    assert GoldItem.objects.filter(item=item).exists()
    assert not Adjudication.objects.exists()


def test_a_reviewer_asks_once(project: Project, ada: User, rosa: User, vera: User) -> None:
    campaign = disputed(project, rosa, [ada])
    item = campaign.items.get()
    assert services.ask_for_decision(item=item, by=vera) == services.ask_for_decision(item=item, by=rosa)
    one = Adjudication.objects.get()
    assert (one.reason, one.asked_by) == (Adjudication.Reason.PICKED, vera)
    assert AuditEntry.objects.filter(verb="asked for a decision").count() == 1


def test_a_decision_is_a_ranking_of_its_own(
    project: Project, ada: User, ben: User, rosa: User, vera: User
) -> None:
    campaign = disputed(project, rosa, [ada, ben])
    item, before = listed(campaign.items.get(), vera), quality.campaign_quality(campaign)
    tiers = [[item.response_ids[1]], [item.response_ids[0], item.response_ids[2]]]
    made = services.decide(item=item, tiers=tiers, by=vera, note=" The middle one. ")
    assert (made.annotator, made.slot, made.surplus, made.detail) == (
        vera,
        None,
        False,
        {"adjudicated": True},
    )
    assert list(made.placements.order_by("tier", "pk").values_list("response", "tier")) == [
        (item.response_ids[1], 1),
        (item.response_ids[0], 2),
        (item.response_ids[2], 2),
    ]
    one = Adjudication.objects.get()
    assert (one.decision, one.note) == (made, "The middle one.")
    assert AuditEntry.objects.filter(verb="decided item", by=vera).count() == 1
    assert item.rankings.count() == 3
    # It is no label of an annotator: agreement and people are as they were.
    after = quality.campaign_quality(campaign)
    assert after.agreement.labels == before.agreement.labels == 2
    assert {person.user for person in after.people} == {ada, ben}
    assert {one.name for one in queries.people_of(campaign)} == {"ada", "ben"}


def test_who_labelled_an_item_does_not_decide_about_it(
    project: Project, ada: User, ben: User, rosa: User, vera: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=3)
    label(campaign, ada)
    item = listed(campaign.items.get(), rosa)
    claimed(campaign, vera)
    for person in (ada, vera):
        with pytest.raises(services.AdjudicationRefused, match="labelled this item yourself"):
            services.decide(item=item, tiers=ids(item), by=person)
    services.decide(item=item, tiers=ids(item), by=rosa)
    with pytest.raises(services.AdjudicationRefused, match="decided already"):
        services.decide(item=item, tiers=ids(item), by=ben)


def test_who_gave_late_work_on_an_item_has_labelled_it(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    slot = claimed(campaign, ada)
    lapse(slot)
    submit(claimed(campaign, ben), ben)
    assert not services.has_labelled(slot.item, ada)
    assert submit(slot, ada).surplus
    assert services.has_labelled(slot.item, ada)


def test_no_half_decision_and_none_that_nobody_asked_for(
    project: Project, ada: User, rosa: User, vera: User
) -> None:
    campaign = disputed(project, rosa, [ada])
    item = campaign.items.get()
    with pytest.raises(services.AdjudicationRefused, match="Nobody has asked"):
        services.decide(item=item, tiers=ids(item), by=vera)
    listed(item, vera)
    with pytest.raises(services.AdjudicationRefused, match="Not every answer"):
        services.decide(item=item, tiers=ids(item)[:1], by=vera)
    made = services.decide(item=item, tiers=[], by=vera, unacceptable=True)
    assert made.unacceptable


def test_exports_mark_a_decision_or_take_it_alone(
    project: Project, ada: User, ben: User, rosa: User, vera: User, sign_in: SignIn, tmp_path: Path
) -> None:
    campaign = disputed(project, rosa, [ada, ben])
    other = build_campaign(project, rosa, prompts=1, name="other")
    alone = label(other, ada)
    waiting = build_campaign(project, rosa, prompts=1, name="waiting")
    undecided = label(waiting, ada)
    listed(waiting.items.get(), vera)
    item = listed(campaign.items.get(), vera)
    made = services.decide(item=item, tiers=ids(item), by=vera)
    lines = list(queries.ranking_lines(project))
    assert len(lines) == 5
    assert [line["id"] for line in lines if line.get("adjudicated")] == [made.key]
    wanted = [alone.key, undecided.key, made.key]
    only = list(queries.ranking_lines(project, {"decisions": "only"}))
    assert [line["id"] for line in only] == wanted
    address = reverse("labels:export", args=["harbour", "rankings"])
    for asked, keys in (("", 5), ("?decisions=only", 3)):
        answer = sign_in(rosa).get(address + asked)
        assert len(b"".join(answer.streaming_content).splitlines()) == keys  # type: ignore[attr-defined]
    out = tmp_path / "out.jsonl"
    call_command("export_labels", project="harbour", out=out, decisions="only", stderr=StringIO())
    assert [json.loads(line)["id"] for line in out.read_text("utf-8").splitlines()] == wanted


def test_a_decision_survives_export_and_import(
    project: Project, ada: User, ben: User, rosa: User, vera: User, sign_in: SignIn
) -> None:
    campaign = disputed(project, rosa, [ada, ben])
    item = listed(campaign.items.get(), vera)
    services.decide(item=item, tiers=ids(item), by=vera)
    for form in ("rankings", "csv"):
        answer = sign_in(rosa).get(reverse("labels:export", args=["harbour", form]))
        upload = BytesIO(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
        elsewhere = _elsewhere(form, rosa)
        services.import_labels(project=elsewhere, upload=upload, target="from here", by=rosa)
        told = [line.get("adjudicated") for line in queries.ranking_lines(elsewhere)]
        assert told == [None, None, True], form


def _elsewhere(slug: str, rosa: User) -> Project:
    project = Project.objects.create(name=slug, slug=slug)
    build_membership(project, rosa, Role.RESEARCHER)
    return project


def test_a_snapshot_may_hold_decisions_alone(
    project: Project, ada: User, ben: User, rosa: User, vera: User
) -> None:
    campaign = disputed(project, rosa, [ada, ben])
    item = listed(campaign.items.get(), vera)
    services.decide(item=item, tiers=ids(item), by=vera)
    form = SnapshotForm({"name": "decided", "decisions": "on"}, project=project)
    assert form.is_valid()
    assert form.filters == {"campaigns": [], "decisions": "only"}
    snapshot = freeze_snapshot(project=project, name="decided", by=rosa, filters=form.filters)
    assert queries.rankings(project, snapshot.filters).count() == 1
    with pytest.raises(ValidationError, match="decisions"):
        freeze_snapshot(project=project, name="odd", by=rosa, filters={"decisions": "all"})


def test_the_labels_are_shown_without_a_name_and_shuffled(
    project: Project, ada: User, ben: User, rosa: User, vera: User, sign_in: SignIn
) -> None:
    campaign = disputed(project, rosa, [ada, ben])
    item = listed(campaign.items.get(), vera)
    answers = review_queries.blind_answers(item)
    assert [answer.letter for answer in answers] == ["A", "B", "C"]
    assert sorted(answer.response for answer in answers) == sorted(item.response_ids)
    by_response = {answer.response: answer.tiers for answer in answers}
    assert [by_response[response] for response in item.response_ids] == [[1, 3], [2, 2], [3, 1]]
    browser, address = sign_in(vera), reverse("labels:decide", args=["harbour", item.pk])
    shown = browser.get(address).content.decode()
    assert "ada" not in shown
    assert "first-policy" not in shown
    refused = browser.post(address, {"place-A": 1, "place-B": 2})
    assert (refused.status_code, "Not every answer" in refused.content.decode()) == (422, True)
    answer = browser.post(address, {"place-A": 2, "place-B": 1, "place-C": 2, "note": "So."})
    assert answer.status_code == 302
    made = Adjudication.objects.get().decision
    assert made is not None
    assert made.shown_order == [one.response for one in answers]
    placed = dict(made.placements.values_list("response", "tier"))
    assert [placed[one.response] for one in answers] == [2, 1, 2]
    # Once it is given, there is nothing more to send.
    assert 'name="place-A"' not in browser.get(address).content.decode()
    assert browser.post(address, {"place-A": 1, "place-B": 2, "place-C": 3}).status_code == 422
    listing = browser.get(reverse("labels:adjudication", args=["harbour", campaign.pk])).content.decode()
    assert "So." in listing


def test_whoever_labelled_it_is_told_that_somebody_else_decides(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    label(campaign, rosa)
    item = listed(campaign.items.get(), rosa)
    address = reverse("labels:decide", args=["harbour", item.pk])
    assert "somebody else decides" in sign_in(rosa).get(address).content.decode()
    places = {f"place-{letter}": n for n, letter in enumerate("ABCD", 1)}
    assert sign_in(rosa).post(address, places).status_code == 422
    assert Adjudication.objects.get().decision is None


def test_an_item_is_picked_on_its_page(
    project: Project, ada: User, rosa: User, vera: User, sign_in: SignIn
) -> None:
    campaign = disputed(project, rosa, [ada])
    item = campaign.items.get()
    browser, address = sign_in(vera), reverse("labels:item", args=["harbour", item.pk])
    ask = reverse("labels:ask_for_decision", args=["harbour", item.pk])
    assert ask in browser.get(address).content.decode()
    assert browser.post(ask).headers["Location"] == reverse("labels:decide", args=["harbour", item.pk])
    assert ask not in browser.get(address).content.decode()
    services.set_gold(item=item, tiers=ids(item), explanation="", by=rosa)
    assert browser.post(ask).headers["Location"] == address
