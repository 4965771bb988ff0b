"""A suite is scheduled, its report read, its items browsed, and people look at one: in a real browser with a worker."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.house.tree import ROOT
from tests.journeys.conftest import Stage
from tests.journeys.stage import PASSWORD
from tests.journeys.test_loop import JOB_MS, check_accessibility

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]
OpenTab = Callable[..., Page]
SIZES = ((1440, 900), (390, 844))
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def capitals(stage: Stage) -> str:
    """The address of a project of its own on the running platform."""
    command = [sys.executable, "-m", "tests.journeys.evaluation_stage", "prepare"]
    subprocess.run(command, cwd=ROOT, env=stage.environment, check=True)
    return f"{stage.address}/p/capitals"


def sign_in(tab: Page, stage: Stage, name: str) -> None:
    tab.goto(stage.address)
    tab.get_by_label("Name", exact=True).fill(name)
    tab.get_by_label("Password", exact=True).fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile("/p/capitals/"))


def look(tab: Page) -> None:
    """This page at both widths and in both themes: axe finds nothing, and it fits."""
    for (width, height), theme in zip(SIZES, ("light", "dark"), strict=True):
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        check_accessibility(tab)
        assert not tab.evaluate(WIDER), f"{tab.url} at {width}"
    tab.set_viewport_size({"width": 1440, "height": 900})


def schedule(tab: Page, capitals: str, writer: str) -> str:
    """From the list of evaluations by the form of the suite to the page of the run; returns its address."""
    tab.goto(f"{capitals}/evaluations/evaluate/")
    look(tab)
    tab.get_by_role("link", name=re.compile("Hallucination, open domain")).click()
    look(tab)
    tab.get_by_label("Name", exact=True).fill(f"{writer} on capitals")
    tab.get_by_label("Subject", exact=True).select_option(label=writer)
    tab.get_by_label(re.compile("closed-book:")).check()
    tab.get_by_label("or a prompt set", exact=True).select_option(label="Capitals")
    tab.get_by_role("button", name="Start an evaluation").click()
    tab.wait_for_url(re.compile(r"/evaluations/\d+/$"))
    expect(tab.locator(".state").first).to_have_text("succeeded", timeout=JOB_MS)
    return tab.url


def read_report(tab: Page) -> None:
    """The figures, what the report drew, and the counts that lead to the items."""
    expect(tab.get_by_role("heading", name="All items")).to_be_visible()
    expect(tab.get_by_role("heading", name="Drawn by the report")).to_be_visible()
    expect(tab.get_by_text("6 asked, 6 measured (of these 2 abstained), 0 not measured")).to_be_visible()
    look(tab)


def browse(tab: Page) -> None:
    """Filters, words, and the other writer beside; then one item by its own address."""
    tab.get_by_role("link", name="Browse the items").click()
    expect(tab.locator("article")).to_have_count(6)
    look(tab)
    tab.get_by_label("Outcome", exact=True).select_option(label="abstained (2)")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("article")).to_have_count(2)
    tab.get_by_label("Outcome", exact=True).select_option(label="any")
    tab.get_by_label("Side by side with", exact=True).select_option(label="Bold: Bold on capitals")
    tab.get_by_label("only where they differ").check()
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("article")).to_have_count(5)
    expect(tab.get_by_text("In Laos.")).to_be_visible()
    look(tab)
    tab.get_by_label("Words in it", exact=True).fill("oslo")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("article")).to_have_count(1)
    tab.get_by_role("link", name="Oslo").click()
    tab.wait_for_url(re.compile(r"/items/\d+/\?with=\d+$"))
    expect(tab.get_by_role("heading", name="In which country is Oslo?")).to_be_visible()
    expect(tab.get_by_text("In Sweden.")).to_be_visible()
    look(tab)


def judge(tab: Page, stage: Stage) -> None:
    """abe, who is told neither writer nor metric, finds the answer false."""
    sign_in(tab, stage, "abe")
    tab.get_by_role("button", name=re.compile("^Start")).first.click()
    tab.wait_for_url(re.compile("/rank/"))
    expect(tab.get_by_role("article", name="Answer").get_by_text("In Norway.").first).to_be_visible()
    seen = tab.content()
    assert "Careful" not in seen
    assert "closed-book" not in seen
    tab.locator('[name="rating-truthful"][value="2"]').check(force=True)
    tab.locator('[name="rating-informative"][value="6"]').check(force=True)
    tab.get_by_role("button", name=re.compile("^Submit")).click()
    tab.wait_for_url(re.compile("queue"))


def test_a_suite_is_scheduled_read_browsed_and_looked_at(
    stage: Stage, capitals: str, open_tab: OpenTab
) -> None:
    tab = open_tab()
    sign_in(tab, stage, "hana")
    schedule(tab, capitals, "Bold")
    address = schedule(tab, capitals, "Careful")
    read_report(tab)
    browse(tab)
    tab.get_by_role("button", name="Ask people about it").click()
    expect(tab.get_by_text("they see neither who answered nor what the metric says")).to_be_visible()
    look(tab)
    judge(open_tab(), stage)
    tab.goto(address)
    expect(tab.get_by_text("On 0 of 1 items people and the metric say the same")).to_be_visible()
    expect(tab.get_by_role("link", name="Oslo").first).to_be_visible()
    look(tab)
