"""The files of a report's figures: what was drawn and its table, to those who may see the report, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from evaluator.plots.folder import draw_report
from labelplatform.jobs.models import Artifact
from tests.evaluator.drawn import FIGURES, folder
from tests.labelplatform.builders import build_artifact, build_project
from tests.labelplatform.world import Stock, figure_of

Answer = tuple[int, str, bytes]


@pytest.fixture
def asked(stock: Stock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Answer]:
    """Ask for a file of a drawn report as its researcher."""
    made = folder(tmp_path / "drawn", *FIGURES)
    draw_report(made)
    monkeypatch.setattr(Artifact, "path", made)
    browser = Client()
    browser.force_login(stock.people["researcher"])
    run = stock.comparison
    assert run is not None
    assert run.report is not None
    address = f"/p/harbour/reports/figures/{run.report.pk}/"

    def ask(file: str) -> Answer:
        answer = browser.get(f"{address}{file}")
        return answer.status_code, answer.headers["Content-Type"], answer.getvalue()

    return ask


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("ratings.svg", "image/svg+xml"),
        ("ratings.png", "image/png"),
        ("history.csv", "text/csv; charset=utf-8"),
    ],
)
def test_a_figures_files(asked: Callable[[str], Answer], tmp_path: Path, file: str, kind: str) -> None:
    assert asked(file) == (200, kind, (tmp_path / "drawn" / "figures" / file).read_bytes())


@pytest.mark.parametrize(
    "file",
    [
        "history.svg",
        "other.csv",
        "ratings.json",
        "ratings",
        "report.html",
        "..%2Freport.json",
        "ratings-narrow.svg",
    ],
)
def test_nothing_else(asked: Callable[[str], Answer], file: str) -> None:
    assert asked(file)[0] == 404


def test_an_artifact_that_is_no_report_has_none(stock: Stock) -> None:
    browser = Client()
    browser.force_login(stock.people["researcher"])
    files = {"report.json": "{}", **figure_of("effects")}
    found = {}
    for kind in (Artifact.Kind.REPORT, Artifact.Kind.POLICY):
        artifact = build_artifact(stock.project, kind, files=files)
        answer = browser.get(f"/p/harbour/reports/figures/{artifact.pk}/effects.csv")
        found[str(kind)] = answer.status_code
    assert found == {"report": 200, "policy": 404}


def test_another_projects_report_has_none_here(stock: Stock) -> None:
    other = build_artifact(
        build_project("elsewhere"),
        Artifact.Kind.REPORT,
        files={"report.json": "{}", **figure_of("effects")},
    )
    browser = Client()
    browser.force_login(stock.people["researcher"])
    assert browser.get(f"/p/harbour/reports/figures/{other.pk}/effects.csv").status_code == 404
