"""A label that is no order counts once, is whole, and is never lost: by the same verbs as an order."""

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import services, waiting
from labelplatform.labels.label_lines import labels
from labelplatform.labels.models import Campaign, Draft, Label, Ranking, Slot
from labelplatform.labels.services import filling
from labelplatform.prompts.services import create_prompt_set, import_prompts
from tests.labelplatform.labels.building import build_campaign, claimed
from tests.labelplatform.labels.kind_building import build_label_campaign, give, said
from tests.labelplatform.labels.test_assignment import lapse


@pytest.fixture
def campaign(project: Project, rosa: User) -> Campaign:
    return build_label_campaign(project, rosa, prompts=2, answers=2)


@pytest.fixture
def slot(campaign: Campaign, ada: User) -> Slot:
    return claimed(campaign, ada)


def test_each_answer_of_a_prompt_is_an_item_of_its_own(campaign: Campaign) -> None:
    counts = [item.responses.count() for item in campaign.items.all()]
    assert counts == [1, 1, 1, 1]
    assert len({item.response_ids[0] for item in campaign.items.all()}) == 4
    again = [item.prompt for item in campaign.items.all()]
    assert services.add_items(campaign=campaign, prompts=again, by=None) == 0


@pytest.mark.parametrize("kind", ["rating", "honesty"])
def test_a_prompt_without_answers_cannot_be_rated(project: Project, rosa: User, kind: str) -> None:
    campaign = build_label_campaign(project, rosa, kind=kind)
    prompt_set = create_prompt_set(project=project, name="unanswered", by=rosa)
    line = {"id": "q", "prompt": [{"role": "user", "content": "Why?"}]}
    import_prompts(prompt_set=prompt_set, lines=[line], by=rosa)
    with pytest.raises(services.CampaignRefused, match="no answer"):
        services.add_items(campaign=campaign, prompts=prompt_set.prompts.all(), by=rosa)


def test_a_label_is_stored_whole_and_fills_its_slot(slot: Slot, ada: User) -> None:
    body = {"ratings": {"harmless": 7, "helpful": 5, "honest": 1}, "flags": ["hallucination", "fails-task"]}
    label = give(slot, ada, body)
    label.refresh_from_db()
    assert label.body == {**body, "flags": ["fails-task", "hallucination"]}
    assert (label.kind, label.source, label.surplus, label.seconds) == ("rating", "campaign", False, 9.5)
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == (Slot.State.DONE, ada)
    assert AuditEntry.objects.filter(verb="submitted label", by=ada, object_id=str(label.pk)).count() == 1
    assert not Ranking.objects.exists()


def test_the_same_submission_twice_is_one_label_and_another_body_is_refused(
    slot: Slot, ada: User, ben: User
) -> None:
    key = uuid.uuid4()
    first = give(slot, ada, submission=key)
    assert give(slot, ada, submission=key) == first
    with pytest.raises(services.SubmissionConflict):
        give(slot, ada, said(slot.campaign, helpful=1), submission=key)
    with pytest.raises(services.SubmissionConflict):
        give(slot, ben, submission=key)
    assert Label.objects.count() == 1


def test_where_a_twin_was_faster_its_label_is_the_answer(
    slot: Slot, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, look, looks = give(slot, ada), filling.earlier_label, iter(["too early"])

    def missing_it_once(*told: Any) -> Any:
        return None if next(looks, "") else look(*told)

    monkeypatch.setattr(filling, "earlier_label", missing_it_once)
    assert give(slot, ada, submission=first.submission) == first
    assert Label.objects.count() == 1


def test_late_work_is_surplus_and_its_item_not_offered_again(
    project: Project, rosa: User, ada: User, ben: User
) -> None:
    campaign = build_label_campaign(project, rosa, prompts=1, answers=1, overlap=2)
    slot = claimed(campaign, ada)
    lapse(slot)
    taken = claimed(campaign, ben)
    assert taken.pk == slot.pk
    late = give(slot, ada)
    assert late.surplus
    assert not give(taken, ben).surplus
    assert list(labels(project)) == [Label.objects.get(annotator=ben)]
    assert services.claim(campaign=campaign, annotator=ada) is None
    (queue,) = waiting.queue(project, ada)
    assert (queue.for_me, queue.done_by_me) == (0, 1)


def test_without_a_lease_nothing_is_taken(slot: Slot, ada: User, ben: User) -> None:
    with pytest.raises(services.LeaseLost):
        give(slot, ada, lease_token=uuid.uuid4())
    with pytest.raises(services.LeaseLost):
        give(slot, ben)
    assert not Label.objects.exists()


def test_nothing_is_submitted_by_accident(slot: Slot, ada: User) -> None:
    whole = said(slot.campaign)
    bodies: list[dict[str, Any]] = [
        {"ratings": {}, "flags": []},
        {"ratings": {"helpful": 4, "honest": 4}, "flags": []},
        {"ratings": {**whole["ratings"], "overall": 4}, "flags": []},
        {"ratings": {**whole["ratings"], "honest": 8}, "flags": []},
        {"ratings": {**whole["ratings"], "honest": 0}, "flags": []},
        {"ratings": {**whole["ratings"], "honest": 4.5}, "flags": []},
        {"ratings": {**whole["ratings"], "honest": True}, "flags": []},
        {**whole, "flags": ["smells-odd"]},
    ]
    for wrong in bodies:
        with pytest.raises(services.JudgementRefused):
            give(slot, ada, wrong)
    slot.refresh_from_db()
    assert slot.state == Slot.State.LEASED
    assert not Label.objects.exists()


def test_a_draft_is_gone_after_submission_and_the_next_item_waits(slot: Slot, ada: User) -> None:
    services.save_draft(slot=slot, annotator=ada, state={"ratings": {"helpful": 3}})
    give(slot, ada)
    assert not Draft.objects.exists()
    assert claimed(slot.campaign, ada).item != slot.item


def test_orders_and_labels_are_never_mixed(project: Project, rosa: User, ada: User, slot: Slot) -> None:
    ranked = claimed(build_campaign(project, rosa), ada)
    with pytest.raises(services.JudgementRefused):
        give(ranked, ada, {"ratings": {}, "flags": []})
    with pytest.raises(services.CampaignRefused, match="another kind"):
        services.record_rankings(campaign=slot.campaign, rankings=[], by=rosa)
    with pytest.raises(services.GoldRefused, match="Gold"):
        services.set_gold(item=slot.item, tiers=[slot.item.response_ids], explanation="", by=rosa)


def test_a_plain_ranking_campaign_asks_nothing_of_the_labels_table(
    project: Project, rosa: User, ada: User
) -> None:
    campaign = build_campaign(project, rosa)
    with CaptureQueriesContext(connection) as asked:
        claimed(campaign, ada)
    assert not any("labels_label" in one["sql"] for one in asked.captured_queries)
