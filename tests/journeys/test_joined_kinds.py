"""Skipping, guidelines beside the work and the preview, on the pages of labels that are no orders: a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, following, ready, served
from tests.journeys.ranking_stage import PASSWORD
from tests.journeys.test_desk import KEPT
from tests.journeys.test_loop import check_accessibility
from tests.journeys.test_ranking_page import size

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
SKIPS = "SELECT reason, note FROM labels_skip ORDER BY id"
LABELS = "SELECT count(*) FROM labels_label"
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SKIP_DIALOG, PANEL = "[data-skip-dialog]", "[data-guidelines-panel]"


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("rated")) as made:
        yield made


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("marked"), "span_stage") as made:
        yield made


def skips(site: Site) -> list[tuple[Any, ...]]:
    return site.ask(SKIPS)


def test_an_answer_to_rate_is_skipped_by_keys_and_its_draft_is_kept_no_more(
    rated: Site, open_tab: OpenTab
) -> None:
    tab, campaign = open_tab(), "Rated"
    before, first = skips(rated), rated.begin(tab, campaign)
    # The next item is promised with the first number; it stays promised when this one is left.
    with tab.expect_response(re.compile("/next/$")):
        tab.keyboard.press("6")
    tab.keyboard.press("s")
    dialog = tab.locator(SKIP_DIALOG)
    expect(dialog).to_be_visible()
    tab.keyboard.press("3")
    expect(dialog.locator("input:checked")).to_have_value("expertise")
    check_accessibility(tab)
    sent: list[str] = []
    with tab.expect_response(re.compile("/skip/$")):
        tab.on("request", lambda request: sent.append(request.url))
        tab.keyboard.press("Enter")
    following(tab, first)
    ready(tab)
    assert skips(rated)[len(before) :] == [("expertise", "")]
    assert [url for url in sent if url.startswith(first) and url.endswith(("/draft/", "/leave/"))] == []
    assert rated.held(campaign) == 1


def test_in_spans_the_small_s_still_goes_to_the_source(marked: Site, open_tab: OpenTab) -> None:
    tab, before = open_tab(), skips(marked)
    first = marked.begin(tab, "Restored")
    tab.keyboard.press("s")
    expect(tab.locator('[data-pane="source"]')).to_be_focused()
    expect(tab.locator(SKIP_DIALOG)).to_be_hidden()
    tab.keyboard.press("S")
    tab.keyboard.press("1")
    tab.keyboard.press("Enter")
    following(tab, first)
    assert len(skips(marked)) == len(before) + 1


def test_what_is_written_takes_no_key_for_a_skip(marked: Site, open_tab: OpenTab) -> None:
    tab, before = open_tab(), skips(marked)
    first = marked.begin(tab, "Written")
    tab.locator("#response").focus()
    tab.keyboard.type("sS")
    expect(tab.locator("#response")).to_have_value("sS")
    expect(tab.locator(SKIP_DIALOG)).to_be_hidden()
    tab.locator("[data-skip]").press("Enter")
    expect(tab.locator(SKIP_DIALOG)).to_be_visible()
    check_accessibility(tab)
    tab.keyboard.press("Escape")
    expect(tab.locator("[data-skip]")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.keyboard.press("2")
    tab.keyboard.press("Enter")
    following(tab, first)
    assert len(skips(marked)) == len(before) + 1


def test_a_form_skips_without_a_script(rated: Site, open_tab: OpenTab) -> None:
    tab, before = open_tab(java_script_enabled=False), skips(rated)
    tab.goto(f"{rated.address}/sign-in/")
    tab.locator("#id_username").fill("overall")
    tab.locator("#id_password").fill(PASSWORD)
    tab.locator("#id_password").press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))
    tab.goto(f"{rated.address}/p/harbour/labels/queue/")
    tab.get_by_role("article", name="Overall").locator("form button").click()
    first = tab.url
    tab.locator("[data-skip]").click()
    tab.wait_for_url(re.compile("/skip/"))
    tab.locator('[value="broken"]').check()
    tab.get_by_role("button", name="Skip this item").click()
    tab.wait_for_url(lambda url: "/skip/" not in url and url != first)
    assert skips(rated)[len(before) :] == [("broken", "")]


@pytest.mark.parametrize(("stage", "campaign"), [("rated", "Rated"), ("marked", "Restored")])
def test_guidelines_open_and_close_by_one_key(
    request: pytest.FixtureRequest, open_tab: OpenTab, stage: str, campaign: str
) -> None:
    site: Site = request.getfixturevalue(stage)
    tab = open_tab()
    first = site.begin(tab, campaign)
    tab.keyboard.press("g")
    expect(tab.locator(PANEL)).to_be_visible()
    check_accessibility(tab)
    tab.keyboard.press("g")
    expect(tab.locator(PANEL)).to_be_hidden()
    assert tab.url == first
    assert len(tab.context.pages) == 1


@pytest.mark.parametrize(
    ("stage", "campaign", "keys", "told"),
    [
        ("rated", "Rated", "675", ["Helpful", "6", "Honest", "7", "Harmless", "5"]),
        ("marked", "Restored", "n", ["Marked", "nothing is invented"]),
        ("marked", "Written", "Lima is **here**, by the sea.", ["Answer", "Lima is **here**, by the sea."]),
    ],
)
def test_a_researcher_tries_a_page_and_nothing_is_stored(
    request: pytest.FixtureRequest, open_tab: OpenTab, stage: str, campaign: str, keys: str, told: list[str]
) -> None:
    site: Site = request.getfixturevalue(stage)
    tab = open_tab()
    tab.goto(f"{site.address}/sign-in/")
    tab.locator("#id_username").fill("rosa")
    tab.locator("#id_password").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/harbour/"))
    tab.goto(f"{site.address}/p/harbour/labels/")
    tab.get_by_role("link", name=campaign, exact=True).click()
    tab.get_by_role("link", name="Preview", exact=True).click()
    ready(tab)
    before = (site.ask(KEPT), site.ask(LABELS))
    if tab.locator("#response").count():
        tab.locator("#response").focus()
        tab.keyboard.type(keys)
        tab.get_by_role("button", name="Preview").click()
        expect(tab.locator("[data-html] strong")).to_have_text("here")
    else:
        tab.keyboard.type(keys)
    for width in (1440, 390):
        size(tab, width)
        check_accessibility(tab)
        assert not tab.evaluate(WIDER)
    tab.locator("[data-submit]").click()
    stored = tab.locator("[data-would-store]")
    expect(stored).to_be_visible()
    assert stored.locator("dt, dd").all_inner_texts()[: len(told)] == told
    tab.keyboard.press("Escape")
    tab.locator("[data-skip]").click()
    tab.locator(SKIP_DIALOG).locator("input[type=radio]").first.check()
    tab.get_by_role("button", name="Skip this item").click()
    expect(tab.locator("[data-skip-problem]")).to_contain_text("nothing was skipped")
    tab.goto(tab.url)
    assert (site.ask(KEPT), site.ask(LABELS)) == before
