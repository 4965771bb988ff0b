"""The import law holds, and each of its contracts bites when it is broken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT, scratch_copy

# contract id -> (file, line planted at its end)
PLANTED = {
    "plain-libraries": ("trainer/rankings.py", "import django"),
    "trainer-alone": ("trainer/ppo/rewards.py", "import evaluator.metrics.closed_book"),
    "evaluator-borrows-one-thing": ("evaluator/leaderboard.py", "import trainer.rankings"),
    "lendable-language-models": ("trainer/language_models/__init__.py", "import trainer.errors"),
    "light-web": ("labelplatform/labels/queries.py", "def later() -> None:\n    import trainer.ppo.train"),
    "light-records": ("evaluator/statistics/__init__.py", "import torch"),
    "flow": ("labelplatform/jobs/services.py", "import labelplatform.training.models"),
    "private-views": ("labelplatform/training/views.py", "import labelplatform.evaluations.views"),
    "private-forms": ("labelplatform/labels/queries.py", "import labelplatform.labels.forms"),
    "acyclic": ("evaluator/statistics/intervals.py", "import evaluator.cli"),
    "rooms": ("labelplatform/labels/models/__init__.py", "import labelplatform.labels.services"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the linter on a tree as `make contracts` does."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch_copy(tmp_path_factory.mktemp("contracts"))


def test_every_contract_is_kept() -> None:
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout


def contract_ids() -> set[str]:
    lines = (ROOT / ".importlinter").read_text("utf-8").splitlines()
    return {line.split(":")[-1].rstrip("]") for line in lines if line.startswith("[importlinter:contract:")}


def contract_name(contract: str) -> str:
    lines = (ROOT / ".importlinter").read_text("utf-8").splitlines()
    start = lines.index(f"[importlinter:contract:{contract}]")
    return lines[start + 1].removeprefix("name = ")


def test_every_contract_has_a_planted_violation() -> None:
    assert contract_ids() == set(PLANTED)


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_a_planted_violation_is_refused(contract: str, scratch: Path) -> None:
    name, line = PLANTED[contract]
    file = scratch / name
    clean = file.read_text("utf-8")
    file.write_text(f"{clean}\n{line}\n", "utf-8")
    try:
        run = lint_imports(scratch)
    finally:
        file.write_text(clean, "utf-8")
    assert run.returncode == 1, run.stdout
    assert f"{contract_name(contract)} BROKEN" in " ".join(run.stdout.split())
