"""The training room as a researcher uses it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.prompts.models import PromptSet
from labelplatform.prompts.services import create_prompt_set, import_prompts
from labelplatform.snapshots.models import Snapshot
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import begin, finish

Browser = Callable[[User], Client]
Kind = Artifact.Kind


@pytest.fixture
def snapshot(project: Project) -> Snapshot:
    return Snapshot.objects.create(
        project=project, name="first", artifact=build_artifact(project, Kind.SNAPSHOT)
    )


@pytest.fixture
def prompt_set(project: Project, rosa: User) -> PromptSet:
    prompt_set = create_prompt_set(project=project, name="towns", by=rosa)
    line = {"id": "1", "prompt": [{"role": "user", "content": "Where?"}]}
    import_prompts(prompt_set=prompt_set, lines=[line], by=rosa)
    return prompt_set


def reward_model_form(snapshot: Snapshot, model: Artifact, **changed: Any) -> dict[str, Any]:
    told = {"name": "rewards", "snapshot": snapshot.pk, "model": model.pk, "epochs": 2, "seed": 5}
    return {**told, "learning_rate": 0.001, "rankings_per_step": 4, **changed}


def ppo_form(prompt_set: PromptSet, project: Project, **changed: Any) -> dict[str, Any]:
    return {
        "name": "after",
        "prompt_set": prompt_set.pk,
        "policy": build_artifact(project).pk,
        "reward_model": build_artifact(project, Kind.REWARD_MODEL).pk,
        "updates": 9,
        "episodes": 16,
        "kl_coefficient": 0.1,
        "learning_rate": 0.001,
        "max_new_tokens": 8,
        "seed": 4,
        **changed,
    }


def test_reward_model_starts_with_what_the_form_said(
    sign_in: Browser, rosa: User, project: Project, snapshot: Snapshot
) -> None:
    form = reward_model_form(snapshot, build_artifact(project))
    answer = sign_in(rosa).post("/p/harbour/training/reward-model/", form)
    run = TrainingRun.objects.get()
    assert answer.headers["Location"] == f"/p/harbour/training/{run.pk}/"
    assert run.job.spec["settings"] == {
        "empty_responses": "keep",
        "epochs": 2,
        "learning_rate": 0.001,
        "rankings_per_step": 4,
        "seed": 5,
    }
    assert run.job.requested_by == rosa


@pytest.mark.parametrize(
    "changed", [{"epochs": 0}, {"epochs": 51}, {"learning_rate": 1}, {"seed": -1}, {"name": ""}]
)
def test_reward_model_refuses_what_is_out_of_bounds(
    sign_in: Browser, rosa: User, project: Project, snapshot: Snapshot, changed: dict[str, Any]
) -> None:
    form = reward_model_form(snapshot, build_artifact(project), **changed)
    answer = sign_in(rosa).post("/p/harbour/training/reward-model/", form)
    assert answer.status_code == 422
    assert "field__error" in answer.content.decode()
    assert not Job.objects.exists()


def test_reward_model_offers_nothing_of_another_project(
    sign_in: Browser, rosa: User, other_project: Project, snapshot: Snapshot
) -> None:
    form = reward_model_form(snapshot, build_artifact(other_project, name="stranger"))
    browser = sign_in(rosa)
    assert "stranger" not in browser.get("/p/harbour/training/reward-model/").content.decode()
    assert browser.post("/p/harbour/training/reward-model/", form).status_code == 422
    assert not Job.objects.exists()


def test_ppo_starts_on_the_prompts_as_they_are_now(
    sign_in: Browser, rosa: User, project: Project, prompt_set: PromptSet
) -> None:
    questions = build_artifact(project, Kind.QUESTIONS, detail={"files": ["content.txt"]})
    form = ppo_form(prompt_set, project, validation=questions.pk)
    answer = sign_in(rosa).post("/p/harbour/training/ppo/", form)
    run = TrainingRun.objects.get()
    assert answer.headers["Location"] == f"/p/harbour/training/{run.pk}/"
    assert run.job.spec["settings"] == {
        "updates": 9,
        "episodes": 16,
        "kl_coefficient": 0.1,
        "learning_rate": 0.001,
        "max_new_tokens": 8,
        "seed": 4,
        "validation_function": "evaluator.metrics.closed_book:grades",
        "keep_best": "grade",
        "keep_bound": "right:0.05",
    }
    stored = run.job.inputs.get(detail__files=["prompts.jsonl"])
    assert (stored.path / "prompts.jsonl").read_text().count("\n") == 1


def test_ppo_says_what_does_not_fit_together(
    sign_in: Browser, rosa: User, project: Project, prompt_set: PromptSet
) -> None:
    corpus = build_artifact(project, Kind.CORPUS, detail={"files": ["content.txt"]})
    form = ppo_form(prompt_set, project, pretraining_text=corpus.pk, pretraining_coefficient=0)
    answer = sign_in(rosa).post("/p/harbour/training/ppo/", form)
    assert answer.status_code == 422
    assert "pretraining" in answer.content.decode()
    assert not Job.objects.exists()


def test_ppo_runs_no_program_that_a_form_names(
    sign_in: Browser, rosa: User, project: Project, prompt_set: PromptSet
) -> None:
    form = ppo_form(prompt_set, project, reward_program="touch owned", reward_function="os:system")
    sign_in(rosa).post("/p/harbour/training/ppo/", form)
    assert not {"reward_program", "reward_function"} & set(TrainingRun.objects.get().job.spec["settings"])


def test_live_asks_for_more_only_while_the_run_goes_on(
    sign_in: Browser, rosa: User, project: Project, snapshot: Snapshot
) -> None:
    browser = sign_in(rosa)
    browser.post("/p/harbour/training/reward-model/", reward_model_form(snapshot, build_artifact(project)))
    run = TrainingRun.objects.get()
    begin(run.job)
    going = browser.get(f"/p/harbour/training/{run.pk}/live/")
    assert (going.headers["X-Live"], going.headers["Cache-Control"]) == ("on", "no-store")
    assert "40 / 100" in going.content.decode()
    finish(run.job)
    assert "X-Live" not in browser.get(f"/p/harbour/training/{run.pk}/live/").headers


def test_run_offers_to_cancel_only_what_goes_on(
    sign_in: Browser, rosa: User, project: Project, snapshot: Snapshot
) -> None:
    browser = sign_in(rosa)
    browser.post("/p/harbour/training/reward-model/", reward_model_form(snapshot, build_artifact(project)))
    run = TrainingRun.objects.get()
    page = f"/p/harbour/training/{run.pk}/"
    assert f"{page}cancel/" in browser.get(page).content.decode()
    assert browser.post(f"{page}cancel/").headers["Location"] == page
    run.job.refresh_from_db()
    assert run.job.state == "cancelled"
    assert f"{page}cancel/" not in browser.get(page).content.decode()


@pytest.mark.parametrize("page", ["", "reward-model/", "ppo/"])
def test_annotators_do_not_enter(sign_in: Browser, ada: User, project: Project, page: str) -> None:
    assert sign_in(ada).get(f"/p/harbour/training/{page}").status_code == 403


@pytest.mark.parametrize("page", ["", "reward-model/", "ppo/"])
def test_strangers_find_nothing(
    sign_in: Browser, olga: User, project: Project, other_project: Project, page: str
) -> None:
    assert sign_in(olga).get(f"/p/harbour/training/{page}").status_code == 404


def test_nothing_of_another_project_is_there(
    sign_in: Browser, olga: User, rosa: User, project: Project, other_project: Project, snapshot: Snapshot
) -> None:
    sign_in(rosa).post(
        "/p/harbour/training/reward-model/", reward_model_form(snapshot, build_artifact(project))
    )
    run = TrainingRun.objects.get()
    browser = sign_in(olga)
    assert browser.get(f"/p/elsewhere/training/{run.pk}/").status_code == 404
    assert browser.post(f"/p/elsewhere/training/{run.pk}/cancel/").status_code == 404
    run.job.refresh_from_db()
    assert run.job.state == "queued"


def test_a_form_says_what_the_project_has_none_of_yet(sign_in: Browser, rosa: User, project: Project) -> None:
    browser = sign_in(rosa)
    assert browser.get("/p/harbour/training/reward-model/").content.decode().count("has none yet") == 2
    build_artifact(project)
    assert browser.get("/p/harbour/training/reward-model/").content.decode().count("has none yet") == 1


def test_ppo_shows_what_a_reward_model_is_worth(sign_in: Browser, rosa: User, project: Project) -> None:
    figures = {"metrics": {"heldout_accuracy": 0.6125}}
    build_artifact(project, Kind.REWARD_MODEL, "weak", detail=figures)
    build_artifact(project, Kind.REWARD_MODEL, "unmeasured")
    page = sign_in(rosa).get("/p/harbour/training/ppo/").content.decode()
    assert "weak (held-out accuracy 0.61)" in page
    assert ">unmeasured<" in page
