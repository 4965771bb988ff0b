"""What a hostile submission must not touch, planted before it runs and looked at after it, as the hostile set asks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PLACE = Path("/tmp/lp-hostile-canary")
PORT = 63799
WRITTEN = ("pwned-d05", "pwned")
SECRET_VARIABLE = "LP_SECRET_TOKEN"


@dataclass
class Canaries:
    """Planted things; `harm()` lists what came to harm."""

    secret: str
    listener: socket.socket
    bystander: subprocess.Popen[bytes]
    before: set[str]

    def harm(self, said: str) -> list[str]:
        found = []
        places = [Path.home(), PLACE, Path("/etc"), Path.cwd(), Path(tempfile.gettempdir())]
        written = [str(place / name) for place in places for name in WRITTEN if (place / name).exists()]
        found += [f"wrote {name}" for name in written]
        if sorted(path.name for path in PLACE.iterdir()) != ["host_secret.txt"]:
            found.append("changed the canary folder")
        if (PLACE / "host_secret.txt").read_text("utf-8") != self.secret:
            found.append("changed the secret file")
        if self.secret in said:
            found.append("told the secret")
        with contextlib.suppress(BlockingIOError):
            self.listener.accept()
            found.append("reached the listener")
        if self.bystander.poll() is not None or state_of(self.bystander.pid) == "T":
            found.append("hurt the bystander")
        return found


@contextlib.contextmanager
def planted() -> Iterator[Canaries]:
    """The canaries, one test at a time: the folder and the port are the hostile set's."""
    with (Path(tempfile.gettempdir()) / "lp-hostile-canary.lock").open("w") as lock:
        with contextlib.suppress(PermissionError):
            os.fchmod(lock.fileno(), 0o666)
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(PLACE, ignore_errors=True)
        PLACE.mkdir(mode=0o777)
        PLACE.chmod(0o777)
        secret = secrets.token_hex(16)
        (PLACE / "host_secret.txt").write_text(secret, "utf-8")
        (PLACE / "host_secret.txt").chmod(0o666)
        os.environ[SECRET_VARIABLE] = secret
        listener = socket.create_server(("127.0.0.1", PORT))
        listener.setblocking(False)
        bystander = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
        try:
            yield Canaries(secret, listener, bystander, set())
        finally:
            bystander.kill()
            bystander.wait()
            listener.close()
            os.environ.pop(SECRET_VARIABLE)
            shutil.rmtree(PLACE)


def state_of(pid: int) -> str:
    """The letter of a process's state, empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def below(pid: int) -> list[int]:
    """The processes below a process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text("utf-8").rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        waiting += (own := children.get(waiting.pop(), []))
        found += own
    return found


def memory_kilobytes(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
