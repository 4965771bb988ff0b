"""Children of a worker: started, recognised later by number *and* start time, and ended as a whole group."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from labelplatform.jobs import launcher

# The mark that every process of an attempt carries in its environment: its run folder, which no other attempt has.
MARK = "LABELPLATFORM_RUN_FOLDER"
# psutil reckons from the boot time in whole seconds, which moves when the clock is set.
START_TOLERANCE_SECONDS = 2.0
# What a job's child may see of our environment. All else stays here: a log cannot tell what it was never told.
CHILD_MAY_SEE = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "USER", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
CHILD_MAY_SEE_PREFIXES = (
    "LC_", "XDG_", "OMP_", "MKL_", "OPENBLAS_", "CUDA_", "NVIDIA_", "NCCL_", "TORCH_", "HF_", "TRANSFORMERS_", "PYTHON",
)  # fmt: skip
SECRET_ENDINGS = ("KEY", "TOKEN", "PASSWORD", "SECRET", "CREDENTIALS")


def start_time(pid: int) -> float | None:
    """When the living process `pid` started; None when there is none, also when only its zombie is left."""
    try:
        process = psutil.Process(pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return None
        return process.create_time()
    except psutil.Error:
        return None


def is_alive(pid: int, started: float) -> bool:
    """Whether this very process lives: numbers are used again, a number with its start time is not."""
    seen = start_time(pid)
    return seen is not None and abs(seen - started) <= START_TOLERANCE_SECONDS


def this_worker() -> str:
    """host:pid:start of this process, as a job's row names who runs it."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{start_time(pid)}"


def is_here(worker: str) -> bool:
    return worker.rpartition(":")[0].rpartition(":")[0] == socket.gethostname()


def worker_is_gone(worker: str) -> bool:
    """Whether the worker ran on this machine and no longer does. Of another machine's workers nothing is known here."""
    if not is_here(worker):
        return False
    _host, pid, started = worker.rsplit(":", 2)
    return not is_alive(int(pid), float(started))


def child_environment(command: list[str], mark: str) -> dict[str, str]:
    """All of ours for the platform's own `manage.py` commands, which need the database; else a short list."""
    own = any(Path(word).name == "manage.py" for word in command[:3])
    kept = {name: value for name, value in os.environ.items() if own or _child_may_see(name)}
    return {**kept, MARK: mark, "PYTHONUNBUFFERED": "1"}


def _child_may_see(name: str) -> bool:
    if name.endswith(SECRET_ENDINGS):
        return False
    return name in CHILD_MAY_SEE or name.startswith(CHILD_MAY_SEE_PREFIXES)


def spawn(
    command: list[str], *, folder: Path, log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """The command as leader of a session of its own, which dies with the thread that calls this."""
    if shutil.which(command[0]) is None:
        raise FileNotFoundError(f"no program {command[0]!r} on this machine")
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), *command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end_child(child: subprocess.Popen[bytes], grace_seconds: float) -> int:
    """Ends a child of ours and all its group: asked first, made to when the grace is over. Its exit code."""
    _signal_group(child.pid, signal.SIGTERM)
    try:
        code = child.wait(timeout=grace_seconds)
    except subprocess.TimeoutExpired:
        _signal_group(child.pid, signal.SIGKILL)
        code = child.wait()
    _signal_group(child.pid, signal.SIGKILL)
    return code


def sweep_group(pid: int) -> None:
    """Ends what a child that has just exited left behind in its group."""
    _signal_group(pid, signal.SIGKILL)


def end_orphans(mark: str, pid: int | None, started: float | None, patience_seconds: float = 10.0) -> bool:
    """Ends what an earlier worker's child left on this machine; whether nothing of it lives any more.

    The group's leader is known by number and start time. Its children are known by the mark in their environment, also
    when the leader is gone already (it dies with its worker), so that a stranger with its number is never touched.
    """
    deadline = time.monotonic() + patience_seconds
    while members := _members(mark, pid, started):
        for member in members:
            with suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(members, timeout=0.2)
        if time.monotonic() > deadline:
            return not _members(mark, pid, started)
    return True


def _members(mark: str, pid: int | None, started: float | None) -> list[psutil.Process]:
    leader = pid is not None and started is not None and is_alive(pid, started)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
                continue
            if (leader and os.getpgid(process.pid) == pid) or process.environ().get(MARK) == mark:
                found.append(process)
    return found


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
