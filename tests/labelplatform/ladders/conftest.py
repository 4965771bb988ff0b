"""Each test has its own artifacts."""

from pathlib import Path

import pytest
from django.conf import settings


@pytest.fixture(autouse=True)
def _own_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of jobs come again after a rolled back test; their folders must not."""
    monkeypatch.setattr(settings, "ARTIFACTS_DIR", tmp_path)
