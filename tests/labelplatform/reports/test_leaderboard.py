"""The leaderboard: rows as stored, one scale, colours for good, no number that means nothing."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.evaluations.models import LeaderboardRun, MeasuredMetric, PolicyRating
from labelplatform.evaluations.services import give_colours
from labelplatform.reports.queries import leaderboard as boards
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import Stock


@pytest.fixture
def run(stock: Stock) -> LeaderboardRun:
    assert stock.leaderboard is not None
    return stock.leaderboard


def test_rows_are_the_stored_ratings_on_one_scale(run: LeaderboardRun) -> None:
    board = boards.leaderboard(run)
    assert [row.rating for row in board.rows] == list(PolicyRating.objects.filter(run=run))
    assert board.scale is not None
    for row in board.rows:
        assert row.whisker is not None
        stored = (row.rating.low, row.rating.value, row.rating.high)
        drawn = tuple(board.scale.x(value) for value in stored if value is not None)
        assert (row.whisker.low, row.whisker.x, row.whisker.high) == drawn
        assert row.whisker.low < row.whisker.x < row.whisker.high


def test_a_policy_keeps_its_colour_when_others_come(run: LeaderboardRun) -> None:
    before = {row.rating.group: row.colour for row in boards.leaderboard(run).rows}
    give_colours(project=run.project, names=["0", "another", *before])
    PolicyRating.objects.create(run=run, group="another", value=2000.0)
    after = {row.rating.group: row.colour for row in boards.leaderboard(run).rows}
    assert {name: after[name] for name in before} == before
    assert len(set(after.values())) == len(after)


def test_a_policy_that_cannot_be_rated_has_a_reason_and_no_whisker(run: LeaderboardRun) -> None:
    PolicyRating.objects.create(run=run, group="apart", reason="no ranking connects it to the others")
    row = boards.leaderboard(run).rows[-1]
    assert (row.rating.group, row.whisker, row.rank, row.win_rate) == ("apart", None, "–", None)


def test_nothing_rated_says_why(run: LeaderboardRun) -> None:
    assert boards.nothing_rated(boards.leaderboard(run)) == ""
    run.ratings.update(value=None, low=None, high=None, reason="two groups")
    assert boards.nothing_rated(boards.leaderboard(run)) == "two groups"
    run.ratings.all().delete()
    assert "names the policies" in boards.nothing_rated(boards.leaderboard(run))


@pytest.mark.parametrize(("best", "worst", "text"), [(1, 1, "1"), (1, 3, "1–3"), (None, None, "–")])
def test_rank_range(best: int | None, worst: int | None, text: str) -> None:
    assert boards.rank_range(best, worst) == text


@pytest.mark.parametrize(
    ("counts", "rate"), [((3, 1, 0), 0.75), ((1, 1, 2), 0.5), ((0, 0, 4), 0.5), ((0, 0, 0), None)]
)
def test_win_rate_counts_a_tie_as_half(counts: tuple[int, int, int], rate: float | None) -> None:
    wins, losses, ties = counts
    assert boards.win_rate(PolicyRating(wins=wins, losses=losses, ties=ties)) == rate


def test_the_newest_evaluation_of_a_policy_stands_beside_it(stock: Stock, run: LeaderboardRun) -> None:
    rows = {row.rating.group: row for row in boards.leaderboard(run).rows}
    suite = rows[stock.policies[1].name].suite
    assert suite is not None
    stored = MeasuredMetric.objects.filter(run__subject=stock.policies[1], group="")
    assert {metric.pk for _, metric in suite.shares} < {metric.pk for metric in stored}
    assert [segment.share for segment in suite.bar.segments] == [
        stored.get(name=name).value for name in ("right", "abstained", "wrong")
    ]
    assert rows["secretpolicy-recorded"].suite is None


def test_a_share_that_was_not_measured_draws_no_bar(stock: Stock) -> None:
    metrics: dict[str, Any] = {name: MeasuredMetric(name=name, value=0.3) for name in ("right", "wrong")}
    assert boards.suite_of(metrics) is None
    assert boards.suite_of({**metrics, "abstained": MeasuredMetric(value=None, reason="none asked")}) is None


def test_the_page_shows_each_stored_figure(run: LeaderboardRun, stock: Stock) -> None:
    browser = Client()
    browser.force_login(stock.people["researcher"])
    page = browser.get(f"/p/harbour/reports/leaderboards/{run.pk}/").content.decode()
    for rating in run.ratings.all():
        assert rating.value is not None
        shown = f"{rating.value:,.0f}".replace(",", "\u202f")
        assert f'metric__value">{shown}<' in page
        assert f"{rating.value:.0f} ({rating.low:.0f} – {rating.high:.0f})" in page
        assert f"?rating={rating.pk}" in page
    assert page.count("n 120") == 3


def test_the_number_of_statements_does_not_grow_with_the_rows(run: LeaderboardRun) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            boards.leaderboard(LeaderboardRun.objects.select_related("report", "project").get(pk=run.pk))
        return len(seen)

    first = asked()
    for number in range(5):
        name = f"more {number}"
        policy = build_artifact(run.project, name=name)
        PolicyRating.objects.create(run=run, group=name, policy=policy, value=900.0 + number)
    assert asked() == first
