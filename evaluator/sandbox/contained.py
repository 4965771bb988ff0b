"""Inside the container: one slot of launchers, asked through standard input, answering on standard output.

The container's kernel and its read-only image keep programs from the host; the filter, the limits and a fresh process
for each run are the same as in every tier. Both launchers and this process are closed to inspection by programs of the
same user (not dumpable: /proc/PID/mem and ptrace need a capability that nobody has).
"""

import json
from contextlib import closing
from dataclasses import asdict

from evaluator.sandbox import frames, kernel
from evaluator.sandbox.container import TIER, packed, unpacked
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.process import LauncherFailed, NoIsolation, Reply
from evaluator.sandbox.referee import BadTests
from evaluator.sandbox.slot import Slot
from evaluator.sandbox.values import read_parsed

STDIN, STDOUT = 0, 1
MOST_REQUEST_BYTES = 32 << 20


def serve(limits: str) -> None:
    """Answer requests until standard input ends. What cannot be set up is said, and nothing runs."""
    kernel.control_process(kernel.PR_SET_DUMPABLE, 0)
    try:
        slot = Slot(TIER, Limits(**json.loads(limits)))
    except (NoIsolation, LauncherFailed) as error:
        _tell({"refused": str(error)})
        return
    with closing(slot):
        _tell({"box": slot.box})
        while True:
            try:
                request = json.loads(frames.read(STDIN, MOST_REQUEST_BYTES))
            except frames.BrokenFrame:
                return
            _tell(_done(slot, request))


def _tell(said: Reply) -> None:
    frames.write(STDOUT, json.dumps(said).encode())


def _done(slot: Slot, request: Reply) -> Reply:
    program = unpacked(request["program"])
    if request["do"] == "judge":
        try:
            return asdict(slot.judge(program, request["tests"]))  # type: ignore[arg-type]
        except BadTests as error:
            return {"bad_tests": str(error)}
    if request["do"] == "run":
        output = asdict(slot.run_script(program, unpacked(request["stdin"])))
        return {**output, "text": packed(output["text"])}
    arguments: list[object] = [read_parsed(one) for one in request["arguments"][1:]]  # type: ignore[index]
    found = slot.message(program, str(request["name"]), arguments)
    if isinstance(found, bytes):
        return {"stopped": None, "message": packed(found)}
    return {"stopped": asdict(found), "message": ""}
