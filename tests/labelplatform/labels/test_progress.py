"""How far a campaign is, how fast it goes, and when it will be done, in numbers and in words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evaluator.statistics.forecast import Forecast, forecast
from labelplatform.accounts.models import Project, User
from labelplatform.labels import progress, queries, services
from labelplatform.labels.models import Campaign, Ranking
from labelplatform.labels.progress import Wanted
from labelplatform.labels.progress_words import bars, deadline_words, forecast_words, length, progress_page
from tests.labelplatform.labels.building import build_campaign, claimed, submit
from tests.labelplatform.labels.test_assignment import lapse

SignIn = Callable[[User], Client]
NOW = datetime(2024, 1, 10, 12, tzinfo=UTC)


def labelled(campaign: Campaign, by: User, *days_ago: float) -> list[Ranking]:
    """One label for each number of days ago."""
    made = []
    for days in days_ago:
        ranking = submit(claimed(campaign, by), by)
        Ranking.objects.filter(pk=ranking.pk).update(at=NOW - timedelta(days=days))
        made.append(ranking)
    return made


def make_gold(ranking: Ranking, by: User) -> None:
    ids = ranking.item.response_ids
    services.set_gold(item=ranking.item, tiers=[ids[:1], ids[1:]], explanation="", by=by)


def test_a_day_is_the_last_24_hours_and_the_day_of_the_first_label_is_left_out(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=9)
    labelled(campaign, ada, 3.5, 2.9, 2.0, 1.999, 0.1)
    labelled(campaign, ben, 0.0, 0.9)
    found = progress.pace(campaign, NOW)
    # Exactly two days ago is the third day.
    assert (found.counts, found.people) == ([3, 1, 2], 2)


def test_the_pace_is_that_of_fourteen_days_at_most(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=4)
    labelled(campaign, ben, 30)
    labelled(campaign, ada, 13.9, 0.5)
    found = progress.pace(campaign, NOW)
    assert (found.counts, found.people) == ([1, *[0] * 12, 1], 1)
    assert progress.pace(build_campaign(project, rosa, name="none"), NOW) == progress.Pace([], 0)


def test_gold_late_and_imported_labels_are_no_wanted_work(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=4)
    gold, kept, early = labelled(campaign, ada, 1.5, 1.5, 9)
    make_gold(gold, rosa)
    slot = claimed(campaign, ada)
    lapse(slot)
    token = slot.lease_token
    labelled(campaign, ben, 0.5)
    late = submit(slot, ada, lease_token=token)
    assert late.surplus
    Ranking.objects.filter(pk=late.pk).update(at=NOW - timedelta(hours=1))
    assert progress.pace(campaign, NOW).counts[:3] == [1, 1, 0]
    assert progress.wanted(campaign) == Wanted(done=3, to_do=0, set_aside=0)
    chart = dict(progress.labels_per_day(campaign, NOW))
    assert chart[NOW.date()] == 1
    assert sum(chart.values()) == 3
    assert {one.name: one.share for one in queries.people_of(campaign)} == {
        "ada": pytest.approx(2 / 3),
        "ben": pytest.approx(1 / 3),
    }
    Ranking.objects.filter(pk=kept.pk).update(slot=None)
    assert progress.pace(campaign, NOW).counts[:3] == [1, 0, 0]
    assert early.slot is not None


def test_what_is_set_aside_is_neither_done_nor_to_do(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=3, overlap=2)
    services.set_settings(campaign=campaign, settings={"skip_limit": 1}, by=rosa)
    slot = claimed(campaign, ada)
    assert slot.lease_token is not None
    services.skip(token=slot.lease_token, by=ada, reason="other")
    submit(claimed(campaign, ada), ada)
    assert progress.wanted(campaign) == Wanted(done=1, to_do=3, set_aside=2)
    assert progress.wanted(campaign).all == 6


def test_the_chart_has_a_bar_for_each_day(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=4)
    labelled(campaign, ada, 0.1, 0.2, 29, 30.6)
    days = progress.labels_per_day(campaign, NOW)
    assert (len(days), days[0], days[-1]) == (30, (NOW.date() - timedelta(days=29), 1), (NOW.date(), 2))
    drawn = bars(days)
    assert [(bar.labels, bar.height) for bar in drawn if bar.labels] == [(1, 75.0), (2, 150.0)]
    assert (drawn[0].x, drawn[-1].x, drawn[0].width, drawn[-1].y) == (0, 720 - 24, 21, 0)
    assert {bar.height for bar in bars([(NOW.date(), 0)] * 30)} == {0.0}


def told(counts: list[int], to_do: int, people: int = 2, **campaign: Any) -> list[str]:
    wanted = Wanted(done=sum(counts), to_do=to_do, set_aside=0)
    return forecast_words(Campaign(**campaign), forecast(counts, to_do), people, wanted, NOW)


def test_a_forecast_in_words() -> None:
    assert told([10, 10, 10, 10], 100) == [
        "Done on Sat 20 Jan 2024 at this pace; between Tue 16 Jan 2024 and Thu 1 Feb 2024 (95 %).",
        "10.0 labels a day over the last 4 whole days, from 2 annotators.",
    ]
    assert told([100] * 10, 10) == [
        "Done on Wed 10 Jan 2024 at this pace (95 %).",
        "100.0 labels a day over the last 10 whole days, from 2 annotators.",
    ]
    (when, _pace) = told([30, 0, 0, 0], 100, people=1)
    assert when.endswith("how late cannot be told (95 %).")
    assert told([1, 12, 2], 10**6)[0] == "At this pace it takes more than ten years."
    assert told([10] * 5, 0) == ["All wanted labels are in."]
    assert told([10], 5) == ["Not enough data for a forecast: 1 whole day since the first label, 3 wanted."]
    assert told([0, 1, 0], 5) == ["Not enough data for a forecast: 1 label in the last 3 days, 10 wanted."]
    closed = {"deadline": NOW, "close_at_deadline": True}
    for stopped in ({"state": "paused"}, closed):
        assert told([10] * 5, 50, **stopped)[-1].startswith("Nothing is handed out just now")


def judged(counts: list[int], to_do: int, days_left: float, people: int = 2) -> tuple[str, str]:
    campaign = Campaign(deadline=NOW + timedelta(days=days_left))
    return deadline_words(campaign, forecast(counts, to_do), people, to_do, NOW)


def test_whether_the_deadline_is_met_in_words() -> None:
    ten = [10] * 10
    assert judged(ten, 100, 30) == (
        "2 annotators at the present pace meet the deadline, with 20 days to spare.",
        "good",
    )
    assert judged(ten, 100, 2, people=1) == (
        "1 annotator at the present pace will miss the deadline by 8 days. "
        "5 annotators at that pace would meet it.",
        "bad",
    )
    assert judged(ten, 100, 10.1) == (
        "2 annotators at the present pace may or may not meet the deadline.",
        "warn",
    )
    assert judged(ten, 100, 9) == (
        "2 annotators at the present pace may or may not meet the deadline. "
        "3 annotators at that pace would meet it.",
        "warn",
    )
    assert judged(ten, 7, 0) == ("The deadline has passed; 7 labels are still wanted.", "bad")
    assert judged(ten, 0, -1) == ("", "")
    assert judged([10], 100, 5) == ("", "")
    none = Forecast(10.0, 5.0, 20.0, 10.0, 10, 100)
    assert deadline_words(Campaign(), none, 2, 100, NOW) == ("", "")


@pytest.mark.parametrize(
    ("days", "words"), [(0.001, "1 hour"), (1.99, "48 hours"), (2, "2 days"), (3.6, "4 days")]
)
def test_a_length_of_time_has_one_unit(days: float, words: str) -> None:
    assert length(days) == words


def test_the_page_tells_all_of_it_in_a_fixed_number_of_statements(
    project: Project, ada: User, ben: User, rosa: User, sign_in: SignIn
) -> None:
    now, days = timezone.now(), count()
    campaign = build_campaign(project, rosa, prompts=40)
    services.set_settings(campaign=campaign, settings={"deadline": now + timedelta(days=1)}, by=rosa)
    page = reverse("labels:campaign", args=["harbour", campaign.pk])
    browser = sign_in(rosa)
    browser.get(page)
    counted = []
    for person, labels in ((ada, 2), (ben, 16)):
        for ranking in [submit(claimed(campaign, person), person) for _label in range(labels)]:
            at = now - timedelta(days=next(days) % 6)
            Ranking.objects.filter(pk=ranking.pk).update(at=at)
        with CaptureQueriesContext(connection) as statements:
            text = browser.get(page).content.decode()
        counted.append(len(statements))
    assert counted[0] == counted[1]
    assert "at this pace" in text
    assert "will miss the deadline by" in text
    assert text.count("<rect") == 6
    assert "11" + "\u202f%" in text
    with CaptureQueriesContext(connection) as statements:
        progress_page(campaign, now)
    assert len(statements) == 3
