"""Whom a campaign reaches: priority, deadline, required languages and domains, items by their language."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from labelplatform.accounts.models import AuditEntry, Membership, Project, User
from labelplatform.accounts.services import set_skills
from labelplatform.labels import eligibility, services, waiting
from labelplatform.labels.eligibility import Skills, refusal
from labelplatform.labels.models import Campaign, Slot
from labelplatform.labels.progress_words import wanted_by
from labelplatform.labels.services.routing import gate
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.test_queue import claims_in

SignIn = Callable[[User], Client]


def change(campaign: Campaign, **settings: object) -> Campaign:
    services.set_settings(campaign=campaign, settings=settings, by=None)
    return campaign


def skilled(project: Project, user: User, languages: str = "", domains: str = "") -> Membership:
    membership = project.memberships.get(user=user)
    set_skills(membership=membership, languages=languages.split(), domains=domains.split(), by=user)
    return membership


def offered(project: Project, user: User) -> list[str]:
    return [one.campaign.name for one in waiting.queue(project, user)]


def test_the_most_urgent_campaign_comes_first(project: Project, ada: User, rosa: User) -> None:
    now = timezone.now()
    for name, priority, days in (
        ("plain", 0, None),
        ("late", 0, 9),
        ("soon", 0, 2),
        ("low", -1, 1),
        ("high", 3, None),
    ):
        campaign = build_campaign(project, rosa, prompts=1, name=name)
        change(campaign, priority=priority, deadline=days and now + timedelta(days=days))
    assert offered(project, ada) == ["high", "soon", "late", "plain", "low"]


@pytest.mark.parametrize(
    ("hours", "closes", "open_"),
    [(None, False, True), (1, True, True), (-1, False, True), (-1, True, False), (0, True, False)],
)
def test_past_its_deadline_a_campaign_goes_on_unless_it_is_to_close(
    project: Project, ada: User, rosa: User, sign_in: SignIn, hours: int | None, closes: bool, open_: bool
) -> None:
    campaign = build_campaign(project, rosa)
    deadline = None if hours is None else timezone.now() + timedelta(hours=hours)
    change(campaign, deadline=deadline, close_at_deadline=closes)
    assert (services.claim(campaign=campaign, annotator=ada) is not None) == open_
    assert offered(project, ada) == (["ranking"] if open_ else [])
    assert campaign.has_closed != open_
    index = sign_in(rosa).get(reverse("labels:index", args=["harbour"])).content.decode()
    assert ("closed at its deadline" in index) != open_


def test_at_the_very_deadline_it_is_over() -> None:
    now = timezone.now()
    campaign = Campaign(deadline=now, close_at_deadline=True)
    assert campaign.is_over(now)
    assert not campaign.is_over(now - timedelta(microseconds=1))


def test_who_is_at_work_at_the_deadline_may_finish(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa)
    slot = claimed(campaign, ada)
    change(campaign, deadline=timezone.now() - timedelta(hours=1), close_at_deadline=True)
    assert not submit(slot, ada).surplus


@pytest.mark.parametrize(
    ("asks", "has", "told"),
    [
        ({}, ((), ()), ""),
        ({"required_languages": ["zh"]}, (("en", "zh"), ()), ""),
        ({"required_languages": ["en", "zh"]}, (("en",), ()), "中文"),
        ({"required_domains": ["law"]}, (("en",), ("medicine",)), "law"),
        ({"required_domains": ["law", "code"]}, ((), ("law", "code")), ""),
        ({"required_languages": ["en"], "required_domains": ["law"]}, (("en",), ()), "law"),
    ],
)
def test_all_that_is_asked_for_is_needed(
    asks: dict[str, list[str]], has: tuple[tuple[str, ...], tuple[str, ...]], told: str
) -> None:
    found = refusal(Campaign(**asks), Skills(*map(frozenset, has)))
    assert told in found
    assert bool(found) == bool(told)


def test_who_does_not_match_neither_sees_it_nor_can_start_it(
    project: Project, ada: User, ben: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = change(build_campaign(project, rosa), required_languages=["zh"], required_domains=["law"])
    skilled(project, ada, "zh-Hans", "Law")
    skilled(project, ben, "zh")
    assert (offered(project, ada), offered(project, ben)) == (["ranking"], [])
    with pytest.raises(services.NotForYou, match="law"):
        services.claim(campaign=campaign, annotator=ben)
    start = reverse("labels:start", args=["harbour", campaign.pk])
    refused = sign_in(ben).post(start)
    assert refused.status_code == 403
    assert "know about law" in refused.content.decode()
    assert not campaign.slots.exclude(annotator=None).exists()
    assert sign_in(ada).post(start).status_code == 302


def test_skills_of_another_project_do_not_count(
    project: Project, other_project: Project, ada: User, rosa: User
) -> None:
    there = Membership.objects.create(project=other_project, user=ada, role="annotator")
    # Whichever is the older.
    project.memberships.get(user=ada).delete()
    Membership.objects.create(project=project, user=ada, role="annotator")
    set_skills(membership=there, languages=["zh"], domains=[], by=rosa)
    campaign = change(build_campaign(project, rosa), required_languages=["zh"])
    with pytest.raises(services.NotForYou):
        services.claim(campaign=campaign, annotator=ada)


def test_who_loses_what_is_asked_for_while_at_work_submits_and_is_led_to_the_queue(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    campaign = change(build_campaign(project, rosa), required_languages=["zh"])
    skilled(project, ada, "zh")
    slot = claimed(campaign, ada)
    skilled(project, ada, "en")
    told = {"submission": "b9c6f3ae-9d27-4a3a-b0b1-3cb6cf5f3f10"}
    told |= {f"place-{letter}": str(place) for place, letter in enumerate("ABCD", 1)}
    answer = sign_in(ada).post(reverse("labels:rank", args=["harbour", slot.lease_token]), told)
    assert answer.headers["Location"] == reverse("labels:queue", args=["harbour"])
    assert campaign.slots.filter(state="done").count() == 1


@pytest.fixture
def mixed(project: Project, rosa: User) -> Campaign:
    """Six items, each in a language and of a domain of its own."""
    campaign = build_campaign(project, rosa, prompts=6)
    told = zip(
        ("en", "zh", "zh-Hant", "", "zho", "EN-gb"), ("law", "", "Code", "law", "", "art"), strict=True
    )
    for item, (language, domain) in zip(campaign.items.select_related("prompt"), told, strict=True):
        item.prompt.language, item.prompt.domain = language, domain
        item.prompt.save()
    return campaign


def numbers(campaign: Campaign, annotator: User) -> list[int]:
    """Which of the items somebody is given, until nothing is left; counted from 0."""
    order = list(campaign.items.values_list("pk", flat=True))
    found = []
    while (slot := services.claim(campaign=campaign, annotator=annotator)) is not None:
        found.append(order.index(slot.item_id))
        submit(slot, annotator)
    return found


@pytest.mark.parametrize(
    ("by", "languages", "domains", "given"),
    [
        ((), "en", "", [0, 1, 2, 3, 4, 5]),
        (("route_languages",), "zh", "", [1, 2, 3]),
        (("route_languages",), "en", "", [0, 3, 5]),
        (("route_languages",), "", "", [3]),
        (("route_languages",), "zh en", "", [0, 1, 2, 3, 5]),
        (("route_domains",), "", "code", [1, 2, 4]),
        (("route_domains",), "", "", [1, 4]),
        (("route_languages", "route_domains"), "zh", "code law", [1, 2, 3]),
        (("route_languages", "route_domains"), "en", "law", [0, 3]),
    ],
)
def test_each_is_given_what_they_can_judge_and_the_queue_counts_the_same(
    mixed: Campaign, project: Project, ada: User, by: tuple[str, ...], languages: str, domains: str,
    given: list[int],
) -> None:  # fmt: skip
    change(mixed, **dict.fromkeys(by, True))
    skilled(project, ada, languages, domains)
    assert [one.for_me for one in waiting.queue(project, ada)] == [len(given)]
    assert numbers(mixed, ada) == given


def test_the_claim_and_the_queue_always_mean_the_same_items(project: Project, ada: User, rosa: User) -> None:
    chance = random.Random(5)
    campaign = build_campaign(project, rosa, prompts=40)
    campaign.route_languages, campaign.route_domains = True, True
    for item in campaign.items.select_related("prompt"):
        item.prompt.language = chance.choice(["", "en", "EN-us", "zh", "zh-Hans", "zho", "en_GB"])
        item.prompt.domain = chance.choice(["", "law", "Law", "tax law", "code"])
        item.prompt.save()
    sizes = set()
    for _person in range(40):
        languages = chance.sample(["en", "zh", "zho", "de"], chance.randrange(4))
        domains = chance.sample(["law", "tax law", "code"], chance.randrange(3))
        set_skills(
            membership=project.memberships.get(user=ada), languages=languages, domains=domains, by=rosa
        )
        found = gate(campaign, ada)
        told = Slot.objects.raw(
            f"SELECT s.* FROM labels_slot s WHERE s.campaign_id = {campaign.pk} {found.condition}",
            dict(found.parameters),
        )
        counted = campaign.slots.filter(
            eligibility.suitable(campaign, eligibility.skills_of(project.pk, ada))
        )
        assert {slot.pk for slot in told} == {slot.pk for slot in counted}
        sizes.add(counted.count())
    assert len(sizes) > 5


def test_what_lapsed_is_routed_too(mixed: Campaign, project: Project, ada: User, ben: User) -> None:
    change(mixed, route_languages=True)
    skilled(project, ada, "zh")
    skilled(project, ben, "en")
    mixed.slots.exclude(pk=claimed(mixed, ada).pk).delete()
    mixed.slots.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert services.claim(campaign=mixed, annotator=ben) is None


def statements(campaign: Campaign, annotator: User) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        claimed(campaign, annotator)
    assert claims_in(captured) == 1
    return [one["sql"] for one in captured if "SAVEPOINT" not in one["sql"]]


def test_a_plain_claim_costs_nothing_more_and_a_routed_one_a_single_statement(
    project: Project, ada: User, rosa: User
) -> None:
    counted = {}
    skilled(project, ada, "zh")
    for size in (3, 60):
        plain = build_campaign(project, rosa, prompts=size, name=f"plain {size}")
        dated = build_campaign(project, rosa, prompts=size, name=f"dated {size}")
        change(dated, priority=4, deadline=timezone.now() + timedelta(days=1), close_at_deadline=True)
        routed = build_campaign(project, rosa, prompts=size, name=f"routed {size}")
        change(routed, required_languages=["zh"], route_languages=True)
        counted[size] = [len(statements(campaign, ada)) for campaign in (plain, dated, routed)]
    assert counted[3] == counted[60]
    plain_count, dated_count, routed_count = counted[3]
    assert (dated_count, routed_count) == (plain_count, plain_count + 1)


def test_the_queue_asks_for_skills_only_where_a_campaign_does(
    project: Project, ada: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa)
    with CaptureQueriesContext(connection) as plain:
        (offer,) = eligibility.offers(project, ada, timezone.now())
    assert (len(plain), offer.items) == (1, Q())
    change(campaign, route_domains=True)
    with CaptureQueriesContext(connection) as routed:
        eligibility.offers(project, ada, timezone.now())
    assert len(routed) == 2


def test_people_say_what_they_read_and_administrators_what_they_know(
    project: Project, ada: User, rosa: User, sign_in: SignIn
) -> None:
    mine = reverse("accounts:my_languages", args=["harbour"])
    theirs = project.memberships.get(user=ada)
    set_skills(membership=theirs, languages=[], domains=["law"], by=rosa)
    assert sign_in(ada).post(mine, {"languages": ["zh", "en"]}).status_code == 302
    theirs.refresh_from_db()
    assert (theirs.languages, theirs.domains) == (["en", "zh"], ["law"])
    assert sign_in(ada).post(mine, {"languages": ["tlh"]}).status_code == 422
    page = sign_in(ada).get(mine).content.decode()
    assert "law" in page
    assert 'value="zh" id="id_languages_29" aria-describedby="id_languages_helptext" checked' in page or (
        'value="zh"' in page and "checked" in page
    )
    queue = sign_in(ada).get(reverse("labels:queue", args=["harbour"])).content.decode()
    assert "English, 中文" in queue
    project.memberships.filter(user=rosa).update(role="administrator")
    skills = reverse("accounts:skills", args=["harbour", theirs.pk])
    answer = sign_in(rosa).post(skills, {"languages": ["de"], "domains": "Law， medicine,  tax  Law,law"})
    assert answer.status_code == 302
    theirs.refresh_from_db()
    assert (theirs.languages, theirs.domains) == (["de"], ["law", "medicine", "tax law"])
    entry = AuditEntry.objects.filter(verb="set skills").latest("pk")
    assert (entry.by, entry.detail["domains"]) == (rosa, theirs.domains)
    people = sign_in(rosa).get(reverse("accounts:people", args=["harbour"])).content.decode()
    assert "Deutsch · law, medicine, tax law" in people
    assert skills in people


@pytest.mark.parametrize("code", ["z", "z1", "中文", "en_GB", "%"])
def test_what_is_no_language_is_refused(project: Project, ada: User, rosa: User, code: str) -> None:
    with pytest.raises(Exception, match="wanted primary codes"):
        set_skills(membership=project.memberships.get(user=ada), languages=[code], by=rosa)


@pytest.mark.parametrize(
    ("left", "told"),
    [
        (timedelta(days=3), "Wanted by Thu 4 Jan 2024, in 3 days."),
        (timedelta(hours=30), "Wanted by Tue 2 Jan 2024, in 30 hours."),
        (timedelta(minutes=5), "Wanted by Mon 1 Jan 2024, in 1 hour."),
        (timedelta(0), "The day it was wanted by has passed; what you do still helps."),
    ],
)
def test_a_deadline_is_told_kindly(left: timedelta, told: str) -> None:
    now = datetime(2024, 1, 1, 12, tzinfo=timezone.get_default_timezone())
    assert wanted_by(now + left, now) == told


def test_the_queue_tells_the_deadline(project: Project, ada: User, rosa: User, sign_in: SignIn) -> None:
    change(build_campaign(project, rosa), deadline=timezone.now() + timedelta(days=5, hours=1))
    page: Any = sign_in(ada).get(reverse("labels:queue", args=["harbour"]))
    assert "in 5 days." in page.content.decode()
