"""What a child does to itself before it touches a stranger's text. Every step is for good.

Order matters: descriptors and limits first, then no_new_privs (Landlock and seccomp need it), the file rules while
their descriptor is still open, capabilities, and last the filter that denies everything used until here.
"""

import fcntl
import os
import resource
from dataclasses import dataclass

from evaluator.sandbox import kernel, landlock, seccomp
from evaluator.sandbox.limits import Limits

CHANNEL, LIBRARY = 3, 4
MOST_DESCRIPTORS = 1 << 16


@dataclass(frozen=True)
class Walls:
    """What a launcher has ready for its children.

    `rules` is a descriptor (None without Landlock), `filter` a seccomp filter. `library` is a descriptor of the
    standard library's folder where its path is closed to the box's user (Python lies in root's home); None else.
    """

    rules: int | None
    filter: seccomp.Filter
    has_capabilities: bool
    library: int | None = None


@dataclass(frozen=True)
class Openings:
    """The descriptors a child keeps: standard input, output and error, and the channel to its other side."""

    stdin: int
    stdout: int
    stderr: int
    channel: int


def enter(walls: Walls, seconds: float, folder: str, openings: Openings) -> None:
    """Put this process into the box; `CHANNEL` is then its channel. Raises OSError when a wall does not stand."""
    os.setsid()
    rules = _keep_only(openings, walls)
    os.chdir(folder)
    os.umask(0o077)
    # The watch outside ends it sooner; this holds if the watch dies. The other limits came with the fork.
    _set(resource.RLIMIT_CPU, int(seconds) + 2)
    kernel.control_process(kernel.PR_SET_PDEATHSIG, kernel.SIGKILL)
    kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if walls.rules is not None:
        landlock.restrict_this_process(rules)
        os.close(rules)
    if walls.has_capabilities:
        kernel.drop_capabilities()
    walls.filter.install()


def _keep_only(openings: Openings, walls: Walls) -> int:
    """Move what is kept to 0, 1, 2 … and close all else. Returns where the rules are: last."""
    kept = [openings.stdin, openings.stdout, openings.stderr, openings.channel]
    kept += [one for one in (walls.library, walls.rules) if one is not None]
    # Out of the way first: a descriptor may stand where another is going.
    away = [fcntl.fcntl(one, fcntl.F_DUPFD, len(kept)) for one in kept]
    for place, one in enumerate(away):
        os.dup2(one, place)
    os.closerange(len(kept), MOST_DESCRIPTORS)
    return len(kept) - 1


def limit(limits: Limits) -> None:
    """Set the limits that a launcher and all its children keep."""
    pairs = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 64,
    }
    for what, most in pairs.items():
        _set(what, most)


def _set(what: int, most: int) -> None:
    """Set a limit for good; where who started us has a stricter one, that one stays."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))
