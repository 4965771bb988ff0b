"""What each layer of the box costs, in processor milliseconds of the forked child and of who forks it.

    python -S benchmarks/sandbox_layers.py ROOT

Children apply a layer and end; no program is run in them. Prints one JSON object: layer → milliseconds of child and
parent together (the first decile of many forks: what other work on the machine adds is left out).
"""

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable

sys.path.insert(0, sys.argv[1])

from evaluator.sandbox import box, kernel, landlock, launcher, libraries, seccomp
from evaluator.sandbox.limits import Limits

REPEATS = 100


def measured(act: Callable[[], object], flags: int) -> float:
    """Milliseconds, first decile, of a fork whose child does this and ends."""
    found = []
    for _ in range(REPEATS):
        started = time.process_time()
        pid = kernel.clone(flags)
        if pid == 0:
            act()
            os._exit(0)
        _, _, used = os.wait4(pid, 0)
        found.append(time.process_time() - started + used.ru_utime + used.ru_stime)
    return 1000 * sorted(found)[REPEATS // 10]


def main() -> None:
    """Set up as a launcher does, then measure with ever more layers."""
    library, limits = libraries.standard_library(), Limits()
    files = libraries.shared_libraries(library)
    os.chdir(library)
    nowhere = os.open("/dev/null", os.O_WRONLY)
    gc.disable()
    launcher.make_warm(library)
    launcher.become_unprivileged()
    walls, flags, scratch = launcher.build_walls(1, files, limits, seccomp.program())
    gc.collect()
    gc.freeze()
    openings = box.Openings(nowhere, nowhere, nowhere, nowhere)

    def rules() -> None:
        kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
        assert walls.rules is not None
        landlock.restrict_this_process(walls.rules)

    def filtered() -> None:
        kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
        walls.filter.install()

    bare = measured(lambda: None, 0)
    told = {
        "bare fork": bare,
        "+ a process namespace": measured(lambda: None, flags) - bare,
        "+ limit of processor time": measured(lambda: resource.setrlimit(resource.RLIMIT_CPU, (5, 5)), 0)
        - bare,
        "+ Landlock": measured(rules, 0) - bare,
        "+ capabilities dropped": measured(kernel.drop_capabilities, 0) - bare,
        "+ seccomp": measured(filtered, 0) - bare,
        "the whole box": measured(lambda: box.enter(walls, 3.0, scratch.path, openings), flags),
    }
    print(json.dumps({name: round(value, 3) for name, value in told.items()}))


if __name__ == "__main__":
    main()
