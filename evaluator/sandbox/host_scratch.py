"""Scratch without a file system of its own: a folder on the host, watched while it is used and emptied after it."""

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from evaluator.sandbox.limits import Limits

RUN = "run"


class HostScratch:
    """A folder for each execution inside one that this process made, both open to its user only, or inside `parent`."""

    def __init__(self, limits: Limits, parent: str = "") -> None:
        self._limits = limits
        self._made = not parent
        self.parent = parent or tempfile.mkdtemp(prefix="labelplatform-box-")
        # Python remembers where it made one; programs are to find their own place.
        tempfile.tempdir = None
        self.path = str(Path(self.parent) / RUN)

    def make_ready(self) -> None:
        """An empty folder lies at `path`. Raises OSError."""
        empty(self.parent)
        os.mkdir(self.path, 0o700)

    def overfull(self) -> bool:
        """Whether it holds more entries or bytes than an execution may have. Looks at no more than that."""
        entries = size = 0
        waiting = [self.parent]
        while waiting:
            try:
                found = list(os.scandir(waiting.pop()))
                entries += len(found)
                if entries > self._limits.scratch_files:
                    return True
                folders, more = _looked_at(found)
            except FileNotFoundError:
                continue  # it was taken away meanwhile
            except OSError:
                return True  # a path too long to be followed is more than anybody needs
            waiting += folders
            size += more
        return size > self._limits.scratch_bytes

    def remove(self) -> None:
        """The folder is gone; one that was there before is empty."""
        empty(self.parent)
        if self._made:
            os.rmdir(self.parent)


class NoScratch:
    """Nowhere to write."""

    path = parent = "/"

    def make_ready(self) -> None:
        """It is."""

    def overfull(self) -> bool:
        """Never."""
        return False

    def remove(self) -> None:
        """There is nothing."""


def _looked_at(entries: list[os.DirEntry[str]]) -> tuple[list[str], int]:
    """The folders among the entries, made readable, and the bytes of all."""
    folders, size = [], 0
    for entry in entries:
        about = entry.stat(follow_symlinks=False)
        size += about.st_blocks * 512
        if stat.S_ISDIR(about.st_mode):
            if about.st_mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(entry.path, 0o700)
            folders.append(entry.path)
    return folders, size


def empty(folder: str) -> None:
    """Remove all that is in a folder, following no link and however deep it is nested: folders are lifted up to the
    top before they are opened, so that neither the stack nor a path grows. Raises OSError.
    """
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    lifted = (f"{secrets.token_hex(8)}-{number}" for number in count())
    try:
        while names := os.listdir(top):
            for name in names:
                _remove(top, name, lifted)
    finally:
        os.close(top)


def _remove(top: int, name: str, lifted: Iterator[str]) -> None:
    if not stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
        os.unlink(name, dir_fd=top)
        return
    os.chmod(name, 0o700, dir_fd=top)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for child in os.listdir(inner):
            if stat.S_ISDIR(os.lstat(child, dir_fd=inner).st_mode):
                os.chmod(child, 0o700, dir_fd=inner)  # a folder that may not be written may not be moved
                os.rename(child, next(lifted), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(child, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)
