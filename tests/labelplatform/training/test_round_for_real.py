"""One round by the real commands: a model of a few thousand weights answers, is ranked, and learns."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import register_artifact
from labelplatform.training.round_figures import round_rows
from labelplatform.training.round_steps import look_after_rounds
from tests.labelplatform.training.round_building import begin, build_prompts, fresh, rank
from tests.trainer.reward_model.tiny import tiny_language_model
from trainer.reward_model.model import save_model
from trainer.snapshots import read_snapshot

Drain = Callable[[], list[Job]]
QUICK = {
    "sample": {"max_new_tokens": 4, "temperature": 1.0},
    "reward-model": {"epochs": 1, "learning_rate": 1e-3},
    "ppo": {"updates": 2, "episodes": 4, "minibatch_size": 4, "max_new_tokens": 4},
}


def build_model(project: Project, kind: str, name: str) -> Artifact:
    lm, folder = tiny_language_model(), Path(settings.ARTIFACTS_DIR) / "built" / name
    save_model(lm.model, lm.tokenizer, folder)
    return register_artifact(project=project, kind=kind, name=name, folder=folder)


def on(run_jobs: Drain) -> list[tuple[str, str]]:
    """The rounds go on by a step, and the jobs that this asks for run."""
    assert look_after_rounds() == 1
    return [(job.kind, job.state) for job in run_jobs()]


def test_a_round_goes_its_way(run_jobs: Drain, project: Project, rosa: User, ada: User) -> None:
    build_prompts(project, rosa)
    build_model(project, Artifact.Kind.BASE_MODEL, "base")
    build_model(project, Artifact.Kind.POLICY, "start")
    row = begin(project, rosa, told=QUICK)
    assert [(job.kind, job.state) for job in run_jobs()] == [("sample", "succeeded")]
    assert on(run_jobs) == []
    rank(row, ada)
    assert on(run_jobs) == [("snapshot", "succeeded")]
    snapshot = fresh(row).snapshot
    assert snapshot is not None
    assert snapshot.artifact is not None
    assert len(read_snapshot(snapshot.artifact.path).rankings) == 12
    assert on(run_jobs) == [("reward-model", "succeeded")]
    assert on(run_jobs) == [("ppo", "succeeded")]
    assert on(run_jobs) == []
    (told,) = round_rows(row.series)
    assert told.state == "succeeded"
    assert told.kl.value is not None
    assert told.heldout_accuracy.value is None or 0 <= told.heldout_accuracy.value <= 1
