"""Spans marked in a real Chromium by keys, by mouse and by touch: the offsets stored are those of the raw text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.ranking_site import Site, following, ready, served
from tests.journeys.servers import wait_until
from tests.journeys.span_stage import ANSWER, SOURCE
from tests.journeys.test_loop import check_accessibility
from tests.journeys.test_ranking_page import PHONE, WIDER, size, speak

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
Span = dict[str, Any]
# Where a text stands in the window: from its first character's far side to its last one's.
EDGES = """([pane, text]) => {
  const place = document.querySelector(`[data-pane="${pane}"]`), range = document.createRange(), ends = [];
  const walk = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  let whole = "";
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    ends.push([node, whole.length]);
    whole += node.data;
  }
  const spot = (at) => { const [node, start] = ends.findLast(([, from]) => from <= at); return [node, at - start]; };
  const at = whole.indexOf(text);
  range.setStart(...spot(at));
  range.setEnd(...spot(at + text.length - 1));
  range.setEnd(range.endContainer, range.endOffset + 1);
  range.startContainer.parentElement.scrollIntoView({ block: "center" });
  const boxes = [...range.getClientRects()].filter((box) => box.width), turned = /\\p{Script=Hebrew}/u.test(text);
  const [one, other] = [boxes[0], boxes.at(-1)];
  const [from, to] = turned ? [one.right, other.left] : [one.left, other.right];
  return [from, one.top + one.height / 2, to, other.top + other.height / 2];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("spans"), "span_stage") as made:
        yield made


def at(text: str, part: str) -> tuple[int, int]:
    """Where a part stands in a text, counted as Python does: in code points."""
    start = text.index(part)
    return start, start + len(part)


def span(kind: str, part: str, source: str = "") -> Span:
    start, end = at(ANSWER, part)
    told: Span = {"start": start, "end": end, "kind": kind}
    if source:
        told["source_start"], told["source_end"] = at(SOURCE, source)
    return told


def press(tab: Page, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)


def submitted(site: Site, campaign: str, before: int) -> list[Span]:
    """The spans of the one label that has come in since."""
    wait_until(lambda: len(site.labels(campaign)) > before, "the label is stored")
    (new,) = site.labels(campaign)[before:]
    found: list[Span] = new["spans"]
    return found


def quotes(tab: Page) -> list[str]:
    return tab.locator("[data-list] [data-quote]").all_inner_texts()


def entries(tab: Page) -> list[str]:
    """What the list says of each span, whichever is chosen."""
    return tab.locator("[data-list] :is(.entry__head, .entry__quote, .entry__source)").all_inner_texts()


def chosen(tab: Page) -> Locator:
    return tab.locator('[data-show="chosen"]')


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_whole_task_by_keys_alone(site: Site, open_tab: OpenTab, language: str) -> None:
    tab, campaign = open_tab(), "By keys"
    size(tab, 1440)
    first, before = site.begin(tab, campaign), len(site.labels(campaign))
    speak(tab, language)
    # To the answer, over "Lima", the family and "is", then two words with Shift.
    press(tab, "a", *["Control+ArrowRight"] * 2, *["ArrowRight"], *["Control+Shift+ArrowRight"] * 2)
    expect(chosen(tab)).to_have_text("in Chile")
    press(tab, "1")
    press(tab, "s", *["Control+ArrowRight"] * 2, *["Control+Shift+ArrowRight"] * 4, "l")
    # The second line from its start to the end of its first word, then its ends set by brackets.
    press(tab, "a", "ArrowDown", "Home", "[", "Control+ArrowRight", "]", "m", "3", "0", "3")
    # By lines and by characters: the emoji with its skin tone is one step.
    press(tab, "ArrowUp", "End", "ArrowLeft", "Shift+ArrowLeft", "4")
    # The last line runs from right to left, and so do the arrows.
    press(tab, "Control+End", "Control+Shift+ArrowRight", "2")
    expect(tab.locator("[data-at]")).to_have_count(4)
    assert quotes(tab) == ["in Chile", "Boli\u0301var", "👍🏽", "צילה."]
    press(tab, "k", "k", "k", "2", "u", "u", "U", "U", "1")
    press(tab, "j", "j", "j")
    if language == "en":
        told = tab.locator('[data-show="aloud"]')
        expect(told).to_have_text("Span 4: Not in the source: צילה.")
    press(tab, "Control+Enter")
    following(tab, first)
    assert submitted(site, campaign, before) == [
        span("contradicts", "in Chile", "the capital of Peru"),
        span("other", "👍🏽"),
        span("wrong-attribution", "Boli\u0301var"),
        span("not-in-source", "צילה."),
    ]
    (kept,) = site.ask("SELECT log FROM labels_label ORDER BY id DESC LIMIT 1")
    log = json.loads(kept[0])
    assert log["inputs"] == ["keyboard"] if language == "en" else "keyboard" in log["inputs"]
    assert log["viewport"][0] == 1440


@pytest.mark.parametrize(
    "part", ["👩‍👩‍👧", "👍🏽", "Boli\u0301var founded", "利马是智利", "בירת צילה", "source.\n利马"]
)
def test_a_drag_of_the_mouse_marks_exactly_what_it_covers(site: Site, open_tab: OpenTab, part: str) -> None:
    tab, campaign = open_tab(), "By mouse"
    size(tab, 1440)
    site.begin(tab, campaign)
    before = len(quotes(tab))
    drag(tab, "answer", part)
    expect(chosen(tab)).to_have_text(" ".join(part.split()))
    tab.locator('button[data-kind="not-in-source"]').click()
    expect(tab.locator("[data-at]")).to_have_count(before + 1)
    wait_until(
        lambda: any(span("not-in-source", part) in draft.get("spans", []) for draft in site.drafts(campaign)),
        f"{part!r} is marked where it stands",
    )


def drag(tab: Page, pane: str, part: str) -> None:
    from_x, from_y, to_x, to_y = tab.evaluate(EDGES, [pane, part])
    # A hair inside of the first character's near half, and of the last one's far half.
    turned = from_x > to_x and from_y == to_y
    tab.mouse.move(from_x + (-1 if turned else 1), from_y)
    tab.mouse.down()
    tab.mouse.move((from_x + to_x) / 2, (from_y + to_y) / 2)
    tab.mouse.move(to_x + (1 if turned else -1), to_y)
    tab.mouse.up()


def test_a_double_click_leaves_out_the_blank_and_overlaps_are_kept(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "By keys"
    first, before = site.begin(tab, campaign), len(site.labels(campaign))
    x, y, *_rest = tab.evaluate(EDGES, ["answer", "Chile"])
    tab.mouse.dblclick(x + 4, y)
    tab.locator('button[data-kind="contradicts"]').click()
    drag(tab, "answer", "is in Chile")
    tab.locator('button[data-kind="other"]').click()
    # The same once more says nothing more.
    drag(tab, "answer", "is in Chile")
    tab.locator('button[data-kind="other"]').click()
    expect(tab.locator("[data-at]")).to_have_count(2)
    # A click on what is marked chooses the smallest span there; its source is dragged and linked.
    tab.mouse.click(x + 4, y)
    expect(tab.locator(".entry.is-current [data-number]")).to_have_text("1")
    drag(tab, "source", "capital of Peru")
    tab.locator('[data-bar] button[data-do="link"]').click()
    # Its ends are drawn anew.
    drag(tab, "answer", "in Chile")
    tab.locator('.entry.is-current button[data-do="ends"]').click()
    tab.locator("[data-submit]").click()
    following(tab, first)
    assert submitted(site, campaign, before) == [
        span("other", "is in Chile"),
        span("contradicts", "in Chile", "capital of Peru"),
    ]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_by_touch_on_a_phone(site: Site, open_tab: OpenTab, language: str) -> None:
    tab, campaign = open_tab(**PHONE), "By touch"
    size(tab, 390)
    first, before = site.begin(tab, campaign), len(site.labels(campaign))
    speak(tab, language)
    handles(tab, "answer", "智利")
    expect(chosen(tab)).to_have_text("智利")
    tab.locator('button[data-kind="contradicts"]').tap()
    handles(tab, "source", "秘鲁")
    tab.locator('[data-bar] button[data-do="link"]').tap()
    handles(tab, "answer", "1821")
    tab.locator('button[data-kind="wrong-attribution"]').tap()
    tab.locator('[data-bar] button[data-do="unlink"]').tap()
    handles(tab, "answer", "Lima")
    tab.locator('button[data-kind="other"]').tap()
    tab.locator('.entry.is-current button[data-do="remove"]').tap()
    tab.locator('[data-bar] button[data-do="undo"]').tap()
    tab.locator('[data-bar] button[data-do="undo"]').tap()
    assert not tab.evaluate(WIDER)
    small = """[...document.querySelectorAll("form.spans button")].filter((one) => one.offsetParent)
    .filter((one) => one.offsetHeight < 44 || one.offsetWidth < 44).map((one) => one.textContent.trim())"""
    assert tab.evaluate(small) == []
    check_accessibility(tab)
    tab.locator("[data-submit]").tap()
    following(tab, first)
    assert submitted(site, campaign, before) == [
        span("not-in-source", "1821"),
        span("contradicts", "智利", "秘鲁"),
    ]


def handles(tab: Page, pane: str, part: str) -> None:
    """As the handles of a selection are drawn by a finger: what is selected changes, and no key or mouse did it."""
    script = """([pane, text]) => {
      const walk = document.createTreeWalker(document.querySelector(`[data-pane="${pane}"]`), NodeFilter.SHOW_TEXT);
      for (let node = walk.nextNode(); node; node = walk.nextNode()) {
        const at = node.data.indexOf(text);
        if (at >= 0) { getSelection().setBaseAndExtent(node, at, node, at + text.length); return; }
      }
    }"""
    tab.evaluate(script, [pane, part])


def test_untouched_nothing_is_stored_and_that_nothing_is_invented_is_said_by_a_button(
    site: Site, open_tab: OpenTab
) -> None:
    tab, campaign = open_tab(), "By keys"
    first, before = site.begin(tab, campaign), len(site.labels(campaign))
    speak(tab, "en")
    for _press in range(2):
        press(tab, "Control+Enter")
    tab.locator("[data-submit]").click(force=True)
    expect(tab.get_by_text("Nothing was submitted.").first).to_be_visible()
    tab.reload()
    ready(tab)
    press(tab, "Control+Enter")
    expect(tab.get_by_text("Nothing was submitted.").first).to_be_visible()
    assert (tab.url, len(site.labels(campaign))) == (first, before)
    button = tab.get_by_role("button", name=re.compile("Nothing is invented"))
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    # A span takes it back, and undoing the span brings it back.
    press(tab, "a", "Control+Shift+ArrowRight", "1")
    expect(button).to_have_attribute("aria-pressed", "false")
    press(tab, "u")
    expect(button).to_have_attribute("aria-pressed", "true")
    press(tab, "Control+Enter")
    following(tab, first)
    assert submitted(site, campaign, before) == []


def test_a_reload_restores_all_and_every_step_can_still_be_undone(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Restored"
    site.begin(tab, campaign)
    speak(tab, "en")
    press(tab, "a")
    for key in "1234":
        press(tab, "ArrowRight", "Control+Shift+ArrowRight", key)
    press(tab, "k", "4", "Backspace")
    expect(tab.get_by_text(re.compile("Saved"))).to_be_visible()
    shown = entries(tab)
    tab.reload()
    ready(tab)
    assert entries(tab) == shown
    expect(tab.locator(".entry.is-current [data-number]")).to_have_text("3")
    seen = [shown]
    for _step in range(6):
        press(tab, "u")
        seen.append(entries(tab))
    assert seen[-1] == []
    assert all(one != other for one, other in pairwise(seen))
    for _step in range(6):
        press(tab, "U")
    assert entries(tab) == shown


def test_the_next_item_is_shown_without_a_load(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Restored"
    first = site.begin(tab, campaign)
    press(tab, "a", "Control+Shift+ArrowRight")
    with tab.expect_response(lambda answer: "/next/" in answer.url):
        press(tab, "1")
    birth = tab.evaluate("performance.timeOrigin")
    press(tab, "Control+Enter")
    following(tab, first)
    ready(tab)
    assert tab.evaluate("performance.timeOrigin") == birth
    expect(tab.locator("[data-at]")).to_have_count(0)
    press(tab, "a", "Control+Shift+ArrowRight", "1")
    expect(tab.locator("[data-at]")).to_have_count(1)


@pytest.mark.parametrize(
    ("width", "theme", "language"), [(1440, "light", "en"), (768, "dark", "zh-hans"), (390, "dark", "en")]
)
def test_axe_finds_nothing(site: Site, open_tab: OpenTab, width: int, theme: Any, language: str) -> None:
    tab = open_tab()
    size(tab, width)
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    site.begin(tab, "Looked at")
    speak(tab, language)
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)
    press(tab, "a", "Control+Shift+ArrowRight", "1", "s", "Control+Shift+ArrowRight", "l")
    press(tab, "a", "Shift+ArrowDown", "3", "Shift+ArrowUp", "4")
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)
    press(tab, "?")
    check_accessibility(tab)


def test_a_press_is_answered_at_once_in_a_long_text(site: Site, open_tab: OpenTab) -> None:
    """The caret walks through 5,000 characters and stays to be seen."""
    tab = open_tab()
    size(tab, 1440)
    site.begin(tab, "Looked at")
    press(tab, "a", "Control+Home", *["ArrowDown"] * 40)
    seen = """() => {
      const box = (name) => document.querySelectorAll(name)[1].getBoundingClientRect();
      const [caret, pane] = [box("[data-caret]"), box(".pane")];
      return caret.height > 10 && caret.top >= pane.top && caret.bottom <= pane.bottom;
    }"""
    assert tab.evaluate(seen)
    took = """() => {
      const pane = document.querySelector('[data-pane="answer"]'), start = performance.now();
      const down = () => new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true });
      for (let n = 0; n < 20; n++) pane.dispatchEvent(down());
      return (performance.now() - start) / 20;
    }"""
    assert tab.evaluate(took) < 50
