"""A label counts once, is complete, and is never lost."""

import uuid

import pytest

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.models import Draft, Placement, Ranking, Slot
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.test_assignment import lapse


@pytest.fixture
def slot(project: Project, ada: User, rosa: User) -> Slot:
    return claimed(build_campaign(project, rosa, prompts=2), ada)


def test_a_ranking_is_stored_with_its_ties_and_fills_its_slot(slot: Slot, ada: User) -> None:
    one, two, three, four = [tier[0] for tier in in_order(slot)]
    ranking = submit(slot, ada, [[three], [one, four], [two]])
    places = dict(Placement.objects.filter(ranking=ranking).values_list("response", "tier"))
    assert places == {three: 1, one: 2, four: 2, two: 3}
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == (Slot.State.DONE, ada)
    assert AuditEntry.objects.filter(verb="submitted ranking", by=ada, object_id=str(ranking.pk)).count() == 1


def test_the_same_submission_twice_is_one_ranking(slot: Slot, ada: User) -> None:
    key = uuid.uuid4()
    first = submit(slot, ada, submission=key)
    assert submit(slot, ada, submission=key) == first
    assert Ranking.objects.count() == 1
    assert not first.surplus


def test_the_same_key_with_another_body_is_refused(slot: Slot, ada: User) -> None:
    key = uuid.uuid4()
    submit(slot, ada, submission=key)
    with pytest.raises(services.SubmissionConflict):
        submit(slot, ada, in_order(slot)[::-1], submission=key)
    with pytest.raises(services.SubmissionConflict):
        submit(slot, ada, submission=key, unacceptable=True)
    assert Ranking.objects.count() == 1


def test_somebody_elses_key_is_refused(slot: Slot, ada: User, ben: User) -> None:
    key = uuid.uuid4()
    submit(slot, ada, submission=key)
    with pytest.raises(services.SubmissionConflict):
        submit(slot, ben, submission=key)


def test_ties_have_no_order_so_a_retry_may_tell_them_differently(slot: Slot, ada: User) -> None:
    one, two, three, four = [tier[0] for tier in in_order(slot)]
    key = uuid.uuid4()
    first = submit(slot, ada, [[one, two], [three, four]], submission=key)
    assert submit(slot, ada, [[two, one], [four, three]], submission=key) == first


def test_late_work_is_kept_as_surplus_and_the_overlap_stays_exact(slot: Slot, ada: User, ben: User) -> None:
    lapse(slot)
    taken = claimed(slot.campaign, ben)
    late = submit(slot, ada)
    assert late.surplus
    assert not submit(taken, ben).surplus
    assert [one.annotator for one in queries.rankings(slot.campaign.project)] == [ben]


def test_after_late_work_the_item_is_not_offered_again(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=1, overlap=2)
    slot = claimed(campaign, ada)
    lapse(slot)
    claimed(campaign, ben)
    assert submit(slot, ada).surplus
    assert services.claim(campaign=campaign, annotator=ada) is None


def test_the_work_of_an_older_lease_does_not_fill_the_slot_of_a_newer_one(
    slot: Slot, ada: User, ben: User
) -> None:
    older = slot.lease_token
    for person in (ben, ada):
        lapse(slot)
        newer = claimed(slot.campaign, person)
    assert (newer.pk, newer.lease_token == older) == (slot.pk, False)
    assert submit(newer, ada, lease_token=older).surplus
    assert not submit(newer, ada).surplus


def test_late_work_counts_when_nobody_has_taken_the_slot(slot: Slot, ada: User) -> None:
    lapse(slot)
    assert not submit(slot, ada).surplus


def test_work_counts_after_a_release_when_nobody_has_taken_the_slot(slot: Slot, ada: User) -> None:
    token = slot.lease_token
    assert token is not None
    services.release(token=token, by=ada)
    assert not submit(slot, ada, lease_token=token).surplus
    slot.refresh_from_db()
    assert (slot.state, slot.annotator) == (Slot.State.DONE, ada)


def test_a_second_submission_of_one_lease_is_surplus(slot: Slot, ada: User) -> None:
    assert not submit(slot, ada).surplus
    assert submit(slot, ada, in_order(slot)[::-1]).surplus


@pytest.mark.parametrize("whose", ["nobody", "ben"])
def test_without_a_lease_nothing_is_taken(slot: Slot, ada: User, ben: User, whose: str) -> None:
    token = uuid.uuid4() if whose == "nobody" else slot.lease_token
    with pytest.raises(services.LeaseLost):
        submit(slot, ada if whose == "nobody" else ben, lease_token=token)
    assert Ranking.objects.count() == 0


def test_nothing_is_submitted_by_accident(slot: Slot, ada: User) -> None:
    whole = in_order(slot)
    doubled = [whole[0], *whole[:-1]]
    for tiers in ([], whole[:-1], [*whole, []], doubled, [*whole, whole[0]], [*whole[:-1], [10**9]]):
        with pytest.raises(services.JudgementRefused):
            submit(slot, ada, tiers)
    slot.refresh_from_db()
    assert slot.state == Slot.State.LEASED
    assert Ranking.objects.count() == 0


def test_all_unacceptable_needs_no_order(slot: Slot, ada: User) -> None:
    ranking = submit(slot, ada, [], unacceptable=True)
    assert ranking.unacceptable
    assert queries.ranking_line(ranking)["tiers"] == []


def test_where_the_campaign_allows_it_some_may_stay_unranked_but_not_all(slot: Slot, ada: User) -> None:
    slot.campaign.allow_unranked = True
    slot.campaign.save()
    slot.refresh_from_db()
    with pytest.raises(services.JudgementRefused):
        submit(slot, ada, [])
    ranking = submit(slot, ada, in_order(slot)[:2])
    assert list(ranking.placements.order_by("pk").values_list("tier", flat=True)) == [1, 2, None, None]


def test_flags_are_kept_and_unknown_ones_refused(slot: Slot, ada: User) -> None:
    first = in_order(slot)[0][0]
    with pytest.raises(services.JudgementRefused):
        submit(slot, ada, flags={first: ["smells-odd"]})
    with pytest.raises(services.JudgementRefused):
        submit(slot, ada, flags={10**9: ["hallucination"]})
    ranking = submit(slot, ada, flags={first: ["hallucination", "fails-task"]})
    assert sorted(ranking.flags.values_list("name", flat=True)) == ["fails-task", "hallucination"]


def test_a_draft_is_kept_for_its_person_and_gone_after_submission(slot: Slot, ada: User, ben: User) -> None:
    services.save_draft(slot=slot, annotator=ada, state={"places": {"A": 1}})
    services.save_draft(slot=slot, annotator=ada, state={"places": {"A": 2}})
    assert Draft.objects.get().state == {"places": {"A": 2}}
    with pytest.raises(services.LeaseLost):
        services.save_draft(slot=slot, annotator=ben, state={})
    with pytest.raises(services.DraftRefused):
        services.save_draft(slot=slot, annotator=ada, state={"history": ["x" * 170_000] * 3})
    submit(slot, ada)
    assert not Draft.objects.exists()
