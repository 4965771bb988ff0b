"""`make test`: cheap checks first, then everything else; ends with `passed N skipped 0 xfailed 0`.

Stages run in order and the first failure ends the run, so that a typing error is known in the first minutes:
mypy runs beside the house tests.
Skipped or expected-to-fail tests fail the run: what cannot be tested here must be said, not passed over.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMPORT_LINTER = (
    "import sys; from importlinter.cli import lint_imports_command as c; sys.argv[0] = 'lint-imports'; c()"
)
Counts = dict[str, int]


class Stage:
    """A command that has begun; what it says goes to our output, or is kept and shown at its end."""

    def __init__(self, name: str, arguments: list[str], seconds: int, *, aside: bool = False) -> None:
        print(f"── {name}{' beside what follows' if aside else ''}", flush=True)
        self.name = name
        self.seconds = seconds
        self.started = time.monotonic()
        output = subprocess.PIPE if aside else None
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT if aside else None,
            text=True,
        )

    def end(self) -> None:
        """Wait for it; end everything when it fails or takes longer than it may."""
        left = max(1.0, self.started + self.seconds - time.monotonic())
        try:
            said, _ = self.process.communicate(timeout=left)
        except subprocess.TimeoutExpired:
            self.stop()
            sys.exit(f"{self.name}: not done after {self.seconds} s")
        print(said or "", end="")
        print(f"── {self.name}: {time.monotonic() - self.started:.0f} s", flush=True)
        if self.process.returncode != 0:
            sys.exit(f"{self.name} failed")

    def stop(self) -> None:
        """Nothing of it goes on after us."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(name: str, arguments: list[str], seconds: int) -> None:
    """One stage from its beginning to its end."""
    stage = Stage(name, arguments, seconds)
    try:
        stage.end()
    finally:
        stage.stop()


def pytest_stage(name: str, arguments: list[str], seconds: int) -> Counts:
    """One pytest stage; returns how many tests passed, were skipped, were expected to fail."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        run(name, ["-m", "pytest", "-q", f"--junitxml={report}", *arguments], seconds)
        suites = ElementTree.parse(report).getroot().iter("testcase")
        cases = [{child.tag: child.get("type", "") for child in case} for case in suites]
    skipped = [case["skipped"] for case in cases if "skipped" in case]
    expected = sum("xfail" in kind for kind in skipped)
    return {"passed": len(cases) - len(skipped), "skipped": len(skipped) - expected, "xfailed": expected}


def main() -> None:
    """All stages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full", action="store_true", help="the large sizes too")
    full = parser.parse_args().full
    started = time.monotonic()
    chosen = ["-m", ""] if full else ["-m", "not large"]
    run("servers and browser", ["tools/find_servers.py"], 900)
    run("ruff check", ["-m", "ruff", "check", "."], 60)
    run("ruff format", ["-m", "ruff", "format", "--check", "."], 60)
    run("import contracts", ["-c", IMPORT_LINTER], 120)
    # Each has one processor of the two: mypy cannot use a second.
    types = Stage("mypy", ["-m", "mypy"], 900, aside=True)
    try:
        house = pytest_stage("house", ["tests/house", *chosen], 900)
        types.end()
    finally:
        types.stop()
    stages = [
        house,
        pytest_stage(
            "unit and property tests",
            ["-n", "2", "--ignore=tests/house", "--ignore=tests/mutants", "--ignore=tests/journeys", *chosen],
            3600,
        ),
        pytest_stage("mutants", ["-n", "2", "--dist", "loadgroup", "tests/mutants", *chosen], 3600),
        pytest_stage("journeys", ["tests/journeys", *chosen], 1800),
    ]
    total = {key: sum(stage[key] for stage in stages) for key in ("passed", "skipped", "xfailed")}
    print(f"all stages: {time.monotonic() - started:.0f} s")
    print(f"passed {total['passed']} skipped {total['skipped']} xfailed {total['xfailed']}")
    if total["skipped"] or total["xfailed"] or not total["passed"]:
        sys.exit("a skipped or expected failure is a failure here")


if __name__ == "__main__":
    main()
