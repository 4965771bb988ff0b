"""The evaluations room as a researcher uses it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.models import ComparisonRun, EvaluationRun, LeaderboardRun
from labelplatform.jobs.models import Artifact, Job
from labelplatform.snapshots.models import Snapshot
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.evaluations.conftest import Finish, closed_book, metric
from tests.labelplatform.evaluations.test_services import ask, measured
from tests.labelplatform.world import begin

Browser = Callable[[User], Client]
ROOM = "/p/harbour/evaluations/"
SUITE = "hallucination-open-domain"


def test_evaluate_starts_what_the_form_said(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact
) -> None:
    subject = build_artifact(project)
    form = {"name": "asked", "suite": SUITE, "subject": subject.pk, "questions": questions.pk, "seed": 3}
    answer = sign_in(rosa).post(f"{ROOM}evaluate/", form)
    run = EvaluationRun.objects.get()
    assert answer.headers["Location"] == f"{ROOM}{run.pk}/"
    assert (run.suite, run.variant, run.subject, run.data, run.seed) == (
        SUITE,
        "closed-book",
        subject,
        questions,
        3,
    )


@pytest.mark.parametrize("changed", [{"questions": ""}, {"seed": -1}, {"suite": "unheard-of"}, {"name": ""}])
def test_evaluate_refuses_what_cannot_be_asked(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact, changed: dict[str, Any]
) -> None:
    subject = build_artifact(project)
    form = {
        "name": "a",
        "suite": SUITE,
        "subject": subject.pk,
        "questions": questions.pk,
        "seed": 0,
        **changed,
    }
    assert sign_in(rosa).post(f"{ROOM}evaluate/", form).status_code == 422
    assert not Job.objects.exists()


def test_evaluate_offers_nothing_of_another_project(
    sign_in: Browser, rosa: User, project: Project, other_project: Project, questions: Artifact
) -> None:
    stranger = build_artifact(other_project, name="stranger")
    form = {"name": "a", "suite": SUITE, "subject": stranger.pk, "questions": questions.pk, "seed": 0}
    browser = sign_in(rosa)
    assert browser.post(f"{ROOM}evaluate/", form).status_code == 422
    assert "stranger" not in browser.get(f"{ROOM}evaluate/").content.decode()


def test_compare_and_rate_lead_to_their_reports(
    sign_in: Browser,
    rosa: User,
    project: Project,
    questions: Artifact,
    snapshot: Snapshot,
    finish_with: Finish,
) -> None:
    browser = sign_in(rosa)
    pair = [
        measured(finish_with, ask(project, rosa, questions, name), closed_book(grade))
        for name, grade in (("before", 0.4), ("after", 0.6))
    ]
    answer = browser.post(f"{ROOM}compare/", {"baseline": pair[0].pk, "candidate": pair[1].pk})
    assert answer.headers["Location"] == f"/p/harbour/reports/comparisons/{ComparisonRun.objects.get().pk}/"
    assert (
        browser.post(f"{ROOM}compare/", {"baseline": pair[0].pk, "candidate": pair[0].pk}).status_code == 422
    )
    answer = browser.post(f"{ROOM}rate/", {"snapshot": snapshot.pk})
    assert answer.headers["Location"] == f"/p/harbour/reports/leaderboards/{LeaderboardRun.objects.get().pk}/"


def test_run_shows_every_stored_figure_with_its_interval_and_n(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact, finish_with: Finish
) -> None:
    report = closed_book(0.512, metric("grade", None, "tier=never"), metric("grade", 0.477, "tier=often"))
    run = measured(finish_with, ask(project, rosa, questions), report)
    page = sign_in(rosa).get(f"{ROOM}{run.pk}/").content.decode()
    for row in run.metrics.exclude(value=None):
        assert f'metric__value">{row.value:.3f}<' in page
        assert f"{row.value:.3f} ({row.low:.3f} – {row.high:.3f})" in page
    assert page.count("n 40") == run.metrics.exclude(value=None).count()
    assert "no item was measured" in page
    assert "tier: often" in page


def test_live_asks_for_more_only_while_the_job_goes_on(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact, finish_with: Finish
) -> None:
    run, browser = ask(project, rosa, questions), sign_in(rosa)
    begin(run.job)
    page = f"{ROOM}jobs/{run.job.pk}/live/"
    assert browser.get(page).headers["X-Live"] == "on"
    measured(finish_with, run, closed_book(0.5))
    assert "X-Live" not in browser.get(page).headers


def test_live_knows_jobs_of_this_room_only(sign_in: Browser, rosa: User, project: Project) -> None:
    job = Job.objects.create(project=project, kind="sample", identity="x")
    assert sign_in(rosa).get(f"{ROOM}jobs/{job.pk}/live/").status_code == 404


def test_index_asks_the_same_number_of_times_however_many(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact, finish_with: Finish
) -> None:
    browser = sign_in(rosa)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(ROOM).status_code == 200
        return len(seen)

    measured(finish_with, ask(project, rosa, questions, "one"), closed_book(0.5))
    first = asked()
    for name in ("two", "three"):
        measured(finish_with, ask(project, rosa, questions, name), closed_book(0.5))
    assert asked() == first


@pytest.mark.parametrize("page", ["", "evaluate/", "compare/", "rate/"])
def test_annotators_do_not_enter_and_strangers_find_nothing(
    sign_in: Browser, ada: User, olga: User, project: Project, other_project: Project, page: str
) -> None:
    assert sign_in(ada).get(f"{ROOM}{page}").status_code == 403
    assert sign_in(olga).get(f"{ROOM}{page}").status_code == 404


def test_nothing_of_another_project_is_there(
    sign_in: Browser, olga: User, rosa: User, project: Project, other_project: Project, questions: Artifact
) -> None:
    run, browser = ask(project, rosa, questions), sign_in(olga)
    assert browser.get(f"/p/elsewhere/evaluations/{run.pk}/").status_code == 404
    assert browser.get(f"/p/elsewhere/evaluations/jobs/{run.job.pk}/live/").status_code == 404
