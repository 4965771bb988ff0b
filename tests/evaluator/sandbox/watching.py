"""A submission under watch: what must not be touched, and what must not be left."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from evaluator.sandbox.verdicts import Judgement
from tests.evaluator.sandbox.attacks import RIGHT
from tests.evaluator.sandbox.canaries import Canaries, below, memory_kilobytes, planted
from tests.evaluator.sandbox.rooms import judged, room


@contextmanager
def watched(tier: int) -> Iterator[Canaries]:
    """Canaries, and at the end: no process left, no memory kept, nothing on the disk."""
    slot = room(tier)._free.queue[0]
    judged(RIGHT, tier)  # the referee is there before
    alive = {pid: below(pid) for pid in slot.pids}
    memory = sum(map(memory_kilobytes, slot.pids))
    files = set(os.listdir(tempfile.gettempdir()))
    with planted() as canaries:
        yield canaries
    assert {pid: len(below(pid)) for pid in slot.pids} == {pid: len(found) for pid, found in alive.items()}
    assert sum(map(memory_kilobytes, slot.pids)) < memory + 20_000
    left = set(os.listdir(tempfile.gettempdir())) - files
    assert not [name for name in left if name.startswith("pwned")]


def contained(found: Judgement, canaries: Canaries) -> None:
    assert found.verdict in ("fail", "timeout", "unjudged"), found
    assert canaries.harm(json.dumps(found.record())) == [], found
    assert len(found.reason) <= 600
    assert found.wall_seconds < 60
