"""What of the host a box may read: the standard library, without the packages installed into it, and the shared
libraries that its modules load. Nothing else: installed packages may hold benchmarks with their answers.
"""

import ctypes
import os
import signal
from pathlib import Path

HIDDEN = ("site-packages", "dist-packages")
ZONES = "/usr/share/zoneinfo"
LOADER_CACHE = "/etc/ld.so.cache"
MOST_BYTES = 1 << 20


def standard_library() -> str:
    """The folder of the standard library."""
    return os.path.dirname(os.path.realpath(os.__file__))


def shared_libraries(library: str) -> list[str]:
    """The files that loading every compiled module of the library maps, and the loader's cache. A child process finds
    out, so that this one stays small; what cannot be loaded there could not be loaded later either.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, "\n".join(_mapped(library)).encode()[:MOST_BYTES])
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        found = stream.read(MOST_BYTES).decode().split("\n")
    os.waitpid(pid, 0)
    return [path for path in [*found, LOADER_CACHE] if path and os.path.isfile(path)]


def _mapped(library: str) -> list[str]:
    signal.alarm(30)
    for path in sorted(Path(library, "lib-dynload").glob("*.so")):
        try:
            ctypes.CDLL(str(path))
        except OSError:
            continue
    maps = Path("/proc/self/maps").read_text("utf-8").splitlines()
    files = {line.split(maxsplit=5)[5] for line in maps if len(line.split(maxsplit=5)) == 6}
    outside = {path for path in files if path.startswith("/") and not path.startswith(library + "/")}
    # The interpreter itself: a box is forked from it, and nobody in there starts it again.
    outside.discard(os.path.realpath("/proc/self/exe"))
    # The loader asks for a library by the name in its directory, which may be a link.
    return sorted(outside | {name for path in outside for name in _links_to(path)})


def _links_to(path: str) -> list[str]:
    """The links beside a file that lead to it."""
    folder = os.path.dirname(path)
    stem = os.path.basename(path).split(".so")[0]
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() and entry.name.startswith(stem) and os.path.realpath(entry.path) == path:
                found.append(entry.path)
    return found


def readable_parts(library: str) -> list[str]:
    """What lies directly in the library and may be read, for rules that cannot take anything away again."""
    return [f"{library}/{name}" for name in os.listdir(library) if name not in HIDDEN]
