"""The database of a warm session: its tables are made once, and each fork finds a file of its own with them.

This module is also the pytest plugin that tells pytest-django so.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


class MadeTables:
    """An SQLite file with empty tables, kept where no test reaches it."""

    def __init__(self, folder: Path) -> None:
        self.kept = folder / "made.sqlite3"
        self.file = Path()

    def make(self, config: pytest.Config) -> None:
        """Make the tables as pytest-django would, without migrations: those take most of the time."""
        from django.apps import apps
        from django.conf import settings
        from django.db import connection, connections
        from django.test.utils import setup_databases
        from pytest_django.plugin import blocking_manager_key

        settings.MIGRATION_MODULES = {app.label: None for app in apps.get_app_configs()}
        with config.stash[blocking_manager_key].unblock():
            setup_databases(verbosity=0, interactive=False)
            connections.close_all()
        self.file = Path(str(connection.settings_dict["NAME"]))
        shutil.copy(self.file, self.kept)

    def restore(self) -> None:
        """Nothing is left of the fork before: neither rows nor files beside the database."""
        shutil.rmtree(self.file.parent, ignore_errors=True)
        self.file.parent.mkdir(parents=True)
        shutil.copy(self.kept, self.file)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None) -> None:
    """Made already."""
