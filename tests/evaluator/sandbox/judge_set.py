"""Judge the developers' hostile set and its controls; prints one JSON object: user, box, and each file's verdict."""

from __future__ import annotations

import json
import os
import sys

from evaluator.sandbox.limits import Limits
from evaluator.sandbox.room import Room
from tests.evaluator.sandbox.rooms import HOSTILE, add_tests


def main(names: list[str]) -> None:
    """All files, or those that are named."""
    found = {}
    with Room(Limits(seconds=0.5)) as room:
        for path in sorted(HOSTILE.glob("*.py")):
            if (not names or path.name in names) and path.name != "ok_cpu_1s.py":
                found[path.name] = room.judge(path.read_bytes(), add_tests()).verdict
        print(json.dumps({"user": os.geteuid(), "tier": room.tier, "verdicts": found}))


if __name__ == "__main__":
    main(sys.argv[1:])
