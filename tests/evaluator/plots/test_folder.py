"""A report folder that draws itself: its files, equal bytes, pages without script, drawings that name themselves."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from xml.etree import ElementTree as Tree

import pytest

from evaluator.errors import BadInput
from evaluator.plots.folder import draw_report
from evaluator.plots.palette import DARK, LIGHT
from tests.evaluator.drawn import FIGURES, MISSING, folder

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = folder(tmp_path_factory.mktemp("drawn") / "report", *FIGURES)
    draw_report(made)
    return made


def test_files_of_every_figure(drawn: Path) -> None:
    found = {path.relative_to(drawn).as_posix() for path in drawn.rglob("*") if path.is_file()}
    endings = (".svg", "-narrow.svg", ".png", ".csv")
    of_figures = {f"figures/{name}{end}" for name in ("ratings", "curve", "win-rates") for end in endings}
    asked = {
        "report.json",
        "samples.jsonl",
        "figures.json",
        "report.html",
        "report.md",
        "figures/history.csv",
    }
    assert found == of_figures | asked


def test_equal_reports_give_equal_bytes(drawn: Path, tmp_path: Path) -> None:
    again = folder(tmp_path / "again", *FIGURES)
    written = draw_report(again)
    assert len(written) == 15
    for path in written:
        assert path.read_bytes() == (drawn / path.relative_to(again)).read_bytes()


@pytest.mark.parametrize("name", ["ratings", "ratings-narrow", "curve", "win-rates-narrow"])
def test_a_drawing_has_a_name_both_themes_and_no_script(drawn: Path, name: str) -> None:
    text = (drawn / "figures" / f"{name}.svg").read_text("utf-8")
    root = Tree.fromstring(text)
    assert root.get("role") == "img"
    title, description = root[0], root[1]
    assert (title.tag, description.tag) == (f"{SVG}title", f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "g", "path", "text", "defs", "use", "clipPath", "rect"}
    assert not [element for element in root.iter() if "style" in element.attrib or "onload" in element.attrib]
    assert "prefers-color-scheme:dark" in text
    assert "#01a0" not in text


def test_colours_are_variables_that_both_themes_define(drawn: Path) -> None:
    assert list(LIGHT) == list(DARK)
    for path in (drawn / "figures").glob("*.svg"):
        root = Tree.fromstring(path.read_text("utf-8"))
        used = {element.get(key) for element in root.iter() for key in ("fill", "stroke")} - {None, "none"}
        assert used <= {f"var(--{name})" for name in LIGHT}, path.name


def test_ids_of_one_page_are_unique_and_lead_somewhere(drawn: Path) -> None:
    page = (drawn / "report.html").read_text("utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    referred = re.findall(r"url\(#([^)]+)\)", page) + re.findall(r'href="#([^"]+)"', page)
    for group in re.findall(r'aria-labelledby="([^"]+)"', page):
        referred += group.split()
    assert referred
    assert set(referred) <= set(ids)


def test_what_data_say_is_never_markup(drawn: Path) -> None:
    page = (drawn / "report.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "one &lt;week&gt;" in page
    card = (drawn / "report.md").read_text("utf-8")
    assert "<script" not in card.replace("\\<script", "")
    assert "no \\| data" in card


def test_the_page_needs_no_network(drawn: Path) -> None:
    page = (drawn / "report.html").read_text("utf-8")
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "default-src 'none'" in page
    for target in re.findall(r'<a href="([^"#]+)"', page):
        assert (drawn / target).is_file(), target


def test_every_figure_has_its_table_and_what_cannot_be_drawn_its_reason(drawn: Path) -> None:
    page = (drawn / "report.html").read_text("utf-8")
    for figure in FIGURES:
        assert f"<summary>Table: {figure.title}</summary>" in page
    assert page.count("<svg") == 6
    assert "Nothing is drawn:" in page
    assert "Nothing is drawn: " + MISSING.missing.replace("<", "\\<").replace(">", "\\>") in (
        drawn / "report.md"
    ).read_text("utf-8")


def test_csv_holds_the_numbers_in_full_and_no_formula(drawn: Path) -> None:
    with (drawn / "figures" / "ratings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [["policy", "rating", "low"], ["ppo", "1112.25", ""], ["'=1+1", "2.5", "3.0"]]


def test_a_report_without_figures_shows_its_metrics(tmp_path: Path) -> None:
    made = folder(tmp_path / "plain")
    draw_report(made)
    page = (made / "report.html").read_text("utf-8")
    assert '<h2 id="shares-heading">All items</h2>' in page
    assert (made / "figures" / "groups-rating.svg").is_file()


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"report\.json"):
        draw_report(tmp_path)
