"""A report folder's page in a real browser with the network off: it opens, fits, is read out, is dark in the dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from evaluator.plots.folder import draw_report
from tests.evaluator.drawn import FIGURES, folder

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
OpenTab = Callable[..., Page]
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LETTERS = """
[...document.querySelectorAll("svg text")].filter((one) => one.checkVisibility()).map((one) => {
  const svg = one.ownerSVGElement;
  return parseFloat(getComputedStyle(one).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
})
"""
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = folder(tmp_path_factory.mktemp("page") / "report", *FIGURES)
    draw_report(made)
    return made


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_opens_without_a_network(report: Path, open_tab: OpenTab, width: int, theme: str) -> None:
    tab = open_tab(offline=True, color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto((report / "report.html").as_uri())
    assert tab.title() == "leaderboard: r.jsonl"
    assert not tab.evaluate(WIDER)
    assert tab.evaluate(GROUND) == ("rgb(26, 30, 34)" if theme == "dark" else "rgb(255, 255, 255)")
    drawings = tab.get_by_role("img")
    assert [one.get_attribute("width") for one in drawings.all() if one.is_visible()] == [
        "720" if width > 760 else "342"
    ] * 3
    assert min(tab.evaluate(LETTERS)) >= 11
    tab.locator("summary", has_text="Table: Ratings").click()
    tab.get_by_role("region", name="Table: Ratings").get_by_role("cell", name="1112").wait_for()
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()


def test_a_drawing_alone_follows_the_theme(report: Path, open_tab: OpenTab) -> None:
    ink = "getComputedStyle(document.querySelector('text')).fill"
    seen = []
    for theme in ("light", "dark"):
        tab = open_tab(offline=True, color_scheme=theme)
        tab.goto((report / "figures" / "curve.svg").as_uri())
        seen.append(tab.evaluate(ink))
    assert seen == ["rgb(85, 92, 87)", "rgb(169, 177, 184)"]
