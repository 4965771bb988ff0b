"""Landlock by system call: which files a process may reach, no TCP, no signals to processes outside.

Rights and structures are those of linux/landlock.h. What a kernel does not know of yet is left out of the request;
`abi()` says how much it knows. A rule for a directory holds for all below it, mounts included.
"""

import ctypes
import os
from collections.abc import Iterable

from evaluator.sandbox import kernel

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
REFER, TRUNCATE = 1 << 13, 1 << 14
RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}  # from ABI 5 on: 16
NET_ABI, SCOPE_ABI = 4, 6
BIND_AND_CONNECT_TCP, ABSTRACT_SOCKETS_AND_SIGNALS = 3, 3
VERSION_FLAG, RULE_PATH_BENEATH = 1, 1

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
READ_AND_WRITE_FILE = READ_FILE | WRITE_FILE | TRUNCATE


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "net", "scoped")]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """The version of Landlock that this kernel offers this process; 0 for none."""
    try:
        return kernel.system_call(kernel.LANDLOCK_CREATE, None, 0, VERSION_FLAG)
    except OSError:
        return 0


def known_rights(version: int) -> int:
    """All file rights that a kernel of this version governs."""
    return (1 << RIGHTS_BY_ABI.get(version, 16)) - 1


def ruleset(rules: Iterable[tuple[str, int]]) -> int:
    """A descriptor of rules (path, rights): everything not named is denied. Raises OSError without Landlock."""
    version = abi()
    known = known_rights(version)
    wanted = _Ruleset(files=known)
    if version >= NET_ABI:
        wanted.net = BIND_AND_CONNECT_TCP
    if version >= SCOPE_ABI:
        wanted.scoped = ABSTRACT_SOCKETS_AND_SIGNALS
    size = 24 if version >= SCOPE_ABI else 16 if version >= NET_ABI else 8
    descriptor = kernel.system_call(kernel.LANDLOCK_CREATE, ctypes.byref(wanted), size, 0)
    for path, rights in rules:
        _allow(descriptor, path, rights & known)
    return descriptor


def _allow(descriptor: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(allowed=rights, parent=place)
        kernel.system_call(kernel.LANDLOCK_ADD, descriptor, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(place)


def restrict_this_process(descriptor: int) -> None:
    """Put this process under the rules for good. Needs no_new_privs. Raises OSError."""
    kernel.system_call(kernel.LANDLOCK_RESTRICT, descriptor, 0)
