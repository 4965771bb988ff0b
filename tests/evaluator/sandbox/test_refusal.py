"""Hosts that deny isolation, for real (EPERM by a seccomp filter on the parent); root drops, ordinary users run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from evaluator.cli import main
from evaluator.sandbox.launcher import UNPRIVILEGED_ID
from tests.evaluator.sandbox.rooms import ADD, HUMANEVAL, judged, room
from tests.evaluator.sandbox.under import ORDINARY_ID

ROOT = Path(__file__).parents[3]
Run = subprocess.CompletedProcess[str]


def under(how: str, module: str, *arguments: str) -> Run:
    command = [
        sys.executable,
        "-B",
        "-m",
        "tests.evaluator.sandbox.under",
        *how.split(),
        "--",
        module,
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@cache
def verdicts(how: str) -> dict[str, object]:
    run = under(how, "tests.evaluator.sandbox.judge_set")
    assert run.returncode == 0, run.stderr
    found: dict[str, object] = json.loads(run.stdout)
    return found


def writing(tmp_path: Path) -> tuple[Path, Path]:
    """A submission that leaves a canary the moment it runs anywhere but in a box."""
    canary = tmp_path / "it-ran"
    program = tmp_path / "submission.py"
    program.write_text(f"open({str(canary)!r}, 'w').write('x')\ndef add(a, b): return a + b\n", "utf-8")
    return program, canary


def test_the_canary_sings_without_a_box(tmp_path: Path) -> None:
    program, canary = writing(tmp_path)
    subprocess.run([sys.executable, str(program)], check=True)
    assert canary.exists()


@pytest.mark.parametrize("user", ["", "ordinary-user"])
def test_without_any_isolation_nothing_runs(tmp_path: Path, user: str) -> None:
    tmp_path.chmod(0o777)
    program, canary = writing(tmp_path)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
    arguments = ["--problem", str(copied(tmp_path)), "--submission", str(program)]
    run = under(f"no-namespaces no-landlock {user}", "evaluator", "judge-one", *arguments)
    assert run.returncode == 2
    assert json.loads(run.stdout.splitlines()[-1])["verdict"] == "refused"
    assert not canary.exists()
    assert len(run.stderr.splitlines()) == 1
    for part in (
        "no isolation on this host, so no program is run",
        "tier 1",
        "namespaces: Operation not",
        "tier 2",
    ):
        assert part in run.stderr
    assert "Landlock: version none, wanted 3 or later" in run.stderr
    assert "Remedy: allow unprivileged user namespaces" in run.stderr


def copied(tmp_path: Path) -> Path:
    place = tmp_path / "problem.json"
    place.write_text(json.dumps({"task_id": "T", "prompt": "", "entry_point": "add", "test": ADD}), "utf-8")
    return place


def test_without_any_isolation_no_verb_runs_anything(tmp_path: Path) -> None:
    arguments = ["--problems", str(HUMANEVAL / "example_problem.jsonl"), "--samples"]
    arguments += [str(HUMANEVAL / "example_samples.jsonl"), "--out", str(tmp_path / "out")]
    run = under("no-namespaces no-landlock", "evaluator", "pass-at-k", *arguments)
    assert (run.returncode, len(run.stderr.splitlines())) == (2, 1)
    assert "refused: no isolation" in run.stderr
    assert not (tmp_path / "out" / "report.json").exists()
    run = under("no-namespaces no-landlock", "evaluator", "sandbox-check")
    assert run.returncode == 2
    assert json.loads(run.stdout.splitlines()[-1])["tier"] is None


def test_without_namespaces_tier_two_gives_the_same_verdicts() -> None:
    here, there = verdicts(""), verdicts("no-namespaces")
    assert (here["tier"], there["tier"]) == (1, 2)
    assert here["verdicts"] == there["verdicts"]
    told: dict[str, str] = here["verdicts"]  # type: ignore[assignment]
    assert "pass" not in {verdict for name, verdict in told.items() if name[0] == "d"}
    assert {verdict for name, verdict in told.items() if name[:2] == "ok"} == {"pass"}
    assert len(told) == 26


@pytest.mark.parametrize("denied", ["", "no-namespaces"])
def test_an_ordinary_user_has_the_same_box(denied: str) -> None:
    found = verdicts(f"ordinary-user {denied}".strip())
    assert found["user"] == (ORDINARY_ID if os.geteuid() == 0 else os.geteuid())
    assert found["user"] != 0
    assert found["verdicts"] == verdicts("")["verdicts"]
    assert found["tier"] == (2 if denied else 1)


def test_a_tier_whose_launcher_fails_is_passed_over() -> None:
    run = under("no-cloning", "tests.evaluator.sandbox.judge_set", "ok_plain.py")
    assert (json.loads(run.stdout)["tier"], json.loads(run.stdout)["verdicts"]) == (
        2,
        {"ok_plain.py": "pass"},
    )
    run = under("no-cloning no-landlock", "evaluator", "sandbox-check")
    assert run.returncode == 2
    assert "tier 1" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_namespaces_alone_are_a_box_where_the_kernel_has_no_landlock() -> None:
    names = (
        "d05_write_home.py",
        "d06_print_secrets.py",
        "d07_tcp_loopback.py",
        "ok_plain.py",
        "ok_scratch_file.py",
    )
    run = under("no-landlock", "tests.evaluator.sandbox.judge_set", *names)
    found = json.loads(run.stdout)
    assert found["tier"] == 1
    assert list(found["verdicts"].values()) == ["fail", "fail", "fail", "pass", "pass"]


@pytest.mark.parametrize("tier", [1, 2])
def test_no_program_ever_runs_as_root(tier: int) -> None:
    told = "import os\ndef add(a, b): return a + b if 0 not in (*os.getresuid(), *os.getresgid()) else None"
    assert judged(told, tier).verdict == "pass"
    for pid in room(tier)._free.queue[0].pids:
        status = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
        users = next(line.split()[1:] for line in status if line.startswith("Uid:"))
        groups = next(line.split()[1:] for line in status if line.startswith("Gid:"))
        assert "0" not in users + groups
        assert os.geteuid() != 0 or set(users + groups) == {str(UNPRIVILEGED_ID)}


def test_there_is_no_switch_that_does_without(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("judge-one", "pass-at-k", "score-code"):
        with pytest.raises(SystemExit):
            main([verb, "--help"])
        told = capsys.readouterr().out.lower()
        assert not any(word in told for word in ("unsafe", "no-isolation", "trust"))
