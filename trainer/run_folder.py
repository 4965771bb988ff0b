"""Run folders: what a run was told, where it ran and what it made.
The run folder is also the model folder.
"""

import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.progress import ProgressMode, ProgressWriter
from trainer.snapshots import file_digest
from trainer.spec_fields import Spec

OUTCOME_FORMAT = "labelplatform-outcome/1"
SPEC, ENVIRONMENT, PROGRESS, OUTCOME = "spec.json", "environment.json", "progress.jsonl", "outcome.json"
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "accelerate", "gguf")


@dataclass(frozen=True)
class RunFolder:
    """An open run folder: `path` is where model and extra files go; `finish` writes the outcome, last of
    all.
    """

    path: Path
    verb: str
    started: float

    def progress(self, mode: ProgressMode) -> ProgressWriter:
        """A writer to this folder's progress.jsonl."""
        return ProgressWriter(self.path / PROGRESS, mode)

    def finish(self, metrics: Mapping[str, object]) -> None:
        """Writes outcome.json atomically: a folder that has one is finished.
        Refuses (ValueError) NaN in `metrics`.
        """
        files = sorted(path for path in self.path.rglob("*") if path.is_file())
        outcome: JsonObject = {
            "format": OUTCOME_FORMAT,
            "verb": self.verb,
            "metrics": dict(metrics),
            "files": {path.relative_to(self.path).as_posix(): file_digest(path) for path in files},
            "seconds": round(time.monotonic() - self.started, 3),
        }
        json_lines.write_json_atomically(self.path / OUTCOME, outcome)


def open_run_folder(out: str | Path, spec: Spec, *, resume: bool = False) -> RunFolder:
    """The folder `out`, made, with spec.json and environment.json in it.

    Refuses an `out` that is a file, or that is not empty unless `resume`.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: found a file, wanted a folder for --out")
    if folder.is_dir() and any(folder.iterdir()) and not resume:
        raise BadInput(f"{folder}: found a folder that is not empty, wanted a new or empty one for --out")
    folder.mkdir(parents=True, exist_ok=True)
    json_lines.write_json_atomically(folder / SPEC, {"verb": spec.verb, **spec.to_json()})
    json_lines.write_json_atomically(folder / ENVIRONMENT, environment(spec))
    return RunFolder(folder, spec.verb, time.monotonic())


def is_finished(folder: str | Path) -> bool:
    """True when `folder` is a run folder whose run came to its end."""
    return (Path(folder) / OUTCOME).is_file()


def read_outcome(folder: str | Path) -> JsonObject:
    """The outcome.json of a finished run. Refuses a folder without one."""
    return json_lines.read_json(Path(folder) / OUTCOME)


def environment(spec: Spec) -> JsonObject:
    """Commit, dirty flag, versions, device and seeds under which a run is made; null where it cannot be
    known.
    """
    here = Path(__file__).parent
    commit = _git(here, "rev-parse", "HEAD")
    changes = _git(here, "status", "--porcelain", "--untracked-files=no") if commit else None
    told = spec.to_json()
    return {
        "commit": commit,
        "dirty": None if changes is None else bool(changes),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": told.get("device"),
        "threads": told.get("threads"),
        "seeds": {"seed": told.get("seed")},
    }


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
