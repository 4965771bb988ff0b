"""The loop, walked by two people in real browsers: ranked, frozen, trained, judged. And by nobody when sabotaged."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Stage
from tests.journeys.stage import PASSWORD

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

JOB_MS = 240_000
OpenTab = Callable[..., Page]


def check_accessibility(tab: Page) -> None:
    """axe finds nothing on this page, as it stands now."""
    found = Axe().run(tab)
    assert found.violations_count == 0, f"{tab.url}\n{found.generate_report()}"


def sign_in_by_keyboard(tab: Page, stage: Stage, name: str) -> None:
    """The name field has the focus already: no pointer is needed from the first key on."""
    tab.goto(stage.address)
    expect(tab.get_by_label("Name", exact=True)).to_be_focused()
    tab.keyboard.type(name)
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/walks/"))


def press_until(tab: Page, key: str, label: str, most: int = 40) -> None:
    """Tab along until the control with this label has the focus."""
    for _press in range(most):
        tab.keyboard.press(key)
        focused = tab.evaluate("document.activeElement.innerText || document.activeElement.value || ''")
        if label in str(focused):
            return
    raise AssertionError(f"{label!r} cannot be reached by {key}")


def rank_by_keyboard(tab: Page) -> str:
    """The five letters and Enter, as the page's own help says; returns the address of the item."""
    expect(tab.locator("article.answer")).to_have_count(5)
    item = tab.url
    submit = tab.get_by_role("button", name="Submit ranking")
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(item)
    for letter in "bdac":
        tab.keyboard.press(letter)
    expect(tab.get_by_text("4 of 5 placed")).to_be_visible()
    tab.keyboard.press("e")
    tab.keyboard.press("=")
    expect(tab.get_by_text("5 of 5 placed")).to_be_visible()
    expect(submit).to_be_enabled()
    return item


def rank_by_pointer(tab: Page) -> None:
    """Chips dragged from the rail into places, the last by their buttons; then Submit, all with the mouse."""
    places = tab.locator("[data-tiers] > li")
    for place, letter in enumerate("CAE"):
        chip = tab.locator(f'[data-unplaced] .chip[data-letter="{letter}"]')
        drag(tab, chip.bounding_box(), places.nth(place).bounding_box())
    for letter in "BD":
        tab.get_by_role("button", name=f"Place {letter} next").click()
    expect(tab.get_by_text("5 of 5 placed")).to_be_visible()
    tab.get_by_role("button", name="Submit ranking").click()


def drag(tab: Page, start: object, end: object) -> None:
    assert isinstance(start, dict)
    assert isinstance(end, dict)
    tab.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=5)
    tab.mouse.up()


def annotate(tab: Page, stage: Stage) -> None:
    """ada's work: one item by keyboard alone, one by pointer, and then the queue says thank you."""
    sign_in_by_keyboard(tab, stage, "ada")
    expect(tab).to_have_url(re.compile("queue"))
    check_accessibility(tab)
    press_until(tab, "Tab", "Start ranking")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/rank/"))
    check_accessibility(tab)
    first = rank_by_keyboard(tab)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda url: "/rank/" in url and url != first)
    expect(tab.get_by_text("0 of 5 placed")).to_be_visible()
    rank_by_pointer(tab)
    tab.wait_for_url(re.compile("queue"))
    expect(tab.get_by_text("All done, thank you")).to_be_visible()
    check_accessibility(tab)


def wait_for_state(tab: Page, word: str) -> None:
    """Until the page itself, without being loaded again by us, says that the job has come to this."""
    expect(tab.locator(".state").first).to_have_text(word, timeout=JOB_MS)


def freeze(tab: Page, stage: Stage, name: str) -> None:
    """A snapshot of all labels, waited for on its own page."""
    tab.goto(f"{stage.address}/p/walks/snapshots/freeze/")
    check_accessibility(tab)
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_role("button", name="Freeze snapshot").click()
    tab.wait_for_url(re.compile(r"/snapshots/\d+/"))
    expect(tab.get_by_role("link", name="rankings.jsonl").first).to_be_visible(timeout=JOB_MS)
    check_accessibility(tab)


def start_reward_model(tab: Page, stage: Stage, name: str, epochs: int = 50) -> None:
    tab.goto(f"{stage.address}/p/walks/training/reward-model/")
    check_accessibility(tab)
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Starts from", exact=True).select_option(label="walker")
    tab.get_by_label("Epochs", exact=True).fill(str(epochs))
    tab.get_by_label("Learning rate", exact=True).fill("0.000003")
    tab.get_by_label("Rankings per step", exact=True).fill("1")
    tab.get_by_role("button", name="Start a reward model").click()
    tab.wait_for_url(re.compile(r"/training/\d+/"))


def see_the_curve_move(tab: Page, milliseconds: float = JOB_MS) -> None:
    """A curve appears on the open page, and then it is another one."""
    drawn = tab.locator("svg.plot path.line").first
    expect(drawn).to_have_attribute("d", re.compile("."), timeout=milliseconds)
    before = drawn.get_attribute("d")
    assert before is not None
    expect(drawn).not_to_have_attribute("d", before, timeout=milliseconds)


def choose(tab: Page, label: str, name: str) -> None:
    """The option of that name, whatever else stands beside it."""
    select = tab.get_by_label(label, exact=True)
    value = select.locator("option").filter(has_text=name).first.get_attribute("value")
    assert value is not None
    select.select_option(value=value)


def start_ppo(tab: Page, stage: Stage, name: str, reward_model: str) -> None:
    tab.goto(f"{stage.address}/p/walks/training/ppo/")
    check_accessibility(tab)
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Prompts", exact=True).select_option(label="Walks")
    tab.get_by_label("Policy", exact=True).select_option(label="walker")
    choose(tab, "Reward model", reward_model)
    for label, value in {
        "Updates": "40",
        "Responses per update": "40",
        "Longest response, tokens": "20",
    }.items():
        tab.get_by_label(label, exact=True).fill(value)
    tab.get_by_role("button", name="Start PPO").click()
    tab.wait_for_url(re.compile(r"/training/\d+/"))


def sample(tab: Page, stage: Stage, policy: str) -> None:
    """The new policy answers every prompt of the set."""
    tab.goto(f"{stage.address}/p/walks/prompts/")
    tab.locator("main").get_by_role("link", name="Walks", exact=True).first.click()
    check_accessibility(tab)
    tab.get_by_label("Policy", exact=True).select_option(label=policy)
    tab.get_by_label("Answers per prompt", exact=True).fill("4")
    tab.get_by_label("Longest answer (tokens)", exact=True).fill("20")
    tab.get_by_role("button", name="Sample answers").click()
    tab.goto(f"{stage.address}/p/walks/jobs/")
    tab.get_by_role("link", name=re.compile("Sample responses|sample", re.IGNORECASE)).first.click()
    wait_for_state(tab, "succeeded")
    check_accessibility(tab)


def rate(tab: Page, stage: Stage, snapshot: str) -> list[str]:
    """The leaderboard made from a snapshot, read row by row from the page."""
    tab.goto(f"{stage.address}/p/walks/evaluations/rate/")
    check_accessibility(tab)
    tab.get_by_label("Snapshot", exact=True).select_option(label=snapshot)
    tab.get_by_role("button", name="Rate policies").click()
    tab.wait_for_url(re.compile(r"/leaderboards/\d+/"))
    expect(tab.locator("table tbody tr").first).to_be_visible(timeout=JOB_MS)
    check_accessibility(tab)
    return [" ".join(row.split()) for row in tab.locator("table tbody tr").all_inner_texts()]


def follow_lineage(tab: Page, policy: str) -> None:
    """From a row of the leaderboard to the rankings behind it in two clicks."""
    tab.locator("table tbody tr").get_by_role("link", name=policy).first.click()
    check_accessibility(tab)
    tab.get_by_role("link", name=re.compile("ranking", re.IGNORECASE)).first.click()
    expect(tab.get_by_text("true-length").first).to_be_visible()
    check_accessibility(tab)


def test_two_people_walk_the_loop(stage: Stage, open_tab: OpenTab) -> None:
    annotate(open_tab(), stage)
    tab = open_tab()
    sign_in_by_keyboard(tab, stage, "rosa")
    expect(tab.get_by_role("heading", name="Walks")).to_be_visible()
    check_accessibility(tab)
    freeze(tab, stage, "first")
    before = rate(tab, stage, "first")
    start_reward_model(tab, stage, "prefers short")
    see_the_curve_move(tab)
    check_accessibility(tab)
    wait_for_state(tab, "succeeded")
    start_ppo(tab, stage, "shorter", "prefers short")
    see_the_curve_move(tab)
    wait_for_state(tab, "succeeded")
    check_accessibility(tab)
    sample(tab, stage, "shorter")
    stage.run("judge", "shorter")
    freeze(tab, stage, "second")
    after = rate(tab, stage, "second")
    assert before != after
    assert not any(row.startswith("shorter") for row in before)
    assert any(row.startswith("shorter") for row in after)
    follow_lineage(tab, "shorter")
    assert "libtorch" not in Path(f"/proc/{stage.pids['web']}/maps").read_text("utf-8")


def test_the_journey_fails_at_the_curve_when_the_worker_stands_still(stage: Stage, open_tab: OpenTab) -> None:
    tab = open_tab()
    sign_in_by_keyboard(tab, stage, "rosa")
    if tab.goto(f"{stage.address}/p/walks/snapshots/") and not tab.get_by_role("link", name="first").count():
        freeze(tab, stage, "first")
    with stage.without_worker():
        start_reward_model(tab, stage, "never trained", epochs=2)
        with pytest.raises(AssertionError, match="expected to have attribute"):
            see_the_curve_move(tab, milliseconds=8_000)
        expect(tab.locator(".state").first).to_have_text("waiting")
        tab.get_by_role("button", name="Cancel run").click()
        expect(tab.locator(".state").first).to_have_text("cancelled")


def test_signing_in_and_ranking_on_postgresql_and_a_redis_server(
    server_stage: Stage, open_tab: OpenTab
) -> None:
    annotate(open_tab(), server_stage)
    tab = open_tab()
    sign_in_by_keyboard(tab, server_stage, "rosa")
    freeze(tab, server_stage, "first")
