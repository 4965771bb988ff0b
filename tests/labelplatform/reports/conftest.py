"""A project with something to report, made by the product's own verbs."""

from pathlib import Path

import pytest
from django.conf import settings

from tests.labelplatform.world import Stock, build_stock


@pytest.fixture
def stock(db: None) -> Stock:
    return build_stock("harbour")


@pytest.fixture(autouse=True)
def _own_artifacts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of jobs come again after a rolled back test; their folders must not."""
    monkeypatch.setattr(settings, "ARTIFACTS_DIR", tmp_path)
