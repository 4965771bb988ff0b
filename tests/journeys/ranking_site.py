"""The site of the ranking journeys, and the little that all of them do: sign in, begin an item, read what is stored."""

from __future__ import annotations

import json
import os
import re
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.house.tree import ROOT
from tests.journeys import servers
from tests.journeys.ranking_stage import PASSWORD

START_SECONDS, STOP_SECONDS = 60, 20
STORED = """
SELECT ranking.id, ranking.unacceptable, ranking.margins, log.body, log.dropped FROM labels_ranking ranking
JOIN labels_item item ON item.id = ranking.item_id JOIN labels_campaign campaign ON campaign.id = item.campaign_id
LEFT JOIN labels_rankinglog log ON log.ranking_id = ranking.id WHERE campaign.name = ? ORDER BY ranking.id
"""


@dataclass(frozen=True)
class Site:
    """Where the site is, and its database."""

    address: str
    folder: Path

    def ask(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Rows of the site's database, read only."""
        place = f"file:{self.folder / 'platform.sqlite3'}?mode=ro"
        with closing(sqlite3.connect(place, uri=True)) as database:
            return database.execute(query, arguments).fetchall()

    def stored(self, campaign: str) -> list[dict[str, Any]]:
        """What was submitted to a campaign: tiers and ratings by the letters shown, margins, log."""
        return [
            {
                "letters": self._by_letter(ranking),
                "unacceptable": bool(unacceptable),
                "margins": json.loads(margins) if margins else None,
                "log": json.loads(body) if body else None,
                "dropped": dropped,
            }
            for ranking, unacceptable, margins, body, dropped in self.ask(STORED, campaign)
        ]

    def _by_letter(self, ranking: int) -> dict[str, tuple[int | None, float | None]]:
        order = json.loads(self.ask("SELECT shown_order FROM labels_ranking WHERE id = ?", ranking)[0][0])
        tiers = dict(self.ask("SELECT response_id, tier FROM labels_placement WHERE ranking_id = ?", ranking))
        values = dict(
            self.ask("SELECT response_id, value FROM labels_responserating WHERE ranking_id = ?", ranking)
        )
        return {chr(65 + n): (tiers[response], values.get(response)) for n, response in enumerate(order)}

    def labels(self, campaign: str) -> list[dict[str, Any]]:
        """What was said in a campaign whose labels are no orders."""
        query = """SELECT label.body FROM labels_label label JOIN labels_item item ON item.id = label.item_id
        JOIN labels_campaign campaign ON campaign.id = item.campaign_id WHERE campaign.name = ? ORDER BY label.id"""
        return [json.loads(body) for (body,) in self.ask(query, campaign)]

    def drafts(self, campaign: str) -> list[dict[str, Any]]:
        """The states kept for a campaign."""
        query = """SELECT draft.state FROM labels_draft draft JOIN labels_slot slot ON slot.id = draft.slot_id
        JOIN labels_campaign campaign ON campaign.id = slot.campaign_id WHERE campaign.name = ? ORDER BY draft.id"""
        return [json.loads(state) for (state,) in self.ask(query, campaign)]

    def held(self, campaign: str) -> int:
        """How many items of a campaign are promised to somebody."""
        query = """SELECT count(*) FROM labels_slot slot JOIN labels_campaign campaign ON campaign.id = slot.campaign_id
        WHERE campaign.name = ? AND slot.state = 'leased' AND slot.lease_expires_at > datetime('now')"""
        return int(self.ask(query, campaign)[0][0])

    def begin(self, tab: Page, campaign: str) -> str:
        """Signs the campaign's own person in and takes its next item; returns its address."""
        tab.goto(f"{self.address}/sign-in/")
        tab.locator("#id_username").fill(campaign.lower().replace(" ", "-"))
        tab.locator("#id_password").fill(PASSWORD)
        tab.keyboard.press("Enter")
        tab.wait_for_url(re.compile("/p/harbour/"))
        tab.goto(f"{self.address}/p/harbour/labels/queue/")
        tab.get_by_role("article", name=campaign).locator("form button").click()
        tab.wait_for_url(re.compile("/rank/"))
        ready(tab)
        return tab.url


def ready(tab: Page) -> None:
    """Until the page's script has taken over."""
    expect(tab.locator("form[data-ready]")).to_be_visible()


def following(tab: Page, first: str) -> None:
    """Until another item, or the queue after the last, is on the screen."""
    tab.wait_for_url(lambda url: url != first)


def card(tab: Page, letter: str) -> Locator:
    return tab.locator(f'article[data-letter="{letter}"]')


class Presses:
    """A keyboard that counts."""

    def __init__(self, tab: Page) -> None:
        self.tab, self.count = tab, 0

    def __call__(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)
            self.count += 1


@contextmanager
def served(folder: Path, stage: str = "ranking_stage") -> Iterator[Site]:
    """The web process alone, on a database of its own that this stage prepares."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
    }
    environment |= {
        "DJANGO_SETTINGS_MODULE": "labelplatform.settings",
        "LABELPLATFORM_DATA": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "HTTPS": "False",
    }
    prepare = [sys.executable, "-m", f"tests.journeys.{stage}", "prepare"]
    subprocess.run(prepare, cwd=ROOT, env=environment, check=True)
    port = servers.free_port()
    command = [sys.executable, "-m", "uvicorn", "labelplatform.asgi:application", "--port", str(port)]
    web = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment)
    try:
        servers.wait_until(lambda: servers.listens(port), "the web process", START_SECONDS)
        yield Site(f"http://127.0.0.1:{port}", folder)
    finally:
        web.terminate()
        web.wait(STOP_SECONDS)
