"""Children die with their worker, orphans are found, strangers are left alone. All with real processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labelplatform.jobs import launcher, processes

ROOT = Path(__file__).resolve().parents[3]
WAIT = [sys.executable, "-c", "import threading; print('up', flush=True); threading.Event().wait()"]
# A worker that starts a child and a grandchild as a job would, tells their numbers and waits to be killed.
FAMILY = """
import os, subprocess, sys
from pathlib import Path
import django
django.setup()
from labelplatform.jobs import processes
grandchild = "import subprocess, sys, threading; " \
    "child = subprocess.Popen([sys.executable, '-c', 'import threading; threading.Event().wait()']); " \
    "print(child.pid, flush=True); threading.Event().wait()"
log = Path(sys.argv[1])
child = processes.spawn([sys.executable, "-c", grandchild], folder=log.parent, log=log,
    environment=processes.child_environment(["x"], sys.argv[2]))
print(child.pid, flush=True)
child.wait()
"""


def until(is_true: Callable[[], object], seconds: float = 10) -> object:
    pause = threading.Event()
    for _try in range(int(seconds / 0.02)):
        if found := is_true():
            return found
        pause.wait(0.02)
    pytest.fail(f"not within {seconds} s")


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY, str(tmp_path / "log"), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "labelplatform.settings"},
    )
    yield process
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    processes.end_orphans(str(tmp_path), None, None)


def family(worker: subprocess.Popen[str], log: Path) -> tuple[int, int]:
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    until(lambda: log.exists() and log.read_text().strip())
    return child, int(log.read_text())


def test_child_dies_with_a_killed_worker_and_the_rest_is_found(
    worker: subprocess.Popen[str], tmp_path: Path
) -> None:
    child, grandchild = family(worker, tmp_path / "log")
    started = processes.start_time(child)
    assert started is not None
    assert os.getpgid(grandchild) == child == os.getsid(child)
    worker.kill()
    until(lambda: processes.start_time(child) is None)
    # The grandchild lives on: it asked for no signal. It is known by its mark, though its leader is gone.
    assert processes.start_time(grandchild) is not None
    assert processes.end_orphans(str(tmp_path), child, started)
    assert processes.start_time(grandchild) is None


def test_orphans_are_ended_with_their_living_leader(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    child, grandchild = family(worker, tmp_path / "log")
    assert processes.end_orphans("another mark", child, processes.start_time(child))
    assert processes.start_time(child) is processes.start_time(grandchild) is None


def test_strangers_with_a_known_number_are_left_alone(worker: subprocess.Popen[str], tmp_path: Path) -> None:
    child, grandchild = family(worker, tmp_path / "log")
    started = processes.start_time(child)
    assert started is not None
    assert processes.end_orphans("another mark", child, started - 60)
    assert processes.start_time(child) == started
    assert processes.start_time(grandchild) is not None


def test_launcher_refuses_to_start_for_a_worker_that_is_gone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid() + 1), "touch", str(tmp_path / "ran")],
        check=False,
    )
    assert done.returncode == launcher.WORKER_GONE
    assert not (tmp_path / "ran").exists()


def test_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    until(lambda: Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2].startswith("Z"))
    assert processes.start_time(child.pid) is None
    child.wait()


def test_end_child_asks_first_and_then_makes_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    polite = processes.spawn(WAIT, folder=tmp_path, log=log, environment=os.environ)
    until(lambda: log.read_text())
    assert processes.end_child(polite, 5) == -signal.SIGTERM
    stubborn = [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); " + WAIT[2]]
    log.write_text("")
    child = processes.spawn(stubborn, folder=tmp_path, log=log, environment=os.environ)
    until(lambda: log.read_text())
    assert processes.end_child(child, 0.2) == -signal.SIGKILL


def test_child_environment_keeps_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_planted")
    monkeypatch.setenv("DATABASE_URL", "postgres://planted")
    seen = processes.child_environment([sys.executable, "-m", "trainer"], "the-mark")
    assert not {"SECRET_KEY", "DATABASE_URL", "HF_TOKEN"} & set(seen)
    assert {"PATH", "OMP_NUM_THREADS"} <= set(seen)
    assert seen[processes.MARK] == "the-mark"
    assert "SECRET_KEY" in processes.child_environment([sys.executable, "manage.py", "check"], "the-mark")


def test_spawn_names_the_program_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no program 'no-such-program'"):
        processes.spawn(["no-such-program"], folder=tmp_path, log=tmp_path / "log", environment=os.environ)
