"""Promises: made once, after the commit, for the project's own artifacts; named folders that never change."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.jobs import claims, doorbell, kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.jobs.services import cancel, enqueue, register_artifact
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.jobs.toys import TOY, toy

Drain = Callable[[], list[Job]]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    heard: list[tuple[int, str]] = []
    monkeypatch.setattr(doorbell, "ring", lambda job_id, queue: heard.append((job_id, queue)))
    return heard


@pytest.mark.django_db(transaction=True)
def test_enqueue_rings_after_the_commit_only(
    project: Project, rosa: User, rung: list[tuple[int, str]]
) -> None:
    with transaction.atomic():
        job = toy(project, rosa)
        assert rung == []
    assert rung == [(job.pk, "cpu")]


@pytest.mark.django_db(transaction=True)
def test_enqueue_rings_for_nothing_that_was_rolled_back(
    project: Project, rosa: User, rung: list[tuple[int, str]]
) -> None:
    def undo() -> None:
        toy(project, rosa)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"), transaction.atomic():
        undo()
    assert (rung, Job.objects.count()) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_enqueue_does_without_a_broker(project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    job.refresh_from_db()
    assert (job.state, job.rung_at) == ("queued", None)


def test_enqueue_makes_the_same_promise_once(project: Project, rosa: User) -> None:
    artifact = build_artifact(project)
    one = enqueue(kind="toy", spec={"act": "write", "n": 1}, project=project, by=rosa, inputs=[artifact])
    two = enqueue(kind="toy", spec={"n": 1, "act": "write"}, project=project, by=rosa, inputs=[artifact])
    assert one == two
    assert list(one.inputs.all()) == [artifact]
    assert AuditEntry.objects.filter(verb="enqueue job").count() == 1


def test_enqueue_tells_promises_apart_by_spec_inputs_repeat_and_project(
    project: Project, other_project: Project, rosa: User
) -> None:
    artifact = build_artifact(project)
    spec = {"act": "write"}
    jobs = [
        enqueue(kind="toy", spec=spec, project=project, by=rosa),
        enqueue(kind="toy", spec={"act": "three"}, project=project, by=rosa),
        enqueue(kind="toy", spec=spec, project=project, by=rosa, inputs=[artifact]),
        enqueue(kind="toy", spec=spec, project=project, by=rosa, repeat=1),
        enqueue(kind="toy", spec=spec, project=other_project, by=rosa),
    ]
    assert len({job.pk for job in jobs}) == 5


@pytest.mark.parametrize(
    ("state", "again"), [("failed", True), ("cancelled", True), ("succeeded", False), ("lost", False)]
)
def test_enqueue_again_after_a_broken_promise_only(
    project: Project, rosa: User, state: str, again: bool
) -> None:
    first = toy(project, rosa)
    claim = claims.claim(first.pk, "elsewhere:1:1.0")
    assert claim is not None
    {
        "failed": lambda: claims.fail(claim, failure="x"),
        "cancelled": lambda: claims.cancelled(claim),
        "succeeded": lambda: claims.succeed(claim, exit_code=0, collect=lambda: None),
        "lost": lambda: claims.lose(first.pk, 1, failure="x"),
    }[state]()
    assert (toy(project, rosa) != first) is again


def test_database_refuses_a_second_keeper_of_one_promise(project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    with pytest.raises(IntegrityError):
        Job.objects.create(project=project, kind="toy", identity=job.identity)


def test_enqueue_refuses_specs_that_can_never_run(project: Project, rosa: User) -> None:
    with pytest.raises(ValidationError, match="needs an act"):
        enqueue(kind="toy", spec={}, project=project, by=rosa)
    with pytest.raises(kinds.UnknownKindError, match=r"no job kind 'toi': there are .*toy"):
        enqueue(kind="toi", spec={}, project=project, by=rosa)


def test_enqueue_refuses_inputs_of_another_project(
    project: Project, other_project: Project, rosa: User
) -> None:
    with pytest.raises(ValidationError, match="another project"):
        enqueue(
            kind="toy",
            spec={"act": "write"},
            project=project,
            by=rosa,
            inputs=[build_artifact(other_project)],
        )


def test_cancel_of_a_waiting_job_is_the_end_of_it(run_jobs: Drain, project: Project, rosa: User) -> None:
    job = cancel(job=toy(project, rosa), by=rosa)
    assert (job.state, run_jobs()) == ("cancelled", [])
    assert AuditEntry.objects.filter(verb="cancel job", by=rosa, object_id=str(job.pk)).count() == 1


def test_cancel_of_a_running_job_asks_its_worker(project: Project, rosa: User) -> None:
    job = toy(project, rosa)
    claims.claim(job.pk, "elsewhere:1:1.0")
    asked = cancel(job=job, by=rosa)
    assert asked.state == "running"
    assert asked.cancel_requested_at is not None
    cancel(job=job, by=rosa)
    assert AuditEntry.objects.filter(verb="cancel job").count() == 1


def test_cancel_changes_nothing_that_is_finished(run_jobs: Drain, project: Project, rosa: User) -> None:
    toy(project, rosa)
    (job,) = run_jobs()
    assert cancel(job=job, by=rosa).state == "succeeded"
    assert not AuditEntry.objects.filter(verb="cancel job").exists()


def test_artifact_is_known_by_its_content(project: Project) -> None:
    one = build_artifact(project, files={"a.txt": "1", "sub/b.txt": "2"})
    same = build_artifact(project, files={"sub/b.txt": "2", "a.txt": "1"})
    moved = build_artifact(project, files={"a.txt": "1", "b.txt": "2"})
    changed = build_artifact(project, files={"a.txt": "1", "sub/b.txt": "3"})
    assert one.digest == same.digest
    assert len({one.digest, moved.digest, changed.digest}) == 3
    assert (one.path / "sub" / "b.txt").read_text() == "2"


@pytest.mark.parametrize("folder", ["../outside", "/etc", "", ".", "nowhere"])
def test_artifact_lies_inside_the_artifacts_folder(project: Project, folder: str) -> None:
    with pytest.raises(ValidationError):
        register_artifact(project=project, kind="policy", name="x", folder=folder)


def test_artifact_holds_no_links(project: Project) -> None:
    folder = Path(settings.ARTIFACTS_DIR) / "linked"
    folder.mkdir()
    (folder / "weights").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="is a link"):
        register_artifact(project=project, kind="policy", name="x", folder="linked")


def test_artifact_names_are_given_once_by_kind(project: Project) -> None:
    build_artifact(project, "policy", "best")
    build_artifact(project, "reward_model", "best")
    with pytest.raises(ValidationError):
        build_artifact(project, "policy", "best")
    assert Artifact.objects.count() == 2


def test_kind_is_registered_once(project: Project) -> None:
    kinds.register(TOY)
    with pytest.raises(ValueError, match="registered twice"):
        kinds.register(
            kinds.JobKind(
                name="toy",
                queue="cpu",
                title="",
                command=TOY.command,
                collect=TOY.collect,
                validate=TOY.validate,
            )
        )
    with pytest.raises(ValueError, match="queue 'tpu'"):
        kinds.register(
            kinds.JobKind(
                name="x",
                queue="tpu",
                title="",
                command=TOY.command,
                collect=TOY.collect,
                validate=TOY.validate,
            )
        )
