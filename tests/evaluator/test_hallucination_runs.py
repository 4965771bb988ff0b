"""The hallucination suites: kill -9 while a subject answers and the same report again; no network is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evaluator.report_files import read_report
from tests.evaluator.fake_endpoint import Script, serving
from tests.evaluator.lines import answered, question, without_environment, write_lines

ROOT = Path(__file__).parents[2]
ASKED = 8
# Whoever tries to reach another machine is stopped by the interpreter itself.
OFFLINE = """
import sys
def hear(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(hear)
from evaluator.cli import main
sys.exit(main(sys.argv[1:]))
"""


def started(out: Path, url: str, data: Path, *more: str) -> subprocess.Popen[bytes]:
    told = ["run", "hallucination-open-domain", "--subject", url, "--data", str(data), "--batch-size", "1"]
    command = [sys.executable, "-m", "evaluator", *told, "--out", str(out), "--progress", "none", *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.fixture(params=[(3,), pytest.param(tuple(range(20)), marks=pytest.mark.large)])
def points(request: pytest.FixtureRequest) -> tuple[int, ...]:
    """After so many answers the run is killed."""
    found: tuple[int, ...] = request.param
    return found


def test_a_killed_run_gives_the_bytes_of_an_uninterrupted_one(
    tmp_path: Path, points: tuple[int, ...]
) -> None:
    count = max(ASKED, max(points) + 1)
    lines = [question(f"q{n:02}", "Peru") for n in range(count)]
    data = write_lines(tmp_path / "q.jsonl", lines)
    killing: dict[str, Any] = {"at": None, "run": None}

    def says(told: dict[str, Any]) -> str:
        if len(script.asked) - 1 == killing["at"]:
            os.kill(killing["run"].pid, signal.SIGKILL)
        return "Peru" if "q03" not in str(told) else "I do not know"

    script = Script(says=says)
    with serving(script) as url:
        whole = started(tmp_path / "whole", url, data)
        assert whole.communicate()
        assert whole.returncode == 0
        assert len(script.asked) == count
        for point in points:
            out = tmp_path / f"cut-{point}"
            script.asked.clear()
            killing["at"] = point
            killing["run"] = started(out, url, data)
            killing["run"].communicate()
            assert killing["run"].returncode == -signal.SIGKILL
            assert not (out / "report.json").exists()
            killing["at"] = None
            script.asked.clear()
            again = started(out, url, data, "--resume")
            assert again.communicate()
            assert again.returncode == 0
            # What it was answered before the kill is not asked for again.
            assert len(script.asked) == count - point
            assert without_environment(out) == without_environment(tmp_path / "whole")
            samples = [(folder / "samples.jsonl").read_bytes() for folder in (out, tmp_path / "whole")]
            assert samples[0] == samples[1]


def offline(*told: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OFFLINE, *told]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("suite", ["hallucination-open-domain", "hallucination-closed-domain"])
def test_no_network_is_asked(tmp_path: Path, suite: str) -> None:
    lines = [question("Lima", "Peru"), question("Oslo", "Norway")]
    if suite == "hallucination-closed-domain":
        lines = [{**line, "context": f"{line['id']} is in {line['references'][0]}."} for line in lines]
    said = [answered(line, f"It is in {line['references'][0]}.") for line in lines]
    subject, data = write_lines(tmp_path / "r.jsonl", said), write_lines(tmp_path / "q.jsonl", lines)
    told = ["run", suite, "--subject", str(subject), "--data", str(data), "--out", str(tmp_path / "out")]
    run = offline(*told, "--progress", "none")
    assert run.returncode == 0, run.stderr
    assert read_report(tmp_path / "out").items.measured == 2


def test_an_endpoint_is_network(tmp_path: Path) -> None:
    """The ear above hears: else it would prove nothing."""
    data = write_lines(tmp_path / "q.jsonl", [question("Lima", "Peru")])
    told = ["run", "hallucination-open-domain", "--data", str(data), "--subject", "http://127.0.0.1:9/v1"]
    run = offline(*told, "--out", str(tmp_path / "out"))
    assert run.returncode != 0
    assert "socket." in run.stderr
