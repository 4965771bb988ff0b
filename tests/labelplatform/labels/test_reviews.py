"""Reviews: what is drawn, who may look, what the annotator hears, and that nobody else's label is told."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, Role, User
from labelplatform.labels import review_queries, services
from labelplatform.labels.models import Campaign, Ranking, Review
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit

SignIn = Callable[[User], Client]


@pytest.fixture
def vera(project: Project) -> User:
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    return vera


def labelled(project: Project, rosa: User, by: User, labels: int = 10, name: str = "ranking") -> Campaign:
    campaign = build_campaign(project, rosa, prompts=labels, overlap=3, name=name)
    for _ in range(labels):
        submit(claimed(campaign, by), by)
    return campaign


def draw(campaign: Campaign, annotator: User, by: User, share: float = 1.0, seed: int = 0) -> list[Review]:
    return services.draw_reviews(campaign=campaign, annotator=annotator, share=share, by=by, seed=seed)


@pytest.mark.parametrize(("share", "wanted"), [(0.05, 1), (0.25, 3), (0.3, 3), (1.0, 10)])
def test_so_large_a_share_is_drawn_and_at_least_one(
    project: Project, ada: User, rosa: User, vera: User, share: float, wanted: int
) -> None:
    campaign = labelled(project, rosa, ada)
    drawn = draw(campaign, ada, vera, share)
    assert len(drawn) == len({review.ranking_id for review in drawn}) == wanted
    assert {review.verdict for review in Review.objects.all()} == {Review.Verdict.WAITING}
    entry = AuditEntry.objects.get(verb="drew labels for review")
    assert (entry.by, entry.detail["labels"], entry.detail["annotator"]) == (vera, wanted, "ada")


def test_which_are_drawn_is_chance_of_the_seed_alone(
    project: Project, ada: User, rosa: User, vera: User
) -> None:
    campaign, found = labelled(project, rosa, ada, labels=20), []
    for seed in (1, 1, 2):
        found.append([review.ranking_id for review in draw(campaign, ada, vera, 0.25, seed)])
        Review.objects.all().delete()
    assert found[0] == found[1] != found[2]


def test_what_was_drawn_is_not_drawn_again(project: Project, ada: User, rosa: User, vera: User) -> None:
    campaign = labelled(project, rosa, ada, labels=3)
    first, rest = draw(campaign, ada, vera, 0.5), draw(campaign, ada, vera)
    assert {review.ranking_id for review in (*first, *rest)} == set(
        Ranking.objects.values_list("pk", flat=True)
    )
    with pytest.raises(services.ReviewRefused, match="no label"):
        draw(campaign, ada, vera)
    for share in (0, -1, 1.01):
        with pytest.raises(services.ReviewRefused, match="between 0 and 1"):
            draw(campaign, ada, vera, share)


def test_gold_repeats_late_work_decisions_and_own_items_stay_out(
    project: Project, ada: User, ben: User, rosa: User, vera: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=5, overlap=3)
    services.set_quality(campaign=campaign, by=rosa, repeat_rate=0.2, repeat_after=1)
    given = []
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        given.append(submit(slot, ada))
    (repeat,) = [one for one in given if hasattr(one.item, "repeat")]
    gold, late, decided, mine, plain = [one for one in given if one != repeat]
    services.set_gold(
        item=gold.item, tiers=[[one] for one in gold.item.response_ids], explanation="", by=rosa
    )
    Ranking.objects.filter(pk=late.pk).update(surplus=True)
    services.ask_for_decision(item=decided.item, by=rosa)
    services.decide(item=decided.item, tiers=[[one] for one in decided.item.response_ids], by=ben)
    while not Ranking.objects.filter(item=mine.item, annotator=vera).exists():
        submit(claimed(campaign, vera), vera)
    Ranking.objects.filter(annotator=vera).exclude(item=mine.item).delete()
    assert {review.ranking for review in draw(campaign, ada, vera)} == {decided, plain}
    with pytest.raises(services.ReviewRefused, match="no label"):
        draw(campaign, ben, vera)
    assert {review.ranking for review in draw(campaign, ada, rosa)} == {mine}


def test_a_label_is_accepted_or_returned_with_a_note_once(
    project: Project, ada: User, rosa: User, vera: User
) -> None:
    campaign = labelled(project, rosa, ada, labels=2)
    before = [list(one.placements.values_list("response", "tier")) for one in Ranking.objects.order_by("pk")]
    first, second = draw(campaign, ada, vera)
    for verdict, note, why in (
        ("returned", " ", "Say what"),
        ("waiting", "x", "Accept the label"),
        ("", "", "Accept"),
    ):
        with pytest.raises(services.ReviewRefused, match=why):
            services.review_label(review=first, verdict=verdict, by=vera, note=note)
    done = services.review_label(review=first, verdict="returned", by=vera, note=" Look again. ")
    assert (done.verdict, done.note, done.reviewer) == ("returned", "Look again.", vera)
    assert done.at is not None
    with pytest.raises(services.ReviewRefused, match="already"):
        services.review_label(review=first, verdict="accepted", by=rosa)
    assert services.review_label(review=second, verdict="accepted", by=rosa).note == ""
    after = [list(one.placements.values_list("response", "tier")) for one in Ranking.objects.order_by("pk")]
    assert before == after
    assert AuditEntry.objects.filter(verb="reviewed label").count() == 2
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.filter(pk=first.pk).update(note="")


def test_nobody_reviews_a_label_of_an_item_of_theirs(
    project: Project, ada: User, rosa: User, vera: User
) -> None:
    campaign = labelled(project, rosa, ada, labels=1)
    (review,) = draw(campaign, ada, vera)
    with pytest.raises(services.ReviewRefused, match="yourself"):
        services.review_label(review=review, verdict="accepted", by=ada)
    assert review_queries.next_to_review(campaign, rosa) == review
    submit(claimed(campaign, rosa), rosa)
    assert review_queries.next_to_review(campaign, rosa) is None
    with pytest.raises(services.ReviewRefused, match="yourself"):
        services.review_label(review=review, verdict="accepted", by=rosa)


def test_an_annotator_hears_of_their_own_labels_alone(
    project: Project, ada: User, ben: User, rosa: User, vera: User, sign_in: SignIn
) -> None:
    campaign = labelled(project, rosa, ada, labels=2)
    submit(claimed(campaign, ben), ben, None)
    mine, waiting = draw(campaign, ada, vera)
    (theirs,) = draw(campaign, ben, vera)
    services.review_label(review=mine, verdict="returned", by=vera, note="Look at <b>.")
    services.review_label(review=theirs, verdict="returned", by=vera, note="secretword")
    ((found, order),) = review_queries.feedback(project, ada)
    assert found == mine
    stored = list(mine.ranking.placements.order_by("tier").values_list("response__text", flat=True))
    assert order == [[text] for text in stored]
    assert waiting.verdict == "waiting"
    shown = sign_in(ada).get(reverse("labels:feedback", args=["harbour"])).content.decode()
    assert "Look at &lt;b&gt;." in shown
    assert "something to look at" in shown
    assert "secretword" not in shown
    # Who looked is not told, nor who wrote the answers.
    assert "vera" not in shown
    assert "first-policy" not in shown
    assert (
        "No feedback yet" in sign_in(rosa).get(reverse("labels:feedback", args=["harbour"])).content.decode()
    )


def test_a_reviewer_draws_and_goes_from_label_to_label(
    project: Project, ada: User, rosa: User, vera: User, sign_in: SignIn
) -> None:
    campaign, browser = labelled(project, rosa, ada, labels=2), sign_in(vera)
    draw_them = reverse("labels:draw_reviews", args=["harbour", campaign.pk, ada.pk])
    listing = reverse("labels:reviews", args=["harbour", campaign.pk])
    assert browser.post(draw_them, {"share": "0.5"}).headers["Location"].endswith(f"/quality/{ada.pk}/")
    assert not Review.objects.exists()
    assert browser.post(draw_them, {"share": "1"}).headers["Location"] == listing
    first, second = Review.objects.order_by("pk")
    pages = [reverse("labels:review", args=["harbour", one.pk]) for one in (first, second)]
    assert pages[0] in browser.get(listing).content.decode()
    shown = browser.get(pages[0]).content.decode()
    assert "ada" not in shown
    assert "first-policy" not in shown
    assert browser.post(pages[0], {"verdict": "returned"}).status_code == 422
    assert browser.post(pages[0], {"verdict": "accepted"}).headers["Location"] == pages[1]
    assert browser.post(pages[1], {"verdict": "returned", "note": "So."}).headers["Location"] == listing
    assert "So." in browser.get(listing).content.decode()
    assert browser.post(pages[1], {"verdict": "accepted"}).status_code == 422


def test_ties_and_the_unranked_are_told_as_such(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=1)
    Campaign.objects.filter(pk=campaign.pk).update(allow_unranked=True)
    slot = claimed(Campaign.objects.get(pk=campaign.pk), ada)
    one, two, three, _four = (tier[0] for tier in in_order(slot))
    ranking = submit(slot, ada, [[two], [one, three]])
    assert [len(tier) for tier in review_queries.order_of(ranking)] == [1, 2, 1]


def test_annotators_neither_decide_nor_review(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign, browser = labelled(project, rosa, ada, labels=1), sign_in(ada)
    (review,) = draw(campaign, ada, rosa)
    item = services.ask_for_decision(item=review.ranking.item, by=rosa).item
    for name, pk in (
        ("review", review.pk),
        ("decide", item.pk),
        ("reviews", campaign.pk),
        ("adjudication", campaign.pk),
    ):
        assert browser.get(reverse(f"labels:{name}", args=["harbour", pk])).status_code == 403
    assert browser.post(reverse("labels:ask_for_decision", args=["harbour", item.pk])).status_code == 403
    answer = browser.post(
        reverse("labels:draw_reviews", args=["harbour", campaign.pk, ada.pk]), {"share": "1"}
    )
    assert answer.status_code == 403
