"""Importing the platform loads no model library; importing settings writes nothing and starts nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.house.tree import ROOT

SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz-of-the-tests-only-0123456789"
HEAVY = ("torch", "transformers", "evaluate", "accelerate", "gguf")
RESOLVE_EVERY_VIEW = """
import sys, django
django.setup()
from django.urls import get_resolver
def walk(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern.url_patterns)
        else:
            yield pattern
views = [pattern.callback for pattern in walk(get_resolver().url_patterns)]
assert len(views) > 20, views
import labelplatform.asgi
print(",".join(name for name in %r if name in sys.modules))
"""


def python(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter with an environment of its own."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), **environment}
    return subprocess.run(
        [sys.executable, "-B", "-c", code],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_no_view_brings_a_model_library(tmp_path: Path) -> None:
    settings = {
        "DJANGO_SETTINGS_MODULE": "labelplatform.settings",
        "SECRET_KEY": SECRET_KEY,
        "DEBUG": "False",
    }
    run = python(
        RESOLVE_EVERY_VIEW % (HEAVY,), tmp_path, LABELPLATFORM_DATA=str(tmp_path / "data"), **settings
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""


def test_the_check_would_see_a_model_library(tmp_path: Path) -> None:
    run = python("import sys, torch; print('torch' in sys.modules)", tmp_path)
    assert run.stdout.strip() == "True"


def test_importing_settings_writes_nothing_and_starts_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code = "import labelplatform.settings, psutil; print(len(psutil.Process().children(recursive=True)))"
    run = python(code, tmp_path, LABELPLATFORM_DATA=str(data), SECRET_KEY=SECRET_KEY)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "0"
    assert list(tmp_path.rglob("*")) == []
