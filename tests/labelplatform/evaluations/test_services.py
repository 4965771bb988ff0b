"""Measuring, comparing, rating: asked once, collected once, every figure a row."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from evaluator.errors import BadInput
from evaluator.report_files import Items, Report, Verdict
from labelplatform.accounts.models import AuditEntry, Project, User
from labelplatform.evaluations import services
from labelplatform.evaluations.models import (
    ComparisonRun,
    EvaluationRun,
    MeasuredEffect,
    MeasuredMetric,
    PolicyColour,
    PolicyRating,
)
from labelplatform.jobs.models import Artifact, Job
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.conftest import closed_book, metric

Finish = Callable[[Job, Report], Path]


def ask(
    project: Project, by: User, questions: Artifact, name: str = "asked", **changed: Any
) -> EvaluationRun:
    told: dict[str, Any] = {
        "suite": "hallucination-open-domain",
        "variant": "closed-book",
        "subject": None,
        "data": questions,
        "seed": 0,
        **changed,
    }
    told["subject"] = told["subject"] or build_artifact(project, name=f"policy {name}")
    return services.start_evaluation(project=project, name=name, by=by, **told)


def measured(finish_with: Finish, run: EvaluationRun, report: Report) -> EvaluationRun:
    services.collect_evaluation(run.job, finish_with(run.job, report))
    run.refresh_from_db()
    return run


@pytest.fixture
def pair(project: Project, rosa: User, questions: Artifact, finish_with: Finish) -> list[EvaluationRun]:
    return [
        measured(finish_with, ask(project, rosa, questions, name), closed_book(grade))
        for name, grade in (("before", 0.4), ("after", 0.6))
    ]


def compared(*, verdict: str, change: float) -> Report:
    """A comparison as the evaluator writes it: one judged effect, one that is only shown."""
    figures: dict[str, Any] = {
        "lost": 3,
        "gained": 9,
        "p_value": 0.01,
        "baseline": 0.4,
        "candidate": 0.4 + change,
    }
    return Report(
        suite="comparison",
        variant="paired",
        subject="candidate",
        seed=0,
        metrics=[
            metric("grade", change, **figures, p_holm=0.02),
            metric("abstained", 0.1, "tier=never", **{**figures, "p_value": None}),
        ],
        items=Items(40, 40, 0, 0),
        verdicts=[Verdict("grade", verdict, "0.4 → 0.6 on 40 items")],
        extra={"verdict": verdict, "worst_items": [{"id": "q", "baseline": {"response": "x" * 5000}}]},
    )


def rated(*ratings: tuple[str, float | None]) -> Report:
    """A leaderboard as the evaluator writes it."""
    counts = {"rank_best": 1, "rank_worst": 2, "wins": 5, "losses": 3, "ties": 2}
    return Report(
        suite="leaderboard",
        variant="davidson",
        subject="rankings",
        seed=0,
        metrics=[
            *(metric("rating", value, name, **counts) for name, value in ratings),
            metric("tie_parameter", 0.3),
        ],
        items=Items(40, 40, 0, 0),
        extra={"warnings": ["two groups"]},
    )


def test_start_evaluation_is_one_promise(project: Project, rosa: User, questions: Artifact) -> None:
    subject = build_artifact(project)
    run = ask(project, rosa, questions, subject=subject, max_new_tokens=8)
    assert ask(project, rosa, questions, subject=subject, max_new_tokens=8) == run
    assert run.job.spec["decoding"] == {"max_new_tokens": 8}
    assert set(run.job.inputs.all()) == {subject, questions}
    assert AuditEntry.objects.filter(verb="start evaluation", by=rosa).count() == 1
    with pytest.raises(ValidationError, match="taken"):
        ask(project, rosa, questions, subject=subject, seed=1)
    assert EvaluationRun.objects.count() == Job.objects.count() == 1


@pytest.mark.parametrize(
    "changed", [{"seed": -1}, {"max_new_tokens": 0}, {"temperature": -1.0}, {"suite": ""}]
)
def test_start_evaluation_refuses_what_the_evaluator_would(
    project: Project, rosa: User, questions: Artifact, changed: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        ask(project, rosa, questions, **changed)
    assert not Job.objects.exists()


def test_start_evaluation_measures_models_and_responses_only(
    project: Project, rosa: User, questions: Artifact
) -> None:
    with pytest.raises(ValidationError, match="can be evaluated"):
        ask(project, rosa, questions, subject=build_artifact(project, Artifact.Kind.CORPUS))


def test_collect_evaluation_makes_each_metric_a_row_once(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    run = ask(project, rosa, questions)
    folder = finish_with(run.job, closed_book(0.5, metric("grade", None, "tier=never")))
    for _ in range(2):
        services.collect_evaluation(run.job, folder)
    run.refresh_from_db()
    assert run.report is not None
    assert (run.report.kind, run.report.name, run.report.made_by) == ("report", "asked", run.job)
    stored = MeasuredMetric.objects.values_list(
        "name", "group", "value", "low", "high", "n", "better", "reason"
    )
    assert list(stored) == [
        ("grade", "", 0.5, 0.4, 0.6, 40, "higher", ""),
        ("right", "", 0.4, pytest.approx(0.3), 0.5, 40, "higher", ""),
        ("abstained", "", 0.2, 0.1, pytest.approx(0.3), 40, "neither", ""),
        ("wrong", "", 0.3, pytest.approx(0.2), 0.4, 40, "lower", ""),
        ("grade", "tier=never", None, None, None, 40, "higher", "no item was measured"),
    ]
    assert AuditEntry.objects.filter(verb="collect evaluation").count() == 1


def test_collect_evaluation_refuses_a_folder_without_a_report(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    run = ask(project, rosa, questions)
    folder = finish_with(run.job, closed_book(0.5))
    (folder / "out" / "report.json").unlink()
    with pytest.raises(BadInput):
        services.collect_evaluation(run.job, folder)
    assert not MeasuredMetric.objects.exists()


def test_the_worst_items_are_the_ones_with_the_lowest_scores(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    scores = {"good": (1.0, 0.0), "bad": (0.0, 1.0), "shy": (0.5, 0.0)}
    samples: list[dict[str, object]] = [
        {"id": name, "slices": {}, "scores": {"grade": grade, "wrong": wrong}}
        for name, (grade, wrong) in scores.items()
    ]
    run = measured(finish_with, ask(project, rosa, questions), closed_book(0.5, samples=samples))
    assert run.report is not None
    assert [item["id"] for item in run.report.detail["worst_items"]] == ["bad", "shy", "good"]


def test_start_comparison_compares_what_was_asked_alike(
    project: Project, rosa: User, questions: Artifact, pair: list[EvaluationRun]
) -> None:
    run = services.start_comparison(baseline=pair[0], candidate=pair[1], by=rosa)
    assert services.start_comparison(baseline=pair[0], candidate=pair[1], by=rosa) == run
    unfinished = ask(project, rosa, questions, "waiting")
    with pytest.raises(ValidationError, match="must have finished"):
        services.start_comparison(baseline=pair[0], candidate=unfinished, by=rosa)
    pair[1].variant = "open-book"
    with pytest.raises(ValidationError, match="different suites"):
        services.start_comparison(baseline=pair[0], candidate=pair[1], by=rosa)
    with pytest.raises(ValidationError, match="nothing to compare"):
        services.start_comparison(baseline=pair[0], candidate=pair[0], by=rosa)
    assert ComparisonRun.objects.count() == 1


@pytest.mark.parametrize("verdict", ["regression", "improvement", "no-change-confirmed", "not-enough-data"])
def test_collect_comparison_makes_each_effect_a_row_once(
    rosa: User, pair: list[EvaluationRun], finish_with: Finish, verdict: str
) -> None:
    run = services.start_comparison(baseline=pair[0], candidate=pair[1], by=rosa)
    folder = finish_with(run.job, compared(verdict=verdict, change=0.2))
    for _ in range(2):
        services.collect_comparison(run.job, folder)
    run.refresh_from_db()
    assert run.verdict == verdict
    stored = MeasuredEffect.objects.values_list(
        "name", "group", "value", "baseline_value", "p_adjusted", "verdict"
    )
    assert list(stored) == [
        ("grade", "", 0.2, 0.4, 0.02, verdict),
        ("abstained", "tier=never", 0.1, 0.4, None, ""),
    ]
    assert run.report is not None
    assert len(run.report.detail["worst_items"][0]["baseline"]["response"]) < 1300


def test_collect_comparison_refuses_a_verdict_it_does_not_know(
    rosa: User, pair: list[EvaluationRun], finish_with: Finish
) -> None:
    run = services.start_comparison(baseline=pair[0], candidate=pair[1], by=rosa)
    with pytest.raises(ValidationError):
        services.collect_comparison(run.job, finish_with(run.job, compared(verdict="splendid", change=0.2)))


def test_start_leaderboard_wants_a_frozen_snapshot(project: Project, rosa: User, snapshot: Snapshot) -> None:
    run = services.start_leaderboard(snapshot=snapshot, by=rosa)
    assert services.start_leaderboard(snapshot=snapshot, by=rosa) == run
    with pytest.raises(ValidationError, match="not frozen"):
        services.start_leaderboard(snapshot=Snapshot.objects.create(project=project, name="second"), by=rosa)


def test_collect_leaderboard_links_policies_and_gives_colours_once(
    project: Project, rosa: User, snapshot: Snapshot, finish_with: Finish
) -> None:
    after = build_artifact(project, name="after")
    run = services.start_leaderboard(snapshot=snapshot, by=rosa)
    folder = finish_with(run.job, rated(("after", 1040.0), ("a stranger", 960.0), ("apart", None)))
    for _ in range(2):
        services.collect_leaderboard(run.job, folder)
    stored = PolicyRating.objects.values_list(
        "group", "value", "policy", "rank_best", "wins", "ties", "reason"
    )
    assert list(stored) == [
        ("after", 1040.0, after.pk, 1, 5, 2, ""),
        ("a stranger", 960.0, None, 1, 5, 2, ""),
        ("apart", None, None, 1, 5, 2, "no item was measured"),
    ]
    colours = PolicyColour.objects.values_list("name", "number")
    assert list(colours) == [("after", 0), ("a stranger", 1), ("apart", 2)]


def test_colours_never_change(project: Project, other_project: Project) -> None:
    services.give_colours(project=project, names=["b", "a", "b"])
    before = dict(PolicyColour.objects.filter(project=project).values_list("name", "number"))
    services.give_colours(project=project, names=["a", "c", "0"])
    after = dict(PolicyColour.objects.filter(project=project).values_list("name", "number"))
    assert before == {"b": 0, "a": 1}
    assert after == {**before, "c": 2, "0": 3}
    services.give_colours(project=other_project, names=["c"])
    assert PolicyColour.objects.get(project=other_project).number == 0


def test_store_questions_is_one_file(project: Project, rosa: User) -> None:
    lines: list[dict[str, object]] = [{"id": "q", "references": ["Peru"]}]
    artifact = services.store_questions(project=project, name="cities", lines=lines, by=rosa)
    assert (artifact.kind, artifact.detail) == ("questions", {"files": ["questions.jsonl"]})


def test_a_confirmed_regression_is_a_result_and_not_a_failure(
    run_jobs: Callable[[], list[Job]], project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    """The real command: forty items that were right before and are wrong now; it exits with 3."""

    def answers(wrong: float) -> list[dict[str, object]]:
        scores = {"grade": 1 - wrong, "right": 1 - wrong, "abstained": 0.0, "wrong": wrong}
        return [{"id": f"q{number}", "slices": {}, "scores": scores} for number in range(40)]

    pair = [
        measured(finish_with, ask(project, rosa, questions, name), closed_book(0.5, samples=answers(wrong)))
        for name, wrong in (("before", 0.0), ("after", 1.0))
    ]
    run = services.start_comparison(baseline=pair[0], candidate=pair[1], by=rosa)
    (job,) = run_jobs()
    run.refresh_from_db()
    assert (job.state, job.exit_code, run.verdict) == ("succeeded", 3, "regression")
    assert run.effects.get(name="wrong", group="").harm == 1.0


def test_a_name_stands_for_a_model_before_responses(project: Project) -> None:
    model = build_artifact(project, Artifact.Kind.POLICY, "after")
    build_artifact(project, Artifact.Kind.RESPONSES, "after")
    chosen = build_artifact(project, Artifact.Kind.RESPONSES, "best of 6")
    build_artifact(project, Artifact.Kind.REPORT, "nobody")
    names = ["after", "best of 6", "nobody"]
    assert services.writers_by_name(project, names) == {"after": model, "best of 6": chosen}
