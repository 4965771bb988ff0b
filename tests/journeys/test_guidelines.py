"""Guidelines in a real Chromium: one key away from the work, rewritten by a researcher, told once to who knew them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, following, ready, served
from tests.journeys.ranking_stage import PASSWORD
from tests.journeys.servers import wait_until
from tests.journeys.test_loop import check_accessibility
from tests.journeys.test_ranking_page import WIDER, size, speak

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
CAMPAIGN = "Guided"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("guidelines")) as made:
        yield made


def campaign_page(site: Site, end: str) -> str:
    ((pk,),) = site.ask("SELECT id FROM labels_campaign WHERE name = ?", CAMPAIGN)
    return f"{site.address}/p/harbour/labels/campaigns/{pk}/{end}"


def sign_in(site: Site, tab: Page, name: str) -> None:
    tab.goto(f"{site.address}/sign-in/")
    tab.locator("#id_username").fill(name)
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))


def test_the_guidelines_are_one_key_away_and_the_work_stays(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    first = site.begin(tab, CAMPAIGN)
    tab.keyboard.press("b")
    panel = tab.locator("[data-guidelines-panel]")
    tab.keyboard.press("g")
    expect(panel.get_by_role("heading", name="What is better")).to_be_visible()
    expect(panel.locator(".example--good")).to_contain_text("Lisbon is in Portugal.")
    expect(panel.locator(".example--bad")).to_contain_text("It is in Spain.")
    check_accessibility(tab)
    # Keys of the work mean nothing while one reads; the same key leads back.
    tab.keyboard.press("a")
    tab.keyboard.press("g")
    expect(panel).to_be_hidden()
    assert tab.url == first
    expect(tab.locator('article[data-letter="B"]')).to_have_class(re.compile("is-placed"))
    expect(tab.locator('article[data-letter="A"]')).not_to_have_class(re.compile("is-placed"))
    tab.locator("[data-guidelines]").click()
    expect(panel).to_be_visible()
    tab.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    before = len(site.stored(CAMPAIGN))
    for key in (*"dac", "Enter"):
        tab.keyboard.press(key)
    following(tab, first)
    wait_until(lambda: len(site.stored(CAMPAIGN)) > before, "the ranking is stored")
    letters = site.stored(CAMPAIGN)[before]["letters"]
    assert sorted(letters, key=lambda letter: letters[letter][0]) == list("BDAC")
    # On the page that took the first one's place it is the same key.
    ready(tab)
    tab.keyboard.press("g")
    expect(panel.get_by_role("heading", name="What is better")).to_be_visible()
    tab.keyboard.press("Escape")
    size(tab, 390)
    tab.emulate_media(color_scheme="dark")
    speak(tab, "zh-hans")
    tab.locator("[data-guidelines]").click()
    expect(panel.get_by_role("heading", name="什么更好")).to_be_visible()
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)


def test_a_new_version_is_seen_before_it_is_published_and_told_once(site: Site, open_tab: OpenTab) -> None:
    reader = open_tab()
    first = site.begin(reader, CAMPAIGN)
    for key in (*"abcd", "Enter"):
        reader.keyboard.press(key)
    following(reader, first)
    writer = open_tab()
    sign_in(site, writer, "rosa")
    writer.goto(campaign_page(site, "guidelines/edit/"))
    text = writer.locator("#id_english").input_value()
    writer.locator("#id_english").fill(text.replace("welcome", "**rare**"))
    # It follows the writing, nothing need be pressed.
    expect(writer.locator("[data-preview] strong", has_text="rare")).to_be_visible()
    check_accessibility(writer)
    writer.locator("#id_note").fill("Ties are rare now.")
    writer.get_by_role("button", name="Publish").click()
    writer.wait_for_url(re.compile(r"/guidelines/$"))
    for address in ("guidelines/", "guidelines/history/", "guidelines/?version=1"):
        writer.goto(campaign_page(site, address))
        check_accessibility(writer)
    reader.goto(f"{site.address}/p/harbour/labels/queue/")
    speak_here(reader)
    told = reader.get_by_role("region", name="The guidelines changed")
    expect(told).to_contain_text("Ties are rare now.")
    told.locator("summary").click()
    expect(told.locator("del")).to_have_text("welcome")
    expect(told.locator("ins")).to_have_text("**rare**")
    for width, theme in ((1440, "light"), (390, "dark")):
        size(reader, width)
        reader.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        check_accessibility(reader)
        assert not reader.evaluate(WIDER)
    told.get_by_role("button", name="I have read it").click()
    expect(reader.get_by_role("article", name=CAMPAIGN)).to_be_visible()
    expect(told).to_be_hidden()
    reader.reload()
    expect(told).to_be_hidden()


def speak_here(tab: Page) -> None:
    """English, whatever the person spoke last."""
    button = tab.locator('.topbar button[name="language"][value="en"]')
    if button.count():
        button.click()
        expect(tab.locator("html")).to_have_attribute("lang", "en")
