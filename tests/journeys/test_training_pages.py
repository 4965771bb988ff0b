"""From a form over its estimate to a run, and runs side by side: by keyboard, without a script, on desk and phone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.ranking_site import Site, served
from tests.journeys.test_desk_pages import faults, read_in, sign_in

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

OpenTab = Callable[..., Page]
ROOM = "/p/harbour/training"
LOOKS = {"desk": (1440, "light", "en"), "phone": (390, "dark", "zh-Hans")}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("training"), "training_stage") as made:
        yield made


def run_named(site: Site, name: str) -> int:
    return int(site.ask("SELECT id FROM training_trainingrun WHERE name = ?", name)[0][0])


def test_form_estimate_start_by_keyboard(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    sign_in(tab, site, "rosa")
    tab.goto(f"{site.address}{ROOM}/")
    tab.get_by_role("link", name="Start fine-tuning").press("Enter")
    estimated = tab.locator("[data-estimated]")
    expect(estimated).to_contain_text("11.5")
    expect(estimated).to_contain_text("243")
    expect(tab.get_by_role("button", name="Estimate")).to_be_hidden()
    tab.get_by_label("Epochs", exact=True).fill("6")
    expect(estimated).to_contain_text("486")
    tab.get_by_text("Assumed: accelerator, utilisation, price").press("Enter")
    tab.get_by_label("Accelerator", exact=True).select_option("cpu")
    expect(estimated).to_contain_text("State the peak of the device")
    tab.get_by_label("Peak of one, TFLOP/s", exact=True).fill("0.05")
    tab.get_by_label("Price of one for an hour", exact=True).fill("2")
    expect(estimated).to_contain_text("at 2 for an hour")
    tab.get_by_label("Epochs", exact=True).fill("0")
    expect(estimated).to_contain_text("Mend first: Epochs")
    tab.get_by_label("Epochs", exact=True).fill("2")
    expect(estimated).to_contain_text("162")
    assert faults(tab) == ""
    tab.get_by_label("Name", exact=True).fill("taught by keyboard")
    tab.keyboard.press("Enter")
    tab.wait_for_url(re.compile(rf"{ROOM}/\d+/$"))
    expect(tab.get_by_role("heading", name="taught by keyboard")).to_be_visible()
    expect(tab.get_by_role("heading", name="What it will take")).to_be_visible()
    expect(tab.get_by_text("162", exact=True)).to_be_visible()
    told = site.ask("SELECT job.spec FROM jobs_job job WHERE job.kind = 'sft'")
    assert len(told) == 1
    assert '"settings": {"epochs": 2}' in told[0][0]


def test_without_a_script_the_button_estimates(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab(java_script_enabled=False)
    sign_in(tab, site, "rosa")
    tab.goto(f"{site.address}{ROOM}/sft/")
    tab.locator("#id_name").fill("never started")
    tab.get_by_role("button", name="Estimate").click()
    expect(tab.locator("[data-estimated]")).to_contain_text("243")
    expect(tab.locator("#id_name")).to_have_value("never started")
    assert site.ask("SELECT 1 FROM training_trainingrun WHERE name = 'never started'") == []


def test_a_field_refused_in_a_folded_group_is_shown(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    sign_in(tab, site, "rosa")
    tab.goto(f"{site.address}{ROOM}/sft/")
    group = tab.locator("details", has=tab.locator("summary", has_text="Optimiser"))
    group.locator("summary").press("Enter")
    tab.get_by_label("Warmup share", exact=True).fill("-1")
    group.locator("summary").press("Enter")
    expect(tab.get_by_label("Warmup share", exact=True)).to_be_hidden()
    tab.get_by_label("Name", exact=True).fill("refused")
    tab.get_by_role("button", name="Start fine-tuning").click()
    expect(tab.get_by_label("Warmup share", exact=True)).to_be_focused()


def test_two_runs_are_chosen_and_compared_by_keyboard(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    sign_in(tab, site, "rosa")
    tab.goto(f"{site.address}{ROOM}/")
    for name in ("what people prefer", "what people prefer, slowly"):
        tab.get_by_label(f"Compare {name}", exact=True).press("Space")
    tab.get_by_role("button", name="Compare chosen runs").press("Enter")
    tab.wait_for_url(re.compile("/compare/"))
    row = tab.get_by_role("row", name=re.compile("Learning rate"))
    expect(row).to_contain_text("0.0001")
    expect(row).to_contain_text("1e-05")
    expect(tab.locator("figure svg.plot").first.locator("path.line")).to_have_count(2)
    tab.locator("figure summary").first.press("Enter")
    expect(tab.locator("figure table").first).to_be_visible()
    assert faults(tab) == ""


def test_answers_are_searched_side_by_side(site: Site, open_tab: OpenTab) -> None:
    tab = open_tab()
    sign_in(tab, site, "rosa")
    tab.goto(f"{site.address}{ROOM}/{run_named(site, 'after feedback')}/")
    tab.get_by_role("link", name="All 45 answers, side by side").click()
    expect(tab.get_by_text("45 of 45 prompts")).to_be_visible()
    expect(tab.locator("ol.list > li")).to_have_count(20)
    tab.get_by_role("link", name="Next").click()
    tab.get_by_label("Words in question or answers").fill("portugal 7")
    tab.keyboard.press("Enter")
    expect(tab.get_by_text("4 of 45 prompts")).to_be_visible()
    sides = tab.locator("ol.list > li").first.locator(".sides > section")
    expect(sides).to_have_count(2)
    expect(sides.nth(0)).to_contain_text("I do not know.")
    expect(sides.nth(1)).to_contain_text("In Portugal.")


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_can_be_read_by_everybody(site: Site, open_tab: OpenTab, look: str) -> None:
    width, theme, language = LOOKS[look]
    tab = open_tab(color_scheme=theme)
    tab.set_viewport_size({"width": width, "height": 900})
    sign_in(tab, site, "rosa")
    first, second = (run_named(site, f"what people prefer{more}") for more in ("", ", slowly"))
    ppo = run_named(site, "after feedback")
    pages = [f"{kind}/" for kind in ("pretrain", "sft", "reward-model", "ppo")]
    pages += ["", "compare/", f"compare/?run={first}&run={second}", f"{ppo}/", f"{ppo}/answers/", f"{first}/"]
    found = {}
    for page in pages:
        tab.goto(f"{site.address}{ROOM}/{page}")
        read_in(tab, language)
        for group in tab.locator("main details").all():
            group.evaluate("group => { group.open = true; }")
        if told := faults(tab):
            found[page] = told
    assert found == {}
