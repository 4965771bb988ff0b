"""Gold and qualification of ratings and honesty checks; of demonstrations, by a reviewer's rating."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labelplatform.accounts.models import Project, Role, User
from labelplatform.accounts.services import create_project, set_role
from labelplatform.labels import known_ratings, label_lines, progress, queries, services
from labelplatform.labels.models import Campaign, DemonstrationScore, GoldItem, Item, Label, Qualification
from labelplatform.labels.services.label_gold import examine_labels
from tests.labelplatform.labels.building import build_campaign, claimed
from tests.labelplatform.labels.kind_building import build_label_campaign, give

SignIn = Callable[[User], Client]
NAMES = {"rating": ("helpful", "honest", "harmless"), "honesty": ("truthful", "informative")}
RIGHT = {"rating": {"helpful": 4}, "honesty": {"truthful": 6}, "demonstration": {}}


def build(project: Project, by: User, kind: str, share: float = 0.75, score: float = 6.0) -> Campaign:
    """Nine items of one answer (or prompt) each, the first five of them gold, which comes first."""
    campaign = build_label_campaign(project, by, kind=kind, prompts=9, answers=1, overlap=2)
    services.set_quality(campaign=campaign, by=by, gold_slots=3)
    for item in campaign.items.all()[:5]:
        services.set_gold_label(item=item, ratings=RIGHT[kind], explanation="", by=by)
    reach = {"qualification_score": score} if kind == "demonstration" else {"qualification_share": share}
    services.set_quality(campaign=campaign, by=by, qualification_items=5, **reach)
    return campaign


def rate(campaign: Campaign, by: User, values: Sequence[int]) -> list[Label]:
    """One label for each value, given under all names."""
    return [
        give(claimed(campaign, by), by, {"ratings": dict.fromkeys(NAMES[campaign.kind], value), "flags": []})
        for value in values
    ]


def write(campaign: Campaign, by: User, count: int) -> list[Label]:
    return [give(claimed(campaign, by), by, {"response": "In Portugal."}) for _one in range(count)]


def state_of(campaign: Campaign, person: User) -> str | None:
    return campaign.qualifications.filter(annotator=person).values_list("state", flat=True).first()


def test_gold_comes_first_and_whoever_agrees_goes_on(project: Project, rosa: User, ada: User) -> None:
    campaign = build(project, rosa, "rating")
    gold = set(GoldItem.objects.values_list("item", flat=True))
    # As many people as the setting says, not as many as an ordinary item has.
    assert {item.slots.count() for item in campaign.items.filter(pk__in=gold)} == {3}
    first = rate(campaign, ada, [4, 5, 3, 4])
    assert state_of(campaign, ada) == "pending"
    rest = rate(campaign, ada, [4, 4])
    assert {label.item_id for label in [*first, rest[0]]} == gold
    assert rest[1].item_id not in gold
    assert state_of(campaign, ada) == "passed"


@pytest.mark.parametrize(
    ("kind", "values", "share", "state"),
    [
        # Gold says 4: within one step lie three of five.
        ("rating", [4, 3, 5, 2, 6], 0.6, "passed"),
        ("rating", [4, 3, 5, 2, 6], 0.61, "failed"),
        # Gold says 6, that is yes: 4 is neither yes nor no.
        ("honesty", [5, 7, 6, 4, 2], 0.6, "passed"),
        ("honesty", [5, 7, 6, 4, 2], 0.61, "failed"),
        ("honesty", [1, 2, 3, 4, 4], 0.1, "failed"),
    ],
)
def test_reaching_the_share_is_enough_and_just_below_is_below(
    project: Project, rosa: User, ada: User, kind: str, values: list[int], share: float, state: str
) -> None:
    campaign = build(project, rosa, kind, share)
    rate(campaign, ada, values)
    assert state_of(campaign, ada) == state
    assert (services.claim(campaign=campaign, annotator=ada) is None) == (state == "failed")


def test_only_names_that_gold_tells_and_only_ones_own_labels_count(
    project: Project, rosa: User, ada: User, ben: User
) -> None:
    campaign = build(project, rosa, "rating", share=1)
    rate(campaign, ben, [7, 7, 7, 7, 7])
    for _item in range(5):
        body = {"ratings": {"helpful": 4, "honest": 1, "harmless": 7}, "flags": []}
        give(claimed(campaign, ada), ada, body)
    assert (state_of(campaign, ada), state_of(campaign, ben)) == ("passed", "failed")
    found = known_ratings.agreement_with_gold(campaign, ben)
    assert (found.value, found.n) == (0, 5)


def test_imported_ratings_of_gold_count_for_admission(project: Project, rosa: User, ada: User) -> None:
    campaign = build(project, rosa, "rating")
    written = rate(campaign, ada, [4, 4, 4, 4, 4])
    lines = list(label_lines.lines_of([label.pk for label in written]))
    told = [{**line, "id": f"again-{n}", "annotator": "x"} for n, line in enumerate(lines)]
    Qualification.objects.all().delete()
    services.record_labels(campaign=campaign, lines=told, by=rosa)
    (mine,) = Qualification.objects.all()
    assert (mine.state, mine.annotator.kind) == ("passed", "imported")


def test_labels_of_gold_are_no_data_but_an_own_answer_beside_gold_is(
    project: Project, rosa: User, ada: User
) -> None:
    campaign = build(project, rosa, "rating")
    labels = rate(campaign, ada, [4, 4, 4, 4, 4, 2])
    assert [line["id"] for line in label_lines.label_lines(project, "ratings")] == [labels[-1].key]
    everything = label_lines.labels(project, "ratings", {"with_gold": True})
    assert list(everything) == labels
    shown: Any = queries.campaigns(project).get()
    assert shown.labels_kept == 1
    assert progress.wanted(campaign).done == 1
    # A broken download goes on behind a label whose item has become gold since.
    assert len(list(label_lines.label_lines(project, "ratings", after=labels[0].key))) == 1
    ranked = build_campaign(project, rosa, prompts=1, name="ranked")
    item = ranked.items.get()
    services.set_gold(item=item, tiers=[[one] for one in item.response_ids], explanation="", by=rosa)
    own = Label.objects.create(
        item=item,
        annotator=ada,
        key="own",
        kind="demonstration",
        source="campaign",
        submission=uuid.uuid4(),
        body_digest="",
        body={"response": "x"},
    )
    assert list(label_lines.labels(project, "demonstrations")) == [own]


@pytest.mark.parametrize(
    ("kind", "ratings", "why"),
    [
        ("rating", {}, "at least one"),
        ("rating", {"overall": 4}, "Nobody asked"),
        ("rating", {"helpful": 8}, "from 1 to 7"),
        ("rating", {"helpful": True}, "from 1 to 7"),
        ("honesty", {"truthful": 4}, "neither yes nor no"),
        ("demonstration", {"overall": 6}, "nothing is known before"),
        ("spans", {}, "no right answer"),
    ],
)
def test_gold_that_nobody_could_be_measured_by_is_refused(
    project: Project, rosa: User, kind: str, ratings: dict[str, int], why: str
) -> None:
    campaign = build_label_campaign(project, rosa, kind=kind, prompts=1, answers=1)
    with pytest.raises(services.GoldRefused, match=why):
        services.set_gold_label(item=campaign.items.get(), ratings=ratings, explanation="", by=rosa)
    assert not GoldItem.objects.exists()


def test_an_order_has_no_right_ratings(project: Project, rosa: User) -> None:
    item = build_campaign(project, rosa, prompts=1).items.get()
    with pytest.raises(services.GoldRefused, match="no right answer"):
        services.set_gold_label(item=item, ratings={}, explanation="", by=rosa)


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("demonstration", {"third_opinion_below": 0.5}),
        ("spans", {"third_opinion_below": 0.5}),
        ("rating", {"qualification_score": 6}),
        ("demonstration", {"repeat_rate": 0.1}),
        ("demonstration", {"qualification_share": 0.5}),
        ("spans", {"gold_rate": 0.1}),
        ("ranking", {"qualification_score": 6}),
    ],
)
def test_a_setting_of_another_kind_is_refused(
    project: Project, rosa: User, kind: str, setting: dict[str, float]
) -> None:
    answers = 2 if kind == "ranking" else 1
    campaign = build_label_campaign(project, rosa, kind=kind, prompts=1, answers=answers)
    with pytest.raises(ValidationError, match=next(iter(setting))):
        services.set_quality(campaign=campaign, by=rosa, **setting)


def test_a_label_without_a_qualification_asks_nothing_of_gold(
    project: Project, rosa: User, ada: User
) -> None:
    campaign = build_label_campaign(project, rosa, prompts=1, answers=1)
    slot = claimed(campaign, ada)
    with CaptureQueriesContext(connection) as asked:
        give(slot, ada)
    written = [one["sql"] for one in asked.captured_queries if "campaign" not in one["sql"]]
    assert written
    assert not any("golditem" in sql or "labels_qualification" in sql for sql in written)


def test_reviewers_decide_by_their_mean_whether_a_writer_goes_on(
    project: Project, rosa: User, ada: User, ben: User
) -> None:
    campaign = build(project, rosa, "demonstration", score=5.8)
    mine, theirs = write(campaign, ada, 5), write(campaign, ben, 5)
    assert services.claim(campaign=campaign, annotator=ada) is None
    assert state_of(campaign, ada) == "pending"
    for label, score in zip(mine, (6, 6, 6, 6, 5), strict=True):
        assert state_of(campaign, ada) == "pending"
        services.score_demonstration(label=label, score=score, by=rosa)
    for label, score in zip(theirs, (6, 6, 6, 6, 4), strict=True):
        services.score_demonstration(label=label, score=score, by=rosa)
    assert (state_of(campaign, ada), state_of(campaign, ben)) == ("passed", "failed")
    gold = set(GoldItem.objects.values_list("item", flat=True))
    assert claimed(campaign, ada).item_id not in gold
    assert services.claim(campaign=campaign, annotator=ben) is None


def test_one_demonstration_may_be_enough_and_scores_go_from_1_to_7(
    project: Project, rosa: User, ada: User
) -> None:
    campaign = build(project, rosa, "demonstration")
    services.set_quality(campaign=campaign, by=rosa, qualification_items=1)
    campaign.refresh_from_db()
    (label,) = write(campaign, ada, 1)
    for score in (0, 8):
        with pytest.raises(services.ScoreRefused, match="from 1 to 7"):
            services.score_demonstration(label=label, score=score, by=rosa)
    with pytest.raises(services.ScoreRefused, match="yourself"):
        services.score_demonstration(label=label, score=7, by=ada)
    services.score_demonstration(label=label, score=6, by=rosa, note=" clear ")
    assert DemonstrationScore.objects.get().note == "clear"
    assert state_of(campaign, ada) == "passed"
    with pytest.raises(services.ScoreRefused, match="already"):
        services.score_demonstration(label=label, score=1, by=rosa)
    for field in ("qualification_score", "gold_rate"):
        with pytest.raises(ValidationError):
            services.set_quality(campaign=campaign, by=rosa, **{field: 7.5})


def test_what_was_not_written_to_qualify_is_not_rated(project: Project, rosa: User, ada: User) -> None:
    campaign = build_label_campaign(project, rosa, kind="demonstration", prompts=1, answers=1)
    (label,) = write(campaign, ada, 1)
    with pytest.raises(services.ScoreRefused, match="to qualify"):
        services.score_demonstration(label=label, score=7, by=rosa)
    services.set_gold_label(item=campaign.items.get(), ratings={}, explanation="", by=rosa)
    services.score_demonstration(label=label, score=7, by=rosa)
    assert not Qualification.objects.exists()
    Label.objects.update(surplus=True)
    DemonstrationScore.objects.all().delete()
    with pytest.raises(services.ScoreRefused, match="to qualify"):
        services.score_demonstration(label=label, score=7, by=rosa)


def test_a_reviewer_rates_one_after_the_other_and_reads_no_name(
    project: Project, rosa: User, ada: User, sign_in: SignIn
) -> None:
    campaign = build(project, rosa, "demonstration")
    first, second = write(campaign, ada, 2)
    quality = reverse("labels:quality", args=["harbour", campaign.pk])
    browser = sign_in(rosa)
    shown = browser.get(quality).content.decode()
    place = [reverse("labels:score", args=["harbour", label.pk]) for label in (first, second)]
    assert all(address in shown for address in place)
    page = browser.get(place[0]).content.decode()
    assert "In Portugal." in page
    assert "ada" not in page.split("<main", 1)[1].split("</main>", 1)[0].replace("data-", "")
    assert browser.post(place[0], {"score": "9"}).status_code == 422
    assert browser.post(place[0], {"score": "6"}).headers["Location"] == place[1]
    assert browser.post(place[0], {"score": "6"}).status_code == 422
    assert browser.post(place[1], {"score": "7"}).headers["Location"] == quality
    told = browser.get(place[0]).content.decode()
    assert "6 / 7" in told
    assert "Nothing waits to be rated" in browser.get(quality).content.decode()
    person = browser.get(reverse("labels:annotator_quality", args=["harbour", campaign.pk, ada.pk]))
    assert "What reviewers gave" in person.content.decode()


def test_a_researcher_makes_an_answer_gold_and_sets_the_share(
    project: Project, rosa: User, ada: User, sign_in: SignIn
) -> None:
    campaign = build_label_campaign(project, rosa, prompts=5, answers=1)
    browser = sign_in(rosa)
    item = campaign.items.all()[0]
    assert isinstance(item, Item)
    page = reverse("labels:item", args=["harbour", item.pk])
    place = reverse("labels:gold", args=["harbour", item.pk])
    assert "Make this item gold" in browser.get(page).content.decode()
    assert browser.post(place, {"rating-helpful": "9"}).status_code == 422
    refused = browser.post(place, {})
    assert (refused.status_code, "at least one" in refused.content.decode()) == (422, True)
    assert browser.post(place, {"rating-helpful": "6", "explanation": "So."}).headers["Location"] == page
    gold = GoldItem.objects.get()
    assert (gold.ratings, gold.tiers, gold.explanation) == ({"helpful": 6}, [], "So.")
    assert "This item is gold" in browser.get(page).content.decode()
    for other in campaign.items.all()[1:]:
        services.set_gold_label(item=other, ratings={"helpful": 6}, explanation="", by=rosa)
    place = reverse("labels:quality_settings", args=["harbour", campaign.pk])
    shown = browser.get(place).content.decode()
    assert "Share of ratings that must be right" in shown
    assert "qualification_score" not in shown
    told = {"gold_rate": 0, "gold_slots": 4, "qualification_items": 5, "qualification_share": 0.9}
    told |= {"most_labels": 3, "repeat_rate": 0, "repeat_after": 50}
    assert browser.post(place, told).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.qualification_items, campaign.qualification_share) == (5, 0.9)
    rate(campaign, ada, [6, 7, 5, 6, 6])
    person = browser.get(reverse("labels:annotator_quality", args=["harbour", campaign.pk, ada.pk]))
    assert "With gold" in person.content.decode()
    assert "qualified" in person.content.decode()
    assert browser.post(reverse("labels:gold", args=["harbour", item.pk]), {"remove": "1"}).status_code == 302
    assert GoldItem.objects.count() == 4


def test_more_than_five_may_be_asked(project: Project, rosa: User, ada: User) -> None:
    campaign = build(project, rosa, "rating")
    services.set_gold_label(item=campaign.items.all()[5], ratings={"helpful": 4}, explanation="", by=rosa)
    services.set_quality(campaign=campaign, by=rosa, qualification_items=6)
    campaign.refresh_from_db()
    rate(campaign, ada, [4, 4, 4, 4, 4])
    assert state_of(campaign, ada) == "pending"
    rate(campaign, ada, [4])
    assert state_of(campaign, ada) == "passed"


def test_ordinary_labels_and_late_ones_examine_nobody(project: Project, rosa: User, ada: User) -> None:
    campaign = build(project, rosa, "rating")
    services.set_quality(campaign=campaign, by=rosa, qualification_items=0)
    campaign.refresh_from_db()
    held = claimed(campaign, ada)
    assert not GoldItem.objects.filter(item=held.item_id).exists()
    ordinary = give(held, ada)
    late = give(claimed(campaign, ada), ada)
    services.set_gold_label(item=late.item, ratings={"helpful": 4}, explanation="", by=rosa)
    Label.objects.filter(pk=late.pk).update(surplus=True)
    services.set_quality(campaign=campaign, by=rosa, qualification_items=5)
    campaign.refresh_from_db()
    late.refresh_from_db()
    examine_labels([ordinary, late], campaign=campaign)
    assert not Qualification.objects.exists()


def test_nobody_is_offered_their_own(project: Project, rosa: User, ada: User) -> None:
    campaign = build(project, rosa, "demonstration")
    (label,) = write(campaign, ada, 1)
    assert list(known_ratings.to_score(campaign, rosa)) == [label]
    assert list(known_ratings.to_score(campaign, ada)) == []


def test_a_reviewer_is_offered_no_gold(project: Project, rosa: User, ben: User, sign_in: SignIn) -> None:
    campaign = build(project, rosa, "rating")
    set_role(project=project, user=ben, role=Role.REVIEWER, by=None)
    place = reverse("labels:item", args=["harbour", campaign.items.all()[0].pk])
    assert "What is right" in sign_in(rosa).get(place).content.decode()
    assert "What is right" not in sign_in(ben).get(place).content.decode()


def test_another_projects_demonstration_is_not_there(
    project: Project, rosa: User, ada: User, sign_in: SignIn
) -> None:
    campaign = build(project, rosa, "demonstration")
    (label,) = write(campaign, ada, 1)
    create_project(name="Elsewhere", slug="elsewhere", by=None)
    other = Project.objects.get(slug="elsewhere")
    set_role(project=other, user=rosa, role=Role.RESEARCHER, by=None)
    browser = sign_in(rosa)
    assert browser.get(reverse("labels:score", args=["harbour", label.pk])).status_code == 200
    assert browser.get(reverse("labels:score", args=["elsewhere", label.pk])).status_code == 404
