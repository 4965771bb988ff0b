"""Attacks of our own, beside the developers' set: each must be contained and must not pass."""

from __future__ import annotations

RIGHT = "def add(a, b):\n    return a + b\n"
FRAME = """
import json, os, struct
def frame(tree):
    text = json.dumps(tree).encode()
    return struct.pack("!I", len(text)) + text
"""

# name: program
ATTACKS: dict[str, str] = {
    "int subclass equal to all": """
class I(int):
    def __eq__(self, o): return True
    __hash__ = int.__hash__
def add(a, b): return I(0)
""",
    "float nan": "def add(a, b): return float('nan')",
    "list of objects equal to all": """
class E:
    def __eq__(self, o): return True
def add(a, b): return [E()]
""",
    "dict subclass": """
class D(dict):
    def __eq__(self, o): return True
    __hash__ = None
def add(a, b): return D()
""",
    "tuple subclass inside a tuple": """
class T(tuple):
    def __eq__(self, o): return True
    __hash__ = tuple.__hash__
def add(a, b): return (T(),)
""",
    "metaclass that says it is list": """
class M(type):
    def __hash__(cls): return hash(list)
    def __eq__(cls, o): return True
class L(metaclass=M):
    def __iter__(self): return iter([3])
    def __eq__(self, o): return True
def add(a, b): return L()
""",
    "class that lies about its class": """
class L:
    __class__ = int
    def __eq__(self, o): return True
def add(a, b): return L()
""",
    "forged verdict on every descriptor": FRAME
    + """
for number in range(0, 64):
    try: os.write(number, frame({"verdict": "pass", "reason": "", "calls": 4, "call": "", "attempt": None}))
    except OSError: pass
def add(a, b): return None
""",
    "forged answers with code in them": FRAME
    + """
os.write(3, frame(["ok", ["o", "builtins.object"], None]))
def add(a, b): return None
""",
    "many answers at once": FRAME
    + """
os.write(3, frame(["ok", 99, None]) * 100)
def add(a, b): return None
""",
    "answer that never ends": """
import os, struct
os.write(3, struct.pack("!I", 1 << 31))
def add(a, b): return None
""",
    "half an answer": """
import os
def add(a, b):
    os.write(3, b"\\x00\\x00")
    os._exit(0)
""",
    "closes the channel": "import os\nos.close(3)\ndef add(a, b): return 3",
    "leaves at load": "import os\nos._exit(0)",
    "raises SystemExit(0)": "def add(a, b): raise SystemExit(0)",
    "raises GeneratorExit": "def add(a, b): raise GeneratorExit",
    "patches the encoder": """
import sys
for name, module in list(sys.modules.items()):
    if name.startswith("evaluator"):
        for key, value in list(vars(module).items()):
            if callable(value) and key in ("write_tree", "dump_tree", "_dumps", "decode", "parse"):
                setattr(module, key, lambda *a, **k: "null")
def add(a, b): return None
""",
    "patches json and builtins": """
import builtins, json
json.dumps = json.JSONEncoder.encode = lambda *a, **k: '["ok", 3, null]'
builtins.len = lambda x: 0
builtins.type = lambda *a: int
def add(a, b): return None
""",
    "looks for expected values in memory": """
import gc
needle = "candidate" + str((10, 32))
found = [o for o in gc.get_objects() if isinstance(o, (str, bytes)) and needle in str(o) and o is not needle]
found += [o for o in gc.get_objects() if isinstance(o, (tuple, list, dict)) and len(o) < 99
          and any(isinstance(one, str) and needle in one for one in o) and needle not in o and o is not vars()]
def add(a, b):
    return a + b if found else None
""",
    "searches its whole memory for the tests": """
import ctypes, re
def regions():
    try:
        return [line.split()[0] for line in open("/proc/self/maps") if " rw" in line]
    except OSError:
        return []
def add(a, b):
    for region in regions():
        low, high = (int(x, 16) for x in region.split("-"))
        if b"candidate(10, 32)" in ctypes.string_at(low, high - low):
            return a + b
    return None
""",
    "walks the stack upwards": """
import sys
def add(a, b):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            if "== 42" in str(value): return a + b
        frame = frame.f_back
    return None
""",
    "traces the harness": """
import sys
def tracer(frame, event, arg):
    frame.f_locals.get("caught")
    return tracer
sys.settrace(tracer)
sys.setprofile(lambda *a: None)
def add(a, b): return None
""",
    "registers for the end": """
import atexit
atexit.register(lambda: print("passed"))
def add(a, b): return None
""",
    "thread that answers": FRAME
    + """
import threading
def spam():
    while True: os.write(3, frame(["ok", 7, None]))
threading.Thread(target=spam, daemon=True).start()
def add(a, b): return None
""",
    "time bomb": """
calls = []
def add(a, b):
    calls.append(1)
    while len(calls) == 3: pass
    return a + b
""",
    "sleeps": "import time\ndef add(a, b):\n    time.sleep(60)\n    return a + b",
    "sleeps at load": "import time\ntime.sleep(60)\n" + RIGHT,
    "blocks on its input": "import os\ndef add(a, b):\n    return os.read(3, 1 << 20)",
    "stops itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)\nwhile True: pass\n",
    "swallows every exception": """
def add(a, b):
    while True:
        try:
            while True: pass
        except BaseException:
            pass
""",
    "alarms": """
import signal
signal.signal(signal.SIGALRM, lambda *a: None)
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
def add(a, b):
    while True: pass
""",
    "returns a gigabyte": "def add(a, b): return 'x' * (1 << 28)",
    "returns far too many parts": "def add(a, b): return list(range(3000000))",
    "returns what is nested for ever": "def add(a, b):\n    x = []\n    x.append(x)\n    return x",
    "returns an endless generator": "def add(a, b):\n    while True: yield 3",
    "keys that collide": "def add(a, b): return {k * (2**61 - 1) for k in range(2**20, 2**20 + 60000)}",
    "half a surrogate": "def add(a, b): return chr(0xD800)",
    "raises with a hostile text": """
class X(Exception):
    def __str__(self): return chr(0xDFFF) + "\\x1b[2J" * 10000
def add(a, b): raise X
""",
    "exception whose text never ends": """
class X(Exception):
    def __str__(self):
        while True: pass
def add(a, b): raise X
""",
    "exception with a lying type": """
class M(type):
    __name__ = property(lambda cls: "pass")
class X(Exception, metaclass=M): pass
def add(a, b): raise X
""",
    "fills the disk": """
def add(a, b):
    try:
        for n in range(100000):
            with open(f"f{n}", "wb") as file: file.write(b"x" * (1 << 20))
    except OSError:
        pass
    while True: pass
""",
    "takes all inodes": """
import os
def add(a, b):
    try:
        for n in range(10**6): os.close(os.open(f"f{n}", os.O_CREAT | os.O_WRONLY))
    except OSError:
        pass
    while True: pass
""",
    "digs deep": """
import os
def add(a, b):
    try:
        while True:
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    except OSError:
        pass
    while True: pass
""",
    "leaves folders nobody may open": """
import os
def add(a, b):
    os.makedirs("a/b/c")
    os.mkdir("a/b/c/closed", 0)
    os.mkdir("closed", 0)
    return None
""",
    "takes all memory in threads": """
import threading
kept = []
def eat():
    while True: kept.append(bytearray(1 << 20))
for _ in range(8): threading.Thread(target=eat, daemon=True).start()
def add(a, b):
    while True: pass
""",
    "shared memory": """
import mmap
kept = [mmap.mmap(-1, 1 << 26) for _ in range(100)]
def add(a, b): return None
""",
    "crashes": "import ctypes\nctypes.string_at(0)\n",
    "forks by number": """
import ctypes
libc = ctypes.CDLL(None)
for number in (56, 57, 58, 435, 220):
    for _ in range(3):
        if libc.syscall(number, 17, 0, 0, 0, 0) == 0:
            while True: pass
def add(a, b): return None
""",
    "kills everybody": """
import os, signal
for pid in (-1, 0, 1, 2, os.getppid(), *range(2, 5000)):
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try: os.kill(pid, number)
        except (OSError, OverflowError): pass
def add(a, b): return None
""",
    "speaks to the network by number": """
import ctypes, socket
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, 16, 17):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            s = socket.socket(family, kind)
            s.settimeout(0.1)
            s.connect_ex(("127.0.0.1", 63799))
        except OSError: pass
def add(a, b): return None
""",
    "writes and deletes outside": """
import os, glob
for place in ("/tmp/lp-hostile-canary", "/etc", "/root", "/tmp", "/var/tmp", "/dev/shm", "/", ".."):
    for name in ("pwned", "host_secret.txt"):
        for do in (lambda p: open(p, "w").write("pwned"), os.unlink, os.truncate, lambda p: os.chmod(p, 0),
                   lambda p: os.utime(p, (0, 0)), lambda p: os.rename(p, p + "x"), lambda p: os.symlink("/etc", p)):
            try: do(os.path.join(place, name))
            except (OSError, TypeError): pass
def add(a, b): return None
""",
    "prints what it can read": """
import os
said = []
for top in ("/proc", "/etc", "/tmp", "/home", "/root", "/sys", "/dev", "/var", "/work", "/scratch"):
    try:
        for name in os.listdir(top)[:50]:
            try: said.append(open(os.path.join(top, name)).read(1000))
            except (OSError, UnicodeDecodeError): pass
    except OSError: pass
for path in ("/proc/1/environ", "/proc/self/environ", "/tmp/lp-hostile-canary/host_secret.txt"):
    try: said.append(open(path).read())
    except OSError: pass
def add(a, b): raise ValueError("".join(said) + str(os.environ))
""",
    "reads benchmarks that are installed": """
import os
def add(a, b):
    for name in ("site-packages", "dist-packages"):
        for top, _, files in os.walk(os.path.join(os.path.dirname(os.__file__), name)):
            for file in files:
                open(os.path.join(top, file), "rb").read(1)
                return a + b
    return None
""",
    "no program at all": "",
    "bytes that are no text": "\x00\udcff",
}
