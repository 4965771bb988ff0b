"""What makes two folders, or two promises, the same: their digests."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def folder_digest(folder: Path) -> str:
    """sha256 over the sorted relative names and contents of the regular files below `folder`.

    A link is refused: what it points to could change, and an artifact never changes.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ValueError(f"{path} is a link: an artifact holds plain files only")
        if path.is_file():
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()


def identity(*, kind: str, spec: dict[str, object], input_digests: Iterable[str], repeat: int) -> str:
    """The same kind, spec, inputs and repeat number have the same identity, whatever the order of the spec's keys."""
    promise = {"kind": kind, "spec": spec, "inputs": sorted(input_digests), "repeat": repeat}
    text = json.dumps(promise, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
