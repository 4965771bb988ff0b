"""Drawings of reports in pages: the report's own marks and words, and nothing that could do harm."""

from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest
from django.test import Client

from evaluator.plots.folder import draw_report
from labelplatform.evaluations.drawings import drawings_of, inline_svg
from labelplatform.jobs.models import Artifact
from labelplatform.reports.queries import leaderboard as boards
from tests.evaluator.drawn import FIGURES, folder
from tests.labelplatform.world import Stock


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = folder(tmp_path_factory.mktemp("drawn") / "report", *FIGURES)
    draw_report(made)
    return made


def texts(svg: str) -> list[str]:
    return ["".join(one.itertext()) for one in Tree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def shapes(svg: str) -> list[tuple[str, str | None]]:
    return [(one.tag, one.get("d")) for one in Tree.fromstring(svg).iter() if one.get("d")]


def test_the_drawing_is_the_reports_own(drawn: Path) -> None:
    file = drawn / "figures" / "ratings.svg"
    shown, own = inline_svg(file), file.read_text("utf-8")
    assert texts(shown) == texts(own)
    assert shapes(shown) == shapes(own)
    assert "<style" not in shown
    assert "style=" not in shown
    assert 'aria-labelledby="ratings-title ratings-description"' in shown
    assert "var(--ink)" in shown


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        '<use href="https://elsewhere.example/x#y"/>',
        '<path style="fill: red" d="M 0 0"/>',
        '<path fill="url(https://elsewhere.example/x)" d="M 0 0"/>',
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'><b>x</b></body></foreignObject>",
        "<a href='javascript:alert(1)'><text>x</text></a>",
        "<image href='https://elsewhere.example/x.png'/>",
    ],
)
def test_what_does_not_draw_is_left_out(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "x.svg"
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg"><g/>{inside}</svg>', "utf-8")
    shown = inline_svg(file)
    assert shown.startswith("<svg")
    for harm in ("script", "onload", "elsewhere", "style", "foreign", "<b", "javascript"):
        assert harm not in shown


@pytest.mark.parametrize(
    "text", ["no xml", "<html/>", '<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>']
)
def test_what_is_no_drawing_is_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.svg"
    file.write_text(text, "utf-8")
    assert inline_svg(file) == ""


def test_figures_that_were_drawn_stand_in_their_order(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Artifact(folder="somewhere")
    monkeypatch.setattr(Artifact, "path", drawn)
    found = drawings_of(report)
    assert [one.title for one in found] == ["Ratings", "Curve", "Win rates"]
    assert all("ratings-narrow" in one.narrow for one in found[:1])
    monkeypatch.setattr(Artifact, "path", drawn / "figures")
    assert drawings_of(report) == ()
    assert drawings_of(None) == ()


def test_the_page_shows_the_drawings_their_time_and_how_many_labels(
    stock: Stock, drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stock.leaderboard
    assert run is not None
    assert run.report is not None
    run.report.detail = {**run.report.detail, "items": {"asked": 130, "measured": 123}}
    Artifact.objects.filter(pk=run.report.pk).update(detail=run.report.detail)
    monkeypatch.setattr(Artifact, "path", drawn)
    browser = Client()
    browser.force_login(stock.people["researcher"])
    page = browser.get(f"/p/harbour/reports/leaderboards/{run.pk}/").content.decode()
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg"') == 6
    assert "123 rankings" in page
    assert "As of" in page
    assert "style=" not in page
    browser.cookies["django_language"] = "zh-hans"
    assert "报告自带的图表" in browser.get(f"/p/harbour/reports/leaderboards/{run.pk}/").content.decode()


def test_a_report_that_drew_nothing_shows_nothing(stock: Stock) -> None:
    run = stock.leaderboard
    assert run is not None
    board = boards.with_drawings(boards.leaderboard(run))
    assert (board.drawings, board.labels) == ((), None)
