"""The self-attack: before the first submission, this text is run in the box and says which of its walls are open.

It is a program like any other, so it meets exactly what a submission meets. `probe(canary, parent)` returns the names
of attacks that succeeded and of things that should work and do not: an empty list is what is wanted.
"""

PROBE = b"""
import ctypes, mmap, os, socket, sys

def _reads(path):
    with open(path, "rb") as file:
        file.read(1)

def _writes(path):
    with open(path, "wb") as file:
        file.write(b"x")

def _forks():
    if os.fork() == 0:
        os._exit(0)

def _call(name, *arguments):
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)

def _is_root():
    if 0 not in (*os.getresuid(), *os.getresgid()):
        raise OSError("nobody special")

def _has_environment():
    if not os.environ:
        raise OSError("empty")

def _has_descriptor():
    for number in range(5, 64):
        try:
            os.fstat(number)
        except OSError:
            continue
        return
    raise OSError("none")

def _overrides_modes():
    os.close(os.open("closed", os.O_CREAT | os.O_WRONLY, 0))
    try:
        _reads("closed")
    finally:
        os.unlink("closed")

def _reads_packages(library):
    for folder in ("site-packages", "dist-packages"):
        for top, _folders, files in os.walk(os.path.join(library, folder)):
            for name in files:
                _reads(os.path.join(top, name))
                return
    raise OSError("none")

def _works():
    import colorsys
    with open("probe", "w") as file:
        file.write("x")
    os.unlink("probe")
    if os.listdir("."):
        raise OSError("the scratch is not empty")

def probe(canary, parent, memory):
    here = os.path.dirname(os.__file__)
    attacks = {
        "read a file of the host": lambda: _reads(canary),
        "read the password file": lambda: _reads("/etc/passwd"),
        "read installed packages": lambda: _reads_packages(here),
        "read /proc": lambda: _reads("/proc/self/environ"),
        "write beside a file of the host": lambda: _writes(canary + ".written"),
        "write to the library": lambda: _writes(here + "/probe.py"),
        "change a file's mode": lambda: os.chmod(here, 0o700),
        "open a socket": lambda: socket.socket().close(),
        "fork": _forks,
        "start a program": lambda: os.execv("/bin/true", ["true"]),
        "signal another process": lambda: os.kill(parent, 0),
        "make a user namespace": lambda: _call("unshare", 0x10000000),
        "mount": lambda: _call("mount", b"x", b".", b"tmpfs", 0, 0),
        "trace a process": lambda: _call("ptrace", 16, parent, 0, 0),
        "make memory files": lambda: os.memfd_create("x"),
        "take more memory than allowed": lambda: mmap.mmap(-1, memory),
        "be root": _is_root,
        "find an environment": _has_environment,
        "find a descriptor": _has_descriptor,
        "open what is closed to its user": _overrides_modes,
    }
    open_walls = []
    for name, attack in attacks.items():
        try:
            attack()
        except (OSError, ValueError, OverflowError):
            continue
        open_walls.append("a program can " + name)
    try:
        _works()
    except (OSError, ImportError) as error:
        open_walls.append("a program cannot work: " + str(error))
    return open_walls
"""
