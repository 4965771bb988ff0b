"""Run our command under other circumstances: `python -m tests.evaluator.sandbox.under HOW… -- MODULE …`.

`no-namespaces` and `no-landlock` put a seccomp filter on this process that answers EPERM, as a host that denies them
does; `ordinary-user` gives up root (in a mount namespace where that user can reach this interpreter).
"""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
import tempfile
from pathlib import Path

from evaluator.sandbox import kernel, seccomp

ORDINARY_ID = 60998
UNSHARE = {"x86_64": 272, "aarch64": 97}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
LANDLOCK = (kernel.LANDLOCK_CREATE, kernel.LANDLOCK_ADD, kernel.LANDLOCK_RESTRICT)
EQUAL, SET, GIVE, LOAD = seccomp.JUMP_EQUAL, seccomp.JUMP_SET, seccomp.RETURN, seccomp.LOAD


def deny(*, namespaces: bool, landlock: bool, unsharing: bool = True) -> None:
    """EPERM for what is denied, for this process and all it starts; everything else is allowed. Without `unsharing`
    namespaces are denied to clone only.
    """
    code: seccomp.Block = [(LOAD, 0, 0, seccomp.NUMBER_AT)]
    if namespaces:
        code += [(EQUAL, 0, 1, UNSHARE[kernel.MACHINE]), (GIVE, 0, 0, seccomp.EPERM)] if unsharing else []
        code += [(EQUAL, 0, 1, CLONE3), (GIVE, 0, 0, seccomp.ENOSYS)]
        code += [(EQUAL, 0, 4, CLONE[kernel.MACHINE]), (LOAD, 0, 0, seccomp.ARGUMENTS_AT)]
        code += [(SET, 0, 1, seccomp.CLONE_NAMESPACES), (GIVE, 0, 0, seccomp.EPERM)]
        code += [(LOAD, 0, 0, seccomp.NUMBER_AT)]
    for number in LANDLOCK if landlock else ():
        code += [(EQUAL, 0, 1, number), (GIVE, 0, 0, seccomp.EPERM)]
    code.append((GIVE, 0, 0, seccomp.ALLOW))
    kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
    seccomp.Filter(seccomp.assemble(code)).install()


def become_ordinary() -> None:
    """Give up root, where we have it. Paths that are closed to others are opened in a mount namespace of our own."""
    if os.geteuid() != 0:
        return
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    become_ordinary_mounts()
    give_up_root()


def become_ordinary_mounts() -> None:
    """Opens the way to this interpreter and to this code in the mount namespace we are in."""
    for path in (Path(sys.base_prefix), Path(sys.prefix).resolve(), Path(__file__).resolve().parents[3]):
        _open_way_to(path)


def give_up_root() -> None:
    """Become an ordinary user for good."""
    os.setgroups([])
    os.setresgid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID)
    os.setresuid(ORDINARY_ID, ORDINARY_ID, ORDINARY_ID)
    kernel.control_process(kernel.PR_SET_DUMPABLE, 1)
    os.environ["HOME"] = tempfile.gettempdir()


def _open_way_to(path: Path) -> None:
    closed = [one for one in reversed(path.parents) if not one.stat().st_mode & 0o001]
    if not closed:
        return
    aside = tempfile.mkdtemp()
    kernel.mount(str(path), aside, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.mount("way", str(closed[0]), "tmpfs", 0, "mode=0755")
    path.mkdir(parents=True)
    kernel.mount(aside, str(path), None, kernel.MS_BIND | kernel.MS_REC)
    kernel.unmount(aside)
    os.rmdir(aside)


def main(arguments: list[str]) -> None:
    """Change the circumstances, then run the module in this process."""
    split = arguments.index("--")
    how, (module, *rest) = set(arguments[:split]), arguments[split + 1 :]
    if "ordinary-user" in how:
        become_ordinary()
    cloning = "no-cloning" in how
    deny(namespaces=cloning or "no-namespaces" in how, landlock="no-landlock" in how, unsharing=not cloning)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    main(sys.argv[1:])
