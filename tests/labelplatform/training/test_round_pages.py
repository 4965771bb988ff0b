"""The pages of rounds as a researcher uses them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact
from labelplatform.training import rounds
from labelplatform.training.round_models import Round
from labelplatform.training.round_steps import advance
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.training.round_building import (
    answer,
    begin,
    begin_next,
    build_prompts,
    fresh,
    rank,
    until_done,
    wishes,
)
from tests.labelplatform.world import begin as begin_job
from tests.labelplatform.world import finish

Browser = Callable[[User], Client]
ROOM = "/p/harbour/training"


@pytest.fixture(autouse=True)
def _stock(project: Project, rosa: User) -> None:
    build_prompts(project, rosa)
    build_artifact(project, Artifact.Kind.BASE_MODEL, "base")
    build_artifact(project, Artifact.Kind.POLICY, "start")


def form(project: Project, **changed: Any) -> dict[str, Any]:
    base, start = (Artifact.objects.get(project=project, name=name) for name in ("base", "start"))
    return {
        "name": "better",
        "policy": start.pk,
        "prompt_set": wishes(project).prompt_set.pk,
        "wanted_rankings": 12,
        "answers": 3,
        "overlap": 1,
        "guidelines": "",
        "temperature": 0.5,
        "max_new_tokens": 7,
        "learns_from": "all",
        "older_weight": 0.5,
        "reward_model_start": base.pk,
        "reward_model_epochs": 2,
        "reward_model_learning_rate": 0.002,
        "start": "",
        "updates": 6,
        "episodes": 32,
        "kl_coefficient": 0.1,
        "ppo_learning_rate": 0.001,
        "seed": 4,
        **changed,
    }


def test_a_series_begins_with_what_the_form_said(sign_in: Browser, project: Project, rosa: User) -> None:
    client = sign_in(rosa)
    page = client.get(f"{ROOM}/rounds/begin/").content.decode()
    assert page.index('name="name"') < page.index('name="policy"') < page.index('name="prompt_set"')
    answer = client.post(f"{ROOM}/rounds/begin/", form(project))
    row = Round.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{ROOM}/round/{row.pk}/")
    assert (row.series.name, row.wanted_rankings, row.answers, row.older_weight) == ("better", 12, 3, 0.5)
    assert row.told == {
        "sample": {"temperature": 0.5, "max_new_tokens": 7},
        "reward-model": {"epochs": 2, "learning_rate": 0.002, "seed": 4},
        "ppo": {
            "updates": 6,
            "episodes": 32,
            "kl_coefficient": 0.1,
            "learning_rate": 0.001,
            "temperature": 0.5,
            "max_new_tokens": 7,
            "seed": 4,
        },
    }
    assert client.post(f"{ROOM}/rounds/begin/", form(project))["Location"] == f"{ROOM}/round/{row.pk}/"
    assert Round.objects.count() == 1


def test_a_refusal_is_told_beside_the_form(sign_in: Browser, project: Project, rosa: User) -> None:
    answer = sign_in(rosa).post(f"{ROOM}/rounds/begin/", form(project, wanted_rankings=13))
    assert answer.status_code == 422
    assert "want fewer rankings, or more people an item" in answer.content.decode()
    assert not Round.objects.exists()


def test_the_next_round_begins_with_the_wishes_of_the_last(
    sign_in: Browser, project: Project, rosa: User, ada: User
) -> None:
    client = sign_in(rosa)
    client.post(f"{ROOM}/rounds/begin/", form(project))
    first = until_done(Round.objects.get(), ada)
    place = f"{ROOM}/rounds/{first.series_id}/"
    assert "Begin the next round" in client.get(place).content.decode()
    page = client.get(f"{place}begin/").content.decode()
    assert 'name="number" value="1"' in page
    assert 'name="older_weight" value="0.5"' in page
    assert 'name="reward_model_epochs" value="2"' in page
    assert 'name="seed" value="5"' in page
    told = {**form(project, seed=5), "number": 1}
    for _ in range(2):
        answered = client.post(f"{place}begin/", told)
    second = Round.objects.get(number=1)
    assert first.ppo is not None
    assert answered["Location"] == f"{ROOM}/round/{second.pk}/"
    assert (second.policy, second.start, second.told["ppo"]["seed"]) == (
        first.ppo.output,
        first.ppo.output,
        5,
    )
    assert "Begin the next round" not in client.get(place).content.decode()
    assert client.post(f"{place}begin/", {**told, "number": 2, "seed": 6}).status_code == 422


def test_who_chose_a_start_keeps_it_in_the_next_form(
    sign_in: Browser, project: Project, rosa: User, ada: User
) -> None:
    base = Artifact.objects.get(name="base")
    first = until_done(begin(project, rosa, start=base), ada)
    page = sign_in(rosa).get(f"{ROOM}/rounds/{first.series_id}/begin/").context["form"]
    assert page.initial["start"] == base
    first.start = first.policy
    first.save()
    page = sign_in(rosa).get(f"{ROOM}/rounds/{first.series_id}/begin/").context["form"]
    assert page.initial["start"] is None


def test_one_page_draws_all_rounds(sign_in: Browser, project: Project, rosa: User, ada: User) -> None:
    first = until_done(begin(project, rosa), ada)
    second = begin_next(first, rosa, seed=1)
    client = sign_in(rosa)
    page = client.get(f"{ROOM}/rounds/{first.series_id}/").content.decode()
    assert page.count("<figure") == 2
    assert "Held-out accuracy. 0: 0.700 (0.600 – 0.800)" in page
    assert "KL to the start. 0: 1.500" in page
    assert "not enough data: 0 items that tell, wanted 10" in page
    answer(second)
    advance(second.pk)
    rank(second, ada)
    page = client.get(f"{ROOM}/rounds/{first.series_id}/").content.decode()
    assert page.count("<figure") == 3
    assert "Win rate against round 0. 1: 1.000" in page


def test_a_round_shows_its_step_and_what_each_step_made(
    sign_in: Browser, project: Project, rosa: User, ada: User
) -> None:
    row = begin(project, rosa)
    client = sign_in(rosa)
    place = f"{ROOM}/round/{row.pk}/"
    begin_job(row.sampling)
    page = client.get(place).content.decode()
    assert "Answers are sampled" in page
    assert 'value="40" max="100"' in page
    assert "Stop the round" in page
    assert "Resume the round" not in page
    assert "Go on with the rankings there are" not in page
    answer(row)
    advance(row.pk)
    rank(row, ada, 5)
    page = client.get(place).content.decode()
    assert "better · 0</a>" in page
    assert "5 / 12" in page
    assert "Go on with the rankings there are" in page
    client.post(f"{place}settle/")
    assert fresh(row).wanted_rankings == 5
    client.post(f"{place}stop/")
    assert "Resume the round" in client.get(place).content.decode()
    client.post(f"{place}resume/")
    assert fresh(row).stopped_at is None


def test_a_failed_step_says_why_and_offers_to_resume(sign_in: Browser, project: Project, rosa: User) -> None:
    row = begin(project, rosa)
    job = finish(row.sampling)
    job.state, job.failure = "failed", "the disk is full (exit code 1)"
    job.save()
    client = sign_in(rosa)
    page = client.get(f"{ROOM}/round/{row.pk}/").content.decode()
    assert "the disk is full (exit code 1)" in page
    assert "Resume the round" in page
    client.post(f"{ROOM}/round/{row.pk}/resume/")
    job.refresh_from_db()
    assert job.state == "queued"


def test_a_refusal_to_resume_is_told(sign_in: Browser, project: Project, rosa: User) -> None:
    first = rounds.stop_round(row=begin(project, rosa), by=rosa)
    begin_next(first, rosa, seed=1)
    page = sign_in(rosa).post(f"{ROOM}/round/{first.pk}/resume/", follow=True).content.decode()
    assert "Another round of this series is on its way." in page


def test_the_live_part_comes_again_until_the_buttons_have_changed(
    sign_in: Browser, project: Project, rosa: User, ada: User
) -> None:
    row = begin(project, rosa)
    client = sign_in(rosa)
    page = client.get(f"{ROOM}/round/{row.pk}/").content.decode()
    assert f'data-live="{ROOM}/round/{row.pk}/live/?seen=sample-False"' in page
    live = f"{ROOM}/round/{row.pk}/live/?seen=sample-False"
    assert client.get(live)["X-Live"] == "on"
    answer(row)
    advance(row.pk)
    assert "X-Live" not in client.get(live)
    rounds.stop_round(row=row, by=rosa)
    assert "X-Live" not in client.get(f"{ROOM}/round/{row.pk}/live/?seen=rank-True")
    assert "data-live-then" not in client.get(f"{ROOM}/round/{row.pk}/").content.decode()


def test_pages_are_closed_to_annotators_and_to_other_projects(
    sign_in: Browser, project: Project, rosa: User, ada: User, olga: User, other_project: Project
) -> None:
    row = begin(project, rosa)
    addresses = ["rounds/", "rounds/begin/", f"rounds/{row.series_id}/", f"rounds/{row.series_id}/begin/"]
    addresses += [f"round/{row.pk}/", f"round/{row.pk}/live/"]
    for address in addresses:
        assert sign_in(ada).get(f"{ROOM}/{address}").status_code == 403
        assert sign_in(olga).get(f"{ROOM}/{address}").status_code == 404
    for address in (f"rounds/{row.series_id}/", f"round/{row.pk}/"):
        assert sign_in(olga).get(f"/p/elsewhere/training/{address}").status_code == 404
    for verb in ("resume", "stop", "settle"):
        assert sign_in(ada).post(f"{ROOM}/round/{row.pk}/{verb}/").status_code == 403
        assert sign_in(olga).post(f"/p/elsewhere/training/round/{row.pk}/{verb}/").status_code == 404
    assert fresh(row).stopped_at is None


def test_the_lists_cost_the_same_for_one_and_for_many(
    sign_in: Browser, project: Project, rosa: User, ada: User, django_assert_max_num_queries: Any
) -> None:
    client = sign_in(rosa)
    row = begin(project, rosa)
    addresses = (f"{ROOM}/rounds/", f"{ROOM}/rounds/{row.series_id}/", f"{ROOM}/round/{row.pk}/")
    for address in addresses:
        client.get(address)
        with django_assert_max_num_queries(8):
            client.get(address)
    policy = Artifact.objects.get(name="start")
    for number in range(1, 6):
        rounds.stop_round(row=row, by=rosa)
        row = begin_next(row, rosa, seed=number)
        told = wishes(project, seed=100 + number)
        rounds.begin_series(project=project, name=f"other {number}", policy=policy, wishes=told, by=rosa)
    for address in addresses:
        with django_assert_max_num_queries(8):
            client.get(address)
