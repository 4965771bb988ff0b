"""On the ranking page: marks of what is invented, an answer of one's own, and keys of one's own; each by real hands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, following, served
from tests.journeys.servers import wait_until
from tests.journeys.test_loop import check_accessibility
from tests.journeys.test_ranking_page import PHONE, size

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
CAMPAIGN = "Skipped"
KEPT = """SELECT ranking.detail, (SELECT body FROM labels_label WHERE item_id = ranking.item_id)
FROM labels_ranking ranking ORDER BY ranking.id DESC LIMIT 1"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("marking")) as made:
        yield made


def test_by_keyboard_marks_and_a_better_answer_outlive_a_reload_and_go_with_the_ranking(
    site: Site, open_tab: OpenTab
) -> None:
    tab = open_tab()
    first = site.begin(tab, CAMPAIGN)
    marking = tab.get_by_role("dialog", name="What is invented in this answer? B")
    tab.keyboard.press("j")
    tab.keyboard.press("m")
    expect(marking).to_be_visible()
    for _step in range(3):
        tab.keyboard.press("Shift+ArrowRight")
    expect(marking.locator("[data-marking-chosen]")).not_to_be_empty()
    check_accessibility(tab)
    tab.keyboard.press("1")
    expect(marking.locator("[data-marking-list] li")).to_have_count(1)
    tab.keyboard.press("2")
    expect(marking.locator("[data-marking-told]")).to_have_text("Select words of the answer first.")
    tab.keyboard.press("Escape")
    expect(marking).to_be_hidden()
    expect(tab.locator(".answer[data-letter=B] [data-mark-count]")).to_have_text("1")
    # Undone and done again: a mark is a step like any other.
    tab.keyboard.press("u")
    expect(tab.locator(".answer[data-letter=B] [data-mark-count]")).to_be_empty()
    tab.keyboard.press("U")
    tab.keyboard.press("w")
    better = tab.get_by_role("dialog", name="Write a better answer")
    tab.keyboard.type("Lisbon, 里斯本.")
    check_accessibility(tab)
    tab.keyboard.press("Control+Enter")
    expect(better).to_be_hidden()
    write = tab.get_by_role("button", name="Write a better answer")
    expect(write).to_have_attribute("aria-pressed", "true")
    wait_until(
        lambda: any(state.get("better") == "Lisbon, 里斯本." for state in site.drafts(CAMPAIGN)), "the draft"
    )
    tab.reload()
    expect(tab.locator(".answer[data-letter=B] [data-mark-count]")).to_have_text("1")
    expect(write).to_have_attribute("aria-pressed", "true")
    tab.keyboard.press("u")
    expect(write).to_have_attribute("aria-pressed", "false")
    tab.keyboard.press("U")
    tab.keyboard.type("abcd")
    tab.keyboard.press("Enter")
    following(tab, first)
    ((detail, body),) = site.ask(KEPT)
    ((span,),) = json.loads(detail)["spans"].values()
    assert (span["start"], span["end"], span["kind"]) == (0, 3, "contradicts")
    assert json.loads(body) == {"response": "Lisbon, 里斯本."}


def test_by_touch_on_a_phone(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab(**PHONE)
    size(tab, 390)
    site.begin(tab, CAMPAIGN)
    mark = tab.locator(".answer[data-letter=A]").get_by_role("button", name="Mark what is invented")
    box = mark.bounding_box()
    assert box
    assert box["height"] >= 24
    mark.tap()
    dialog = tab.get_by_role("dialog", name="What is invented in this answer? A")
    tab.evaluate("""() => { const node = document.querySelector('[data-marking-pane] .pane__text').firstChild;
        getSelection().setBaseAndExtent(node, 0, node, 3); }""")
    dialog.get_by_role("button", name="Not in the source").tap()
    expect(dialog.locator("[data-marking-list] li")).to_have_count(1)
    check_accessibility(tab)
    dialog.get_by_role("button", name="Remove span 1").tap()
    expect(dialog.locator("[data-marking-list] li")).to_have_count(0)
    dialog.get_by_role("button", name="Done").tap()
    expect(dialog).to_be_hidden()


def test_ones_own_keys_hold_on_the_page_that_is_open_and_the_usual_ones_do_not(
    site: Site, open_tab: OpenTab
) -> None:
    tab = open_tab()
    site.begin(tab, CAMPAIGN)
    tab.keyboard.press("?")
    keys = tab.get_by_role("dialog", name="Keys")
    with tab.expect_popup() as opened:
        keys.get_by_role("link", name="Choose your own keys").click()
    chooser = opened.value
    check_accessibility(chooser)
    section = chooser.get_by_role("group", name="Rankings and comparisons")
    section.get_by_label("compare with the neighbour above").fill("t")
    section.get_by_role("textbox", name="flags", exact=True).fill("t")
    chooser.get_by_role("button", name="Keep my keys").click()
    expect(chooser.get_by_role("alert")).to_be_visible()
    check_accessibility(chooser)
    section.get_by_label("compare with the neighbour above").fill("y")
    chooser.get_by_role("button", name="Keep my keys").click()
    expect(chooser.get_by_text("Your keys are kept.")).to_be_visible()
    chooser.close()
    tab.bring_to_front()
    tab.evaluate("dispatchEvent(new Event('focus'))")
    expect(keys.locator("kbd", has_text=re.compile("^y$"))).to_have_count(1)
    tab.keyboard.press("Escape")
    comparing = tab.get_by_role("dialog", name="Which is better?")
    tab.keyboard.press("x")
    expect(comparing).to_be_hidden()
    tab.keyboard.press("y")
    expect(comparing).to_be_visible()
    tab.keyboard.press("y")
    expect(comparing).to_be_hidden()
    # And on every page from now on, wherever this person signs in.
    tab.reload()
    tab.keyboard.press("x")
    expect(comparing).to_be_hidden()
    tab.keyboard.press("y")
    expect(comparing).to_be_visible()
