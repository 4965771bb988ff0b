"""A launcher's namespaces: a private root of few read-only directories, no network, nobody else's processes or names.

They are entered once, by the launcher; each execution gets a process namespace of its own (kernel.clone) and a scratch
file system that was empty when it came. All of it belongs to an unprivileged user, never to root.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from evaluator.sandbox import kernel
from evaluator.sandbox.limits import Limits

INSIDE_ID = 1000
PLACE = "/tmp"  # noqa: S108 (an empty file system is mounted there, seen by this process alone)
SCRATCH = "/scratch"
SHOWN = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo")
DEVICES = ("/dev/null", "/dev/urandom")
READ_ONLY = kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | kernel.MOUNT_ATTR_NODEV
OWN = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWNET
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
)


def enter(library: str) -> None:
    """Enter the namespaces and the private root. `library` is the standard library's folder, and must be the working
    directory: it is reached from there, since the way to it may be closed to this user. Raises OSError.
    """
    user, group = os.getuid(), os.getgid()
    # A process that changed its user has lost the right to write its own maps.
    kernel.control_process(kernel.PR_SET_DUMPABLE, 1)
    kernel.unshare(OWN)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{INSIDE_ID} {user} 1")
    _write("/proc/self/gid_map", f"{INSIDE_ID} {group} 1")
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    _build_root(library)
    os.chdir(PLACE)
    kernel.pivot_root_here()
    os.chdir("/")
    kernel.protect_mounts("/", kernel.MOUNT_ATTR_NOSUID)


def _write(path: str, text: str) -> None:
    # One write, as the kernel wants it.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _build_root(library: str) -> None:
    kernel.mount("root", PLACE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,nr_inodes=256,mode=0755")
    for folder in ("/dev", SCRATCH):
        (Path(PLACE) / folder[1:]).mkdir()
    _show(".", library)
    for path in SHOWN:
        _show_if_there(path)
    for path in DEVICES:
        if os.path.exists(path):
            Path(PLACE + path).touch()
            kernel.mount(path, PLACE + path, None, kernel.MS_BIND)
    kernel.protect_mounts(PLACE, kernel.MOUNT_ATTR_NOSUID)
    # The root itself and what it shows are read-only; devices keep their meaning.
    for path in (library, *SHOWN):
        if os.path.ismount(PLACE + path):
            kernel.protect_mounts(PLACE + path, READ_ONLY)


def _show_if_there(path: str) -> None:
    place = Path(PLACE + path)
    if os.path.islink(path):
        if not os.path.lexists(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(os.readlink(path))
    elif os.path.isdir(path):
        _show(path, path)


def _show(source: str, path: str) -> None:
    place = Path(PLACE + path)
    if os.path.ismount(place):
        return
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        # Inside a folder that is shown already and read-only, as /usr/lib/python3 is.
        if not place.is_dir():
            raise
        return
    kernel.mount(source, str(place), None, kernel.MS_BIND | kernel.MS_REC)


@dataclass
class Scratch:
    """A file system of its own for each execution; one that was not touched serves the next as well."""

    limits: Limits
    _clean: tuple[object, ...] | None = None
    path: str = SCRATCH

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
