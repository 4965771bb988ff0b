"""A scratch copy of the tree, for tests that plant a fault in it and want to see it found."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("labelplatform", "trainer", "evaluator", "templates", "tests", "tools", "benchmarks")
COPIED_FILES = ("pyproject.toml", ".importlinter", "manage.py")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "var", ".mypy_cache")


def scratch_copy(folder: Path) -> Path:
    """Copy what tests need of the tree into `folder` and return it."""
    for name in COPIED:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT, symlinks=True)
    for name in COPIED_FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def shipped_python_files() -> list[Path]:
    """Every Python file of ours that is not a test and not a migration."""
    places = ("labelplatform", "trainer", "evaluator", "tools", "benchmarks")
    files = [
        path for place in places for path in (ROOT / place).rglob("*.py") if "migrations" not in path.parts
    ]
    return sorted([*files, ROOT / "manage.py"])
