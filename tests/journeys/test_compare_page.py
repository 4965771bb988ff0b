"""A regression report's page in a real browser with the network off: its verdict, both sides of what was lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from evaluator.cli import main
from tests.evaluator.lines import write_report
from tests.evaluator.test_comparison import planted
from tests.journeys.test_report_folders import WIDER

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
OpenTab = Callable[..., Page]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compared")
    sides = []
    for name, lines in zip(("before", "after"), planted(25, 5, n=400, right=280, slices=3), strict=True):
        told = [
            {**line, "question": "Where lies Lima?", "response": f"{name} it lay in Peru."} for line in lines
        ]
        sides.append(str(write_report(made / name, told)))
    assert main(["compare", *sides, "--resamples", "200", "--out", str(made / "report")]) == 3
    return made / "report"


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_regression_report_opens_without_a_network(
    report: Path, open_tab: OpenTab, width: int, theme: str
) -> None:
    tab = open_tab(offline=True, color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto((report / "report.html").as_uri())
    tab.get_by_text("Verdict: regression").wait_for()
    assert not tab.evaluate(WIDER)
    tab.locator("summary", has_text="Table: Items lost most").click()
    lost = tab.get_by_role("region", name="Table: Items lost most")
    lost.get_by_role("cell", name="before it lay in Peru.").first.wait_for()
    lost.get_by_role("cell", name="after it lay in Peru.").first.wait_for()
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
