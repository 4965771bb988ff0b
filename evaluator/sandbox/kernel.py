"""System calls that Python does not offer, made through the C library that is loaded anyway.

Each raises OSError with the kernel's errno. `PyDLL` keeps the interpreter lock through the call: between `clone` and
the child's first step nothing else of this process runs.
"""

import ctypes
import os
import platform
import sys

CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWNS = 0x20000000, 0x10000000, 0x00020000
CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS = 0x40000000, 0x08000000, 0x04000000
SIGCHLD, SIGKILL = 17, 9
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME = 2, 4, 8, 1024
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
LAST_CAPABILITY = 63
CAPABILITIES_VERSION_3 = 0x20080522

MACHINE = platform.machine()
# Numbers of the calls made here, by machine: (x86_64, aarch64). Those from 424 on are the same everywhere.
_NUMBERS = {"clone": (56, 220), "pivot_root": (155, 41)}
MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 442, 444, 445, 446

_library = ctypes.PyDLL(None, use_errno=True)
_library.syscall.restype = ctypes.c_long


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("attr_set", "attr_clr", "propagation", "userns_fd")]


def supported() -> str | None:
    """Why this machine can have no box at all, or None."""
    if sys.platform != "linux":
        return f"found {sys.platform}, wanted Linux"
    if MACHINE not in ("x86_64", "aarch64") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return f"found the processor {MACHINE}, wanted x86_64 or aarch64"
    return None


def system_call(number: int, *arguments: object) -> int:
    """The result of a call by its number. Raises OSError."""
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    return _checked(_library.syscall(ctypes.c_long(number), *given))


def control_process(option: int, *arguments: int) -> int:
    """prctl(2)."""
    given = [ctypes.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:4]]
    return _checked(_library.prctl(option, *given))


def unshare(flags: int) -> None:
    """Leave the namespaces named by the flags."""
    _checked(_library.unshare(flags))


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    given = [text.encode() if text is not None else None for text in (source, target, kind)]
    _checked(_library.mount(*given, ctypes.c_ulong(flags), data.encode() if data else None))


def protect_mounts(path: str, attributes: int) -> None:
    """Set the attributes on the mount at `path` and on all below it (mount_setattr, Linux 5.12)."""
    wanted = _MountAttributes(attr_set=attributes)
    size = ctypes.sizeof(wanted)
    system_call(
        MOUNT_SETATTR, AT_FDCWD, ctypes.c_char_p(path.encode()), AT_RECURSIVE, ctypes.byref(wanted), size
    )


def unmount(path: str) -> None:
    """Detach what is mounted at `path`; it goes when its last user goes."""
    _checked(_library.umount2(path.encode(), MNT_DETACH))


def pivot_root_here() -> None:
    """Make the working directory the root and detach the old one (pivot_root(2), the case of one directory)."""
    here = ctypes.c_char_p(b".")
    system_call(_number("pivot_root"), here, here)
    unmount(".")


def clone(flags: int) -> int:
    """Fork, the child in the new namespaces that `flags` name: 0 in the child, its process id in the parent."""
    if not flags:
        return os.fork()
    # What os.fork does around fork(2); fork(2) itself takes no flags, and unshare could be said only once.
    ctypes.pythonapi.PyOS_BeforeFork()
    pid = int(_library.syscall(ctypes.c_long(_number("clone")), ctypes.c_long(flags | SIGCHLD), 0, 0, 0, 0))
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    return _checked(pid)


def drop_capabilities() -> None:
    """Give up every capability of this process."""
    header = _CapabilityHeader(CAPABILITIES_VERSION_3, 0)
    _checked(_library.capset(ctypes.byref(header), (ctypes.c_uint32 * 6)()))


def drop_bounding_set() -> None:
    """No program started later can get a capability back, whatever its file says."""
    for capability in range(LAST_CAPABILITY + 1):
        if _library.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            break  # beyond the last one this kernel knows
    control_process(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def _number(name: str) -> int:
    return _NUMBERS[name][0 if MACHINE == "x86_64" else 1]


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
