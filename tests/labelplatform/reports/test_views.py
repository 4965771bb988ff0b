"""Who may read a report, and what a page says before there is anything to say."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.models import LeaderboardRun, PolicyRating
from labelplatform.evaluations.services import start_leaderboard
from labelplatform.jobs.models import Artifact
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import Stock

Browser = Callable[[User], Client]


def pages(stock: Stock) -> list[str]:
    assert stock.leaderboard is not None
    assert stock.comparison is not None
    return [
        "reports/",
        f"reports/leaderboards/{stock.leaderboard.pk}/",
        f"reports/comparisons/{stock.comparison.pk}/",
        f"reports/lineage/{stock.policies[0].pk}/",
        f"reports/rankings/{stock.snapshot.pk}/",
    ]


def test_annotators_and_reviewers_do_not_enter(stock: Stock, sign_in: Browser) -> None:
    for role in ("annotator", "reviewer"):
        browser = sign_in(stock.people[role])
        assert {browser.get(f"/p/harbour/{page}").status_code for page in pages(stock)} == {403}


def test_strangers_find_nothing(stock: Stock, olga: User, other_project: Project, sign_in: Browser) -> None:
    browser = sign_in(olga)
    assert {browser.get(f"/p/harbour/{page}").status_code for page in pages(stock)} == {404}
    assert {browser.get(f"/p/elsewhere/{page}").status_code for page in pages(stock)[1:]} == {404}


def test_a_rating_of_another_project_opens_nothing(
    stock: Stock, olga: User, other_project: Project, sign_in: Browser
) -> None:
    theirs = build_artifact(other_project)
    rating = PolicyRating.objects.first()
    assert rating is not None
    answer = sign_in(olga).get(f"/p/elsewhere/reports/lineage/{theirs.pk}/?rating={rating.pk}")
    assert answer.status_code == 404


def test_an_empty_project_says_what_to_do_next(sign_in: Browser, rosa: User, project: Project) -> None:
    page = sign_in(rosa).get("/p/harbour/reports/").content.decode()
    assert "No leaderboard yet" in page
    assert "at least two policies" in page
    assert "/p/harbour/evaluations/rate/" in page


def test_a_leaderboard_that_is_being_made_says_so(sign_in: Browser, rosa: User, project: Project) -> None:
    frozen = build_artifact(project, Artifact.Kind.SNAPSHOT)
    snapshot = Snapshot.objects.create(project=project, name="first", artifact=frozen)
    run = start_leaderboard(snapshot=snapshot, by=rosa)
    page = sign_in(rosa).get(f"/p/harbour/reports/leaderboards/{run.pk}/").content.decode()
    assert "Waiting for a worker" in page
    assert f'data-live="/p/harbour/evaluations/jobs/{run.job.pk}/live/"' in page
    assert "<table" not in page


def test_the_rankings_page_counts_what_it_shows(stock: Stock, sign_in: Browser) -> None:
    page = (
        sign_in(stock.people["researcher"])
        .get(f"/p/harbour/reports/rankings/{stock.snapshot.pk}/")
        .content.decode()
    )
    assert "2 rankings, as they were submitted." in page
    assert page.count("<article") == 2


@pytest.mark.parametrize("page", range(5))
def test_no_page_asks_more_often_when_there_is_more(stock: Stock, sign_in: Browser, page: int) -> None:
    browser, address = sign_in(stock.people["researcher"]), f"/p/harbour/{pages(stock)[page]}"

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(address).status_code == 200
        return len(seen)

    first = asked()
    run = LeaderboardRun.objects.get()
    for number in range(4):
        policy = build_artifact(stock.project, name=f"more {number}")
        PolicyRating.objects.create(run=run, group=policy.name, policy=policy, value=1000.0)
    assert asked() <= first
