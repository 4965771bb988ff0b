"""The items of an evaluation as a researcher reads them, and who may not."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from labelplatform.accounts.models import Project, User
from labelplatform.evaluations.models import EvaluationRun, SpotCheck
from labelplatform.jobs.models import Artifact
from tests.labelplatform.evaluations.conftest import Finish
from tests.labelplatform.evaluations.sample_reports import (
    CONTEXT,
    choice_item,
    grounded_item,
    missing_item,
    open_item,
    open_report,
    plain_report,
)
from tests.labelplatform.evaluations.test_services import ask, measured

Browser = Callable[[User], Client]
ROOM = "/p/harbour/evaluations/"


@pytest.fixture
def run(project: Project, rosa: User, questions: Artifact, finish_with: Finish) -> EvaluationRun:
    samples = [
        open_item("lima", "right"),
        open_item("ica", "wrong", response="In Chile."),
        missing_item("tacna"),
    ]
    return measured(finish_with, ask(project, rosa, questions), open_report(*samples))


@pytest.fixture
def other(project: Project, rosa: User, questions: Artifact, finish_with: Finish) -> EvaluationRun:
    samples = [open_item("lima", "wrong", response="In Bolivia.")]
    return measured(finish_with, ask(project, rosa, questions, "other"), open_report(*samples))


def page(browser: Client, address: str) -> str:
    answer = browser.get(f"{ROOM}{address}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_shows_items_with_what_came_of_them(
    sign_in: Browser, rosa: User, run: EvaluationRun
) -> None:
    shown = page(sign_in(rosa), f"{run.pk}/items/")
    assert f'href="{ROOM}{run.pk}/items/1/"' in shown
    assert "In Chile." in shown
    assert "no response with this id" in shown
    assert "3 items" in shown
    assert 'value="tier=often"' in shown


def test_filters_are_kept_and_shown(sign_in: Browser, rosa: User, run: EvaluationRun) -> None:
    shown = page(sign_in(rosa), f"{run.pk}/items/?outcome=wrong&text=chile&low=0&score=wrong")
    assert "In Chile." in shown
    assert "In Peru." not in shown
    assert '<option value="wrong" selected>wrong (1)' in shown
    assert 'value="chile"' in shown


def test_two_models_stand_side_by_side(
    sign_in: Browser, rosa: User, run: EvaluationRun, other: EvaluationRun
) -> None:
    shown = page(sign_in(rosa), f"{run.pk}/items/?with={other.pk}")
    assert "In Peru." in shown
    assert "In Bolivia." in shown
    assert shown.count("This item was not asked there.") == 2
    assert f"items/0/?with={other.pk}" in shown
    one = page(sign_in(rosa), f"{run.pk}/items/0/?with={other.pk}")
    assert "In Bolivia." in one


def test_an_item_has_an_address_of_its_own(sign_in: Browser, rosa: User, run: EvaluationRun) -> None:
    shown = page(sign_in(rosa), f"{run.pk}/items/1/")
    assert "Where is ica?" in shown
    assert "wanted: Peru" in shown
    assert "Ask people about it" in shown
    assert "Ask people about it" not in page(sign_in(rosa), f"{run.pk}/items/2/")
    assert sign_in(rosa).get(f"{ROOM}{run.pk}/items/3/").status_code == 404


def test_sentences_that_the_text_does_not_bear_out_are_marked_in_colour_and_words(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact, finish_with: Finish
) -> None:
    asked = ask(project, rosa, questions, suite="hallucination-closed-domain", variant="detector")
    report = plain_report("hallucination-closed-domain", "detector", grounded_item("a", 1.0))
    run = measured(finish_with, asked, report)
    for address in (f"{run.pk}/items/0/", f"{run.pk}/"):
        shown = page(sign_in(rosa), address)
        assert CONTEXT in shown
        marked = shown.split('<mark class="marked" data-kind="not-in-source">')[1].split("</mark>")[0]
        assert "not borne out:" in marked
        assert "Dogs travel free." in marked
        assert "✕ 0.08" in marked
        assert "✓ 0.93" in shown


def test_what_is_known_of_a_question_stands_on_its_page(
    sign_in: Browser, rosa: User, project: Project, finish_with: Finish
) -> None:
    from evaluator.truthfulqa.questions import read_questions, shipped_file

    one = read_questions(shipped_file("2025"))[0]
    asked = ask(project, rosa, None, suite="truthfulness", variant="mc-upstream")  # type: ignore[arg-type]
    sample = choice_item(one.id, [-3.0, -1.0, -2.0], 0.0)
    run = measured(finish_with, asked, plain_report("truthfulness", "mc-upstream", sample))
    shown = page(sign_in(rosa), f"{run.pk}/items/0/")
    assert "True answers" in shown
    assert "<strong>You die.</strong>" in shown


def test_a_spot_check_is_started_once_and_said(sign_in: Browser, rosa: User, run: EvaluationRun) -> None:
    browser = sign_in(rosa)
    answer = browser.post(f"{ROOM}{run.pk}/items/0/spot-check/", follow=True)
    assert answer.redirect_chain == [(f"{ROOM}{run.pk}/items/0/", 302)]
    shown = answer.content.decode()
    assert "Spot checks: honesty" in shown
    assert "Ask people about it" not in shown
    assert "put to people" in page(browser, f"{run.pk}/items/")
    assert "1 wait for a label" in page(browser, f"{run.pk}/")
    refused = browser.post(f"{ROOM}{run.pk}/items/2/spot-check/", follow=True).content.decode()
    assert "no answer that people could judge" in refused
    assert SpotCheck.objects.count() == 1


def test_items_belong_to_researchers_of_their_project(
    sign_in: Browser, rosa: User, ada: User, olga: User, other_project: Project, run: EvaluationRun
) -> None:
    for address in (f"{run.pk}/items/", f"{run.pk}/items/0/"):
        assert sign_in(ada).get(f"{ROOM}{address}").status_code == 403
        assert sign_in(olga).get(f"{ROOM}{address}").status_code == 404
        assert sign_in(olga).get(f"/p/elsewhere/evaluations/{address}").status_code == 404
    check = f"{run.pk}/items/0/spot-check/"
    assert sign_in(ada).post(f"{ROOM}{check}").status_code == 403
    assert sign_in(olga).post(f"/p/elsewhere/evaluations/{check}").status_code == 404
    assert not SpotCheck.objects.exists()


def test_a_page_of_items_asks_the_same_number_of_times_however_many(
    sign_in: Browser, rosa: User, project: Project, questions: Artifact, finish_with: Finish
) -> None:
    browser = sign_in(rosa)
    sizes = {"few": 2, "many": 45}
    runs = [
        measured(
            finish_with, ask(project, rosa, questions, name),
            open_report(*(open_item(f"q{n}", "right") for n in range(size))),
        )
        for name, size in sizes.items()
    ]  # fmt: skip

    def asked(run: EvaluationRun, address: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            page(browser, f"{run.pk}/{address}")
        return len(seen)

    for address in ("", "items/", "items/0/"):
        assert asked(runs[0], address) == asked(runs[1], address), address


def test_a_run_that_drew_shows_its_own_drawings(sign_in: Browser, rosa: User, run: EvaluationRun) -> None:
    from evaluator.plots.folder import draw_report

    assert run.report is not None
    assert "Drawn by the report" not in page(sign_in(rosa), f"{run.pk}/")
    draw_report(run.report.path)
    shown = page(sign_in(rosa), f"{run.pk}/")
    assert "Drawn by the report" in shown
    assert shown.count('<svg xmlns="http://www.w3.org/2000/svg"') == 4
    assert (
        shown.index("All items</strong>")
        < shown.index("Drawings of each slice")
        < shown.index("grade by group")
    )
