"""The emergence pages show the report's own figures, its argument, and its files, and nothing else of the disk."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import translation

from evaluator.figures import read_figures
from evaluator.plots.folder import draw_report
from evaluator.report_files import Verdict, read_report
from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Job
from labelplatform.ladders.models import EmergenceRun
from labelplatform.reports.queries.emergence import emergence_report, file_of, verdict_row
from tests.labelplatform.ladders.building import (
    CURVE,
    begin_ladder,
    climb,
    end_emergence,
    end_evaluation,
    end_training,
)
from tests.labelplatform.ladders.building import emergence_report as made_up

Browser = Callable[[User], Client]


def shown(browser: Client, run: EmergenceRun, more: str = "") -> str:
    answer = browser.get(f"/p/harbour/reports/emergence/{run.pk}/{more}")
    assert answer.status_code == 200
    return answer.content.decode()


def before_the_report(project: Project, rosa: User) -> EmergenceRun:
    """A ladder whose report is still to be made."""
    ladder = begin_ladder(project, rosa)
    for rung in ladder.rungs.all():
        end_training(rung)
        end_evaluation(rung, 0.3)
    return EmergenceRun.objects.get()


def test_the_page_shows_the_reports_own_verdicts_and_figures(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    _ladder, run = climb(project, rosa)
    page = shown(sign_in(rosa), run)
    assert run.report is not None
    report = read_report(run.report.path, samples=False)
    for verdict in report.verdicts:
        assert f">{verdict.group}<" in page
        assert verdict.reason in page
        assert f">{verdict.verdict}<" in page
    assert "1.250" in page
    assert "As of" in page
    assert "12 points" in page
    for row in read_figures(run.report.path)[0].table.rows:
        assert f"<td>{row[0]}</td>" in page
    assert "<td>–</td>" in page
    assert '<span lang="en">3 sizes</span>' in page


def test_a_recomputation_from_the_labelled_points_is_what_the_page_says(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    """The figures stand in the report's folder alone: another folder, another page."""
    _ladder, run = climb(project, rosa)
    assert run.report is not None
    path = run.report.path / "report.json"
    told = json.loads(path.read_text("utf-8"))
    told["metrics"][0]["value"] = 7.75
    told["verdicts"][1]["reason"] = "argued otherwise"
    path.write_text(json.dumps(told), "utf-8")
    page = shown(sign_in(rosa), run)
    assert "7.750" in page
    assert "1.250" not in page
    assert "argued otherwise" in page


def test_drawings_stand_in_the_page_and_a_curves_own_on_wish(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    _ladder, run = climb(project, rosa)
    assert run.report is not None
    draw_report(run.report.path)
    browser = sign_in(rosa)
    page = shown(browser, run)
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg"') == 2
    assert 'id="points"' in page
    assert 'id="curve-1-copy"' not in page
    assert '<a href="?figure=curve-1-copy#curve-1-copy">' in page
    assert "style=" not in page
    own = shown(browser, run, "?figure=curve-1-copy")
    assert 'id="curve-1-copy"' in own
    assert 'id="points"' not in own
    assert "All curves together" in own
    assert browser.get(f"/p/harbour/reports/emergence/{run.pk}/?figure=none-such").status_code == 404


def test_files_are_given_as_downloads_and_no_other_file_is(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    _ladder, run = climb(project, rosa)
    assert run.report is not None
    draw_report(run.report.path)
    browser = sign_in(rosa)
    page = shown(browser, run)
    for name, kind in {
        "points.csv": "text/csv",
        "report.html": "text/html",
        "report.json": "application/json",
        "points.svg": "image/svg+xml",
        "points.png": "image/png",
    }.items():
        address = f"/p/harbour/reports/emergence/{run.pk}/files/{name}"
        assert f'href="{address}"' in page
        answer = browser.get(address)
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="small-{name}"'
    points = b"".join(browser.get(f"/p/harbour/reports/emergence/{run.pk}/files/points.csv"))
    assert points == (run.report.path / "points.csv").read_bytes()
    for name in ("samples.jsonl", "figures.json", "fits.svg", "curve-9.svg", "points.jsonl", ".."):
        assert browser.get(f"/p/harbour/reports/emergence/{run.pk}/files/{name}").status_code == 404, name
    assert file_of(run.report, "../report.json") is None
    assert file_of(run.report, "points.csv") == (run.report.path / "points.csv", "text/csv; charset=utf-8")


def test_too_few_sizes_are_not_enough_data(sign_in: Browser, rosa: User, project: Project) -> None:
    run = before_the_report(project, rosa)
    end_emergence(
        run, made_up((CURVE, "not enough sizes"), ("copy/edit_similarity/small", "not enough sizes"))
    )
    browser = sign_in(rosa)
    assert "Not enough data." in shown(browser, run)
    assert "no curve is claimed" in shown(browser, run)
    assert "not enough data" in browser.get("/p/harbour/reports/emergence/").content.decode()


def test_one_verdict_that_says_more_is_enough(rosa: User, project: Project) -> None:
    run = before_the_report(project, rosa)
    end_emergence(run, made_up((CURVE, "not enough sizes"), ("copy/edit_similarity/small", "gradual")))
    assert not emergence_report(run).not_enough
    assert emergence_report(run).summary == (("not enough sizes", 1), ("gradual", 1))


def test_the_list_counts_the_verdicts(sign_in: Browser, rosa: User, project: Project) -> None:
    ladder, run = climb(project, rosa)
    page = sign_in(rosa).get("/p/harbour/reports/emergence/").content.decode()
    assert "sharp only in the metric · 1" in page
    assert "gradual · 1" in page
    assert f"/p/harbour/reports/emergence/{run.pk}/" in page
    assert f"/p/harbour/training/ladders/{ladder.pk}/" in page


def test_an_empty_room_says_what_to_do(sign_in: Browser, rosa: User, project: Project) -> None:
    page = sign_in(rosa).get("/p/harbour/reports/emergence/").content.decode()
    assert "No emergence report yet" in page
    assert "/p/harbour/training/ladders/start/" in page


def test_a_report_that_is_being_made_says_so(sign_in: Browser, rosa: User, project: Project) -> None:
    run = before_the_report(project, rosa)
    browser = sign_in(rosa)
    page = shown(browser, run)
    assert "Waiting for a worker" in page
    assert f'data-live="/p/harbour/reports/emergence/{run.pk}/live/"' in page
    live = browser.get(f"/p/harbour/reports/emergence/{run.pk}/live/")
    assert (live.headers["X-Live"], live.headers["Cache-Control"]) == ("on", "no-store")
    assert browser.get(f"/p/harbour/reports/emergence/{run.pk}/files/points.csv").status_code == 404
    Job.objects.filter(pk=run.job_id).update(state=Job.State.FAILED, finished_at=run.created_at)
    assert "X-Live" not in browser.get(f"/p/harbour/reports/emergence/{run.pk}/live/").headers
    assert "data-live=" not in shown(browser, run)


def test_a_folder_that_cannot_be_read_is_told(sign_in: Browser, rosa: User, project: Project) -> None:
    _ladder, run = climb(project, rosa)
    assert run.report is not None
    (run.report.path / "report.json").write_text("{}", "utf-8")
    browser = sign_in(rosa)
    assert "The report cannot be read:" in shown(browser, run)
    assert "cannot be read" in browser.get("/p/harbour/reports/emergence/").content.decode()
    (run.report.path / "figures.json").write_text("[]", "utf-8")
    assert file_of(run.report, "points.svg") is None


@pytest.mark.parametrize(
    ("said", "english", "chinese", "tone"),
    [
        ("gradual", "gradual", "渐进", ""),
        ("sharp only in the metric", "sharp only in the metric", "只在指标上突变", ""),
        (
            "breakpoint at 2.8 B [1.4, 6.9]",
            "breakpoint at 2.8 B [1.4, 6.9]",
            "断点在 2.8 B [1.4, 6.9]",
            "good",
        ),
        ("not enough sizes", "not enough sizes", "规模太少", "warn"),
        ("no trend", "no trend", "没有趋势", ""),
        ("something new", "something new", "something new", ""),
    ],
)
def test_verdicts_are_said_in_the_readers_language(said: str, english: str, chinese: str, tone: str) -> None:
    verdict = Verdict("emergence", said, "because", "curve")
    with translation.override("en"):
        row = verdict_row(verdict, {"curve": "curve-1"})
        assert (row.words, row.tone, row.reason) == (english, tone, "because")
        assert (row.curve, row.figure) == ("curve", "curve-1")
    with translation.override("zh-hans"):
        assert verdict_row(verdict, {}).words == chinese
    assert verdict_row(Verdict("emergence", said, "because"), {}).curve == "emergence"


def test_strangers_and_annotators_see_nothing(
    sign_in: Browser, rosa: User, ada: User, olga: User, project: Project, other_project: Project
) -> None:
    _ladder, run = climb(project, rosa)
    for page in ("", f"{run.pk}/", f"{run.pk}/live/", f"{run.pk}/files/points.csv"):
        assert sign_in(ada).get(f"/p/harbour/reports/emergence/{page}").status_code == 403
        assert sign_in(olga).get(f"/p/harbour/reports/emergence/{page}").status_code == 404
    for page in (f"{run.pk}/", f"{run.pk}/live/", f"{run.pk}/files/points.csv"):
        assert sign_in(olga).get(f"/p/elsewhere/reports/emergence/{page}").status_code == 404
    assert run.name not in sign_in(olga).get("/p/elsewhere/reports/emergence/").content.decode()
