"""`make screenshots`: each page in every width, language and theme, from made-up data where there is no demo."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from tests.house.tree import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

PNG = b"\x89PNG\r\n\x1a\n"
PAGES = (
    "label-demonstration",
    "label-honesty",
    "label-rating",
    "label-spans",
    "leaderboard",
    "rank",
    "sign-in",
)


def test_pages_are_photographed_in_every_look(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "ARTIFACTS_DIR")
    }
    environment["LABELPLATFORM_DATA"] = str(tmp_path / "nothing-here")
    command = [sys.executable, str(ROOT / "tools" / "screenshots.py"), str(tmp_path / "out")]
    ran = subprocess.run(
        [*command, "--pages", ",".join(PAGES)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    looks = product(PAGES, ("1440", "390"), ("en", "zh-hans"), ("light", "dark"))
    pictures = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert set(pictures) == {f"{'-'.join(look)}.png" for look in looks}
    assert all(picture.startswith(PNG) for picture in pictures.values())
    assert len(set(pictures.values())) == len(pictures)
