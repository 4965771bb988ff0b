"""What every test stands on: a key, folders and a database file of its own, and no broker unless a test starts one.

pytest-django has read the settings before this file is loaded, so they are changed in place; the same goes into the
environment for the child processes that tests start.
"""

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.utils import translation

# The same examples every time: a failure repeats, and a busy machine is no failure.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")

_data = Path(tempfile.mkdtemp(prefix="labelplatform-tests-"))
settings.SECRET_KEY = secrets.token_urlsafe(50)
settings.LABELPLATFORM_DATA = _data
settings.ARTIFACTS_DIR = _data / "artifacts"
settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.CELERY_BROKER_URL = f"redis+socket://{_data}/no-broker.sock?virtual_host=0"
_database: dict[str, Any] = settings.DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["NAME"] = str(_data / "platform.sqlite3")
    _database["TEST"]["NAME"] = str(_data / "test.sqlite3")
os.environ.update(
    SECRET_KEY=settings.SECRET_KEY,
    LABELPLATFORM_DATA=str(_data),
    ARTIFACTS_DIR=str(settings.ARTIFACTS_DIR),
    HTTPS="False",
    OMP_NUM_THREADS="1",
)


@pytest.fixture(scope="session", autouse=True)
def _own_folders() -> Iterator[None]:
    settings.ARTIFACTS_DIR.mkdir(parents=True, exist_ok=True)
    yield
    shutil.rmtree(_data, ignore_errors=True)


@pytest.fixture(autouse=True)
def _nothing_left_of_the_last_test() -> Iterator[None]:
    """A language a request chose, and the processor state a training run chose, end with their test."""
    translation.activate("en")
    yield
    translation.deactivate()
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)
