"""A stage: the platform with all its processes, a small world in its database, and a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.house.tree import ROOT
from tests.journeys import servers
from tools.find_servers import chromium
from tools.screenshots import CHROMIUM_FLAGS

START_SECONDS, STOP_SECONDS = 90, 30


@dataclass
class Stage:
    """The running platform: its address, its processes, and how to run a program inside it."""

    address: str
    folder: Path
    environment: dict[str, str]
    pids: dict[str, int] = field(default_factory=dict)

    def run(self, *arguments: str) -> None:
        """`python -m tests.journeys.stage …` with the platform's own settings."""
        command = [sys.executable, "-m", "tests.journeys.stage", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True)

    def logs(self) -> str:
        """The end of every process's log, for whoever reads why a journey failed."""
        ends = [
            f"== {log.name}\n" + "\n".join(log.read_text("utf-8", "replace").splitlines()[-15:])
            for log in sorted((self.folder / "logs").glob("*.log"))
        ]
        return "\n".join(ends)

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """The sabotage: the worker stands still and takes no job, while everything else goes on."""
        os.kill(self.pids["worker"], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pids["worker"], signal.SIGCONT)


@contextmanager
def set_up(folder: Path, **servers_in_use: str) -> Iterator[Stage]:
    """A stage in `folder`; with DATABASE_URL and REDIS_URL on those servers, else as the demo has it."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL", "ARTIFACTS_DIR")
    }
    environment |= {
        "DJANGO_SETTINGS_MODULE": "labelplatform.settings",
        "LABELPLATFORM_DATA": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "HTTPS": "False",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **servers_in_use,
    }
    port = servers.free_port()
    stage = Stage(f"http://127.0.0.1:{port}", folder, environment)
    stage.run("prepare")
    command = [sys.executable, "-m", "tests.journeys.serve", str(folder), str(port)]
    supervisor = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        told = folder / "pids.json"
        servers.wait_until(
            lambda: told.exists() or supervisor.poll() is not None, "the platform", START_SECONDS
        )
        assert supervisor.poll() is None, stage.logs()
        stage.pids = json.loads(told.read_text("utf-8"))
        yield stage
    finally:
        supervisor.terminate()
        supervisor.wait(STOP_SECONDS)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """SQLite and the embedded Redis, as `make demo` starts them."""
    with set_up(tmp_path_factory.mktemp("stage")) as made:
        yield made


@pytest.fixture(scope="session")
def server_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """PostgreSQL and Redis as servers of their own: those given in the environment, else started here."""
    with ExitStack() as open_servers:
        database = os.environ.get("JOURNEY_DATABASE_URL") or open_servers.enter_context(servers.postgres())
        broker = os.environ.get("JOURNEY_REDIS_URL") or open_servers.enter_context(servers.redis())
        folder = tmp_path_factory.mktemp("server-stage")
        made = open_servers.enter_context(set_up(folder, DATABASE_URL=database, REDIS_URL=broker))
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    flags = [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    binary = chromium()
    assert binary is not None, "Chromium: run tools/find_servers.py"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(binary), args=flags)
        yield opened
        opened.close()


@pytest.fixture
def open_tab(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A tab of a browser of its own; whatever a page complains about in its console fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def complain(message: Any) -> None:
        if message.type == "error":
            complaints.append(f"{message.location.get('url')}: {message.text}")

    def open_one(**options: Any) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en", **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", complain)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        return tab

    yield open_one
    for context in contexts:
        context.close()
    assert complaints == []
