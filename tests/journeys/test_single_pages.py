"""One answer rated and one checked in a real Chromium: by counted keys, by touch, without a script; nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Presses, Site, following, ready, served
from tests.journeys.servers import wait_until
from tests.journeys.test_loop import check_accessibility

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
LABELS = """SELECT label.body, label.seconds, label.log FROM labels_label label
JOIN labels_item item ON item.id = label.item_id JOIN labels_campaign campaign ON campaign.id = item.campaign_id
WHERE campaign.name = ? ORDER BY label.id"""
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LOOKS = [("en", 1440), ("zh-hans", 390)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("singles")) as made:
        yield made


def labels(site: Site, campaign: str) -> list[tuple[dict[str, Any], float, dict[str, Any]]]:
    return [(json.loads(body), seconds, json.loads(log)) for body, seconds, log in site.ask(LABELS, campaign)]


def newest(site: Site, campaign: str, before: int) -> tuple[dict[str, Any], float, dict[str, Any]]:
    wait_until(lambda: len(labels(site, campaign)) > before, "the label is stored")
    (new,) = labels(site, campaign)[before:]
    return new


def look(tab: Page, language: str, width: int) -> None:
    """The page in this language and width, and nothing that axe or a narrow window would find."""
    tag = "zh-Hans" if language == "zh-hans" else "en"
    if tab.locator("html").get_attribute("lang") != tag:
        tab.locator(f'.topbar button[name="language"][value="{language}"]').click()
        expect(tab.locator("html")).to_have_attribute("lang", tag)
        ready(tab)
    tab.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)


def chosen(tab: Page, name: str) -> str | None:
    found = tab.locator(f'[name="rating-{name}"]:checked')
    return found.get_attribute("value") if found.count() else None


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_three_ratings_and_a_flag_in_six_presses(
    site: Site, open_tab: OpenTab, language: str, width: int
) -> None:
    tab, campaign = open_tab(), "Rated"
    first, before = site.begin(tab, campaign), len(labels(site, campaign))
    look(tab, language, width)
    press = Presses(tab)
    press("6", "7", "5", "t", "3", "Enter")
    following(tab, first)
    assert press.count == 6
    body, _seconds, log = newest(site, campaign, before)
    assert body == {"ratings": {"helpful": 6, "honest": 7, "harmless": 5}, "flags": ["hallucination"]}
    assert [(deed, about, to) for _ms, deed, about, _source, _from, to in log["moves"][-4:]] == [
        ("rate", "helpful", 6),
        ("rate", "honest", 7),
        ("rate", "harmless", 5),
        ("flag", "", 3),
    ]
    # The next is on the screen, fresh, and goes on by the same keys.
    ready(tab)
    assert [chosen(tab, name) for name in ("helpful", "honest", "harmless")] == [None] * 3
    press("1")
    assert chosen(tab, "helpful") == "1"


def test_enter_at_once_stores_nothing_and_says_what_is_missing(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Overall"
    first, before = site.begin(tab, campaign), len(labels(site, campaign))
    tab.keyboard.press("Enter")
    expect(tab.locator('[data-show="saved"]')).to_contain_text("Still to rate: Overall")
    tab.keyboard.press("4")
    tab.keyboard.press("Backspace")
    tab.keyboard.press("Enter")
    assert tab.url == first
    assert len(labels(site, campaign)) == before


def test_a_reload_brings_everything_back_and_undo_still_undoes(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    site.begin(tab, "Rated")
    look(tab, "en", 1280)
    for key in ("2", "3", "t", "1"):
        tab.keyboard.press(key)
    expect(tab.locator('[data-show="saved"]')).to_contain_text("Saved")
    tab.reload()
    ready(tab)
    assert [chosen(tab, name) for name in ("helpful", "honest", "harmless")] == ["2", "3", None]
    expect(tab.locator('[value="fails-task"]')).to_be_checked()
    tab.keyboard.press("u")
    tab.keyboard.press("u")
    expect(tab.locator('[value="fails-task"]')).not_to_be_checked()
    assert [chosen(tab, name) for name in ("helpful", "honest")] == ["2", None]
    tab.keyboard.press("Shift+U")
    assert chosen(tab, "honest") == "3"


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_known_answers_unfold_after_the_first_judgement(
    site: Site, open_tab: OpenTab, language: str, width: int
) -> None:
    tab, campaign = open_tab(), "Honest"
    first, before = site.begin(tab, campaign), len(labels(site, campaign))
    look(tab, language, width)
    known = tab.locator("[data-known]")
    expect(known).to_be_hidden()
    press = Presses(tab)
    press("7")
    expect(known).to_be_hidden()
    press("1")
    expect(known).to_be_visible()
    check_accessibility(tab)
    press("t", "1", "Enter")
    following(tab, first)
    body, _seconds, _log = newest(site, campaign, before)
    assert body == {"ratings": {"truthful": 7, "informative": 1}, "flags": ["admits-not-knowing"]}


def test_by_touch_alone(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(has_touch=True, is_mobile=True), "Touched"
    tab.set_viewport_size({"width": 390, "height": 844})
    first, before = site.begin(tab, campaign), len(labels(site, campaign))
    for name, value in {"helpful": 1, "honest": 2, "harmless": 3}.items():
        tab.locator(f'[name="rating-{name}"][value="{value}"]').tap()
    tab.locator('[name="flags"][value="sexual-content"]').tap()
    tab.locator("[data-submit]").tap()
    following(tab, first)
    body, _seconds, log = newest(site, campaign, before)
    assert body == {"ratings": {"helpful": 1, "honest": 2, "harmless": 3}, "flags": ["sexual-content"]}
    assert "touch" in log["inputs"]


def test_without_a_script(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Overall"
    address, before = site.begin(tab, campaign), len(labels(site, campaign))
    plain = open_tab(java_script_enabled=False, storage_state=tab.context.storage_state())
    tab.close()
    plain.goto(address)
    expect(plain.locator("noscript .notice")).to_be_visible()
    plain.locator('[name="rating-overall"][value="3"]').check(force=True)
    plain.locator("[data-submit]").click()
    body, _seconds, _log = newest(site, campaign, before)
    assert body == {"ratings": {"overall": 3}, "flags": []}
