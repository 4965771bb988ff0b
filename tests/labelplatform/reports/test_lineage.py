"""Lineage: every step from a figure back to the rankings, and nothing that was not on the way."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.evaluations.models import EvaluationRun, PolicyRating
from labelplatform.jobs.models import Artifact, Job
from labelplatform.reports.queries import lineage as lineages
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import Stock


def chain(stock: Stock, length: int) -> Artifact:
    """A policy that was made from a policy that was made from …"""
    made = build_artifact(stock.project, name="first of the chain")
    for number in range(length):
        job = Job.objects.create(project=stock.project, kind="ppo", identity=f"chain {number}")
        job.inputs.add(made)
        made = build_artifact(stock.project, name=f"chain {number}", made_by=job)
    return made


def test_origins_are_all_that_was_consumed_on_the_way_nearest_first(stock: Stock) -> None:
    rewards = stock.runs[0].output
    assert rewards is not None
    origins = lineages.origins_of(rewards, lineages.graph_of(stock.project))
    assert origins[0].artifact == rewards
    assert {origin.artifact for origin in origins[1:]} == {stock.snapshot.artifact, stock.policies[0]}
    assert [origin.depth for origin in origins] == [0, 1, 1]
    assert origins[0].job == stock.runs[0].job


def test_a_longer_history_costs_no_more_statements(stock: Stock) -> None:
    short, long = chain(stock, 2), chain_of_ten(stock)

    def asked(artifact: Artifact) -> int:
        with CaptureQueriesContext(connection) as seen:
            found = lineages.origins_of(artifact, lineages.graph_of(stock.project))
        assert found[-1].artifact.name.startswith("first of")
        return len(seen)

    assert asked(short) == asked(long) == 3


def chain_of_ten(stock: Stock) -> Artifact:
    made = build_artifact(stock.project, name="first of the long chain")
    for number in range(10):
        job = Job.objects.create(project=stock.project, kind="sft", identity=f"long {number}")
        job.inputs.add(made)
        made = build_artifact(stock.project, name=f"long {number}", made_by=job)
    return made


def test_the_strip_goes_from_labels_to_figures(stock: Stock) -> None:
    rewards = stock.runs[0].output
    assert rewards is not None
    stages = {stage.name: stage.cards for stage in lineages.lineage(rewards).stages}
    assert list(stages) == ["Starts from", "Labels", "Snapshot", "Reward model"]
    assert [card.title for card in stages["Starts from"]] == [stock.policies[0].name]
    assert stages["Labels"][0].title == "2 rankings"
    assert stages["Labels"][0].href == f"/p/harbour/reports/rankings/{stock.snapshot.pk}/"
    assert [card.here for card in stages["Reward model"]] == [True]
    assert "held-out accuracy 0.81" in stages["Reward model"][0].facts


def test_a_leaderboard_row_leads_to_the_rankings_that_rated_it(stock: Stock) -> None:
    rating = PolicyRating.objects.get(group=stock.policies[1].name)
    stages = {stage.name: stage.cards for stage in lineages.lineage(stock.policies[1], rating).stages}
    (labels,) = stages["Labels"]
    assert labels.title == f"{rating.n} rankings"
    assert labels.href.endswith(f"/rankings/{stock.snapshot.pk}/?rating={rating.pk}")
    figures = {card.title: card for card in stages["Figure"]}
    assert figures["Leaderboard"].facts == (f"rating {rating.value:.0f} ± 18, n {rating.n}",)
    assert figures["Regression report"].facts == ("improvement confirmed",)
    measured = EvaluationRun.objects.filter(subject=stock.policies[1]).order_by("-pk")
    assert [card.href for card in stages["Evaluation"]] == [
        f"/p/harbour/evaluations/{one.pk}/" for one in measured
    ]


def test_rankings_behind_are_those_of_the_snapshot_that_name_the_policy(stock: Stock) -> None:
    everything = lineages.rankings_behind(stock.snapshot)
    assert everything.count() == 2
    assert set(lineages.rankings_behind(stock.snapshot, "secretpolicy-recorded")) == set(everything)
    assert lineages.rankings_behind(stock.snapshot, "nobody").count() == 0


def test_two_clicks_from_the_row_to_the_rankings(stock: Stock) -> None:
    browser = Client()
    browser.force_login(stock.people["researcher"])
    rating = PolicyRating.objects.get(group=stock.policies[0].name)
    first = f"/p/harbour/reports/lineage/{stock.policies[0].pk}/?rating={rating.pk}"
    assert f'href="{first}"' in browser.get("/p/harbour/reports/").content.decode()
    second = f"/p/harbour/reports/rankings/{stock.snapshot.pk}/?rating={rating.pk}"
    assert f'href="{second}"' in browser.get(first).content.decode()
    page = browser.get(second).content.decode()
    assert f"/p/harbour/labels/rankings/{stock.ranking.pk}/" in page
    assert "secretpolicy-before" in page


@pytest.mark.parametrize("rating", ["0", "999999"])
def test_a_rating_that_is_not_there_is_not_found(stock: Stock, rating: str) -> None:
    browser = Client()
    browser.force_login(stock.people["researcher"])
    assert (
        browser.get(f"/p/harbour/reports/lineage/{stock.policies[0].pk}/?rating={rating}").status_code == 404
    )


def test_what_was_made_of_a_reward_model_stands_after_it_and_its_base_before(stock: Stock) -> None:
    rewards = stock.runs[0].output
    assert rewards is not None
    ppo = stock.runs[1].job
    after = build_artifact(stock.project, name="after", made_by=ppo)
    stages = {stage.name: stage.cards for stage in lineages.lineage(rewards).stages}
    assert [card.title for card in stages["Policy"]] == ["after"]
    stages = {stage.name: stage.cards for stage in lineages.lineage(after).stages}
    assert [card.title for card in stages["Starts from"]] == [stock.policies[0].name]
    assert [card.title for card in stages["Reward model"]] == [rewards.name]
    assert [(card.title, card.here) for card in stages["Policy"]] == [("after", True)]


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"value": 0.5, "low": 0.4, "high": 0.6, "n": 40}, "0.50 ± 0.10, n 40"),
        ({"value": -0.5, "low": None, "high": None, "n": 40}, "−0.50, n 40"),
        ({"value": None, "low": None, "high": None, "n": 0}, "not enough data"),
    ],
)
def test_with_interval_says_a_figure_in_full(figures: dict[str, Any], text: str) -> None:
    assert lineages.with_interval(PolicyRating(**figures), 2) == text


def test_responses_chosen_under_a_name_have_a_lineage_too(stock: Stock) -> None:
    job = Job.objects.create(project=stock.project, kind="best-of-n", identity="best")
    rewards = stock.runs[0].output
    assert rewards is not None
    job.inputs.set([stock.policies[0], rewards])
    best = build_artifact(stock.project, Artifact.Kind.RESPONSES, "best of 6", made_by=job)
    stages = {stage.name: [card.title for card in stage.cards] for stage in lineages.lineage(best).stages}
    assert (stages["Reward model"], stages["Policy"]) == ([rewards.name], ["best of 6"])
    assert stages["Starts from"] == [stock.policies[0].name]
