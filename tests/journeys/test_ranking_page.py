"""Nine answers rated and ranked in a real Chromium: by counted keys, by touch, by buttons; and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.ranking_site import Presses, Site, card, following, ready, served
from tests.journeys.servers import wait_until
from tests.journeys.test_loop import check_accessibility
from tools.find_servers import chromium
from tools.screenshots import CHROMIUM_FLAGS

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
LETTERS = "ABCDEFGHI"
RATINGS = "733524617"
# By those ratings: A and I, then G, then D, F, then B and C, E, H.
PROPOSED = dict(zip(LETTERS, (1, 5, 5, 3, 6, 4, 2, 7, 1), strict=True))
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
LOOKS = [("en", 1440), ("zh-hans", 768), ("en", 390)]
PHONE: dict[str, Any] = {"has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("ranking")) as made:
        yield made


def size(tab: Page, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844 if width < 700 else 900})


def speak(tab: Page, language: str) -> None:
    """The page in this language, by its own button where it is in the other."""
    tag = "zh-Hans" if language == "zh-hans" else "en"
    if tab.locator("html").get_attribute("lang") != tag:
        tab.locator(f'.topbar button[name="language"][value="{language}"]').click()
        expect(tab.locator("html")).to_have_attribute("lang", tag)
        ready(tab)


def rated(values: str = RATINGS) -> dict[str, float]:
    return {letter: float(value) for letter, value in zip(LETTERS, values, strict=False)}


def submitted(site: Site, campaign: str, before: int) -> dict[str, Any]:
    """The one ranking that has come in since."""
    wait_until(lambda: len(site.stored(campaign)) > before, "the ranking is stored")
    (new,) = site.stored(campaign)[before:]
    return new


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_nine_answers_in_eleven_presses_with_a_proposal(
    site: Site, open_tab: OpenTab, language: str, width: int
) -> None:
    tab, campaign = open_tab(), "With a proposal"
    size(tab, width)
    first, before = site.begin(tab, campaign), len(site.stored(campaign))
    speak(tab, language)
    press = Presses(tab)
    press(*RATINGS, "Enter")
    expect(tab.locator("[data-proposal]")).to_be_visible()
    assert len(site.stored(campaign)) == before
    press("Enter")
    following(tab, first)
    assert press.count <= 11
    new = submitted(site, campaign, before)
    assert new["letters"] == {letter: (PROPOSED[letter], rated()[letter]) for letter in LETTERS}
    log = new["log"]
    assert (log["presort"], log["rate_first"], new["dropped"]) == (True, True, "")
    assert [move[5] for move in log["moves"] if move[1] == "rate"] == [int(value) for value in RATINGS]
    assert {move[3] for move in log["moves"]} == {"key", "presort"}
    assert log["language"] == ("zh-Hans" if language == "zh-hans" else "en")
    assert log["viewport"][0] == width


def test_nine_answers_in_twenty_presses_without_and_ten_for_the_order_alone(
    site: Site, open_tab: OpenTab
) -> None:
    tab = open_tab()
    for campaign, keys, most in (
        ("Without a proposal", [*RATINGS, "Enter", *"gaidfbceh", "Enter"], 20),
        ("Order alone", [*"gaidfbceh", "Enter"], 10),
    ):
        tab.context.clear_cookies()
        first, before = site.begin(tab, campaign), len(site.stored(campaign))
        press = Presses(tab)
        press(*keys)
        following(tab, first)
        assert press.count <= most
        new = submitted(site, campaign, before)
        assert "".join(sorted(new["letters"], key=lambda letter: new["letters"][letter][0])) == "GAIDFBCEH"
        assert new["log"]["presort"] is False


def test_opening_and_submitting_at_once_stores_nothing(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    for campaign in ("With a proposal", "Order alone", "Two"):
        tab.context.clear_cookies()
        first, before = site.begin(tab, campaign), len(site.stored(campaign))
        for _press in range(3):
            tab.keyboard.press("Enter")
        tab.locator("[data-submit]").click(force=True)
        expect(tab.get_by_text("Nothing was submitted.").first).to_be_visible()
        tab.reload()
        ready(tab)
        tab.keyboard.press("Enter")
        expect(tab.get_by_text("Nothing was submitted.").first).to_be_visible()
        assert tab.url == first
        assert len(site.stored(campaign)) == before


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_by_touch_alone_on_a_phone(site: Site, open_tab: OpenTab, language: str) -> None:
    tab, campaign = open_tab(**PHONE), "Four"
    size(tab, 390)
    first, before = site.begin(tab, campaign), len(site.stored(campaign))
    speak(tab, language)
    bar = tab.locator("[data-bar]")
    tab.locator("[data-prompt] summary").tap()
    expect(tab.locator(".rank__sheet")).to_be_visible()
    tab.locator("[data-prompt] summary").tap()
    for value in "5572":
        bar.locator(f'[data-rate="{value}"]').tap()
    assert not tab.evaluate(WIDER)
    tab.locator("[data-submit]").tap()
    tiers = tab.locator("[data-tiers] > .tier:has(.chip)")
    expect(tiers).to_have_count(3)
    # The proposal is taken apart, and all are tapped in order of preference, the last one as good as the one before.
    for _chip in range(4):
        tab.locator('[data-rank-tools] [data-do="takeback"]').tap()
    for letter in "DCBA":
        tab.locator(f'[data-unplaced] .chip[data-letter="{letter}"]').tap()
    tab.locator('[data-rank-tools] [data-do="tie"]').tap()
    expect(tiers).to_have_count(3)
    check_accessibility(tab)
    tab.locator("[data-submit]").tap()
    following(tab, first)
    new = submitted(site, campaign, before)
    assert new["letters"] == {"A": (3, 5.0), "B": (3, 5.0), "C": (2, 7.0), "D": (1, 2.0)}
    assert new["log"]["inputs"] == ["touch"]
    assert {move[3] for move in new["log"]["moves"]} == {"tap", "presort"}


def test_by_buttons_alone_found_by_their_names(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Four"
    first, before = site.begin(tab, campaign), len(site.stored(campaign))
    speak(tab, "en")

    def press(name: str) -> None:
        button = tab.get_by_role("button", name=name, exact=True)
        button.focus()
        tab.keyboard.press("Space")

    aloud = tab.get_by_role("status").last
    for letter, value in zip("ABCD", "1234", strict=True):
        press(f"{value} of 7 for {letter}")
    expect(aloud).to_have_text("D rated 4. All are rated.")
    press("Put in order")
    expect(aloud).to_contain_text("Proposed from your ratings")
    press("A one place up")
    expect(aloud).to_have_text("A moved to tier 3 of 3, tied with B")
    press("B one place up")
    expect(aloud).to_have_text("B moved to tier 2 of 3, tied with C")
    press("D one place down")
    expect(aloud).to_have_text("D moved to tier 1 of 2, tied with B, C")
    press("Undo")
    press("Take A back")
    press("Place A next")
    press("A ties with the one above")
    expect(aloud).to_have_text("A moved to tier 2 of 2, tied with B, C")
    press("Submit ranking")
    following(tab, first)
    new = submitted(site, campaign, before)
    assert {letter: place for letter, (place, _rating) in new["letters"].items()} == {
        "A": 2,
        "B": 2,
        "C": 2,
        "D": 1,
    }


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark"), (320, "light")])
def test_axe_finds_nothing_in_either_stage(site: Site, open_tab: OpenTab, width: int, theme: Any) -> None:
    tab = open_tab()
    size(tab, width)
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    site.begin(tab, "With a proposal")
    speak(tab, "en")
    tab.keyboard.press("t")
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)
    tab.keyboard.press("Escape")
    tab.keyboard.type(RATINGS)
    tab.keyboard.press("Enter")
    expect(tab.locator("[data-proposal]")).to_be_visible()
    check_accessibility(tab)
    assert not tab.evaluate(WIDER)
    tab.keyboard.press("x")
    check_accessibility(tab)
    tab.keyboard.press("Escape")
    tab.keyboard.press("?")
    check_accessibility(tab)
    tab.keyboard.press("Escape")
    first = tab.url
    tab.keyboard.press("Enter")
    following(tab, first)


def test_keys_of_the_order_flags_gaps_and_the_compare_view(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Four"
    first, before = site.begin(tab, campaign), len(site.stored(campaign))
    rail = tab.locator("[data-tiers]")

    def tiers() -> list[str]:
        return [
            "".join(row.locator(".chip").all_inner_texts()) for row in rail.locator(".tier:has(.chip)").all()
        ]

    for key in ("b", "t", "3", "7", "b", "Backspace", "a", "1", "5", "5", "5", "c", "6", "b", "7", "Enter"):
        tab.keyboard.press(key)
    expect(tab.locator("[data-proposal]")).to_be_visible()
    assert tiers() == ["B", "C", "D", "A"]
    for keys, wanted in (
        (["d", "ArrowUp"], ["B", "CD", "A"]),
        (["-"], ["B", "C", "D", "A"]),
        (["="], ["B", "CD", "A"]),
        (["u"], ["B", "C", "D", "A"]),
        (["U"], ["B", "CD", "A"]),
        (["Control+z"], ["B", "C", "D", "A"]),
        (["1"], ["BD", "C", "A"]),
        ([" ", "ArrowDown", "ArrowDown", "Escape"], ["BD", "C", "A"]),
        (["Backspace", "Backspace", "u", "u"], ["BD", "C", "A"]),
        (["a", "x", "ArrowRight", "Escape"], ["BD", "A", "C"]),
        (["c", "x", "=", "Escape"], ["BD", "AC"]),
    ):
        for key in keys:
            tab.keyboard.press(key)
        assert tiers() == wanted, keys
    tab.keyboard.press("j")
    tab.keyboard.press("a")
    tab.keyboard.press("/")
    tab.keyboard.press("Enter")
    following(tab, first)
    new = submitted(site, campaign, before)
    assert {letter: place for letter, (place, _rating) in new["letters"].items()} == {
        "A": 2,
        "B": 1,
        "C": 2,
        "D": 1,
    }
    assert new["margins"] == [3]
    assert [move[5] for move in new["log"]["moves"] if move[1] == "rate"][1] is None
    flags = site.ask("SELECT name FROM labels_responseflag ORDER BY id DESC LIMIT 1")
    assert flags == [("hallucination",)]


def test_a_reload_restores_all_and_every_step_can_still_be_undone(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    site.begin(tab, "Without a proposal")
    for _round in range(4):
        tab.keyboard.type("123456712a7a6a5a4a3a2a1")
    tab.keyboard.press("r")
    expect(tab.get_by_text(re.compile("Saved"))).to_be_visible()
    shown = tab.locator("[data-tiers]").inner_text()
    tab.reload()
    ready(tab)
    assert tab.locator("[data-tiers]").inner_text() == shown
    expect(card(tab, "A").locator("[data-raw]")).to_be_visible()
    expect(card(tab, "A").locator("[data-text]")).to_be_hidden()
    before = [shown]
    for _step in range(50):
        tab.keyboard.press("u")
        before.append(tab.locator("[data-tiers]").inner_text())
    assert all(one != other for one, other in pairwise(before))
    for _step in range(50):
        tab.keyboard.press("U")
    assert tab.locator("[data-tiers]").inner_text() == shown


def test_long_answers_are_cut_alike_and_must_be_read_or_marked(site: Site, open_tab: OpenTab) -> None:
    tab, campaign = open_tab(), "Long"
    first, before = site.begin(tab, campaign), len(site.stored(campaign))
    heights = {card(tab, letter).locator("[data-body]").bounding_box()["height"] for letter in "ABC"}  # type: ignore[index]
    assert len(heights) == 1
    tab.keyboard.type("abc")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text(re.compile("Not read to the end")).first).to_be_visible()
    assert len(site.stored(campaign)) == before
    whole, part = (letter for letter in "ABC" if long_text(tab, letter))
    card(tab, whole).get_by_role("button", name=f"Show all of {whole}").click()
    card(tab, whole).locator("[data-end]").scroll_into_view_if_needed()
    expect(card(tab, whole).locator("[data-read]")).to_be_visible()
    card(tab, part).get_by_role("button", name=f"Read enough of {part}").click()
    (short,) = set("ABC") - {whole, part}
    card(tab, short).scroll_into_view_if_needed()
    expect(card(tab, short).locator("[data-read]")).to_be_visible()
    tab.keyboard.press("Enter")
    following(tab, first)
    cards = submitted(site, campaign, before)["log"]["cards"]
    assert {letter: told["read"] for letter, told in cards.items()} == {
        whole: "end",
        part: "enough",
        short: "end",
    }
    assert {letter: len(told["expanded_ms"]) for letter, told in cards.items()} == {
        whole: 1,
        part: 0,
        short: 0,
    }
    assert cards[whole]["depth_percent"] == 100
    assert cards[whole]["dwell_ms"] > 0


def long_text(tab: Page, letter: str) -> bool:
    return len(card(tab, letter).locator("[data-raw]").text_content() or "") > 1000


def test_the_next_item_is_promised_and_shown_without_a_load_and_given_back(
    site: Site, open_tab: OpenTab
) -> None:
    tab, campaign = open_tab(), "Two"
    first = site.begin(tab, campaign)
    assert site.held(campaign) == 1
    with tab.expect_response(lambda answer: "/next/" in answer.url):
        tab.keyboard.press("b")
    assert site.held(campaign) == 2
    birth = tab.evaluate("performance.timeOrigin")
    tab.keyboard.press("a")
    tab.keyboard.press("Enter")
    following(tab, first)
    ready(tab)
    assert tab.evaluate("performance.timeOrigin") == birth
    expect(tab.get_by_text("0 of 2 placed")).to_be_visible()
    second = tab.url
    with tab.expect_response(lambda answer: "/next/" in answer.url):
        tab.keyboard.press("a")
    assert site.held(campaign) == 2
    tab.get_by_role("button", name="Stop here").click()
    tab.wait_for_url(re.compile("queue"))
    wait_until(lambda: site.held(campaign) == 0, "both items are given back")
    assert second != first


def test_time_that_runs_out_is_told_and_more_can_be_had(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    tab.clock.install()
    site.begin(tab, "Order alone")
    warning = tab.locator("[data-lease]")
    expect(warning).to_be_hidden()
    # Signs of life end with five minutes without a touch; from then on the promise runs down.
    for _half_minute in range(60):
        tab.clock.run_for(30_000)
        if warning.is_visible():
            break
    expect(warning).to_be_visible()
    tab.get_by_role("button", name="I am still working on it").click()
    expect(warning).to_be_hidden()
    check_accessibility(tab)


def launch(browser: Browser, profile: Path) -> tuple[Any, psutil.Process]:
    """A browser of its own with a profile on disk, and its process."""
    context = browser.browser_type.launch_persistent_context(
        str(profile),
        executable_path=str(chromium()),
        args=[*CHROMIUM_FLAGS, "--no-sandbox"],
        viewport={"width": 1280, "height": 900},
    )
    mine = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--user-data-dir={profile}" in (process.info["cmdline"] or [])
        and not any(argument.startswith("--type=") for argument in process.info["cmdline"])
    ]
    return context, mine[0]


def test_a_killed_browser_loses_at_most_the_last_second(
    site: Site, browser: Browser, open_tab: OpenTab, tmp_path: Path
) -> None:
    campaign = "Killed"
    context, process = launch(browser, tmp_path / "profile")
    tab = context.pages[0]
    first = site.begin(tab, campaign)
    start = tab.evaluate("Date.now()")
    pressed: list[float] = []
    while not pressed or pressed[-1] < 2_500:
        tab.keyboard.press("7" if len(pressed) % 2 else "6")
        pressed.append(tab.evaluate("Date.now()") - start)
        tab.keyboard.press("a")
    family = [process, *process.children(recursive=True)]
    for one in family:
        one.kill()
    psutil.wait_procs(family, 10)
    safe = sum(moment < pressed[-1] - 1_000 for moment in pressed)
    # What the server has alone, as another device would see it.
    (state,) = site.drafts(campaign)
    assert safe > 5
    assert safe <= state["version"] <= len(pressed)
    other = open_tab()
    site.begin(other, campaign)
    assert other.url == first
    expect(card(other, "A")).to_contain_text(f"rated {state['ratings']['A']}")
    other.context.close()
    # The same browser again, with what it kept itself: the next change is counted on from there.
    context, _process = launch(browser, tmp_path / "profile")
    again = context.pages[0]
    site.begin(again, campaign)
    again.keyboard.press("3")
    wait_until(lambda: site.drafts(campaign)[0]["version"] > state["version"], "the change is saved")
    assert safe < site.drafts(campaign)[0]["version"] <= len(pressed) + 1
    context.close()
