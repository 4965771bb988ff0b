"""Judged programs as rows and on pages: problems, programs with their failing call, pass@k of several models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations import code_queries, command_lines, services
from labelplatform.evaluations.code_models import JudgedSubmission
from labelplatform.evaluations.code_rows import LONGEST_PROGRAM
from labelplatform.evaluations.models import EvaluationRun
from labelplatform.jobs.models import Artifact
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.code_world import build_programs, code_report, judged_programs
from tests.labelplatform.evaluations.conftest import closed_book
from tests.labelplatform.evaluations.test_services import ask, measured

Browser = Callable[[User], Client]
ROOM = "/p/harbour/evaluations/"


@pytest.fixture
def policies(project: Project) -> list[Artifact]:
    return [build_artifact(project, name=name) for name in ("before", "after")]


@pytest.fixture
def run(project: Project, rosa: User, policies: list[Artifact]) -> EvaluationRun:
    return build_programs(project, rosa, policies)


def page(browser: Client, address: str) -> str:
    answer = browser.get(f"{ROOM}{address}")
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_every_program_of_a_report_is_a_row_once(run: EvaluationRun) -> None:
    rows = list(run.submissions.all())
    assert len(rows) == 20
    assert [(one.number, one.place) for one in rows] == [(n, p) for n in range(5) for p in range(4)]
    assert rows[0].problem == "Harbour/0"
    assert (rows[0].verdict, rows[0].temperature, rows[0].calls) == ("pass", 0.8, 3)
    assert rows[1].call == "f(1) returned 9"
    assert rows[7].wall_only
    assert not rows[0].wall_only
    forged = rows[16]
    assert (forged.verdict, forged.attempt) == ("unjudged", "own-equality")
    assert "return True" in forged.program
    services.collect_evaluation(run.job, run.job.run_folder)
    assert run.submissions.count() == 20
    assert run.report is not None
    assert all("judgements" not in item for item in run.report.detail["worst_items"])


def test_reports_of_one_response_a_problem_are_rows_too(
    project: Project, rosa: User, questions: Artifact
) -> None:
    report = code_report(1)
    told = {
        "verdict": "fail",
        "reason": "x" * 5000,
        "calls": 1,
        "call": "f(1)",
        "response": "return\0 " + "y" * 30000,
    }
    samples = [
        {"id": "a", "slices": {}, "scores": {"pass@1": 0.0}, **told},
        {"id": "b", "slices": {}, "scores": {}, "not_measured": "no response with this id"},
    ]
    object.__setattr__(report, "samples", samples)
    subject = build_artifact(project)
    (row,) = judged_programs(project, rosa, questions, subject, report).submissions.all()
    assert (row.problem, row.place, row.verdict, row.temperature) == ("a", 0, "fail", None)
    assert row.program.startswith("return\\x00 y")
    assert len(row.program) == LONGEST_PROGRAM
    assert len(row.reason) == 1200


def test_reports_of_other_suites_have_no_programs(
    project: Project, rosa: User, questions: Artifact, finish_with: Any
) -> None:
    run = measured(
        finish_with,
        ask(project, rosa, questions),
        closed_book(0.5, samples=[{"id": "a", "scores": {}, "verdict": "x"}]),
    )
    assert not run.submissions.exists()


@pytest.mark.parametrize(
    "changed", [{"verdict": "right"}, {"attempt": "own-equality", "verdict": "pass"}, {"place": 1}]
)
def test_the_database_keeps_what_is_always_true(run: EvaluationRun, changed: dict[str, Any]) -> None:
    row = run.submissions.get(number=0, place=0)
    for key, value in changed.items():
        setattr(row, key, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_problems_are_listed_with_what_came_of_them(sign_in: Browser, rosa: User, run: EvaluationRun) -> None:
    found = page(sign_in(rosa), f"{run.pk}/problems/")
    for number in range(5):
        assert f'href="{ROOM}{run.pk}/problems/{number}/">Harbour/{number}</a>' in found
    assert "5 problems" in found
    assert "Forged-pass attempts, none of which counted:" in found
    assert "<code>own-equality</code> 1" in found
    counts = [(words, count) for _, words, count in code_queries.verdict_counts(run)]
    assert counts == [("passed", 4), ("failed", 14), ("out of time", 1), ("not judged", 1)]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("show=solved", [0, 1, 2, 3]),
        ("show=unsolved", [4]),
        ("show=unjudged", [4]),
        ("show=forged", [4]),
        ("show=nonsense", [0, 1, 2, 3, 4]),
        ("q=harbour/2", [2]),
        ("show=solved&q=/4", []),
    ],
)
def test_problems_are_narrowed(
    sign_in: Browser, rosa: User, run: EvaluationRun, query: str, numbers: list[int]
) -> None:
    found = page(sign_in(rosa), f"{run.pk}/problems/?{query}")
    assert [n for n in range(5) if f"problems/{n}/" in found] == numbers
    assert ("No problem is like that." in found) == (not numbers)


def test_a_problem_shows_each_program_its_verdict_and_the_call_that_decided(
    sign_in: Browser, rosa: User, run: EvaluationRun
) -> None:
    browser = sign_in(rosa)
    found = page(browser, f"{run.pk}/problems/4/")
    assert "0 of 4 programs of before passed." in found
    assert "1 did what looks like a forged pass; it did not count." in found
    assert "forged-pass attempt: own-equality" in found
    assert "<code>f(1) returned 9</code>" in found
    assert "the submission returned a value of type Everything" in found
    assert "class Everything:" in found
    assert found.count("<article") == 4
    assert f'rel="prev" href="{ROOM}{run.pk}/problems/3/"' in found
    assert 'rel="next"' not in found
    first = page(browser, f"{run.pk}/problems/0/")
    assert 'rel="prev"' not in first
    assert f'rel="next" href="{ROOM}{run.pk}/problems/1/"' in first
    assert "by the wall clock alone" in page(browser, f"{run.pk}/problems/1/")
    only = page(browser, f"{run.pk}/problems/4/?verdict=unjudged")
    assert only.count("<article") == 1
    assert "Show all programs" in only
    assert "No program has this verdict." in page(browser, f"{run.pk}/problems/4/?verdict=pass")


def test_programs_are_text_and_never_markup(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact
) -> None:
    report = code_report(1)
    report.samples[0]["judgements"][0]["program"] = "</code><script>alert(1)</script>"  # type: ignore[index]
    run = judged_programs(project, rosa, questions, build_artifact(project), report)
    found = page(sign_in(rosa), f"{run.pk}/problems/0/")
    assert "<script>alert" not in found
    assert "&lt;script&gt;alert(1)" in found


def test_pass_at_k_sets_models_side_by_side(
    sign_in: Browser, rosa: User, run: EvaluationRun, policies: list[Artifact]
) -> None:
    found = page(sign_in(rosa), "pass-at-k/")
    for name in ("before", "after"):
        assert f">{name}</a>" in found
    assert "pass@4" in found
    assert "before: pass@1 0.200 (0.000 – 0.350), pass@2 0.400 (0.200 – 0.550)" in found
    assert found.count('class="whisker"') == 6
    assert "own-equality 1" in found
    assert f'href="{ROOM}{run.pk}/problems/?show=forged">1</a>' in found
    shown = code_queries.pass_at_k_of(run.project, run.data)  # type: ignore[arg-type]
    assert shown.ks == (1, 2, 4)
    assert [
        (row.run.subject.name, row.samples, row.problems, row.unjudged, row.forged_total)
        for row in shown.rows
    ] == [
        ("after", 20, 5, 1, 1),
        ("before", 20, 5, 1, 1),
    ]


def test_the_newest_evaluation_of_a_model_stands_for_it(
    project: Project, rosa: User, run: EvaluationRun, policies: list[Artifact]
) -> None:
    assert run.data is not None
    again = services.start_evaluation(
        project=project, name="again", suite="code-generation", variant="samples", subject=policies[0],
        data=run.data, seed=1, by=rosa,
    )  # fmt: skip
    assert again not in [row.run for row in code_queries.pass_at_k_of(project, run.data).rows]
    from evaluator.report_files import write_report
    from tests.labelplatform.world import finish

    finish(again.job)
    write_report(again.job.run_folder / "out", code_report(3, ks=(1,)))
    services.collect_evaluation(again.job, again.job.run_folder)
    rows = code_queries.pass_at_k_of(project, run.data).rows
    assert [row.run.name for row in rows] == ["again", "programs of after"]
    assert [cell and cell.value for cell in rows[0].cells] == [pytest.approx(0.6), None, None]


def test_problems_of_another_set_or_none(
    sign_in: Browser, rosa: User, project: Project, run: EvaluationRun, questions: Artifact
) -> None:
    browser = sign_in(rosa)
    judged_programs(project, rosa, questions, build_artifact(project, name="third"), code_report(2))
    assert ">third</a>" in page(browser, f"pass-at-k/?problems={questions.pk}")
    assert ">third</a>" not in page(browser, f"pass-at-k/?problems={run.data_id}")
    assert browser.get(f"{ROOM}pass-at-k/?problems=999999").status_code == 404
    assert browser.get(f"{ROOM}pass-at-k/?problems=x").status_code == 404


def test_without_programs_the_pages_say_what_to_do(sign_in: Browser, rosa: User, project: Project) -> None:
    assert "No model was asked for programs yet" in page(sign_in(rosa), "pass-at-k/")


def test_runs_of_other_suites_and_projects_have_no_problems(
    sign_in: Browser, rosa: User, ada: User, olga: User, project: Project, other_project: Project,
    questions: Artifact, run: EvaluationRun,
) -> None:  # fmt: skip
    browser = sign_in(rosa)
    other = ask(project, rosa, questions)
    assert browser.get(f"{ROOM}{other.pk}/problems/").status_code == 404
    assert browser.get(f"{ROOM}{other.pk}/problems/0/").status_code == 404
    assert browser.get(f"{ROOM}{run.pk}/problems/99/").status_code == 404
    for address in ("pass-at-k/", f"{run.pk}/problems/", f"{run.pk}/problems/0/"):
        assert sign_in(ada).get(f"{ROOM}{address}").status_code == 403
        assert sign_in(olga).get(f"{ROOM}{address}").status_code == 404
    stranger = sign_in(olga)
    assert stranger.get(f"/p/elsewhere/evaluations/{run.pk}/problems/").status_code == 404
    assert stranger.get(f"/p/elsewhere/evaluations/{run.pk}/problems/0/").status_code == 404
    assert "before" not in stranger.get("/p/elsewhere/evaluations/pass-at-k/").content.decode()
    assert stranger.get(f"/p/elsewhere/evaluations/pass-at-k/?problems={run.data_id}").status_code == 404


def test_the_run_leads_to_its_problems(
    sign_in: Browser, rosa: User, project: Project, run: EvaluationRun
) -> None:
    browser = sign_in(rosa)
    assert f'href="{ROOM}{run.pk}/problems/"' in page(browser, f"{run.pk}/")
    assert f'href="{ROOM}pass-at-k/"' in page(browser, "")


def test_pages_ask_the_same_number_of_times_however_many(
    sign_in: Browser, rosa: User, project: Project, run: EvaluationRun
) -> None:
    browser = sign_in(rosa)

    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            page(browser, address)
        return len(seen)

    before = [asked("pass-at-k/"), asked(f"{run.pk}/problems/")]
    assert run.data is not None
    for name in ("third", "fourth"):
        judged_programs(project, rosa, run.data, build_artifact(project, name=name), code_report(2))
    JudgedSubmission.objects.filter(run=run, number=0).update(problem="Harbour/zero")
    assert [asked("pass-at-k/"), asked(f"{run.pk}/problems/")] == before


def test_in_chinese(sign_in: Browser, rosa: User, run: EvaluationRun) -> None:
    browser = sign_in(rosa)
    browser.cookies["django_language"] = "zh-hans"
    with translation.override("zh-hans"):
        for address in ("pass-at-k/", f"{run.pk}/problems/", f"{run.pk}/problems/4/"):
            found = browser.get(f"{ROOM}{address}", headers={"Accept-Language": "zh-hans"}).content.decode()
            assert "Forged-pass" not in found, address
            assert "forged-pass" not in found, address


def test_samples_are_asked_for_as_the_command_line_takes_them(
    project: Project, rosa: User, questions: Artifact
) -> None:
    subject = build_artifact(project)
    told: dict[str, Any] = {"suite": "code-generation", "variant": "samples", "subject": subject}
    run = ask(project, rosa, questions, "sampled", **told, k=[1, 10], temperatures=[0.2, 0.8], samples=20)
    words = command_lines.evaluate_command(run.job, run.job.run_folder)
    asked = {
        words[place]: words[place + 1] for place in range(len(words) - 1) if words[place].startswith("--")
    }
    assert (asked["--k"], asked["--temperatures"], asked["--samples"]) == ("1,10", "0.2,0.8", "20")
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="--k"):
        ask(project, rosa, questions, "refused", **{**told, "variant": "response"}, k=[1, 10])
