"""Starting, collecting and cancelling runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.prompts.services import create_prompt_set, import_prompts
from labelplatform.snapshots.models import Snapshot
from labelplatform.training import services
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import finish

Kind = Artifact.Kind


@pytest.fixture
def given(project: Project, rosa: User) -> dict[str, Any]:
    return {"project": project, "by": rosa}


@pytest.fixture
def model(project: Project) -> Artifact:
    return build_artifact(project, Kind.BASE_MODEL, "base")


@pytest.fixture
def snapshot(project: Project) -> Snapshot:
    frozen = build_artifact(project, Kind.SNAPSHOT, "first")
    return Snapshot.objects.create(project=project, name="first", artifact=frozen)


def reward_model(given: dict[str, Any], snapshot: Snapshot, model: Artifact, **changed: Any) -> TrainingRun:
    told = {"name": "rewards", "snapshot": snapshot, "model": model, "settings": {"epochs": 2}, **changed}
    return services.start_reward_model(**told, **given)


def write_outcome(job: Job, outcome: dict[str, Any]) -> Path:
    out = job.run_folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    (out / "outcome.json").write_text(json.dumps(outcome))
    return job.run_folder


def test_start_makes_one_row_one_job_and_one_audit_line(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact, rosa: User
) -> None:
    run = reward_model(given, snapshot, model)
    assert snapshot.artifact is not None
    assert (run.kind, run.job.kind, run.job.requested_by) == ("reward-model", "reward-model", rosa)
    assert set(run.job.inputs.all()) == {snapshot.artifact, model}
    assert run.job.spec == {
        "name": "rewards",
        "inputs": {"rankings": [snapshot.artifact.digest], "model": [model.digest]},
        "settings": {"empty_responses": "keep", "epochs": 2},
    }
    entry = AuditEntry.objects.get(verb="start training")
    assert (entry.by, entry.object_id, entry.detail["kind"]) == (rosa, str(run.pk), "reward-model")


def test_start_of_the_same_promise_is_the_same_run(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact
) -> None:
    run = reward_model(given, snapshot, model)
    assert reward_model(given, snapshot, model) == run
    assert reward_model(given, snapshot, model, name="again") != run
    assert TrainingRun.objects.count() == Job.objects.count() == 2


def test_start_after_a_failure_is_a_new_run(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact
) -> None:
    run = reward_model(given, snapshot, model)
    finish(run.job)
    Job.objects.update(state=Job.State.FAILED)
    again = reward_model(given, snapshot, model)
    assert again.pk != run.pk
    assert again.job.state == "queued"


def test_start_refuses_a_name_that_is_taken_and_leaves_nothing(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact
) -> None:
    reward_model(given, snapshot, model)
    with pytest.raises(ValidationError, match="taken"):
        reward_model(given, snapshot, model, settings={"epochs": 3})
    build_artifact(given["project"], Kind.REWARD_MODEL, "older")
    with pytest.raises(ValidationError, match="taken"):
        reward_model(given, snapshot, model, name="older")
    assert TrainingRun.objects.count() == Job.objects.count() == 1


def test_start_refuses_what_is_not_a_model_or_not_frozen(
    given: dict[str, Any], snapshot: Snapshot, project: Project
) -> None:
    with pytest.raises(ValidationError, match="wanted"):
        reward_model(given, snapshot, build_artifact(project, Kind.CORPUS))
    unfrozen = Snapshot.objects.create(project=project, name="unfrozen")
    with pytest.raises(ValidationError, match="not frozen"):
        reward_model(given, unfrozen, build_artifact(project, Kind.POLICY))
    assert not Job.objects.exists()


def test_start_refuses_an_input_of_another_project(
    given: dict[str, Any], snapshot: Snapshot, other_project: Project
) -> None:
    with pytest.raises(ValidationError):
        reward_model(given, snapshot, build_artifact(other_project, Kind.POLICY))
    assert not TrainingRun.objects.exists()


def test_ppo_takes_a_reward_model_for_a_reward_only(given: dict[str, Any], project: Project) -> None:
    policy, prompts = build_artifact(project), build_artifact(project, Kind.QUESTIONS)
    with pytest.raises(ValidationError, match="wanted: reward model"):
        services.start_ppo(
            name="after", prompts=prompts, policy=policy, reward_model=policy, settings={}, **given
        )


def test_collect_registers_the_folder_once(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact
) -> None:
    run = reward_model(given, snapshot, model)
    job = finish(run.job)
    folder = write_outcome(job, {"metrics": {"heldout_accuracy": 0.75}})
    for _ in range(2):
        services.collect_run(job, folder)
    run.refresh_from_db()
    assert run.output is not None
    assert (run.output.kind, run.output.name, run.output.made_by) == ("reward_model", "rewards", job)
    assert run.output.folder == f"jobs/{job.pk}/attempt-1/out"
    assert run.output.detail == {"metrics": {"heldout_accuracy": 0.75}}
    assert Artifact.objects.filter(made_by=job).count() == 1
    assert AuditEntry.objects.filter(verb="collect training").count() == 1


def test_collect_refuses_an_outcome_without_figures(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact
) -> None:
    run = reward_model(given, snapshot, model)
    job = finish(run.job)
    with pytest.raises(ValueError, match="metrics"):
        services.collect_run(job, write_outcome(job, {"metrics": [1]}))
    run.refresh_from_db()
    assert run.output is None


def test_collect_lines_registers_the_file_once(given: dict[str, Any], project: Project) -> None:
    made: dict[str, Any] = {
        "policy": build_artifact(project),
        "reward_model": build_artifact(project, Kind.REWARD_MODEL),
    }
    prompts = build_artifact(project, Kind.QUESTIONS)
    job = finish(services.start_best_of_n(name="best", prompts=prompts, settings={"n": 2}, **made, **given))
    (job.run_folder / "out" / "responses.jsonl").write_text("{}\n")
    for _ in range(2):
        services.collect_lines(job, job.run_folder)
    artifact = Artifact.objects.get(made_by=job)
    assert (artifact.kind, artifact.name, artifact.detail) == (
        "responses",
        "best",
        {"files": ["responses.jsonl"]},
    )


def test_cancel_takes_the_promise_back(
    given: dict[str, Any], snapshot: Snapshot, model: Artifact, rosa: User
) -> None:
    run = services.cancel_run(run=reward_model(given, snapshot, model), by=rosa)
    assert run.job.state == "cancelled"
    assert AuditEntry.objects.filter(verb="cancel job", by=rosa).exists()


def test_store_prompts_freezes_the_set_as_it_is_now(project: Project, rosa: User) -> None:
    prompt_set = create_prompt_set(project=project, name="towns", by=rosa)
    with pytest.raises(ValidationError, match="no prompts"):
        services.store_prompts(prompt_set=prompt_set, by=rosa)
    line = {"prompt": [{"role": "user", "content": "Where?"}]}
    import_prompts(prompt_set=prompt_set, lines=[{"id": "1", **line}], by=rosa)
    first = services.store_prompts(prompt_set=prompt_set, by=rosa)
    assert services.store_prompts(prompt_set=prompt_set, by=rosa) == first
    import_prompts(prompt_set=prompt_set, lines=[{"id": "2", **line}], by=rosa)
    second = services.store_prompts(prompt_set=prompt_set, by=rosa)
    assert second != first
    stored = [json.loads(text)["id"] for text in (first.path / "prompts.jsonl").read_text().splitlines()]
    assert stored == ["1"]
