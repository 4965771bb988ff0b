"""Ladders and emergence reports in a real browser: axe finds nothing, none is wider than its window, tables open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, served
from tests.journeys.ranking_stage import PASSWORD

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
REPORTS = "/p/harbour/reports/emergence"
PAGES = {
    "ladders": "/p/harbour/training/ladders/",
    "start": "/p/harbour/training/ladders/start/",
    "draw": "/p/harbour/training/ladders/draw/",
    "ladder": "/p/harbour/training/ladders/1/",
    "stopped": "/p/harbour/training/ladders/3/",
    "reports": f"{REPORTS}/",
    "report": f"{REPORTS}/1/",
    "curve": f"{REPORTS}/1/?figure=curve-1-copy",
    "too-few": f"{REPORTS}/2/",
}
LOOKS = {"desk": (1440, "light", "en"), "phone": (390, "dark", "zh-Hans")}
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("emergence-pages"), "emergence_stage") as made:
        yield made


def sign_in(tab: Page, site: Site) -> None:
    tab.goto(f"{site.address}/sign-in/")
    tab.locator("#id_username").fill("rosa")
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))


def faults(tab: Page) -> str:
    """What axe finds, and whether the page is wider than its window."""
    report = Axe().run(tab)
    told = report.generate_report() if report.violations_count else ""
    return f"{told} wider than its window" if tab.evaluate(WIDER) else told


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_read_by_everybody(
    site: Site, open_tab: OpenTab, look: str, tmp_path: Path
) -> None:
    width, theme, language = LOOKS[look]
    tab = open_tab(color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 900})
    sign_in(tab, site)
    found: dict[str, str] = {}
    for page, address in PAGES.items():
        tab.goto(f"{site.address}{address}")
        if tab.locator("html").get_attribute("lang") != language:
            tab.locator('.topbar button[name="language"]').click()
            expect(tab.locator("html")).to_have_attribute("lang", language)
        for table in tab.locator("main details > summary").all():
            table.click()
        tab.screenshot(path=tmp_path / f"{page}.png", full_page=True)
        if told := faults(tab):
            found[page] = told
    assert found == {}


def test_the_estimate_stands_below_the_form_and_the_points_are_taken_away(
    site: Site, open_tab: OpenTab
) -> None:
    tab = open_tab()
    sign_in(tab, site)
    if tab.locator("html").get_attribute("lang") != "en":
        tab.locator('.topbar button[name="language"]').click()
    tab.goto(f"{site.address}/p/harbour/training/ladders/start/")
    tab.locator("#id_name").fill("a look first")
    tab.get_by_role("button", name="Show what it will take").click()
    expect(tab.locator("#estimate tbody tr")).to_have_count(5)
    assert site.ask("SELECT count(*) FROM ladders_ladder") == [(3,)]
    assert faults(tab) == ""
    tab.goto(f"{site.address}{REPORTS}/1/")
    with tab.expect_download() as taken:
        tab.get_by_role("link", name="points.csv").click()
    assert taken.value.path().read_text("utf-8").startswith("task,metric,family,model,scale,value")
