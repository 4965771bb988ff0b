"""A comparison follows each training run: policy, evaluation, regression report, each rung for by a Schedule row."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import command_lines, services
from labelplatform.evaluations.following import compare_when_it_appears, follow
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun
from labelplatform.jobs.models import Artifact, Job, Schedule
from labelplatform.jobs.schedules import ring
from labelplatform.jobs.services import create_schedule
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.conftest import Finish, closed_book
from tests.labelplatform.evaluations.test_command_lines import RUN, heard
from tests.labelplatform.evaluations.test_services import ask, compared, measured


@pytest.fixture
def baseline(project: Project, rosa: User, questions: Artifact, finish_with: Finish) -> EvaluationRun:
    return measured(finish_with, ask(project, rosa, questions, "start"), closed_book(0.4))


def rung() -> Job | None:
    jobs = ring()
    assert len(jobs) <= 1
    return jobs[0] if jobs else None


def test_a_training_run_ends_in_a_regression_report(
    project: Project, rosa: User, questions: Artifact, baseline: EvaluationRun, finish_with: Finish
) -> None:
    asked = {"suite": baseline.suite, "variant": baseline.variant, "data": questions.digest}
    create_schedule(project=project, name="ask", kind="evaluate", spec=asked, by=rosa, artifact_kind="policy")
    schedule = follow(baseline=baseline, by=rosa)
    trained = build_artifact(project, name="trained")
    evaluation = rung()
    assert evaluation is not None
    assert evaluation.kind == "evaluate"
    services.collect_evaluation(evaluation, finish_with(evaluation, closed_book(0.6)))
    comparison = rung()
    assert comparison is not None
    assert comparison.kind == "compare"
    assert baseline.report is not None
    told = heard(command_lines.compare_command(comparison, RUN))
    found = EvaluationRun.objects.get(subject=trained)
    assert found.report is not None
    assert (told["baseline"], told["candidate"]) == (baseline.report.path, found.report.path)
    for _ in range(2):
        services.collect_comparison(
            comparison, finish_with(comparison, compared(verdict="improvement", change=0.2))
        )
    run = ComparisonRun.objects.get()
    assert (run.baseline, run.candidate, run.job) == (baseline, found, comparison)
    # The comparison's own report is no evaluation: nothing follows it.
    assert rung() is None
    schedule.refresh_from_db()
    assert schedule.failure == ""


def test_what_was_measured_last_can_be_the_baseline(
    project: Project, rosa: User, questions: Artifact, baseline: EvaluationRun, finish_with: Finish
) -> None:
    told: dict[str, Any] = {"kind": "compare", "by": rosa, "artifact_kind": "report"}
    create_schedule(project=project, name="each", spec={"baseline": "previous", "seed": 4}, **told)
    before = baseline
    for name, grade in (("second", 0.5), ("third", 0.6)):
        run = measured(finish_with, ask(project, rosa, questions, name), closed_book(grade))
        job = rung()
        assert job is not None
        assert before.report is not None
        assert run.report is not None
        assert (job.spec["baseline"], job.spec["candidate"]) == (before.report.digest, run.report.digest)
        assert job.spec["seed"] == 4
        before = run


def test_other_questions_are_not_compared(
    project: Project, rosa: User, questions: Artifact, baseline: EvaluationRun, finish_with: Finish
) -> None:
    # No two suites have a variant of one name, but for the default.
    plain = measured(finish_with, ask(project, rosa, questions, "plain", variant=""), closed_book(0.4))
    for one in (baseline, plain):
        follow(baseline=one, by=rosa)
    for changed in ({"variant": "self-consistency-ngram"}, {"suite": "truthfulness", "variant": ""}):
        measured(finish_with, ask(project, rosa, questions, str(changed), **changed), closed_book(0.5))
    files = {"questions.jsonl": '{"id": "r"}\n'}
    others = build_artifact(project, Artifact.Kind.QUESTIONS, files=files, detail={"files": list(files)})
    measured(finish_with, ask(project, rosa, others, "others"), closed_book(0.5))
    assert rung() is None


def test_the_first_of_its_kind_has_nothing_before_it(
    project: Project, rosa: User, questions: Artifact, finish_with: Finish
) -> None:
    told: dict[str, Any] = {"kind": "compare", "by": rosa, "artifact_kind": "report"}
    create_schedule(project=project, name="each", spec={"baseline": "previous"}, **told)
    measured(finish_with, ask(project, rosa, questions, "first"), closed_book(0.5))
    assert rung() is None


def test_another_projects_evaluations_are_none_of_ours(
    project: Project,
    other_project: Project,
    rosa: User,
    olga: User,
    baseline: EvaluationRun,
    finish_with: Finish,
) -> None:
    told: dict[str, Any] = {"variant": baseline.variant, "suite": baseline.suite}
    ours = measured(finish_with, ask(project, rosa, None, "ours", **told), closed_book(0.5))  # type: ignore[arg-type]
    assert ours.report is not None
    again = measured(finish_with, ask(project, rosa, None, "again", **told), closed_book(0.6))  # type: ignore[arg-type]
    assert again.report is not None
    spec = {"baseline": ours.report.digest}
    schedule = create_schedule(
        project=other_project, name="theirs", kind="compare", spec=spec, by=olga, artifact_kind="report"
    )
    theirs = measured(finish_with, ask(other_project, olga, None, "theirs", **told), closed_book(0.5))  # type: ignore[arg-type]
    assert theirs.report is not None
    assert compare_when_it_appears(schedule, theirs.report) is None
    assert compare_when_it_appears(schedule, again.report) is None


def test_the_clock_and_an_unfinished_baseline_are_refused(
    project: Project, rosa: User, questions: Artifact
) -> None:
    with pytest.raises(ValidationError, match="not by the clock"):
        compare_when_it_appears(Schedule(project=project, spec={}), None)
    with pytest.raises(ValidationError, match="must have finished"):
        follow(baseline=ask(project, rosa, questions, "waiting"), by=rosa)


def test_the_form_makes_the_schedule_once(
    project: Project,
    rosa: User,
    questions: Artifact,
    baseline: EvaluationRun,
    finish_with: Finish,
    sign_in: Callable[[User], Client],
) -> None:
    other = measured(finish_with, ask(project, rosa, questions, "other"), closed_book(0.5))
    form = {"baseline": baseline.pk, "candidate": other.pk}
    address = "/p/harbour/evaluations/compare/"
    browser = sign_in(rosa)
    assert browser.post(address, form).status_code == 302
    assert not Schedule.objects.exists()
    for _ in range(2):
        assert browser.post(address, {**form, "follow": "on"}).status_code == 302
    schedule = Schedule.objects.get()
    assert (schedule.kind, schedule.artifact_kind, schedule.requested_by) == ("compare", "report", rosa)
    assert baseline.report is not None
    assert schedule.spec["baseline"] == baseline.report.digest
    assert ComparisonRun.objects.count() == 1
