"""Pages about labels that were given: axe finds nothing, none is wider than its window, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, ready, served
from tests.journeys.ranking_stage import PASSWORD

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
ROOM = "/p/harbour/labels"
# Who looks at which page; a number in braces is asked of the database.
PAGES = {
    "keys": ("ada", f"{ROOM}/keys/"),
    "feedback": ("ada", f"{ROOM}/feedback/"),
    "guidelines": ("ada", f"{ROOM}/campaigns/1/guidelines/"),
    "decision": ("vera", f"{ROOM}/items/1/decide/"),
    "review": ("vera", f"{ROOM}/reviews/3/"),
    "disagreement": ("rosa", f"{ROOM}/campaigns/2/disagreement/"),
    "annotator": ("rosa", f"{ROOM}/campaigns/2/quality/2/"),
    "quality": ("rosa", f"{ROOM}/campaigns/1/quality/"),
    "preview": ("rosa", f"{ROOM}/items/1/preview/"),
    "score": ("vera", f"{ROOM}/demonstrations/23/score/"),
    "to-score": ("vera", f"{ROOM}/campaigns/3/quality/"),
    "gold": ("rosa", f"{ROOM}/items/7/"),
    "gold-settings": ("rosa", f"{ROOM}/campaigns/2/quality/settings/"),
    "import": ("rosa", f"{ROOM}/import/"),
}
LOOKS = {"desk": (1440, "light", "en"), "tablet": (768, "dark", "en"), "phone": (390, "dark", "zh-Hans")}
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("desk-pages"), "desk_stage") as made:
        yield made


def sign_in(tab: Page, site: Site, name: str) -> None:
    tab.goto(f"{site.address}/sign-in/")
    tab.locator("#id_username").fill(name)
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))


def read_in(tab: Page, language: str) -> None:
    """The page in this language, which its person keeps from page to page."""
    if tab.locator("html").get_attribute("lang") != language:
        tab.locator('.topbar button[name="language"]').click()
        expect(tab.locator("html")).to_have_attribute("lang", language)


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
    found: dict[str, str] = {}
    for name in ("ada", "vera", "rosa"):
        tab = open_tab(color_scheme=theme)
        tab.set_viewport_size({"width": width, "height": 900})
        sign_in(tab, site, name)
        for page, (who, address) in PAGES.items():
            if who != name:
                continue
            tab.goto(f"{site.address}{address}")
            read_in(tab, language)
            tab.screenshot(path=tmp_path / f"{page}.png", full_page=True)
            if told := faults(tab):
                found[page] = told
    assert found == {}


def test_a_returned_label_is_given_again_by_keyboard(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    sign_in(tab, site, "ada")
    tab.goto(f"{site.address}{ROOM}/feedback/")
    read_in(tab, "en")
    tab.get_by_role("button", name="Give this label again").press("Enter")
    ready(tab)
    expect(tab.get_by_role("note")).to_contain_text("Returned to you")
    expect(tab.locator("[data-show=placed]")).to_have_text("4 of 4 placed")
    assert faults(tab) == ""
    tab.keyboard.press("Backspace")
    tab.keyboard.press("u")
    tab.keyboard.press("j")
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/feedback/"))
    expect(tab.get_by_text("You have given it again; the newer one counts.")).to_be_visible()
    rows = site.ask("SELECT surplus, replaces_id FROM labels_ranking WHERE annotator_id = 1 ORDER BY id")
    assert [row for row in rows if row[1]] == [(0, 1)]
    assert rows[0] == (1, None)
