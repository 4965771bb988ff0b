"""Slots of the best tier this host can have, proved by a self-attack before the first submission runs."""

import os
import queue
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

from evaluator.sandbox import container, kernel, referee
from evaluator.sandbox.clock import Stopped
from evaluator.sandbox.limits import Limits
from evaluator.sandbox.probe import PROBE
from evaluator.sandbox.process import LauncherFailed, NoIsolation, Reply
from evaluator.sandbox.slot import Output, Slot
from evaluator.sandbox.verdicts import Judgement

TIERS = {1: "namespaces, seccomp, limits, and Landlock where there is one", 2: "Landlock, seccomp and limits"}
REMEDY = (
    "Remedy: allow unprivileged user namespaces (sysctl user.max_user_namespaces above 0; on Ubuntu an AppArmor "
    "profile with `userns,` for this Python, or kernel.apparmor_restrict_unprivileged_userns=0; in a container a "
    "seccomp profile that allows unshare), or run on Linux 6.2 or later with Landlock enabled (lsm=landlock,...)."
)
Result = TypeVar("Result")


def open_slot(limits: Limits, tiers: tuple[int, ...] = tuple(TIERS)) -> Slot:
    """A slot of the first tier that can be had and holds against the self-attack; of a container, where one is named.

    Raises NoIsolation, in one line, with what each tier lacks and the remedy: then nothing has run.
    """
    if (named := container.configured()) is not None:
        return _open_contained(limits, named)
    unsupported = kernel.supported()
    if unsupported is not None:
        raise NoIsolation(f"no isolation: {unsupported}, so no program is run")
    lacking = []
    for tier in tiers:
        try:
            with ExitStack() as opened:
                slot = opened.enter_context(closing(Slot(tier, limits)))
                if not (walls := open_walls(slot)):
                    opened.pop_all()
                    return slot
        except (NoIsolation, LauncherFailed) as error:
            walls = [str(error)]
        lacking.append(f"tier {tier} ({TIERS[tier]}): {'; '.join(walls)}")
    raise NoIsolation(f"no isolation on this host, so no program is run: {'. '.join(lacking)}. {REMEDY}")


def _open_contained(limits: Limits, named: container.Container) -> Slot:
    """A slot in the container that is named, or nothing."""
    try:
        with ExitStack() as opened:
            slot = opened.enter_context(closing(container.ContainedSlot(limits, named)))
            walls = [one for one in open_walls(slot) if one not in container.OF_THE_CONTAINER]
            if not walls:
                opened.pop_all()
                return slot
    except LauncherFailed as error:
        walls = [str(error)]
    lacking = f"tier {container.TIER} ({container.WALLS}): {'; '.join(walls)}"
    raise NoIsolation(f"no isolation by the container that is named, so no program is run: {lacking}")


def open_walls(slot: Slot) -> list[str]:
    """What the self-attack could do in this slot's box and should not, and the reverse; nothing when all is well."""
    with tempfile.NamedTemporaryFile(prefix="labelplatform-canary-") as canary:
        # As open as a file can be: what keeps the box from it is the box alone.
        os.fchmod(canary.fileno(), 0o666)
        canary.write(b"secret")
        canary.flush()
        found = slot.call(PROBE, "probe", [canary.name, os.getpid(), 2 * slot.limits.memory_bytes])
        written = Path(canary.name + ".written")
        if written.exists():
            written.unlink()
            outside = ["a file was written outside"]
        else:
            outside = []
    if not isinstance(found, list):
        found = [f"the self-attack ended with {found}"]
    return [str(one) for one in found] + outside


class Room:
    """A few slots for many threads. A context manager.

    What the wall clock alone ended is run once more while nothing else runs here; a slot whose launcher failed is
    replaced, and the execution repeated once.
    """

    def __init__(self, limits: Limits, slots: int = 1, tiers: tuple[int, ...] = tuple(TIERS)) -> None:
        self._limits = limits
        first = open_slot(limits, tiers)
        self.tier, self.box = first.tier, first.box
        self._free: queue.LifoQueue[Slot] = queue.LifoQueue()
        self._free.put(first)
        self._count = slots
        self._alone = threading.Lock()
        for _ in range(slots - 1):
            self._free.put(open_slot(limits, (self.tier,)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in [self._free.get() for _ in range(self._count)]:
            slot.close()

    def judge(self, program: bytes, tests: Reply) -> Judgement:
        """The verdict of tests on a program (see Slot.judge). Raises BadTests and LauncherFailed."""
        found = self._somewhere(lambda slot: slot.judge(program, tests))
        if not found.wall_only:
            return found
        return replace(self._quietly(lambda slot: slot.judge(program, tests)), retried=True)

    def run_script(self, program: bytes, stdin: bytes) -> Output:
        """What a program prints as a script (see Slot.run_script). Raises LauncherFailed."""
        found = self._somewhere(lambda slot: slot.run_script(program, stdin))
        if found.stopped is None or not found.stopped.wall_only:
            return found
        return self._quietly(lambda slot: slot.run_script(program, stdin))

    def answer(
        self, program: bytes, name: str
    ) -> referee.Answer | referee.Raised | referee.Odd | Stopped | None:
        """How a function of a program answered without arguments (see Slot.answer). Raises LauncherFailed."""
        found = self._somewhere(lambda slot: slot.answer(program, name, []))
        if not isinstance(found, Stopped) or not found.wall_only:
            return found
        return self._quietly(lambda slot: slot.answer(program, name, []))

    def _somewhere(self, what: Callable[[Slot], Result]) -> Result:
        slot = self._free.get()
        try:
            return what(slot)
        except LauncherFailed:
            slot.close()
            slot = open_slot(self._limits, (self.tier,))
            return what(slot)
        finally:
            self._free.put(slot)

    def _quietly(self, what: Callable[[Slot], Result]) -> Result:
        """The same with every other slot at rest."""
        with self._alone:
            held = [self._free.get() for _ in range(self._count)]
            try:
                return what(held[0])
            finally:
                for slot in held:
                    self._free.put(slot)
