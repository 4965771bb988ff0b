"""Eight people at once, each in a thread with a connection of their own: no label too many, none lost, nobody twice."""

import random
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from django.db import connections

from labelplatform.accounts.models import Project, User
from labelplatform.labels import queries, services
from labelplatform.labels.models import Campaign, Label, Ranking, Slot
from tests.labelplatform.builders import build_membership, build_project, build_user
from tests.labelplatform.labels.building import build_campaign, in_order
from tests.labelplatform.labels.kind_building import build_label_campaign, give

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE, ITEMS = 8, 12


@dataclass
class Told:
    """What one person was told was stored."""

    person: User
    keys: list[uuid.UUID] = field(default_factory=list)


def work(campaign: Campaign, person: User, seed: int) -> Told:
    """Claim and submit until nothing is left; every third reply is lost and sent again."""
    told, chance = Told(person), random.Random(seed)
    try:
        while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
            assert slot.lease_token is not None
            key, tiers = uuid.uuid4(), in_order(slot)
            chance.shuffle(tiers)
            for _send in range(2 if chance.random() < 1 / 3 else 1):
                services.submit_ranking(
                    slot=slot,
                    lease_token=slot.lease_token,
                    submission=key,
                    tiers=tiers,
                    seconds=1.0,
                    by=person,
                )
            told.keys.append(key)
    finally:
        connections.close_all()
    return told


@pytest.fixture
def campaign_of(db: None) -> tuple[Project, User]:
    rosa = build_user("rosa")
    return build_project("harbour", researcher=rosa), rosa


@pytest.mark.parametrize("overlap", [1, 3])
def test_overlap_is_exact_and_nothing_is_lost(campaign_of: tuple[Project, User], overlap: int) -> None:
    project, rosa = campaign_of
    campaign = build_campaign(project, rosa, prompts=ITEMS, answers=3, overlap=overlap)
    people = [build_user(f"person{number}") for number in range(PEOPLE)]
    for person in people:
        build_membership(project, person)
    with ThreadPoolExecutor(PEOPLE) as pool:
        told = list(pool.map(lambda one: work(campaign, *one), [(p, n) for n, p in enumerate(people)]))

    kept = list(queries.rankings(project).select_related("item"))
    by_item = Counter(ranking.item_id for ranking in kept)
    over = sum(max(0, count - overlap) for count in by_item.values())
    under = sum(max(0, overlap - by_item[item.pk]) for item in campaign.items.all())
    lost = {key for one in told for key in one.keys} - {ranking.submission for ranking in kept}
    twice = [place for place, n in Counter((r.item_id, r.annotator_id) for r in kept).items() if n > 1]
    assert (over, under, len(lost), len(twice)) == (0, 0, 0, 0)
    assert len(kept) == ITEMS * overlap
    assert not Ranking.objects.filter(surplus=True).exists()
    assert set(campaign.slots.values_list("state", flat=True)) == {Slot.State.DONE}


def test_one_person_in_many_windows_holds_one_slot(campaign_of: tuple[Project, User]) -> None:
    project, rosa = campaign_of
    campaign = build_campaign(project, rosa, prompts=2, answers=2, overlap=5)

    def claim(_window: int) -> int | None:
        try:
            slot = services.claim(campaign=campaign, annotator=rosa)
            return slot.pk if slot else None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PEOPLE) as pool:
        held = set(pool.map(claim, range(PEOPLE)))
    mine = campaign.slots.filter(annotator=rosa)
    assert held == {mine.get().pk}


def test_the_same_submission_from_many_windows_at_once_is_one_ranking(
    campaign_of: tuple[Project, User],
) -> None:
    project, rosa = campaign_of
    slot = services.claim(campaign=build_campaign(project, rosa, prompts=1), annotator=rosa)
    assert slot is not None
    token, key, tiers = slot.lease_token, uuid.uuid4(), in_order(slot)
    assert token is not None

    def send(_window: int) -> tuple[int, bool]:
        try:
            ranking = services.submit_ranking(
                slot=slot, lease_token=token, submission=key, tiers=tiers, seconds=None, by=rosa
            )
            return ranking.pk, ranking.surplus
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PEOPLE) as pool:
        answers = set(pool.map(send, range(PEOPLE)))
    assert len(answers) == 1
    assert Ranking.objects.count() == 1


def test_labels_of_single_answers_are_as_exact(campaign_of: tuple[Project, User]) -> None:
    project, rosa = campaign_of
    campaign = build_label_campaign(project, rosa, prompts=6, answers=2, overlap=2)
    people = [build_user(f"person{number}") for number in range(PEOPLE)]

    def label(person: User) -> list[uuid.UUID]:
        keys = []
        try:
            while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
                keys.append(uuid.uuid4())
                for _send in range(2):
                    give(slot, person, submission=keys[-1])
        finally:
            connections.close_all()
        return keys

    with ThreadPoolExecutor(PEOPLE) as pool:
        told = {key for keys in pool.map(label, people) for key in keys}
    kept = list(Label.objects.all())
    assert told == {label.submission for label in kept}
    assert set(Counter(label.item_id for label in kept).values()) == {2}
    assert set(Counter((label.item_id, label.annotator_id) for label in kept).values()) == {1}
    assert not any(label.surplus for label in kept)


def test_one_label_sent_from_many_windows_at_once_is_stored_once(campaign_of: tuple[Project, User]) -> None:
    project, rosa = campaign_of
    slot = services.claim(campaign=build_label_campaign(project, rosa, prompts=1), annotator=rosa)
    assert slot is not None
    key = uuid.uuid4()

    def send(_window: int) -> tuple[int, bool]:
        try:
            label = give(slot, rosa, submission=key)
            return label.pk, label.surplus
        finally:
            connections.close_all()

    with ThreadPoolExecutor(PEOPLE) as pool:
        answers = set(pool.map(send, range(PEOPLE)))
    assert len(answers) == 1
    assert Label.objects.count() == 1
