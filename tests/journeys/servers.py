"""Real PostgreSQL and Redis servers of a journey's own, each on a free TCP port of this machine only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import psycopg

from tools.find_servers import postgres_folder, redis_server

SECONDS = 30
POLL_SECONDS = 0.1


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
    """Asks again and again; says what did not come true in time."""
    pause = Event()
    for _attempt in range(int(seconds / POLL_SECONDS)):
        if is_so():
            return
        pause.wait(POLL_SECONDS)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def takes_connections(address: str) -> bool:
    """Whether the database server is ready to work."""
    try:
        psycopg.connect(f"{address}/postgres", connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def postgres() -> Iterator[str]:
    """A DATABASE_URL. PostgreSQL refuses to run as root, so root gives it to the system's postgres user."""
    binaries = postgres_folder()
    assert binaries is not None, "PostgreSQL: run tools/find_servers.py"
    folder = Path(tempfile.mkdtemp(prefix="labelplatform-postgres-"))
    person = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if person:
        shutil.chown(folder, **person)
    port = free_port()
    make = [binaries / "initdb", "-D", folder / "data", "-U", "labelplatform", "--auth=trust", "-E", "UTF8"]
    subprocess.run([*make, "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **person)  # type: ignore[call-overload]
    options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    server = subprocess.Popen(
        [binaries / "postgres", "-D", folder / "data", *options],
        stderr=(folder / "log").open("wb"),
        cwd=folder,
        **person,  # type: ignore[call-overload]
    )
    try:
        address = f"postgres://labelplatform@127.0.0.1:{port}"
        wait_until(lambda: takes_connections(address), "PostgreSQL answers")
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE journey")
        yield f"{address}/journey"
    finally:
        server.terminate()
        server.wait(SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """A REDIS_URL."""
    binary = redis_server()
    assert binary is not None, "Redis: run tools/find_servers.py"
    folder, port = Path(tempfile.mkdtemp(prefix="labelplatform-redis-")), free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    server = subprocess.Popen([str(binary), *options], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), "Redis answers")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(SECONDS)
        shutil.rmtree(folder, ignore_errors=True)
