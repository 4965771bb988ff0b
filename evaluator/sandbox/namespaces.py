"""A launcher's namespaces: a private root of few read-only directories, no network, nobody else's processes or names.

They are entered once, by the launcher; each execution gets a process namespace of its own (kernel.clone) and a scratch
file system that was empty when it came. All of it belongs to an unprivileged user, never to root.
"""

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from evaluator.sandbox import kernel
from evaluator.sandbox.libraries import HIDDEN, ZONES
from evaluator.sandbox.limits import Limits

INSIDE_ID = 1000
PLACE = "/tmp"  # noqa: S108 (an empty file system is mounted there, seen by this process alone)
# The file rules name the first: a rule for the root of a file system would end with it.
SCRATCH_PARENT, SCRATCH = "/scratch", "/scratch/run"
DEVICES = ("/dev/null", "/dev/urandom")
READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
OWN = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)


def enter(library: str, files: list[str]) -> None:
    """Enter the namespaces and the private root. `library` is the standard library's folder, and must be the working
    directory: it is reached from there, since the way to it may be closed to this user. `files` are shown beside it.
    Raises OSError.
    """
    user, group = os.getuid(), os.getgid()
    # A process that changed its user has lost the right to write its own maps.
    kernel.control_process(kernel.PR_SET_DUMPABLE, 1)
    kernel.unshare(OWN)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{INSIDE_ID} {user} 1")
    _write("/proc/self/gid_map", f"{INSIDE_ID} {group} 1")
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    # Opened before the root is mounted: they may lie below its place, as an interpreter in /tmp does.
    with ExitStack() as opened:
        _build_root(library, _descriptors(files, opened))
    os.chdir(PLACE)
    kernel.pivot_root_here()
    os.chdir("/")
    kernel.protect_mounts("/", kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID)


def _write(path: str, text: str) -> None:
    # One write, as the kernel wants it.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _descriptors(files: list[str], opened: ExitStack) -> dict[str, int]:
    """A descriptor of each file, until `opened` closes; without those closed to this user, which are not shown."""
    found = {}
    for path in files:
        with suppress(PermissionError):
            found[path] = os.open(path, os.O_PATH)
            opened.callback(os.close, found[path])
    return found


def _build_root(library: str, files: dict[str, int]) -> None:
    kernel.mount(
        "root", PLACE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,nr_inodes=1024,mode=0755"
    )
    for folder in ("/dev", SCRATCH, library):
        Path(PLACE + folder).mkdir(parents=True, exist_ok=True)
    kernel.mount(".", PLACE + library, None, kernel.MS_BIND | kernel.MS_REC)
    for name in HIDDEN:
        if os.path.isdir(f"{PLACE}{library}/{name}"):
            kernel.mount(
                "nothing", f"{PLACE}{library}/{name}", "tmpfs", kernel.MS_NOSUID, "size=4k,mode=0755"
            )
    kernel.protect_mounts(PLACE + library, READ_ONLY)
    if os.path.isdir(ZONES):
        Path(PLACE + ZONES).mkdir(parents=True, exist_ok=True)
        _show(ZONES, ZONES, READ_ONLY)
    for path, descriptor in files.items():
        Path(PLACE + path).parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(PLACE + path):
            Path(PLACE + path).touch()
            _show(f"/proc/self/fd/{descriptor}", path, READ_ONLY)
    for path in DEVICES:
        if os.path.exists(path):
            Path(PLACE + path).touch()
            _show(path, path, kernel.MOUNT_ATTR_NOSUID)


def _show(source: str, path: str, attributes: int) -> None:
    try:
        kernel.mount(source, PLACE + path, None, kernel.MS_BIND | kernel.MS_REC)
    except PermissionError:
        return  # closed to this user: then it is not shown
    kernel.protect_mounts(PLACE + path, attributes)


@dataclass
class Scratch:
    """A file system of its own for each execution; one that was not touched serves the next as well."""

    limits: Limits
    _clean: tuple[object, ...] | None = None
    path: str = SCRATCH
    parent: str = SCRATCH_PARENT

    def make_ready(self) -> None:
        """An empty scratch lies at `path`. Raises OSError."""
        if self._clean is not None and self._clean == self._state():
            return
        if self._clean is not None:
            kernel.unmount(SCRATCH)
        flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC | kernel.MS_NOATIME
        size = f"size={self.limits.scratch_bytes},nr_inodes={self.limits.scratch_files},mode=0700"
        kernel.mount("scratch", SCRATCH, "tmpfs", flags, size)
        self._clean = self._state()

    def overfull(self) -> bool:
        """Never: the file system has a size."""
        return False

    def remove(self) -> None:
        """It goes with the namespace."""

    @staticmethod
    def _state() -> tuple[object, ...]:
        """What a program can see of an empty folder, and what every change of it moves (the inode's change time)."""
        seen, system = os.lstat(SCRATCH), os.statvfs(SCRATCH)
        inode = (seen.st_dev, seen.st_ino, seen.st_mode, seen.st_nlink, seen.st_uid, seen.st_size)
        return (*inode, seen.st_mtime_ns, seen.st_ctime_ns, system.f_bfree, system.f_ffree)
