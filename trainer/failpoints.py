"""Places where a test may make a run fail: by name, at the n-th visit. Inert unless a plan is in the environment.

A plan is `NAME@VISIT=ACTION`, several parted by commas, in TRAINER_FAILPOINTS: `kill` ends this process by
SIGKILL, `term` asks it to end by SIGTERM, `full` raises what a full disk raises.
"""

import errno
import os
import signal

VARIABLE = "TRAINER_FAILPOINTS"
NAMES = (
    "run.opened",
    "training.stepped",
    "checkpoint.begun",
    "checkpoint.written",
    "checkpoint.hashed",
    "checkpoint.renamed",
    "checkpoint.pruned",
    "run.trained",
    "run.saved",
)
ACTIONS = ("kill", "term", "full")
_visits: dict[str, int] = {}


def parse_plan(told: str) -> dict[tuple[str, int], str]:
    """What happens at which visit of which place. Refuses (ValueError) an unknown name or action."""
    plan = {}
    for entry in filter(None, told.split(",")):
        place, _, action = entry.partition("=")
        name, _, visit = place.partition("@")
        if name not in NAMES or not visit.isdecimal() or action not in ACTIONS:
            raise ValueError(
                f"{VARIABLE}: found {entry!r}, wanted NAME@VISIT={'|'.join(ACTIONS)} with a known name"
            )
        plan[name, int(visit)] = action
    return plan


def failpoint(name: str) -> None:
    """Does what the plan says for this visit of `name`; nothing without a plan."""
    told = os.environ.get(VARIABLE)
    if not told:
        return
    _visits[name] = _visits.get(name, 0) + 1
    action = parse_plan(told).get((name, _visits[name]))
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "term":
        signal.raise_signal(signal.SIGTERM)
    if action == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
