"""Skipping with a reason by keyboard, by touch and without a script; and the preview, which keeps nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, following, ready, served
from tests.journeys.ranking_stage import PASSWORD
from tests.journeys.servers import wait_until
from tests.journeys.test_loop import check_accessibility
from tests.journeys.test_ranking_page import PHONE, WIDER, size, speak

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
CAMPAIGN = "Skipped"
SKIPS = "SELECT reason, note FROM labels_skip ORDER BY id"
KEPT = """SELECT (SELECT count(*) FROM labels_ranking), (SELECT count(*) FROM labels_draft),
(SELECT count(*) FROM labels_lease), (SELECT count(*) FROM labels_skip), (SELECT sum(promised) FROM labels_slot)"""
FOCUSED = "document.activeElement.closest('.answer')?.dataset.letter"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("desk")) as made:
        yield made


def skips(site: Site) -> list[tuple[Any, ...]]:
    return site.ask(SKIPS)


def test_by_keyboard_alone_and_the_next_item_stays_ones_own(site: Site, open_tab: OpenTab) -> None:
    tab, before = open_tab(), skips(site)
    first = site.begin(tab, CAMPAIGN)
    dialog = tab.get_by_role("dialog", name="Why can you not judge this one?")
    # With a place given the next item is promised already; it must not be let go on leaving this one.
    with tab.expect_response(re.compile("/next/$")):
        tab.keyboard.press("b")
    tab.keyboard.press("s")
    expect(dialog).to_be_visible()
    tab.keyboard.press("a")
    expect(tab.locator("[data-show=placed]")).to_have_text("1 of 4 placed")
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert tab.evaluate(FOCUSED) == "B"
    tab.keyboard.press("s")
    tab.keyboard.press("Enter")
    assert tab.url == first
    tab.keyboard.press("3")
    expect(dialog.get_by_label("It needs knowledge that I do not have")).to_be_checked()
    tab.keyboard.press("Tab")
    tab.keyboard.type("1 word")
    check_accessibility(tab)
    tab.keyboard.press("Enter")
    following(tab, first)
    ready(tab)
    expect(tab.get_by_text("Thank you for saying so")).to_be_visible()
    assert skips(site)[len(before) :] == [("expertise", "1 word")]
    expect(tab.locator("[data-show=left]")).to_contain_text("left")
    assert site.held(CAMPAIGN) == 1
    tab.keyboard.type("abcd")
    tab.keyboard.press("Enter")
    wait_until(lambda: len(site.stored(CAMPAIGN)) == 1, "the next item is submitted")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_by_touch_alone_on_a_phone(site: Site, open_tab: OpenTab, language: str) -> None:
    tab, before = open_tab(**PHONE), skips(site)
    size(tab, 390)
    tab.emulate_media(color_scheme="dark")
    first = site.begin(tab, CAMPAIGN)
    speak(tab, language)
    tab.locator("[data-skip]").tap()
    dialog = tab.locator("[data-skip-dialog]")
    expect(dialog).to_be_visible()
    tab.locator("[data-skip-close]").tap()
    expect(dialog).to_be_hidden()
    tab.locator("[data-skip]").tap()
    dialog.locator("label").nth(1).tap()
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    dialog.locator(".button--primary").tap()
    following(tab, first)
    ready(tab)
    assert skips(site)[len(before) :] == [("language", "")]


def test_without_a_script_a_page_asks_the_same(site: Site, open_tab: OpenTab) -> None:
    tab, before = open_tab(java_script_enabled=False), skips(site)
    tab.goto(f"{site.address}/sign-in/?next=/p/harbour/labels/queue/")
    tab.locator("#id_username").fill(CAMPAIGN.lower())
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.get_by_role("article", name=CAMPAIGN).locator("form button").click()
    tab.wait_for_url(re.compile("/rank/"))
    first = tab.url
    tab.locator("[data-skip]").click()
    tab.wait_for_url(re.compile("/skip/"))
    tab.locator('input[value="broken"]').check()
    tab.locator("main .button--primary").click()
    tab.wait_for_url(lambda url: "/rank/" in url and "/skip/" not in url and url != first)
    assert skips(site)[len(before) :] == [("broken", "")]


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_preview_works_as_the_page_does_and_keeps_nothing(
    site: Site, open_tab: OpenTab, width: int, theme: Any
) -> None:
    tab = open_tab()
    size(tab, width)
    tab.emulate_media(color_scheme=theme)
    tab.goto(f"{site.address}/sign-in/")
    tab.locator("#id_username").fill("rosa")
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))
    tab.goto(f"{site.address}/p/harbour/labels/")
    tab.get_by_role("link", name="Four").click()
    tab.get_by_role("link", name="Preview").click()
    ready(tab)
    before = site.ask(KEPT)
    first = tab.url
    expect(tab.get_by_text("Preview: nothing is stored", exact=True)).to_be_visible()
    check_accessibility(tab)
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("Still to rate: A, B, C, D.").first).to_be_attached()
    tab.keyboard.type("5572")
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-proposal]")).to_be_visible()
    tab.keyboard.press("Enter")
    told = tab.get_by_role("dialog", name="This would have been stored")
    expect(told).to_contain_text("C > A = B > D")
    expect(told).to_contain_text("A 5, B 5, C 7, D 2")
    check_accessibility(tab)
    told.get_by_role("button", name="Close").click()
    tab.keyboard.press("s")
    skip = tab.locator("[data-skip-dialog]")
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    expect(skip.locator("[data-skip-problem]")).to_contain_text("nothing was skipped")
    tab.keyboard.press("Escape")
    tab.reload()
    ready(tab)
    expect(tab.locator("[data-show=placed]")).to_have_text("0 of 4 rated")
    tab.get_by_role("link", name="Next example").click()
    following(tab, first)
    ready(tab)
    assert not tab.evaluate(WIDER)
    tab.get_by_role("link", name="Back to the campaign").click()
    tab.wait_for_url(re.compile(r"/campaigns/\d+/$"))
    assert site.ask(KEPT) == before
