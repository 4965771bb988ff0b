"""Run folders: what a run was told, where it ran and what it made.
The run folder is also the model folder.
"""

import fcntl
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from trainer import json_lines
from trainer.errors import BadInput
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject, kind_of
from trainer.progress import ProgressMode, ProgressWriter, read_progress
from trainer.snapshots import file_digest, folder_digest
from trainer.spec_fields import Spec

OUTCOME_FORMAT = "labelplatform-outcome/1"
SPEC, ENVIRONMENT, PROGRESS, OUTCOME = "spec.json", "environment.json", "progress.jsonl", "outcome.json"
# What a resumed run may be told otherwise.
MAY_DIFFER = frozenset({"out", "resume", "checkpoint_every", "keep_checkpoints"})
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "accelerate", "peft", "gguf")


@dataclass(frozen=True)
class RunFolder:
    """An open run folder: `path` is where model and extra files go; `finish` writes the outcome, last of
    all.
    """

    path: Path
    verb: str
    started: float
    lock: "_Lock | None" = None
    writes: bool = True

    @property
    def finished(self) -> bool:
        """True when the run came to its end before: there is nothing to go on with."""
        return is_finished(self.path)

    def progress(self, mode: ProgressMode) -> ProgressWriter:
        """A writer to this folder's progress.jsonl; one that says nothing in a process that does not write."""
        if not self.writes:
            return ProgressWriter(None, "none")
        return ProgressWriter(self.path / PROGRESS, mode)

    def finish(self, metrics: Mapping[str, object]) -> None:
        """Writes outcome.json atomically: a folder that has one is finished.
        Refuses (ValueError) NaN in `metrics`.
        """
        failpoint("run.saved")
        files = sorted(path for path in self.path.rglob("*") if path.is_file())
        outcome: JsonObject = {
            "format": OUTCOME_FORMAT,
            "verb": self.verb,
            "metrics": dict(metrics),
            "files": {
                name: file_digest(path)
                for path in files
                # A checkpoint has a manifest of its own.
                if not (name := path.relative_to(self.path).as_posix()).startswith("checkpoints/")
            },
            "seconds": round(time.monotonic() - self.started, 3),
        }
        json_lines.write_json_atomically(self.path / OUTCOME, outcome)


def open_run_folder(out: str | Path, spec: Spec, *, resume: bool = False) -> RunFolder:
    """The folder `out`, made, with spec.json and environment.json in it, and locked while this process lives.

    Refuses an `out` that is a file, or that is not empty unless `resume`; with it, a folder that holds no
    run, one in which a run is still at work, and a run that was told otherwise or read other inputs.
    """
    folder = Path(out)
    begun = check_out(folder, resume=resume)
    folder.mkdir(parents=True, exist_ok=True)
    lock = _Lock(folder)
    if begun:
        _check_same_run(folder, spec)
        remove_leftovers(folder)
    else:
        json_lines.write_json_atomically(folder / SPEC, {"verb": spec.verb, **spec.to_json()})
    if not (folder / ENVIRONMENT).is_file():
        json_lines.write_json_atomically(folder / ENVIRONMENT, environment(spec))
    failpoint("run.opened")
    return RunFolder(folder, spec.verb, time.monotonic() - _seconds_before(folder), lock)


def _seconds_before(folder: Path) -> float:
    """Seconds that the run was at work before it was taken up again, as its last line of progress tells."""
    lines, _ = read_progress(folder / PROGRESS)
    seconds = lines[-1].get("seconds") if lines else None
    return float(seconds) if isinstance(seconds, (int, float)) else 0.0


def check_out(folder: Path, *, resume: bool = False) -> bool:
    """True when `folder` holds something already. Refuses a file, and unless `resume` a folder in use."""
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: found a file, wanted a folder for --out")
    begun = folder.is_dir() and any(not path.name.endswith(".partial") for path in folder.iterdir())
    if begun and not resume:
        raise BadInput(f"{folder}: found a folder that is not empty, wanted a new or empty one for --out")
    return begun


class _Lock:
    """Holds the lock of a folder as long as it lives; the system lets go of it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(f"{folder}: found a run still at work in it, wanted one that has ended") from None

    def __del__(self) -> None:
        os.close(self._descriptor)


def _check_same_run(folder: Path, spec: Spec) -> None:
    if not (folder / SPEC).is_file():
        raise BadInput(f"{folder}: found files but no {SPEC}, wanted a run's folder to go on with")
    told, now = json_lines.read_json(folder / SPEC), {"verb": spec.verb, **spec.to_json()}
    for name in ("verb", *sorted({*told, *now} - MAY_DIFFER)):
        if told.get(name) != now.get(name):
            raise BadInput(
                f"{folder}: --{name.replace('_', '-')}: found {kind_of(now.get(name))}, wanted "
                f"{kind_of(told.get(name))} as the run was begun with"
            )
    if not (folder / ENVIRONMENT).is_file():
        return
    inputs = json_lines.read_json(folder / ENVIRONMENT).get("inputs")
    for path, digest in input_digests(spec).items():
        if isinstance(inputs, dict) and inputs.get(path) != digest:
            raise BadInput(f"{path}: found other contents than the run was begun with, wanted the same")


def input_digests(spec: Spec) -> dict[str, str]:
    """The sha256 of each file, or of all files of each folder, that the spec names as an input."""
    found: dict[str, str] = {}
    for name, value in spec.to_json().items():
        for told in value if isinstance(value, list) else [value]:
            for path in str(told).split(",") if isinstance(told, str) and name not in MAY_DIFFER else ():
                if Path(path).is_file():
                    found[path] = file_digest(path)
                elif path and Path(path).is_dir():
                    found[path] = folder_digest(path)
    return found


def remove_leftovers(folder: Path) -> None:
    """Takes away what a run that was killed had begun to write below `folder`."""
    for path in [*folder.rglob(".*.partial")]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def take_away(folder: Path) -> None:
    """Removes a run folder that was new or empty when its run began, with all that the run wrote."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    folder.rmdir()


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
        "inputs": input_digests(spec),
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
