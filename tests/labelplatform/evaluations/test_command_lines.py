"""What the platform tells the evaluator is what the evaluator hears."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from evaluator.cli.parser import build_parser
from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import command_lines, services
from labelplatform.jobs.models import Artifact, Job
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact

RUN = Path("RUN")
SUITE = "hallucination-open-domain"


def heard(argv: list[str]) -> dict[str, Any]:
    assert argv[1:3] == ["-m", "evaluator"]
    return vars(build_parser().parse_args(argv[3:]))


def asked(project: Project, by: User, subject: Artifact, data: Artifact | None, suite: str) -> Job:
    run = services.start_evaluation(
        project=project,
        name="n",
        suite=suite,
        variant="",
        subject=subject,
        data=data,
        seed=4,
        by=by,
        limit=3,
    )
    return run.job


def test_evaluate_hears_subject_data_and_decoding(project: Project, rosa: User, questions: Artifact) -> None:
    policy = build_artifact(project)
    told = heard(command_lines.evaluate_command(asked(project, rosa, policy, questions, SUITE), RUN))
    assert (told["suite"], told["variant"], told["seed"], told["limit"]) == (SUITE, None, 4, 3)
    assert told["subject"] == str(policy.path)
    assert told["data"] == questions.path / "questions.jsonl"
    assert told["out"] == RUN / "out"


def test_a_reward_model_is_measured_by_its_scored_rankings(project: Project, rosa: User) -> None:
    model = build_artifact(project, Artifact.Kind.REWARD_MODEL)
    told = heard(command_lines.evaluate_command(asked(project, rosa, model, None, "reward-agreement"), RUN))
    assert (told["subject"], told["data"]) == (str(model.path / "heldout_scores.jsonl"), None)


def test_responses_are_measured_by_their_file(project: Project) -> None:
    files = {"responses.jsonl": "{}\n"}
    responses = build_artifact(project, Artifact.Kind.RESPONSES, files=files, detail={"files": list(files)})
    assert command_lines.subject_path(responses) == responses.path / "responses.jsonl"
    two = build_artifact(project, Artifact.Kind.RESPONSES, detail={"files": ["a", "b"]})
    with pytest.raises(ValidationError, match="wanted one file"):
        command_lines.subject_path(two)


def test_compare_hears_baseline_before_candidate(project: Project, rosa: User) -> None:
    baseline, candidate = (build_artifact(project, Artifact.Kind.REPORT) for _ in range(2))
    job = Job.objects.create(
        project=project,
        kind="compare",
        spec={"baseline": baseline.digest, "candidate": candidate.digest, "seed": 2},
        identity="x",
    )
    job.inputs.set([candidate, baseline])
    told = heard(command_lines.compare_command(job, RUN))
    assert (told["baseline"], told["candidate"], told["seed"]) == (baseline.path, candidate.path, 2)


def test_leaderboard_hears_the_snapshots_rankings(rosa: User, snapshot: Snapshot) -> None:
    run = services.start_leaderboard(snapshot=snapshot, by=rosa, seed=9, resamples=50)
    told = heard(command_lines.leaderboard_command(run.job, RUN))
    assert snapshot.artifact is not None
    assert (told["rankings"], told["seed"], told["resamples"]) == (
        snapshot.artifact.path / "rankings.jsonl",
        9,
        50,
    )
