"""Checkpoints: all that a run is in the middle of, as safetensors and JSON, whole or not there at all.

`checkpoints/step-00000012/` holds `tensors.safetensors`, `state.json` (where a tensor stands, its name) and
`manifest.json` with the sha256 of both. It is written under another name, every file and the folder brought
to the disk, then renamed: a reader sees the whole of it or nothing, whenever the process or the machine dies.
"""

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainer import json_lines
from trainer.disk_space import is_disk_full
from trainer.errors import BadInput, TrainingStopped
from trainer.failpoints import failpoint
from trainer.json_lines import JsonObject
from trainer.snapshots import file_digest

FORMAT = "labelplatform-checkpoint/1"
TENSORS, STATE, MANIFEST = "tensors.safetensors", "state.json", "manifest.json"
# A checkpoint is begun only where this many times the last one's size is free.
FREE_SHARE = 1.2
# Values are tensors, or what JSON has, or dicts (keys are text) and lists of these.
State = dict[str, Any]
HOLDERS = (Tensor, dict, list, tuple)


def pack(state: State) -> tuple[dict[str, Tensor], JsonObject]:
    """The tensors of `state` by their path in it, and the rest as JSON in which a tensor is its name.

    A tensor that stands in several places (tied weights) is kept once.
    """
    tensors: dict[str, Tensor] = {}
    known: dict[tuple[object, ...], str] = {}

    def packed(value: Any, path: str) -> object:
        if isinstance(value, Tensor):
            same = (value.data_ptr(), value.shape, value.stride(), value.dtype, value.device)
            name = known.setdefault(same, path) if value.numel() else path
            if name == path:
                tensors[path] = value.detach().cpu().contiguous()
            return {"tensor": name}
        if isinstance(value, dict):
            return {"dict": {key: packed(entry, f"{path}/{key}") for key, entry in value.items()}}
        if isinstance(value, (list, tuple)) and any(isinstance(entry, HOLDERS) for entry in value):
            return {"list": [packed(entry, f"{path}/{place}") for place, entry in enumerate(value)]}
        return value

    whole = {key: packed(value, key) for key, value in state.items()}
    return tensors, whole


def unpack(tensors: Mapping[str, Tensor], whole: JsonObject) -> State:
    """The state that `pack` took apart."""

    def unpacked(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "list" in value:
            return [unpacked(entry) for entry in value["list"]]
        return {key: unpacked(entry) for key, entry in value["dict"].items()}

    return {key: unpacked(value) for key, value in whole.items()}


def write_checkpoint(folder: Path, step: int, state: State, *, keep: int) -> Path:
    """Writes the checkpoint of `step` below `folder`, then takes away all but the newest `keep`.

    Refuses (TrainingStopped) when the disk is full: what was there before is still there.
    """
    final = folder / f"step-{step:08d}"
    partial = folder / f".{final.name}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_space(folder)
        failpoint("checkpoint.begun")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        _write_files(partial, step, state)
        if final.exists():
            _remove(final)
        partial.rename(final)
        sync(folder)
        failpoint("checkpoint.renamed")
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            shutil.rmtree(partial, ignore_errors=True)
        if not is_disk_full(error):
            raise
        raise TrainingStopped(_told_full(folder, step)) from error
    for old in checkpoints_of(folder)[:-keep]:
        _remove(old)
    failpoint("checkpoint.pruned")
    return final


def _write_files(partial: Path, step: int, state: State) -> None:
    tensors, whole = pack(state)
    save_file(tensors, partial / TENSORS)
    sync(partial / TENSORS)
    failpoint("checkpoint.written")
    json_lines.write_json_atomically(partial / STATE, {"state": whole})
    digests = {name: file_digest(partial / name) for name in (TENSORS, STATE)}
    failpoint("checkpoint.hashed")
    json_lines.write_json_atomically(partial / MANIFEST, {"format": FORMAT, "step": step, "sha256": digests})
    sync(partial)


def newest_checkpoint(folder: Path) -> tuple[int, State] | None:
    """The step and state of the newest whole checkpoint below `folder`, None where there is none.

    One that is damaged is told on stderr, and the one before it is taken.
    """
    for path in reversed(checkpoints_of(folder)):
        try:
            return _read(path)
        except (BadInput, SafetensorError, OSError, KeyError) as error:
            sys.stderr.write(f"{path}: {' '.join(str(error).split())}; taking the checkpoint before it\n")
    return None


def checkpoints_of(folder: Path) -> list[Path]:
    """The checkpoints below `folder`, oldest first; unfinished ones are none."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir())


def _read(path: Path) -> tuple[int, State]:
    manifest = json_lines.read_json(path / MANIFEST)
    digests, step = manifest.get("sha256"), manifest.get("step")
    if manifest.get("format") != FORMAT or not isinstance(digests, dict) or not isinstance(step, int):
        raise BadInput(f"found another manifest, wanted {FORMAT}")
    for name in (TENSORS, STATE):
        if file_digest(path / name) != digests.get(name):
            raise BadInput(f"found a damaged {name}, wanted the sha256 of its manifest")
    whole = json_lines.read_json(path / STATE)["state"]
    assert isinstance(whole, dict)
    return step, unpack(load_file(path / TENSORS), whole)


def sync(path: Path) -> None:
    """Brings the file or folder `path` to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_space(folder: Path) -> None:
    before = checkpoints_of(folder)
    if not before:
        return
    wanted = FREE_SHARE * sum(path.stat().st_size for path in before[-1].iterdir())
    if shutil.disk_usage(folder).free < wanted:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _told_full(folder: Path, step: int) -> str:
    before = checkpoints_of(folder)
    last = f"the last good one is {before[-1].name}" if before else "there is none before it"
    free = shutil.disk_usage(folder if folder.is_dir() else folder.parent).free / 1e6
    return (
        f"step {step}: found the disk full ({free:.0f} MB free) while writing a checkpoint to {folder}; {last}: "
        "free some space, then go on with --resume"
    )


def _remove(path: Path) -> None:
    # Under its own name it would be half a checkpoint if the process died on the way.
    doomed = path.with_name(f".old-{path.name}.partial")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed)
