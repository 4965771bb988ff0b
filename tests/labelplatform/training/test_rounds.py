"""Rounds: each step begins when the one before is done, once, and goes on where it failed."""

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, connections

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import cancel
from labelplatform.labels.models import Campaign, Item
from labelplatform.labels.services import create_campaign
from labelplatform.prompts.services import create_prompt_set
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import round_queries, round_steps, rounds
from labelplatform.training.models import TrainingRun
from labelplatform.training.round_models import Round, RoundSeries
from labelplatform.training.round_steps import advance, look_after_rounds
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.training import round_building as building
from tests.labelplatform.training.round_building import (
    PROMPTS,
    answer,
    begin,
    begin_next,
    build_prompts,
    freeze,
    fresh,
    learn,
    rank,
    until_done,
)
from tests.labelplatform.world import finish


@pytest.fixture(autouse=True)
def _stock(project: Project, rosa: User) -> None:
    build_prompts(project, rosa)
    build_artifact(project, Artifact.Kind.BASE_MODEL, "base")
    build_artifact(project, Artifact.Kind.POLICY, "start")


def broken(job: Job | None, state: str = "failed", failure: str = "the disk is full") -> Job:
    """A job that came to nothing in its second attempt."""
    assert job is not None
    finish(job)
    job.state, job.failure, job.attempts, job.fence, job.exit_code = state, failure, 2, 2, 1
    job.save()
    return job


# Beginning


def test_round_0_asks_the_policy_for_k_answers_to_as_many_prompts_as_the_rankings_need(
    project: Project, rosa: User
) -> None:
    row = begin(project, rosa, wanted_rankings=9, overlap=2, answers=5, seed=3)
    job = row.sampling
    assert (row.number, row.step, row.anchors, row.requested_by) == (0, "sample", None, rosa)
    assert (row.policy.name, row.start.name, row.series.policy.name) == ("start", "start", "start")
    assert (job.kind, job.spec["policy"], job.spec["seed"]) == ("sample", row.policy.pk, 3)
    assert job.spec["responses_per_prompt"] == 5
    assert job.spec["sampling"] == {"temperature": 0.7}
    keys = job.spec["prompts"]
    assert len(set(keys)) == len(keys) == 5
    entry = AuditEntry.objects.get(verb="begin round")
    assert (entry.by, entry.object_id, entry.detail["rankings"]) == (rosa, str(row.pk), 9)


def test_which_prompts_are_asked_is_drawn_by_the_seed_and_the_round(project: Project, rosa: User) -> None:
    first = begin(project, rosa, wanted_rankings=4, seed=1)
    drawn = rounds._drawn(first)
    assert drawn == rounds._drawn(first)
    other = Round(**{name: getattr(first, name) for name in ("prompt_set", "wanted_rankings", "overlap")})
    others = []
    for other.seed, other.number in ((1, 1), (2, 0), (2, 1)):
        others.append(rounds._drawn(other))
    assert all(len(each) == 4 and each != drawn for each in others)


def test_a_round_asked_for_again_in_the_same_words_is_the_one_there_is(project: Project, rosa: User) -> None:
    row = begin(project, rosa)
    assert begin(project, rosa) == row
    with pytest.raises(ValidationError, match="other wishes"):
        begin(project, rosa, wanted_rankings=5)
    policy = build_artifact(project, Artifact.Kind.POLICY)
    told = building.wishes(project)
    with pytest.raises(ValidationError, match="other wishes"):
        rounds.begin_series(project=project, name="better", policy=policy, wishes=told, by=rosa)
    assert (Round.objects.count(), RoundSeries.objects.count(), Job.objects.count()) == (1, 1, 1)
    assert AuditEntry.objects.filter(verb__startswith="begin").count() == 2


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"wanted_rankings": 13}, "13 prompts; towns has 12"),
        ({"wanted_rankings": 25, "overlap": 2}, "13 prompts"),
        ({"wanted_rankings": 0}, "prompts|wanted_rankings"),
        ({"answers": 1}, "answers"),
        ({"answers": 9}, "answers"),
        ({"older_weight": 0.0}, "more than 0"),
        ({"older_weight": 1.5}, "at most as much"),
        ({"learns_from": "some"}, "learns_from"),
        ({"told": {"ppo": {"colour": "red"}}}, "colour"),
        ({"told": {"ppo": {"updates": -1}}}, "updates"),
        ({"told": {"reward-model": {"epochs": 0}}}, "epochs"),
        ({"told": {"sample": {"colour": "red"}}}, "colour"),
    ],
)
def test_wishes_that_a_later_step_would_stumble_over_are_refused_at_once(
    project: Project, rosa: User, changed: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValidationError, match=named):
        begin(project, rosa, **changed)
    assert not Round.objects.exists()
    assert not RoundSeries.objects.exists()
    assert not Job.objects.exists()


def test_what_belongs_to_another_project_or_is_no_model_is_refused(
    project: Project, other_project: Project, rosa: User
) -> None:
    theirs = build_artifact(other_project, Artifact.Kind.POLICY, "theirs")
    rewards = build_artifact(project, Artifact.Kind.REWARD_MODEL, "rewards")
    for model in (theirs, rewards):
        for name in ("start", "reward_model_start"):
            with pytest.raises(ValidationError, match="no policy or base model"):
                begin(project, rosa, **{name: model})
        told = building.wishes(project)
        with pytest.raises(ValidationError, match="no policy or base model"):
            rounds.begin_series(project=project, name="better", policy=model, wishes=told, by=rosa)
    elsewhere = create_prompt_set(project=other_project, name="elsewhere", by=rosa)
    with pytest.raises(ValidationError, match="another project"):
        begin(project, rosa, prompt_set=elsewhere)
    assert not Round.objects.exists()


def test_a_name_that_a_step_would_need_must_be_free(project: Project, rosa: User) -> None:
    create_campaign(project=project, name="better · 0", by=rosa)
    with pytest.raises(ValidationError, match="called better · 0 already"):
        begin(project, rosa)


def test_a_series_has_one_round_on_its_way(project: Project, rosa: User, ada: User) -> None:
    row = begin(project, rosa)
    with pytest.raises(ValidationError, match="better · 0 is still on its way"):
        begin_next(row, rosa)
    rounds.stop_round(row=row, by=rosa)
    told = building.wishes(project)
    with pytest.raises(ValidationError, match="next round is number 1"):
        rounds.begin_round(series=row.series, number=2, wishes=told, by=rosa)
    assert begin_next(row, rosa, seed=1).number == 1
    with pytest.raises(ValidationError, match="Another round"):
        rounds.resume_round(row=row, by=rosa)
    assert fresh(row).stopped_at is not None


# Going on


def test_the_campaign_opens_when_the_answers_are_there_with_these_answers_alone(
    project: Project, rosa: User
) -> None:
    row = begin(project, rosa, guidelines="Right before wrong.", overlap=2, wanted_rankings=20)
    assert not advance(row.pk)
    answer(row)
    assert advance(row.pk)
    row = fresh(row)
    campaign = row.campaign
    assert campaign is not None
    assert (row.step, campaign.name, campaign.kind, campaign.overlap) == ("rank", "better · 0", "ranking", 2)
    assert campaign.state == "open"
    assert campaign.guideline_versions.get().english == "Right before wrong."
    items = Item.objects.filter(campaign=campaign)
    assert items.count() == 10
    assert {job for item in items for job in item.responses.values_list("job", flat=True)} == {
        row.sampling_id
    }
    assert {item.responses.count() for item in items} == {3}


def test_rankings_are_frozen_when_as_many_as_wanted_are_in(project: Project, rosa: User, ada: User) -> None:
    row = begin(project, rosa, wanted_rankings=4)
    answer(row)
    advance(row.pk)
    rank(row, ada, 3)
    assert not advance(row.pk)
    rank(row, ada, 1)
    assert advance(row.pk)
    row = fresh(row)
    assert row.campaign is not None
    assert row.snapshot is not None
    assert (row.step, row.campaign.state, row.snapshot.name) == ("freeze", "closed", "better · 0")
    assert row.snapshot.filters["campaigns"] == [row.campaign.pk]
    assert "weights" not in row.snapshot.filters


def test_models_learn_one_after_the_other_from_what_the_step_before_made(
    project: Project, rosa: User, ada: User
) -> None:
    chosen = build_artifact(project, Artifact.Kind.POLICY, "chosen")
    row = begin(project, rosa, start=chosen)
    answer(row)
    advance(row.pk)
    rank(row, ada)
    advance(row.pk)
    assert not advance(row.pk)
    freeze(row)
    assert advance(row.pk)
    row = fresh(row)
    run, snapshot = row.reward_model, row.snapshot
    assert run is not None
    assert snapshot is not None
    assert snapshot.artifact is not None
    assert (row.step, run.name, run.kind) == ("reward-model", "better · 0", "reward-model")
    base = Artifact.objects.get(name="base")
    assert run.job.spec["inputs"] == {"rankings": [snapshot.artifact.digest], "model": [base.digest]}
    assert run.job.spec["settings"]["epochs"] == 1
    assert not advance(row.pk)
    model = learn(run)
    assert advance(row.pk)
    row = fresh(row)
    ppo = row.ppo
    assert ppo is not None
    assert (row.step, ppo.name, ppo.kind, ppo.job.spec["settings"]) == (
        "ppo",
        "better · 0",
        "ppo",
        {"updates": 2},
    )
    given = ppo.job.spec["inputs"]
    assert (given["policy"], given["reward_model"]) == ([chosen.digest], [model.digest])
    assert not advance(row.pk)
    learn(ppo)
    assert advance(row.pk)
    assert fresh(row).step == "done"
    assert not advance(row.pk)
    assert [entry.detail["step"] for entry in AuditEntry.objects.filter(verb="advance round")] == [
        "rank",
        "freeze",
        "reward-model",
        "ppo",
        "done",
    ]


def test_the_next_round_asks_the_newest_policy_and_one_answer_of_round_0(
    project: Project, rosa: User, ada: User
) -> None:
    first = until_done(begin(project, rosa), ada)
    assert first.ppo is not None
    second = begin_next(first, rosa, seed=1)
    assert second.policy == first.ppo.output
    assert second.start == second.policy
    assert second.anchors is not None
    assert (second.sampling.spec["policy"], second.anchors.spec["policy"]) == (
        second.policy_id,
        first.policy_id,
    )
    assert second.anchors.spec["responses_per_prompt"] == 1
    assert second.anchors.spec["prompts"] == second.sampling.spec["prompts"]
    finish(second.sampling)
    assert not advance(second.pk)
    answer(second)
    assert advance(second.pk)
    campaign = fresh(second).campaign
    assert campaign is not None
    for item in campaign.items.all():
        writers = sorted(item.responses.values_list("policy", flat=True))
        assert writers == sorted([first.policy_id, *[second.policy_id] * 3])


def test_a_stopped_round_has_no_policy_to_go_on_from(project: Project, rosa: User, ada: User) -> None:
    first = until_done(begin(project, rosa), ada)
    second = begin_next(first, rosa, seed=1)
    rounds.stop_round(row=second, by=rosa)
    assert first.ppo is not None
    assert begin_next(second, rosa, seed=2).policy == first.ppo.output


@pytest.mark.parametrize(
    ("learns_from", "older", "rounds_in", "weights"),
    [
        ("this", 0.5, [2], None),
        ("all", 1.0, [0, 1, 2], None),
        ("all", 0.5, [0, 1, 2], {0: 0.25, 1: 0.5}),
    ],
)
def test_a_snapshot_holds_this_round_or_all_with_weights(
    project: Project,
    rosa: User,
    ada: User,
    learns_from: str,
    older: float,
    rounds_in: list[int],
    weights: dict[int, float] | None,
) -> None:
    rows = [until_done(begin(project, rosa), ada)]
    rows.append(until_done(begin_next(rows[0], rosa, seed=1), ada))
    rows.append(begin_next(rows[1], rosa, seed=2, learns_from=learns_from, older_weight=older))
    answer(rows[2])
    advance(rows[2].pk)
    rank(rows[2], ada)
    advance(rows[2].pk)
    snapshot = fresh(rows[2]).snapshot
    assert snapshot is not None
    campaigns = [fresh(row).campaign_id for row in rows]
    assert snapshot.filters["campaigns"] == [campaigns[number] for number in rounds_in]
    named = (
        None if weights is None else {str(campaigns[number]): weight for number, weight in weights.items()}
    )
    assert snapshot.filters.get("weights") == named


def test_settling_for_the_rankings_there_are_lets_the_round_go_on(
    project: Project, rosa: User, ada: User
) -> None:
    row = begin(project, rosa)
    assert rounds.take_what_there_is(row=row, by=rosa).wanted_rankings == PROMPTS
    answer(row)
    advance(row.pk)
    with pytest.raises(ValidationError, match="no ranking yet"):
        rounds.take_what_there_is(row=row, by=rosa)
    rank(row, ada, 5)
    for _ in range(2):
        assert rounds.take_what_there_is(row=row, by=rosa).wanted_rankings == 5
    assert AuditEntry.objects.get(verb="settle for fewer rankings").detail == {"wanted": 12, "there": 5}
    assert advance(row.pk)


# What goes wrong


def test_looking_twice_does_nothing_twice(project: Project, rosa: User, ada: User) -> None:
    row = begin(project, rosa)
    answer(row)
    assert [look_after_rounds() for _ in range(3)] == [1, 0, 0]
    rank(row, ada)
    assert [look_after_rounds() for _ in range(3)] == [1, 0, 0]
    freeze(row)
    assert [look_after_rounds() for _ in range(3)] == [1, 0, 0]
    learn(fresh(row).reward_model)
    assert [look_after_rounds() for _ in range(3)] == [1, 0, 0]
    learn(fresh(row).ppo)
    assert [look_after_rounds() for _ in range(3)] == [1, 0, 0]
    assert (Campaign.objects.count(), Snapshot.objects.count(), TrainingRun.objects.count()) == (1, 1, 2)


def test_whoever_looked_before_another_went_on_goes_on_no_more(
    project: Project, rosa: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Both saw the answers; while one reads the row again, the other opens the campaign."""
    row = begin(project, rosa)
    answer(row)
    is_ready = round_queries.is_ready

    def late(seen: Round) -> bool:
        monkeypatch.setattr(round_queries, "is_ready", is_ready)
        assert advance(seen.pk)
        return is_ready(seen)

    monkeypatch.setattr(round_queries, "is_ready", late)
    assert not advance(row.pk)
    assert Campaign.objects.count() == 1
    assert fresh(row).failure == ""
    # It has not tried, and been refused: it has not begun.
    assert not caplog.records


@pytest.mark.django_db(transaction=True)
def test_of_many_that_look_at_once_one_goes_on(project: Project, rosa: User) -> None:
    row = begin(project, rosa)
    answer(row)
    ready, went = threading.Barrier(4), list[bool]()

    def look() -> None:
        ready.wait()
        try:
            went.append(advance(row.pk))
        finally:
            connections.close_all()

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for each in lookers:
        each.start()
    for each in lookers:
        each.join()
    assert sorted(went) == [False, False, False, True]
    assert (Campaign.objects.count(), fresh(row).failure) == (1, "")
    connection.close()


def test_a_look_that_dies_in_the_middle_leaves_nothing(
    project: Project, rosa: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(project, rosa)
    answer(row)

    def killed(**told: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(round_steps, "add_items", killed)
        with pytest.raises(KeyboardInterrupt):
            advance(row.pk)
    assert fresh(row).step == "sample"
    assert not Campaign.objects.exists()
    assert look_after_rounds() == 1
    assert Campaign.objects.count() == 1


def test_a_step_that_cannot_begin_says_why_and_is_tried_again_when_resumed(
    project: Project, rosa: User
) -> None:
    row = begin(project, rosa)
    answer(row)
    taken = create_campaign(project=project, name="better · 0", by=rosa)
    assert [look_after_rounds(), look_after_rounds()] == [0, 0]
    row = fresh(row)
    assert (row.step, round_queries.state_of(row)) == ("sample", "failed")
    assert "campaign of that name" in row.failure
    taken.delete()
    assert look_after_rounds() == 0
    row = rounds.resume_round(row=row, by=rosa)
    assert (row.failure, round_queries.state_of(row)) == ("", "running")
    assert look_after_rounds() == 1


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_failed_step_is_resumed_and_not_begun_again(
    project: Project, rosa: User, ada: User, state: str
) -> None:
    row = begin(project, rosa)
    answer(row)
    advance(row.pk)
    rank(row, ada)
    advance(row.pk)
    freeze(row)
    advance(row.pk)
    run = fresh(row).reward_model
    assert run is not None
    job = broken(run.job, state)
    assert look_after_rounds() == 0
    assert round_queries.state_of(fresh(row)) == "failed"
    for _ in range(2):
        row = rounds.resume_round(row=row, by=rosa)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.fence, job.failure, job.exit_code) == ("queued", 0, 2, "", None)
    assert (job.finished_at, job.cancel_requested_at, row.reward_model) == (None, None, run)
    assert TrainingRun.objects.count() == Snapshot.objects.count() == Campaign.objects.count() == 1
    assert Job.objects.filter(kind="reward-model").count() == 1
    assert AuditEntry.objects.filter(verb="resume round").count() == 1
    learn(run)
    assert look_after_rounds() == 1


def test_only_what_failed_is_asked_for_again(project: Project, rosa: User, ada: User) -> None:
    first = until_done(begin(project, rosa), ada)
    row = begin_next(first, rosa, seed=1)
    finish(row.sampling)
    broken(row.anchors)
    rounds.resume_round(row=row, by=rosa)
    row = fresh(row)
    assert row.anchors is not None
    assert (row.sampling.state, row.anchors.state) == ("succeeded", "queued")


def test_a_promise_that_a_newer_job_keeps_is_not_made_twice(project: Project, rosa: User) -> None:
    row = begin(project, rosa)
    old = broken(row.sampling)
    row.prompt_set.refresh_from_db()
    newer, _anchors = rounds._ask(row)
    assert newer.pk != old.pk
    with pytest.raises(ValidationError, match="newer job"):
        rounds.resume_round(row=row, by=rosa)


def test_a_round_on_which_nothing_is_wrong_is_left_as_it_is(project: Project, rosa: User, ada: User) -> None:
    row = begin(project, rosa)
    rounds.resume_round(row=row, by=rosa)
    done = until_done(row, ada)
    rounds.resume_round(row=done, by=rosa)
    rounds.stop_round(row=done, by=rosa)
    assert fresh(row).stopped_at is None
    assert not AuditEntry.objects.filter(verb__in=["resume round", "stop round"]).exists()


@pytest.fixture
def ranked(project: Project, rosa: User) -> Round:
    row = begin(project, rosa)
    answer(row)
    advance(row.pk)
    return fresh(row)


def test_a_stopped_round_does_not_go_on_until_it_is_resumed(ranked: Round, rosa: User, ada: User) -> None:
    rank(ranked, ada)
    for _ in range(2):
        row = rounds.stop_round(row=ranked, by=rosa)
    assert row.campaign is not None
    assert (round_queries.state_of(row), row.campaign.state) == ("paused", "paused")
    assert look_after_rounds() == 0
    assert not advance(row.pk)
    row = rounds.resume_round(row=row, by=rosa)
    assert row.campaign is not None
    assert (row.stopped_at, row.campaign.state) == (None, "open")
    assert look_after_rounds() == 1
    assert AuditEntry.objects.filter(verb="stop round").count() == 1


def test_stopping_takes_the_jobs_of_the_step_back(project: Project, rosa: User) -> None:
    row = rounds.stop_round(row=begin(project, rosa), by=rosa)
    assert row.sampling.state == "cancelled"
    assert cancel(job=row.sampling, by=rosa).state == "cancelled"
    row = rounds.resume_round(row=row, by=rosa)
    assert fresh(row).sampling.state == "queued"


def test_the_newest_policy_is_that_of_the_last_round(project: Project, rosa: User, ada: User) -> None:
    first = until_done(begin(project, rosa), ada)
    second = until_done(begin_next(first, rosa, seed=1), ada)
    assert second.ppo is not None
    assert round_queries.newest_policy(second.series) == second.ppo.output


def test_numbers_below_the_next_are_refused(project: Project, rosa: User) -> None:
    row = rounds.stop_round(row=begin(project, rosa), by=rosa)
    with pytest.raises(ValidationError, match="other wishes"):
        rounds.begin_round(series=row.series, number=0, wishes=building.wishes(project, seed=9), by=rosa)
    Round.objects.filter(pk=row.pk).update(number=1)
    with pytest.raises(ValidationError, match="next round is number 1"):
        rounds.begin_round(series=row.series, number=0, wishes=building.wishes(project, seed=9), by=rosa)


def test_the_database_and_the_models_agree() -> None:
    call_command("makemigrations", "training", check=True, dry_run=True, verbosity=0)
