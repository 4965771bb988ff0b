"""axe finds nothing on any page, for either kind of person, in the light on a desk and in the dark on a phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import Stage
from tests.journeys.test_loop import freeze, sign_in_by_keyboard

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

OpenTab = Callable[..., Page]
LINKS = "[...document.querySelectorAll('a[href]:not([download])')].map((link) => link.href)"
FILES = re.compile(r"\.(jsonl?|csv|safetensors)$")
DESK_IN_THE_LIGHT, PHONE_IN_THE_DARK = (1280, 900, "light"), (390, 844, "dark")
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def kind_of_page(address: str) -> str:
    """Addresses that differ only in which object they show are one kind of page."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "N", urlsplit(address).path)


def every_kind_of_page(tab: Page, stage: Stage) -> Iterator[str]:
    """One address of each kind of page that links lead to from here."""
    waiting, seen = [tab.url], {kind_of_page(tab.url)}
    while waiting:
        address = waiting.pop(0)
        yield address
        for found in tab.evaluate(LINKS):
            kind = kind_of_page(found)
            if found.startswith(stage.address) and kind not in seen and not FILES.search(kind):
                seen.add(kind)
                waiting.append(found.split("#")[0])


@pytest.mark.parametrize(("name", "pages"), [("ada", 5), ("rosa", 20)])
def test_every_page_is_accessible_and_fits(stage: Stage, open_tab: OpenTab, name: str, pages: int) -> None:
    tab = open_tab()
    sign_in_by_keyboard(tab, stage, name)
    if name == "rosa":
        freeze(tab, stage, "for a look around")
    tab.goto(stage.address)
    tab.wait_for_url(re.compile("/p/walks/"))
    found: dict[tuple[str, int | str], Any] = {}
    visited = 0
    for address in every_kind_of_page(tab, stage):
        visited += 1
        for width, height, theme in (PHONE_IN_THE_DARK, DESK_IN_THE_LIGHT):
            tab.set_viewport_size({"width": width, "height": height})
            tab.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            tab.goto(address)
            report = Axe().run(tab)
            if report.violations_count:
                found[address, str(width)] = report.generate_report()
            if tab.evaluate(WIDER):
                found[address, f"{width} wide"] = "the page is wider than its window"
    assert found == {}, "\n".join(f"{place}: {report}" for place, report in found.items())
    assert visited >= pages
