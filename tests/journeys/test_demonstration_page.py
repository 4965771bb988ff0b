"""Answers written in a real Chromium: counted, kept, shown as they will look, undone, and taken only where whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.ranking_site import Site, following, ready, served
from tests.journeys.ranking_stage import PASSWORD
from tests.journeys.servers import wait_until
from tests.journeys.test_loop import check_accessibility
from tests.journeys.test_ranking_page import PHONE, WIDER, size, speak

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
WRITTEN = "Lima lies on the coast.\n\n- **Perú** 👍🏽 利马"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("demonstrations"), "span_stage") as made:
        yield made


def submitted(site: Site, campaign: str, before: int) -> str:
    """The answer of the one label that has come in since."""
    wait_until(lambda: len(site.labels(campaign)) > before, "the label is stored")
    (new,) = site.labels(campaign)[before:]
    return str(new["response"])


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_answer_is_written_by_keys_alone(site: Site, open_tab: OpenTab, language: str) -> None:
    tab, campaign = open_tab(), "Written"
    first, before = site.begin(tab, campaign), len(site.labels(campaign))
    speak(tab, language)
    # The sign of life that each page begins with is answered before the item is done.
    tab.wait_for_load_state("networkidle")
    for _press in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.id") == "response":
            break
    # Nothing at all, then blanks alone, then too little: each is refused where it stands.
    for written in ("", "   ", "Lima"):
        tab.keyboard.type(written)
        tab.keyboard.press("Control+Enter")
        expect(tab.locator('[data-show="saved"]')).to_have_class(re.compile("is-urgent"))
        expect(tab.locator("#response")).to_be_focused()
    assert len(site.labels(campaign)) == before
    tab.keyboard.press("Control+a")
    tab.keyboard.insert_text(WRITTEN)
    characters = "个字符" if language == "zh-hans" else "characters"
    expect(tab.locator('[data-show="count"]')).to_contain_text(f"{len(WRITTEN)}")
    expect(tab.locator("#written-help")).to_contain_text(characters)
    tab.keyboard.press("Control+Enter")
    following(tab, first)
    assert submitted(site, campaign, before) == WRITTEN


def test_a_reload_restores_the_text_and_its_steps(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    site.begin(tab, "Written")
    speak(tab, "en")
    box = tab.locator("#response")
    tab.clock.install()
    box.focus()
    for part in ("Lima lies ", "on the coast ", "of the Pacific."):
        tab.keyboard.type(part)
        tab.clock.run_for(2_000)
    whole = "Lima lies on the coast of the Pacific."
    expect(tab.get_by_text(re.compile("Saved"))).to_be_visible()
    tab.reload()
    ready(tab)
    expect(box).to_have_value(whole)
    box.focus()
    seen = []
    for _step in range(3):
        tab.keyboard.press("Control+z")
        seen.append(box.input_value())
    assert seen == ["Lima lies on the coast ", "Lima lies ", ""]
    tab.get_by_role("button", name="Redo").click()
    expect(box).to_have_value("Lima lies ")
    for _step in range(2):
        box.press("Control+Shift+z")
    expect(box).to_have_value(whole)


def test_the_preview_is_rendered_and_sanitised_as_it_is_written(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    site.begin(tab, "Shown")
    speak(tab, "en")
    tab.locator("#response").fill("**bold** <img src=x onerror=alert(1)> $x^2$")
    tab.get_by_role("button", name="Preview").click()
    shown = tab.locator("[data-html]")
    expect(shown.locator("strong")).to_have_text("bold")
    expect(shown.locator("math")).to_be_visible()
    assert shown.locator("img, script").count() == 0
    # It follows what is written.
    tab.locator("#response").fill("# other\n\n1. one")
    expect(shown.locator("li")).to_have_text("one")
    check_accessibility(tab)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark"), (320, "light")])
def test_axe_finds_nothing(site: Site, open_tab: OpenTab, width: int, theme: Any) -> None:
    tab = open_tab(**(PHONE if width < 700 else {}))
    size(tab, width)
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    site.begin(tab, "Shown")
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)
    tab.locator("#response").fill(WRITTEN)
    tab.locator('[data-do="preview"]').click()
    expect(tab.locator("[data-html] strong")).to_be_visible()
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)


def test_without_a_script_the_box_and_the_button_are_enough(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en")
    tab, campaign = context.new_page(), "Unscripted"
    tab.goto(f"{site.address}/sign-in/")
    tab.locator("#id_username").fill(campaign.lower())
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))
    tab.goto(f"{site.address}/p/harbour/labels/queue/")
    tab.get_by_role("article", name=campaign).locator("form button").click()
    tab.locator("#response").fill("Too short")
    tab.locator("[data-submit]").click()
    expect(tab.get_by_role("alert")).to_contain_text("9 characters")
    expect(tab.locator("#response")).to_have_value("Too short")
    tab.locator("#response").fill(WRITTEN)
    tab.locator("[data-submit]").click()
    tab.wait_for_url(re.compile("/rank/"))
    assert submitted(site, campaign, 0) == WRITTEN
    context.close()
