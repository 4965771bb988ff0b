"""Ladders as a researcher sees them: the form, what it will take, the walk of the rungs, and going on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.jobs.models import Artifact, Job
from labelplatform.ladders.forms import LadderForm
from labelplatform.ladders.models import Ladder
from labelplatform.ladders.string_tasks import TASKS
from tests.labelplatform.builders import build_artifact
from tests.labelplatform.ladders.building import begin_ladder, climb, end_training
from tests.labelplatform.world import begin

Browser = Callable[[User], Client]
START = "/p/harbour/training/ladders/start/"


def form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "growing",
        "tasks": ["copy", "add"],
        "sizes": "1x32, 1x16",
        "seeds": "0, 1",
        "steps": 7,
        "batch_tokens": 128,
        "learning_rate": 0.01,
        "taught": 20,
        "asked": 10,
        "task_seed": 3,
        **changed,
    }


def test_the_form_offers_every_task_and_corpora_that_no_ladder_made(
    sign_in: Browser, rosa: User, project: Project, other_project: Project
) -> None:
    begin_ladder(project, rosa)
    build_artifact(project, Artifact.Kind.CORPUS, "seaside")
    build_artifact(other_project, Artifact.Kind.CORPUS, "strange")
    page = sign_in(rosa).get(START).content.decode()
    assert "seaside" in page
    assert "tasks taught" not in page
    assert "strange" not in page
    assert [value for value, _label in LadderForm(project).fields["tasks"].choices] == list(TASKS)  # type: ignore[attr-defined]


def test_a_ladder_starts_with_what_the_form_said(sign_in: Browser, rosa: User, project: Project) -> None:
    text = build_artifact(project, Artifact.Kind.CORPUS, "seaside")
    answer = sign_in(rosa).post(START, form(text=text.pk))
    ladder = Ladder.objects.get()
    assert answer.headers["Location"] == f"/p/harbour/training/ladders/{ladder.pk}/"
    assert (ladder.name, ladder.text, ladder.requested_by) == ("growing", text, rosa)
    assert ladder.settings == {
        "context": 64,
        "vocabulary": 384,
        "steps": 7,
        "batch_tokens": 128,
        "learning_rate": 0.01,
    }
    assert ladder.tasks == {"names": ["copy", "add"], "taught": 20, "asked": 10, "seed": 3}
    assert [(rung.size, rung.seed) for rung in ladder.rungs.all()] == [
        ("1x16", 0),
        ("1x16", 1),
        ("1x32", 0),
        ("1x32", 1),
    ]


def test_the_estimate_is_shown_and_starts_nothing(sign_in: Browser, rosa: User, project: Project) -> None:
    answer = sign_in(rosa).post(START, form(look="1"))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="estimate"' in page
    # 384 · 16 of the embeddings, one block, the last norm; and the steps' tokens.
    assert "9 520" in page.replace("\u2009", " ").replace("\u202f", " ")
    assert "896" in page
    assert not Job.objects.exists()
    assert not Ladder.objects.exists()
    assert 'id="estimate"' not in sign_in(rosa).get(START).content.decode()


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"sizes": "1x16"},
        {"sizes": "1x16, 1x17"},
        {"seeds": "one"},
        {"seeds": "1, 1"},
        {"seeds": "0,1,2,3,4,5"},
        {"seeds": str(2**31)},
        {"seeds": " , "},
        {"tasks": []},
        {"tasks": ["fly"]},
        {"steps": 0},
        {"learning_rate": 1},
        {"asked": 2001},
    ],
)
@pytest.mark.parametrize("look", [{}, {"look": "1"}])
def test_what_is_out_of_bounds_is_refused(
    sign_in: Browser, rosa: User, project: Project, changed: dict[str, Any], look: dict[str, str]
) -> None:
    answer = sign_in(rosa).post(START, form(**changed, **look))
    assert answer.status_code == 422
    assert not Job.objects.exists()


def test_a_taken_name_is_told_at_the_form(sign_in: Browser, rosa: User, project: Project) -> None:
    begin_ladder(project, rosa)
    answer = sign_in(rosa).post(START, form(name="small"))
    assert answer.status_code == 422
    assert "choose another" in answer.content.decode()


def test_the_page_shows_each_rungs_steps(sign_in: Browser, rosa: User, project: Project) -> None:
    ladder = begin_ladder(project, rosa)
    first, second, _third = ladder.rungs.all()
    end_training(first)
    begin(Job.objects.get(pk=second.training.job_id))
    browser = sign_in(rosa)
    page = browser.get(f"/p/harbour/training/ladders/{ladder.pk}/").content.decode()
    assert f'data-live="/p/harbour/training/ladders/{ladder.pk}/live/"' in page
    assert "40 / 100" in page
    assert "1 / 7" in page
    assert "2.500" in page
    assert "Go on" not in page
    live = browser.get(f"/p/harbour/training/ladders/{ladder.pk}/live/")
    assert (live.headers["X-Live"], live.headers["Cache-Control"]) == ("on", "no-store")
    assert "<html" not in live.content.decode()


def test_a_finished_ladder_links_to_its_report_and_asks_no_more(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    ladder, run = climb(project, rosa)
    browser = sign_in(rosa)
    page = browser.get(f"/p/harbour/training/ladders/{ladder.pk}/").content.decode()
    assert f"/p/harbour/reports/emergence/{run.pk}/" in page
    assert "data-live=" not in page
    assert "X-Live" not in browser.get(f"/p/harbour/training/ladders/{ladder.pk}/live/").headers
    listed = browser.get("/p/harbour/training/ladders/").content.decode()
    assert "7 / 7" in listed
    assert f"/p/harbour/reports/emergence/{run.pk}/" in listed


def test_a_broken_ladder_says_why_and_goes_on(sign_in: Browser, rosa: User, project: Project) -> None:
    ladder = begin_ladder(project, rosa)
    job = begin(Job.objects.get(pk=ladder.rungs.all()[0].training.job_id))
    Job.objects.filter(pk=job.pk).update(
        state=Job.State.FAILED, failure="no memory left", finished_at=job.started_at
    )
    browser = sign_in(rosa)
    page = browser.get(f"/p/harbour/training/ladders/{ladder.pk}/").content.decode()
    assert "no memory left" in page
    assert "stopped" in browser.get("/p/harbour/training/ladders/").content.decode()
    answer = browser.post(f"/p/harbour/training/ladders/{ladder.pk}/go-on/")
    assert answer.headers["Location"] == f"/p/harbour/training/ladders/{ladder.pk}/"
    assert "no memory left" not in browser.get(f"/p/harbour/training/ladders/{ladder.pk}/").content.decode()


def test_an_empty_room_says_what_to_do(sign_in: Browser, rosa: User, project: Project) -> None:
    page = sign_in(rosa).get("/p/harbour/training/ladders/").content.decode()
    assert "No ladder yet" in page
    assert START in page


def test_annotators_and_strangers_stay_outside(
    sign_in: Browser, rosa: User, ada: User, olga: User, project: Project, other_project: Project
) -> None:
    ladder = begin_ladder(project, rosa)
    for page in ("", "start/", f"{ladder.pk}/", f"{ladder.pk}/live/"):
        assert sign_in(ada).get(f"/p/harbour/training/ladders/{page}").status_code == 403
        assert sign_in(olga).get(f"/p/harbour/training/ladders/{page}").status_code == 404
    assert sign_in(olga).get(f"/p/elsewhere/training/ladders/{ladder.pk}/").status_code == 404
    assert sign_in(olga).post(f"/p/elsewhere/training/ladders/{ladder.pk}/go-on/").status_code == 404
    assert sign_in(ada).post(f"/p/harbour/training/ladders/{ladder.pk}/go-on/").status_code == 403


def test_the_list_asks_no_more_often_when_there_are_more(
    sign_in: Browser, rosa: User, project: Project
) -> None:
    climb(project, rosa)
    browser = sign_in(rosa)

    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert browser.get("/p/harbour/training/ladders/").status_code == 200
        return len(seen)

    first = asked()
    begin_ladder(project, rosa, name="second", seeds=(0, 1))
    begin_ladder(project, rosa, name="third", seeds=(5,))
    assert asked() == first
