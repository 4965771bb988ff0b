"""The site under load: a database, the production server command, and what processor time both have used."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from labelplatform.serving import web_command
from tests.journeys.servers import free_port, listens, postgres, wait_until

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Site:
    """A running site; `environment` is what its own commands must be given."""

    port: int
    folder: Path
    environment: Mapping[str, str]
    server: psutil.Process
    database: psutil.Process | None

    def cpu_seconds(self) -> float:
        """Processor time of the server and of the database with all its processes, ended ones included."""
        return sum(_of_tree(process) for process in (self.server, self.database) if process is not None)

    def run(self, *words: str) -> str:
        """A management command of the site; returns what it wrote."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(
                f"manage.py {' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}"
            )
        return done.stdout


def _of_tree(process: psutil.Process) -> float:
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, psutil.Process | None]]:
    """A DATABASE_URL and the process that serves it (none for SQLite)."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'load.sqlite3'}", None
        return
    before = {child.pid for child in psutil.Process().children()}
    with postgres() as url:
        (server,) = [child for child in psutil.Process().children() if child.pid not in before]
        yield url, server


@contextmanager
def site(kind: str, *, sabotage: str, lease_seconds: int, prepare: list[str]) -> Iterator[Site]:
    """A site on a database of its own, filled by `python -m` `prepare`, served as in production."""
    with tempfile.TemporaryDirectory(prefix="labelling-load-") as scratch:
        folder = Path(scratch)
        with database(kind, folder) as (url, database_server):
            environment = {
                **os.environ,
                "DATABASE_URL": url,
                "LABELPLATFORM_DATA": str(folder),
                "SECRET_KEY": secrets.token_urlsafe(50),
                "HTTPS": "False",
                "LOG_LEVEL": "WARNING",
                "LEASE_SECONDS": str(lease_seconds),
                "DJANGO_SETTINGS_MODULE": "labelplatform.settings",
                "SABOTAGE": sabotage,
            }
            subprocess.run(
                [sys.executable, "-m", *prepare, str(folder / "fixture.json")],
                cwd=ROOT, env=environment, check=True, stdout=sys.stderr,
            )  # fmt: skip
            port = free_port()
            application = (
                "benchmarks.labelling.sabotage:application" if sabotage else "labelplatform.asgi:application"
            )
            log = (folder / "web.log").open("wb")
            server = subprocess.Popen(
                web_command(port, application), cwd=ROOT, env=environment, stdout=log, stderr=log
            )
            try:
                wait_until(lambda: listens(port), "the web server answers")
                yield Site(port, folder, environment, psutil.Process(server.pid), database_server)
            finally:
                server.terminate()
                server.wait(30)
                log.close()
                tail = (folder / "web.log").read_text("utf-8", errors="replace")[-3000:]
                if "Traceback" in tail or "ERROR" in tail:
                    print(tail, file=sys.stderr)
