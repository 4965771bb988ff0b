"""The annotator-reliability model as a job: which labels it sees, what it finds, what the quality page shows of it."""

import random
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.labels import reliability, services
from labelplatform.labels.models import Campaign, Ranking, ReliabilityRun
from labelplatform.labels.services.reliability import collect
from tests.labelplatform.builders import build_user
from tests.labelplatform.labels.building import build_campaign, claimed, in_order, submit

SignIn = Callable[[User], Client]


def page(campaign: Campaign, name: str = "quality") -> str:
    return reverse(f"labels:{name}", args=[campaign.project.slug, campaign.pk])


def test_the_model_sees_gold_and_repeats_and_no_decision(
    project: Project, ada: User, ben: User, rosa: User
) -> None:
    campaign = build_campaign(project, rosa, prompts=5, overlap=2)
    services.set_quality(campaign=campaign, by=rosa, repeat_rate=0.2, repeat_after=1)
    given = []
    while (slot := services.claim(campaign=campaign, annotator=ada)) is not None:
        given.append(submit(slot, ada))
    (repeat,) = [one for one in given if hasattr(one.item, "repeat")]
    gold, decided = [one for one in given if one != repeat][:2]
    services.set_gold(
        item=gold.item, tiers=[[one] for one in gold.item.response_ids], explanation="", by=rosa
    )
    services.ask_for_decision(item=decided.item, by=rosa)
    services.decide(item=decided.item, tiers=[[one] for one in decided.item.response_ids], by=ben)
    late = given[-1] if given[-1] != repeat else given[-2]
    Ranking.objects.filter(pk=late.pk).update(surplus=True)
    last = Ranking.objects.latest("pk").pk
    lines = list(reliability.model_lines(campaign, last))
    assert [line["id"] for line in lines] == [one.key for one in given if one != late]
    assert {line["annotator"] for line in lines} == {str(ada.pk)}
    told = {line["id"]: line["item"] for line in lines}
    assert told[repeat.key] == repeat.item.repeat.original.key
    assert told[gold.key] == gold.item.key
    assert [line["id"] for line in reliability.model_lines(campaign, given[0].pk)] == [given[0].key]


def test_of_the_same_labels_it_is_the_same_run(project: Project, ada: User, rosa: User) -> None:
    campaign = build_campaign(project, rosa, prompts=2)
    with pytest.raises(services.ReliabilityRefused):
        services.compute_reliability(campaign=campaign, by=rosa)
    submit(claimed(campaign, ada), ada)
    first = services.compute_reliability(campaign=campaign, by=rosa)
    assert services.compute_reliability(campaign=campaign, by=rosa) == first
    submit(claimed(campaign, ada), ada)
    assert services.compute_reliability(campaign=campaign, by=rosa) != first
    assert Job.objects.filter(kind=reliability.KIND).count() == 2


@pytest.mark.parametrize(
    "spec", [{}, {"campaign": 1, "last_ranking": 2}, {"campaign": 1, "last_ranking": 2, "seed": -1}]
)
def test_a_spec_that_can_never_run_is_refused(spec: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        reliability.validate(spec)


def test_the_job_finds_who_is_reliable_and_the_page_shows_it(
    project: Project,
    ada: User,
    ben: User,
    rosa: User,
    sign_in: SignIn,
    run_jobs: Callable[[], list[Job]],
) -> None:
    campaign = build_campaign(project, rosa, prompts=30, overlap=4)
    coin, few, chance = build_user("coin"), build_user("few"), random.Random(7)
    for person in (ada, ben, coin):
        while (slot := services.claim(campaign=campaign, annotator=person)) is not None:
            tiers = in_order(slot)
            if person == coin:
                chance.shuffle(tiers)
            submit(slot, person, tiers)
    submit(claimed(campaign, few), few)
    browser = sign_in(rosa)
    assert "Not reckoned yet" in browser.get(page(campaign)).content.decode()
    assert browser.post(page(campaign, "compute_reliability")).headers["Location"] == page(campaign)
    assert "A worker is reckoning" in browser.get(page(campaign)).content.decode()
    (job,) = run_jobs()
    assert job.state == Job.State.SUCCEEDED, job.log_tail
    run = ReliabilityRun.objects.get()
    assert run.report is not None
    assert (run.report.kind, run.report.made_by, run.labels, run.items) == (Artifact.Kind.REPORT, job, 91, 30)
    submit(claimed(campaign, few), few)
    found = reliability.model(campaign)
    assert (found.run, found.running, found.newer) == (run, None, 1)
    rows = {row.user.username: row for row in found.rows}
    assert next(row.user.username for row in found.rows) == "coin"
    assert [row.user.username for row in found.rows][-1] == "few"
    assert (rows["coin"].flag, rows["ada"].flag, rows["few"].flag) == ("coin", "", "")
    assert rows["few"].reliability["value"] is None
    assert rows["few"].whisker is None
    assert rows["coin"].reliability["high"] < rows["ada"].reliability["low"]
    assert rows["ada"].accuracy["value"] > 0.75
    shown = browser.get(page(campaign)).content.decode()
    for text in (
        "From 91 labels,",
        "1 newer label is not in it",
        "a coin is not excluded",
        "not enough data",
    ):
        assert text in shown
    # Collected once more, it finds its work done.
    collect(job, job.run_folder)
    assert Artifact.objects.filter(kind=Artifact.Kind.REPORT).count() == 1


def test_what_the_whole_interval_says() -> None:
    bounds = [(-2.0, -0.1), (-0.1, 0.1), (0.0, 1.0), (0.1, 1.0), (None, None)]
    figures = [{"low": low, "high": high} for low, high in bounds]
    assert [reliability._flag(one) for one in figures] == ["upside-down", "coin", "coin", "", ""]
