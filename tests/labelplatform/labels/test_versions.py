"""A returned label given again: the newer one counts and says whom it replaces, the old one is kept as it was."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import AuditEntry, Project, Role, User
from labelplatform.labels import queries, rules, services
from labelplatform.labels.label_lines import label_lines
from labelplatform.labels.models import Campaign, Draft, Label, Placement, Ranking, Review, Slot
from labelplatform.labels.services.versions import check_again
from labelplatform.labels.shown import responses_by_letter
from labelplatform.labels.versions import surplus_count
from tests.labelplatform.builders import build_membership, build_user
from tests.labelplatform.labels.building import build_campaign, claimed, submit

SignIn = Callable[[User], Client]
SCRIPTED: dict[str, Any] = {"HTTP_ACCEPT": "application/json"}


@pytest.fixture
def vera(project: Project) -> User:
    vera = build_user("vera")
    build_membership(project, vera, Role.REVIEWER)
    return vera


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_campaign(project, rosa, prompts=1, answers=3, overlap=2)


@pytest.fixture
def returned(campaign: Campaign, ada: User, vera: User) -> Review:
    """ada's order A, B, C, returned with a note."""
    slot = claimed(campaign, ada)
    submit(slot, ada, [[response] for response in responses_by_letter(slot).values()])
    (review,) = services.draw_reviews(campaign=campaign, annotator=ada, share=1, by=vera)
    return services.review_label(review=review, verdict="returned", by=vera, note="Look at C again.")


def begun(browser: Client, review: Review) -> str:
    answer = browser.post(reverse("labels:begin_again", args=["harbour", review.pk]))
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def places(order: str, **more: object) -> dict[str, Any]:
    told = {f"place-{letter}": place for letter, place in zip("ABC", order, strict=True)}
    return {"submission": str(uuid.uuid4()), **told, **more}


def kept(ranking: Ranking) -> tuple[Any, ...]:
    rows = Ranking.objects.filter(pk=ranking.pk).values_list(
        "key", "body_digest", "at", "seconds", "shown_order"
    )
    return rows.get(), list(Placement.objects.filter(ranking=ranking).values_list("response", "tier"))


def test_what_was_said_is_where_one_begins_and_a_2xx_is_read_back(
    project: Project, campaign: Campaign, returned: Review, ada: User, sign_in: SignIn
) -> None:
    browser, old, before = sign_in(ada), returned.ranking, kept(returned.ranking)
    page = browser.get(reverse("labels:feedback", args=["harbour"])).content.decode()
    assert "Give this label again" in page
    address = begun(browser, returned)
    shown = browser.get(address)
    assert "Look at C again." in shown.content.decode()
    assert json.loads(shown.context["item"].draft)["places"] == {"A": 1, "B": 2, "C": 3}
    # Until the newer one is there, the old one counts.
    assert list(queries.rankings(project)) == [old]
    answer = browser.post(address, places("231"), **SCRIPTED)
    assert (answer.status_code, answer.json()) == (
        200,
        {"next": reverse("labels:feedback", args=["harbour"])},
    )
    new = Ranking.objects.get(replaces=old)
    assert list(queries.rankings(project)) == [new]
    assert kept(old) == before
    responses = responses_by_letter(old.slot)  # type: ignore[arg-type]
    assert dict(new.placements.values_list("response", "tier")) == {
        responses[letter]: tier for letter, tier in zip("ABC", (2, 3, 1), strict=True)
    }
    (line,) = queries.ranking_lines(project)
    assert (line["id"], line["replaces"], line["annotator"]) == (new.key, old.key, "ada")
    both = {line["id"]: line.get("surplus") for line in queries.ranking_lines(project, {"surplus": True})}
    assert both == {old.key: True, new.key: None}
    assert "You have given it again" in browser.get(answer.json()["next"]).content.decode()
    entry = AuditEntry.objects.get(verb="gave label again")
    assert (entry.by, entry.detail["replaces"]) == (ada, old.key)


def test_the_slot_stays_filled_and_nobody_gets_one_more(
    campaign: Campaign, returned: Review, ada: User, ben: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    address = begun(browser, returned)
    states = list(Slot.objects.order_by("ordinal").values_list("state", "annotator"))
    assert states == [(Slot.State.DONE, ada.pk), (Slot.State.OPEN, None)]
    browser.post(address, places("231"), **SCRIPTED)
    assert list(Slot.objects.order_by("ordinal").values_list("state", "annotator")) == states
    submit(claimed(campaign, ben), ben)
    assert services.claim(campaign=campaign, annotator=ben) is None
    assert Ranking.objects.filter(surplus=False).count() == 2
    # What was replaced did not come too late.
    assert surplus_count(campaign) == 0


def test_a_retry_is_the_same_and_a_second_newer_version_is_refused(
    returned: Review, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    address, told = begun(browser, returned), places("231")
    assert [browser.post(address, told, **SCRIPTED).status_code for _again in range(2)] == [200, 200]
    assert browser.post(address, {**told, "place-A": "1"}, **SCRIPTED).status_code == 409
    assert browser.post(address, places("321"), **SCRIPTED).status_code == 422
    assert Ranking.objects.count() == 2
    assert browser.get(address).status_code == 302
    assert browser.post(reverse("labels:begin_again", args=["harbour", returned.pk])).status_code == 302
    with pytest.raises(services.VersionRefused):
        check_again(returned, ada)


def test_the_same_order_once_more_is_no_newer_version(returned: Review, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    assert browser.post(begun(browser, returned), places("123"), **SCRIPTED).status_code == 422
    assert list(Ranking.objects.values_list("surplus", flat=True)) == [False]


def test_an_incomplete_order_is_refused_and_the_old_one_counts(
    project: Project, returned: Review, ada: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    address = begun(browser, returned)
    told = places("231")
    del told["place-C"]
    assert browser.post(address, told, **SCRIPTED).status_code == 422
    assert browser.post(address, {**places("231"), "place-A": "x"}).status_code == 422
    assert list(queries.rankings(project)) == [returned.ranking]


@pytest.mark.parametrize("verdict", ["accepted", "waiting"])
def test_what_was_not_returned_cannot_be_given_again(returned: Review, ada: User, verdict: str) -> None:
    returned.verdict = verdict
    with pytest.raises(services.VersionRefused):
        services.begin_again(review=returned, by=ada)


def test_nor_what_somebody_else_gave(returned: Review, ben: User, sign_in: SignIn) -> None:
    with pytest.raises(services.VersionRefused):
        services.begin_again(review=returned, by=ben)
    assert sign_in(ben).post(reverse("labels:begin_again", args=["harbour", returned.pk])).status_code == 404


def test_nor_while_the_campaign_is_paused(
    campaign: Campaign, returned: Review, ada: User, rosa: User, sign_in: SignIn
) -> None:
    browser = sign_in(ada)
    address = begun(browser, returned)
    services.set_state(campaign=campaign, state=Campaign.State.PAUSED, by=rosa)
    assert browser.post(address, places("231"), **SCRIPTED).status_code == 422
    assert Ranking.objects.count() == 1


def test_the_key_is_nobody_elses(returned: Review, ada: User, ben: User, sign_in: SignIn) -> None:
    address = begun(sign_in(ada), returned)
    other = sign_in(ben)
    assert [other.get(address).status_code, other.post(address, places("231")).status_code] == [404, 404]
    assert other.post(f"{address}stay/").status_code == 404
    assert sign_in(ada).post(f"{address}stay/").json()["next"] is None


def test_a_draft_of_it_is_kept_and_goes_with_it(returned: Review, ada: User, sign_in: SignIn) -> None:
    browser = sign_in(ada)
    address = begun(browser, returned)
    state = json.dumps({"places": {"A": 3}})
    assert browser.post(f"{address}draft/", state, content_type="application/json").status_code == 200
    # To the page by another way: what was begun is gone on with.
    again = browser.get(begun(browser, returned))
    assert json.loads(again.context["item"].draft)["places"] == {"A": 3}
    assert browser.post(address, places("231"), **SCRIPTED).status_code == 200
    assert not Draft.objects.exists()


def test_the_answer_of_ones_own_is_the_newer_ones(
    project: Project, campaign: Campaign, ada: User, vera: User
) -> None:
    slot = claimed(campaign, ada)
    assert slot.lease_token
    order = [[response] for response in responses_by_letter(slot).values()]
    services.submit_judgement(
        slot=slot,
        lease_token=slot.lease_token,
        submission=uuid.uuid4(),
        judgement=rules.Judgement(order, better="first"),
        by=ada,
    )
    (review,) = services.draw_reviews(campaign=campaign, annotator=ada, share=1, by=vera)
    services.review_label(review=review, verdict="returned", by=vera, note="Again.")
    review = Review.objects.select_related("ranking__slot__campaign", "ranking__slot__item").get()
    judgement = rules.Judgement(order, better="second")
    services.give_again(review=review, submission=uuid.uuid4(), judgement=judgement, by=ada)
    assert [line["response"] for line in label_lines(project, "demonstrations")] == ["second"]
    assert Label.objects.count() == 2


def test_a_snapshot_of_before_reads_what_it_read_then(
    project: Project, returned: Review, ada: User, sign_in: SignIn
) -> None:
    browser, old = sign_in(ada), returned.ranking
    then = {"last_ranking": old.pk}
    moment = {"until": old.at.isoformat()}
    browser.post(begun(browser, returned), places("231"), **SCRIPTED)
    new = Ranking.objects.get(replaces=old)
    assert list(queries.rankings(project, then)) == list(queries.rankings(project, moment)) == [old]
    assert list(queries.rankings(project, {"last_ranking": new.pk})) == [new]
    assert list(queries.rankings(project, {"until": new.at.isoformat()})) == [new]
