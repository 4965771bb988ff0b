"""A stand-in for docker: does on this host what the flags say that a container does, and nothing else.

`python -m tests.evaluator.sandbox.fake_container MODE LOG run FLAG… IMAGE COMMAND…`. It writes its words to LOG, mounts
what --volume and --tmpfs say in a mount namespace, gives up root, has no network and a read-only root. MODE: `holds`;
`leaks` leaves the host's temporary files to be seen; `dies` says something and ends.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from evaluator.sandbox import kernel
from tests.evaluator.sandbox import under

OPT = "/opt"


def parsed(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """(flags, what is run in the image)."""
    flags: dict[str, str] = {}
    place = words.index("run") + 1
    while words[place].startswith("--"):
        name, _, value = words[place].removeprefix("--").partition("=")
        flags[name] = value
        place += 1
    return flags, words[place + 1 :]


def enter_mounts(flags: dict[str, str], *, hides: bool) -> None:
    """A mount namespace with what the flags ask for."""
    root = os.geteuid() == 0
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | (0 if root else kernel.CLONE_NEWUSER))
    if not root:
        Path("/proc/self/setgroups").write_text("deny", "utf-8")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "utf-8")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "utf-8")
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    source, target, mode = flags["volume"].split(":")
    assert mode == "ro"
    scratch, options = flags["tmpfs"].split(":")
    size = next(one for one in options.split(",") if one.startswith("size="))
    kernel.mount("opt", OPT, "tmpfs", 0, "mode=0755")
    for path in (target, scratch):
        assert path.startswith(f"{OPT}/")
        Path(path).mkdir(parents=True)
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)
    if root:
        under.become_ordinary_mounts()
    if hides:
        kernel.mount("tmp", tempfile.gettempdir(), "tmpfs", 0, "mode=0755")
    kernel.protect_mounts("/", kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID)
    kernel.mount("scratch", scratch, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"{size},mode=1777")


def main(arguments: list[str]) -> None:
    """Be the container."""
    mode, log, *words = arguments
    Path(log).write_text(json.dumps(words), "utf-8")
    if mode == "dies":
        sys.exit("docker: Error response from daemon: unknown or invalid runtime name: runsc")
    flags, command = parsed(words)
    # An image has a Python of its own: not the environment's, which may lie under what is hidden.
    python = os.path.realpath(str(Path(sys.base_prefix, "bin", "python3")))
    enter_mounts(flags, hides=mode == "holds")
    if os.geteuid() == 0:
        under.give_up_root()
    assert flags["entrypoint"] == "python3"
    os.execve(python, [python, *command], {"PYTHONHASHSEED": "0"})


if __name__ == "__main__":
    main(sys.argv[1:])
