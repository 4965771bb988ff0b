"""Hidden repeats: dealt at their rate, to the one person, in another order, and counted as nothing but consistency."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from labelplatform.accounts.models import Project, User
from labelplatform.labels import quality, queries, services, skips, waiting
from labelplatform.labels.models import Campaign, Item, Lease, Ranking, RepeatItem, Slot
from labelplatform.labels.orders import shown_order
from labelplatform.labels.services.repeats import _another_order, is_due
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]


def build_repeating(
    project: Project, by: User, *, rate: float = 0.2, after: int = 2, prompts: int = 12, **told: Any
) -> Campaign:
    campaign = build_campaign(project, by, prompts=prompts, overlap=2, **told)
    services.set_quality(campaign=campaign, by=by, repeat_rate=rate, repeat_after=after)
    return campaign


def work(campaign: Campaign, annotator: User, labels: int) -> list[Ranking]:
    return [submit(claimed(campaign, annotator), annotator) for _ in range(labels)]


def until_dealt(campaign: Campaign, annotator: User) -> tuple[list[Ranking], RepeatItem]:
    """Work until the first repeat is dealt."""
    given: list[Ranking] = []
    while not RepeatItem.objects.exists():
        given += work(campaign, annotator, 1)
    return given, RepeatItem.objects.get()


@given(st.floats(0.01, 0.2), st.integers(0, 10**6))
def test_over_any_stretch_repeats_come_at_their_rate(rate: float, seed: int) -> None:
    labels = 400
    dealt = [number for number in range(1, labels + 1) if is_due(number, rate, str(seed))]
    assert abs(len(dealt) - labels * rate / (1 - rate)) <= 1.0001
    # A stretch is never without one: the gap between two is less than two stretches.
    stretch = (1 - rate) / rate
    assert all(after - before < 2 * stretch + 1 for before, after in itertools.pairwise(dealt))


def test_when_they_come_is_chance_of_the_seed_alone() -> None:
    dealt = [[n for n in range(200) if is_due(n, 0.05, seed)] for seed in ("1/7", "1/7", "1/8", "2/7")]
    assert dealt[0] == dealt[1]
    assert len({tuple(one) for one in dealt}) == 3


def test_the_twin_has_the_same_answers_in_another_order(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa)
    given, repeat = until_dealt(campaign, ada)
    first = next(ranking for ranking in given if ranking.item_id == repeat.original_id)
    # So many labels of their own lie between.
    assert len(given) - 1 - given.index(first) >= 2
    twin = repeat.item
    assert (twin.campaign, twin.prompt, twin.response_ids) == (
        campaign,
        first.item.prompt,
        first.item.response_ids,
    )
    assert twin.key != first.item.key
    slot = twin.slots.get()
    assert [twin.response_ids[place] for place in slot.shown_order] != first.shown_order
    assert sorted(slot.shown_order) == [0, 1, 2, 3]
    assert repeat.annotator == ada


def test_two_answers_are_shown_the_other_way_round(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa, answers=2)
    given, repeat = until_dealt(campaign, ada)
    first = next(ranking for ranking in given if ranking.item_id == repeat.original_id)
    slot = repeat.item.slots.get()
    assert [repeat.item.response_ids[place] for place in slot.shown_order] == first.shown_order[::-1]


def test_the_next_claim_brings_it_and_nothing_tells_it_apart(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_repeating(project, rosa)
    _given, repeat = until_dealt(campaign, ada)
    assert (
        waiting.queue(project, ada)[0].for_me
        == campaign.items.filter(repeat=None).exclude(rankings__annotator=ada).count() + 1
    )
    slot = claimed(campaign, ada)
    assert slot.item_id == repeat.item_id
    assert slot.lease_token in Lease.objects.filter(slot=slot, annotator=ada).values_list("token", flat=True)
    page = sign_in(ada).get(reverse("labels:rank", args=["harbour", slot.lease_token]))
    assert page.status_code == 200
    assert "repeat" not in page.content.decode().lower()
    assert repeat.item.key not in page.content.decode()
    submit(slot, ada)
    assert claimed(campaign, ada).item_id != repeat.item_id


def test_beside_the_item_in_hand_it_is_the_next(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa)
    prefetched: Slot | None = None
    slot = claimed(campaign, ada)
    while not RepeatItem.objects.exists():
        prefetched = services.claim(campaign=campaign, annotator=ada, beside=slot.lease_token)
        submit(slot, ada)
        assert prefetched is not None
        slot = prefetched
    following = services.claim(campaign=campaign, annotator=ada, beside=slot.lease_token)
    assert following is not None
    assert following.item_id == RepeatItem.objects.get().item_id


def test_nobody_else_is_ever_given_it(project: Project, ada: User, ben: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa)
    _given, repeat = until_dealt(campaign, ada)
    slot = repeat.item.slots.get()
    for state in ("promised", "lapsed", "given back"):
        if state == "lapsed":
            lapse(slot)
        if state == "given back":
            services.release(token=slot.lease_token, by=ada)  # type: ignore[arg-type]
        assert slot not in waiting.waiting_slots(campaign, ben, timezone.now())
        assert slot in waiting.waiting_slots(campaign, ada, timezone.now())
    services.set_quality(campaign=campaign, by=rosa, repeat_rate=0)
    assert campaign.has_repeats
    given = []
    while (taken := services.claim(campaign=campaign, annotator=ben)) is not None:
        given.append(submit(taken, ben).item_id)
    assert repeat.item_id not in given
    assert len(given) == 12
    assert slot not in waiting.slots_held_by_others(campaign, ben, timezone.now())
    # It is still hers.
    assert claimed(campaign, ada).item_id == repeat.item_id


def test_an_item_is_repeated_once_and_a_repeat_never(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa, prompts=20)
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        submit(slot, ada)
    repeats = RepeatItem.objects.all()
    originals = [repeat.original_id for repeat in repeats]
    assert 3 <= len(originals) == len(set(originals)) <= 5
    assert not set(originals) & {repeat.item_id for repeat in repeats}
    assert Ranking.objects.filter(annotator=ada).count() == 20 + len(originals)


def test_gold_late_work_and_what_is_all_unacceptable_are_not_repeated(
    project: Project, ada: User, rosa: User
) -> None:
    campaign = build_repeating(project, rosa, after=1, prompts=20)
    gold = claimed(campaign, ada)
    services.set_gold(item=gold.item, tiers=in_order(gold), explanation="", by=rosa)
    submit(gold, ada)
    submit(claimed(campaign, ada), ada, [], unacceptable=True)
    _given, repeat = until_dealt(campaign, ada)
    first = Ranking.objects.get(item=repeat.original, annotator=ada)
    assert (first.unacceptable, first.surplus) == (False, False)
    assert repeat.original_id != gold.item_id


def test_what_is_all_unacceptable_is_never_repeated(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa, after=1, prompts=20)
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        submit(slot, ada, [], unacceptable=True)
    assert Ranking.objects.count() == 20
    assert not RepeatItem.objects.exists()


def test_a_campaign_without_a_rate_pays_nothing(project: Project, ada: User, rosa: User) -> None:
    counts = []
    for rate in (0.0, 0.01):
        campaign = build_repeating(project, rosa, rate=rate, name=f"at {rate}")
        slot = claimed(campaign, ada)
        with CaptureQueriesContext(connection) as asked:
            submit(slot, ada)
        counts.append(sum("repeatitem" in one["sql"] for one in asked))
    assert counts[0] == 0 < counts[1]


def test_a_label_of_a_repeat_is_in_no_export_no_progress_and_no_agreement(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_repeating(project, rosa)
    _given, repeat = until_dealt(campaign, ada)
    before = queries.campaigns(project).get()
    told = [line["id"] for line in queries.ranking_lines(project)]
    assert repeat.item.key not in {one.item for one in queries.unranked_items(campaign)}
    again = submit(claimed(campaign, ada), ada)
    assert again.item == repeat.item
    after = queries.campaigns(project).get()
    for name in ("items_wanted", "slots_wanted", "slots_done", "rankings_kept"):
        assert getattr(before, name) == getattr(after, name)
    assert [getattr(after, name) for name in ("items_wanted", "slots_wanted")] == [12, 24]
    assert [line["id"] for line in queries.ranking_lines(project)] == told
    assert again.key not in json.dumps(list(queries.ranking_lines(project, {"with_gold": True})))
    assert again in queries.rankings(project, {"with_repeats": True})
    assert [one.item for one in queries.unranked_items(campaign)] == [
        item.key for item in campaign.items.filter(repeat=None, rankings=None)
    ]
    work(campaign, ben, 3)
    assert {one.item for one in quality.compared_items(campaign)} & {str(repeat.item_id)} == set()


def test_self_consistency_is_measured_by_repeats(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa, prompts=40)
    repeated = 0
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        tiers, is_repeat = in_order(slot), RepeatItem.objects.filter(item=slot.item).exists()
        # Of four answers the first two change places on every second repeat: 5 of 6 pairs are as before.
        if is_repeat and repeated % 2:
            tiers[:2] = tiers[1::-1]
        repeated += is_repeat
        submit(slot, ada, tiers)
    (person,) = quality.campaign_quality(campaign).people
    assert person.quality.repeats == repeated >= 5
    wrong = repeated // 2
    assert person.quality.consistency.value == pytest.approx(1 - wrong / (6 * repeated))
    assert person.quality.consistency.low is not None
    assert person.quality.labels == 40


def test_a_twin_is_no_gold_and_not_set_aside(project: Project, ada: User, rosa: User) -> None:
    campaign = build_repeating(project, rosa)
    Campaign.objects.filter(pk=campaign.pk).update(skip_limit=1)
    campaign.refresh_from_db()
    _given, repeat = until_dealt(campaign, ada)
    with pytest.raises(services.GoldRefused, match="hidden repeat"):
        services.set_gold(item=repeat.item, tiers=in_order(repeat.item.slots.get()), explanation="", by=rosa)
    slot = claimed(campaign, ada)
    services.skip(token=slot.lease_token, by=ada, reason="other")  # type: ignore[arg-type]
    assert list(skips.set_aside(campaign)) == []
    assert claimed(campaign, ada).item_id != repeat.item_id


def test_the_rate_is_set_in_bounds_and_told_on_the_settings_page(
    project: Project, rosa: User, sign_in: SignIn
) -> None:
    campaign = build_campaign(project, rosa)
    assert (campaign.repeat_rate, campaign.repeat_after, campaign.has_repeats) == (0, 50, False)
    with pytest.raises(ValidationError):
        services.set_quality(campaign=campaign, by=rosa, repeat_rate=0.3)
    page = reverse("labels:quality_settings", args=["harbour", campaign.pk])
    told = {"most_labels": 3, "gold_rate": 0, "gold_slots": 20, "qualification_items": 0}
    answer = sign_in(rosa).post(
        page, {**told, "qualification_share": 0.75, "repeat_rate": 0.02, "repeat_after": 60}
    )
    assert answer.status_code == 302
    campaign.refresh_from_db()
    assert (campaign.repeat_rate, campaign.repeat_after, campaign.has_repeats) == (0.02, 60, True)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_repeated_is_passed_over(project: Project, ada: User, rosa: User, seed: int) -> None:
    campaign = build_repeating(project, rosa, prompts=12)
    campaign.seed = seed
    campaign.save()
    first = submit(claimed(campaign, ada), ada)
    dealt = RepeatItem.objects.exclude(item__key__startswith="dummy")
    while not dealt.exists():
        ranking = submit(claimed(campaign, ada), ada)
        dummy = Item.objects.create(campaign=campaign, prompt=ranking.item.prompt, key=f"dummy {ranking.pk}")
        RepeatItem.objects.create(item=dummy, original=ranking.item, annotator=ada)
    assert dealt.get().original == first.item


@pytest.mark.parametrize("count", [2, 3, 9])
def test_the_order_is_never_the_one_that_was_seen(count: int) -> None:
    responses = [10 * place for place in range(count)]
    first, second = (shown_order(count=count, seed="key", ordinal=turn) for turn in (1, 2))
    assert _another_order("key", responses, [responses[place] for place in first]) == second
    assert _another_order("key", responses, [responses[place] for place in second]) == first
