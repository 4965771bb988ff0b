"""The overview of a project: what is here, what is running, what needs a person."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from labelplatform.evaluations.models import ComparisonRun
from labelplatform.jobs.models import Job
from labelplatform.labels.models import GoldItem, Slot
from labelplatform.reports.queries import overview
from tests.labelplatform.world import Stock, build_stock


@pytest.fixture
def stock(db: None) -> Stock:
    return build_stock("harbour")


def needs(stock: Stock) -> dict[str, str]:
    return {need.text: need.kind for need in overview.needs(stock.project)}


def test_rooms_count_what_is_here(stock: Stock) -> None:
    counted = {room.title: (room.count, room.detail) for room in overview.rooms(stock.project)}
    assert counted == {
        "Prompts": (8, "34 responses"),
        "Labels": (2, "by 2 people"),
        "Snapshots": (2, "newest: second"),
        "Training": (5, "1 reward model · 1 PPO run"),
        "Evaluations": (7, "3 suites"),
        "Reports": (2, "1 leaderboard · 1 comparison"),
    }


def test_another_project_counts_for_itself(stock: Stock) -> None:
    other = build_stock("elsewhere", "other-")
    assert overview.rooms(stock.project)[1].count == 2
    assert [live.job.project for live in overview.unfinished_jobs(other.project)] == [other.project] * 3


def test_what_runs_comes_before_what_waits(stock: Stock) -> None:
    states = [live.job.state for live in overview.unfinished_jobs(stock.project)]
    assert states == [Job.State.RUNNING, Job.State.QUEUED, Job.State.QUEUED]


def test_work_that_nobody_took_needs_somebody(stock: Stock) -> None:
    """Of orders and of every other kind of label; gold and what is promised or done do not wait."""
    waiting = Slot.objects.filter(campaign__project=stock.project, state="open", item__gold=None)
    orders = waiting.filter(campaign__kind="ranking").count()
    assert orders == 6
    assert waiting.count() > orders
    assert needs(stock) == {f"{waiting.count()} items wait for somebody to label them.": "note"}


def test_labels_after_the_last_snapshot_need_a_new_one(stock: Stock) -> None:
    stock.project.snapshots.update(created_at=timezone.now() - timedelta(days=1))
    assert "2 rankings are in no snapshot yet." in needs(stock)


def test_labels_of_gold_need_no_snapshot(stock: Stock) -> None:
    stock.project.snapshots.update(created_at=timezone.now() - timedelta(days=1))
    GoldItem.objects.create(item=stock.ranking.item, tiers=[[1], [2]], set_by=stock.people["researcher"])
    assert not [text for text in needs(stock) if "in no snapshot" in text]


def test_a_failure_needs_somebody_until_its_promise_is_kept(stock: Stock) -> None:
    job = stock.runs[1].job
    job.state, job.failure, job.finished_at = Job.State.FAILED, "the disk is full", timezone.now()
    job.save()
    said = f"PPO {job.pk} failed: the disk is full"
    assert needs(stock)[said] == "bad"
    kept = Job.objects.get(pk=job.pk)
    kept.pk, kept.state, kept.failure = None, Job.State.SUCCEEDED, ""
    kept.save(force_insert=True)
    assert said not in needs(stock)


def test_a_confirmed_regression_needs_somebody(stock: Stock) -> None:
    stock.project.comparison_runs.update(verdict=ComparisonRun.Verdict.REGRESSION)
    assert "bad" in needs(stock).values()


def test_the_page_follows_its_jobs(stock: Stock) -> None:
    browser = Client()
    browser.force_login(stock.people["researcher"])
    page = browser.get(reverse("reports:home", args=["harbour"])).content.decode()
    fragment = reverse("reports:home_live", args=["harbour"])
    assert f'data-live="{fragment}"' in page
    live = browser.get(fragment)
    assert live.headers["X-Live"] == "on"
    assert "PPO: after feedback" in live.content.decode()
    assert "40 / 100" in live.content.decode()
