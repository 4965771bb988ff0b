"""One pytest session that has collected every wanted test and made the database, and forks for each request.

The fork puts the mutant's code into the imported functions and runs the asked tests to their end; the session
itself runs none, so each fork begins with the same untouched state.
"""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import IO, Any

import pytest

from tests.mutants import made_tables
from tests.mutants.code_swap import NeedsImport, WarmUp
from tests.mutants.forks import EXIT_UNFIT, UNFIT, Place


class WarmSession:
    """The plugin that serves requests where pytest would run the tests."""

    def __init__(self, requests: IO[str], answers: IO[str], warm_up: WarmUp, place: Place) -> None:
        self.requests = requests
        self.answers = answers
        self.warm_up = warm_up
        self.place = place
        self.tables = made_tables.MadeTables(place.folder)

    def pytest_configure(self, config: pytest.Config) -> None:
        # Registered now it comes after pytest-django, whose fixture of the same name it hides.
        config.pluginmanager.register(made_tables)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Serve until there is no request; a fork goes on to pytest's own loop with the tests of its own."""
        self.tables.make(session.config)
        read_site()
        self.warm_up.end()
        # The collector would copy every page of the parent into the fork.
        gc.collect()
        gc.freeze()
        for line in self.requests:
            request = json.loads(line)
            items = chosen(session.items, request["tests"])
            why = "not all of these tests were collected"
            answer: dict[str, Any] = {"code": UNFIT, "output": why, "test": "", "cpu": 0.0}
            if items:
                self.tables.restore()
                os.truncate(self.place.log, 0)
                child = os.fork()
                if child == 0:
                    self.begin(session, items, request)
                    return None
                answer = self.place.wait(child, request["seconds"])
            self.answers.write(json.dumps(answer) + "\n")
            self.answers.flush()
        return True

    def begin(self, session: pytest.Session, items: list[pytest.Item], request: dict[str, Any]) -> None:
        """In the fork: the mutant's code, the chosen tests, and the end at the first that fails."""
        self.place.limit(request["seconds"])
        if request["file"]:
            changed = Path(session.config.rootpath, request["file"])
            try:
                self.warm_up.put(str(changed), request["before"], changed.read_text("utf-8"))
            except NeedsImport as reason:
                print(reason, flush=True)
                os._exit(EXIT_UNFIT)
        session.items[:] = items
        # What failed to be collected is none of the chosen tests.
        session.testsfailed = 0
        session.config.option.maxfail = 1


def read_site() -> None:
    """What the first page that a test opens would read: every view, every template, every message."""
    from django.conf import settings
    from django.template import engines
    from django.urls import get_resolver
    from django.utils import translation

    assert get_resolver().url_patterns
    engine = engines["django"]
    for folder in map(Path, engine.template_dirs):
        for file in sorted(folder.rglob("*.html")):
            engine.get_template(str(file.relative_to(folder)))
    for language, _ in settings.LANGUAGES:
        with translation.override(language):
            translation.gettext("page")


def chosen(items: list[pytest.Item], tests: list[str]) -> list[pytest.Item]:
    """The items of these files and tests, in the session's order; none if one of them names nothing."""
    found = {
        test: [
            item for item in items if item.nodeid == test or item.nodeid.startswith((test + "::", test + "["))
        ]
        for test in tests
    }
    if not all(found.values()):
        return []
    wanted = {item.nodeid for some in found.values() for item in some}
    return [item for item in items if item.nodeid in wanted]
