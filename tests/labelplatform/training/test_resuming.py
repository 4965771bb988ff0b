"""Runs that are killed go on from their last checkpoint, in the folder they left, to the bytes of a run in peace."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from labelplatform.accounts.models import Project, User
from labelplatform.jobs import kinds
from labelplatform.jobs.models import Artifact, Job
from labelplatform.training import command_lines, services
from labelplatform.training.models import TrainingRun
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.world import finish
from trainer import cli
from trainer.snapshots import file_digest

Drain = Callable[[], list[Job]]
STEPS = 40
TEXT = "\n\n".join(
    f"Town {number} lies on river {number % 7}, near hill {number % 5}." for number in range(200)
)
SHAPE = {"layers": 1, "width": 16, "heads": 2, "vocabulary": 300, "context": 16, "batch_tokens": 128}


def begin(project: Project, by: User, name: str) -> TrainingRun:
    corpus = Artifact.objects.filter(kind=Artifact.Kind.CORPUS).first() or build_artifact(
        project, Artifact.Kind.CORPUS, files={"a.txt": TEXT}, detail={"files": ["a.txt"]}
    )
    told = {**SHAPE, "steps": STEPS, "seed": 1}
    return services.start_pretraining(project=project, name=name, corpus=corpus, settings=told, by=by)


def kill_at_a_checkpoint(job: Job, kept: dict[str, Any]) -> None:
    """Ends the trainer of this job with kill -9 once a checkpoint of half of the steps is there."""
    folder = job.run_folder.parent / "attempt-1" / "out"
    deadline = time.monotonic() + 120
    pause = threading.Event()
    while time.monotonic() < deadline:
        found = sorted((folder / "checkpoints").glob("step-*"))
        if found and int(found[-1].name.removeprefix("step-")) >= STEPS // 2:
            kept["checkpoint"] = int(found[-1].name.removeprefix("step-"))
            kept["progress"] = (folder / "progress.jsonl").read_text().splitlines()
            for child in psutil.Process().children(recursive=True):
                if str(folder) in child.cmdline():
                    os.kill(child.pid, signal.SIGKILL)
                    kept["killed"] = child.pid
            return
        pause.wait(0.002)


def steps(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def test_a_killed_run_goes_on_to_the_same_bytes(run_jobs: Drain, project: Project, rosa: User) -> None:
    run, kept = begin(project, rosa, "cut"), dict[str, Any]()
    killer = threading.Thread(target=kill_at_a_checkpoint, args=(run.job, kept))
    killer.start()
    first, second = run_jobs()
    killer.join()
    assert kept["killed"]
    assert "SIGKILL" in first.failure
    assert (first.state, second.state, second.attempts) == ("queued", "succeeded", 2)
    run.refresh_from_db()
    assert run.output is not None
    out = run.output.path
    assert out == second.run_folder / "out"
    assert not (second.run_folder.parent / "attempt-1" / "out").exists()
    # The lines up to the checkpoint are those of the first attempt, to the last digit of their seconds.
    lines = (out / "progress.jsonl").read_text().splitlines()
    before = [line for line in kept["progress"] if json.loads(line)["step"] <= kept["checkpoint"]]
    assert lines[: len(before)] == before
    assert [line["step"] for line in steps(lines) if "loss" in line] == sorted(
        {line["step"] for line in steps(lines)}
    )
    whole = begin(project, rosa, "whole")
    run_jobs()
    whole.refresh_from_db()
    assert whole.output is not None
    assert file_digest(out / "model.safetensors") == file_digest(whole.output.path / "model.safetensors")
    assert not (out / "checkpoints").exists()


@pytest.mark.parametrize("kind", ["pretrain", "sft", "reward-model", "ppo", "evaluate"])
def test_kinds_that_train_or_evaluate_go_on(kind: str) -> None:
    assert kinds.get(kind).resumes


@pytest.mark.parametrize("kind", ["import-gguf", "score", "best-of-n", "sample", "snapshot", "compare"])
def test_kinds_that_know_no_resume_do_not(kind: str) -> None:
    assert not kinds.get(kind).resumes


@pytest.mark.parametrize("kind", ["pretrain", "sft", "reward-model", "ppo"])
def test_a_trainer_that_was_asked_to_end_goes_on(kind: str) -> None:
    assert kinds.get(kind).stopped_exit_codes == (143,)


@pytest.mark.parametrize(
    ("verb", "settings", "every"),
    [
        ("pretrain", {"steps": 1000}, 50),
        ("pretrain", {"minutes": 3}, 50),
        ("pretrain", {"steps": 7}, 1),
        ("pretrain", {"steps": 61}, 4),
        ("ppo", {"updates": 200}, 10),
        ("ppo", {"updates": 0}, 1),
        ("ppo", {}, 3),
        ("sft", {}, 50),
        ("reward-model", {"epochs": 9}, 50),
    ],
)
def test_a_twentieth_of_a_run_at_most_is_done_again(verb: str, settings: dict[str, Any], every: int) -> None:
    assert command_lines.steps_to_a_checkpoint(command_lines.VERBS[verb], settings) == every


def test_the_trainer_hears_that_it_may_go_on(project: Project, rosa: User) -> None:
    run = begin(project, rosa, "heard")
    argv = command_lines.command(run.job.kind, run.job, Path("RUN"))
    spec = cli.spec_of(cli.VERBS["pretrain"], vars(cli.parser().parse_args(argv[3:]))).to_json()
    assert (spec["resume"], spec["checkpoint_every"]) == (True, 2)


def test_checkpoints_of_a_finished_run_are_no_part_of_what_it_made(project: Project, rosa: User) -> None:
    run = begin(project, rosa, "finished")
    out = finish(run.job).run_folder / "out"
    (out / "checkpoints" / "step-00000002").mkdir(parents=True)
    (out / "checkpoints" / "step-00000002" / "state.json").write_text("{}")
    (out / "outcome.json").write_text('{"metrics": {}}')
    services.collect_run(run.job, run.job.run_folder)
    run.refresh_from_db()
    assert run.output is not None
    assert not (run.output.path / "checkpoints").exists()
    assert (run.output.path / "outcome.json").exists()
