"""What a run takes up again: each part tells its state and takes it back; `Checkpoints` keeps them all.

Exact resume (check 45): N steps, a kill, and N steps after a resume equal 2N steps bit for bit, on one device
with one number of threads. So every part that a later step reads is here: weights, optimiser, place in the
data, generators, running figures.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import torch
from torch import nn

from trainer import ending
from trainer.checkpoints import State, newest_checkpoint, write_checkpoint
from trainer.errors import AskedToEnd, NotFinite, TrainingStopped
from trainer.failpoints import failpoint
from trainer.parallel import ONE_PROCESS, Processes, into_shards, whole_tensor
from trainer.progress import ProgressWriter
from trainer.run_folder import RunFolder, open_run_folder, take_away
from trainer.specs import TrainingSpec

Item = TypeVar("Item")
LESS = "try a smaller --learning-rate"


class Resumable(Protocol):
    """A part of a run that can be taken up where it was."""

    def state(self) -> State:
        """All that a later step depends on: tensors and JSON."""
        ...

    def restore(self, state: State) -> None:
        """Makes this part what it was when it told `state`."""
        ...


class Weights:
    """The weights of a module that learn. Those that stay are read again from where the run began."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def _learning(self) -> dict[str, nn.Parameter]:
        return {name: one for name, one in self._module.named_parameters() if one.requires_grad}

    def state(self) -> State:
        """Each weight by its name."""
        return {name: whole_tensor(one.detach()) for name, one in self._learning().items()}

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Puts the weights back. Refuses (TrainingStopped) weights of another model."""
        own = self._learning()
        if {name: tuple(one.shape) for name, one in own.items()} != {
            name: tuple(one.shape) for name, one in state.items()
        }:
            raise TrainingStopped("found weights of another model in the checkpoint, wanted this model's")
        for name, one in own.items():
            one.copy_(into_shards(state[name].to(one.device), one))


class Drawn:
    """A generator whose place in its stream of numbers is kept."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def state(self) -> State:
        """Where the generator stands."""
        return {"generator": self._generator.get_state()}

    def restore(self, state: State) -> None:
        """Sets it there."""
        self._generator.set_state(state["generator"])


class Replayed(Iterator[Item], Generic[Item]):
    """A stream that is drawn by a generator and can be taken up again: drawn anew, and what was taken skipped.

    `make` gives the stream; nothing else may draw from `generator`. What was left over in the middle of an
    epoch comes back with the rest, at the cost of a permutation for each epoch gone.
    """

    def __init__(self, make: Callable[[torch.Generator], Iterator[Item]], generator: torch.Generator) -> None:
        self._make, self._generator = make, generator
        self._began = generator.get_state()
        self._items = make(generator)
        self.taken = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        item = next(self._items)
        self.taken += 1
        return item

    def state(self) -> State:
        """Where the generator began, and how many items were taken."""
        return {"generator": self._began, "taken": self.taken}

    def restore(self, state: State) -> None:
        """Begins there and takes as many."""
        self._began = state["generator"]
        self._generator.set_state(self._began)
        self._items, self.taken = self._make(self._generator), 0
        for _ in range(state["taken"]):
            next(self)


class GlobalGenerators:
    """The generators that libraries draw from unasked: torch's (every device), numpy's and Python's."""

    def state(self) -> State:
        """Where each of them stands."""
        # The state a library may have moved is that of numpy's one global generator, hence the old function.
        name, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002
        return {
            "torch": torch.get_rng_state(),
            "devices": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "numpy": [str(name), [int(key) for key in keys], int(place), int(has_gauss), float(gauss)],
            "python": _as_lists(random.getstate()),
        }

    def restore(self, state: State) -> None:
        """Sets each of them there."""
        torch.set_rng_state(state["torch"])
        if state["devices"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["devices"])
        name, keys, *rest = state["numpy"]
        np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002
        version, numbers, gauss = state["python"]
        random.setstate((version, tuple(numbers), gauss))


def require_finite(weights: State, step: int) -> None:
    """Refuses (NotFinite) weights that no later step could mend: neither checkpoint nor model is made of them."""
    for name, one in weights.items():
        if not bool(torch.isfinite(one).all()):
            raise NotFinite(f"a NaN or infinite weight in {name}", advice=LESS, step=step)


def _as_lists(value: object) -> object:
    return [_as_lists(entry) for entry in value] if isinstance(value, tuple) else value


def open_folder(spec: TrainingSpec, processes: Processes = ONE_PROCESS) -> RunFolder:
    """The run's folder, made or taken up by the first process; the others write nothing there."""
    if processes.is_first:
        folder = open_run_folder(spec.out, spec, resume=spec.resume)
        processes.wait()
        return folder
    processes.wait()
    return RunFolder(Path(spec.out), spec.verb, time.monotonic(), writes=False)


class Checkpoints:
    """Writes a checkpoint of all parts every so many steps, and takes the newest whole one up again."""

    def __init__(
        self,
        spec: TrainingSpec,
        folder: RunFolder | Path,
        progress: ProgressWriter,
        processes: Processes = ONE_PROCESS,
    ) -> None:
        self.path = folder.path if isinstance(folder, RunFolder) else folder
        self._spec, self._folder, self._progress = spec, self.path / "checkpoints", progress
        self.processes = processes
        self._parts: dict[str, Resumable] = {}
        self._earlier, self._written = 0.0, 0
        self._started = time.process_time()

    def begin(self, parts: Mapping[str, Resumable]) -> int:
        """The steps taken before, 0 at a start; with --resume all `parts` are put back to that step."""
        self.processes.wait()
        ending.begin_stepping()
        self._parts = {**parts, "global_generators": GlobalGenerators()}
        found = newest_checkpoint(self._folder) if self._spec.resume else None
        if found is None:
            if self._spec.resume:
                self._progress.go_on_from(0, 0.0)
            return 0
        self._written, state = found
        for name, part in self._parts.items():
            part.restore(state[name])
        self._progress.go_on_from(state["progress"]["bytes"], state["progress"]["seconds"])
        self._earlier = state["cpu_seconds"]
        return self._written

    def after(self, step: int, *, last: bool = False) -> None:
        """Called when `step` steps are taken; writes a checkpoint when one is due. The last step always is.

        Where any of the processes was asked to end, one is due now, and all of them end (AskedToEnd).
        """
        failpoint("training.stepped")
        asked = self.processes.total(float(ending.is_asked()))[0] > 0
        every = self._spec.checkpoint_every
        if not asked and (every is None or step == self._written or (step % every and not last)):
            return
        if step != self._written:
            self._write(step)
        if asked:
            raise AskedToEnd(
                f"step {step}: asked to end by SIGTERM, and the step in hand is finished: the checkpoint of all is in "
                f"{self._folder}; go on with --resume"
            )

    def discard(self) -> None:
        """Takes the run folder away again, unless the run was to go on in one that was there, or is one of several
        processes': then others are still at work in it.
        """
        if not self._spec.resume and self.processes.count == 1:
            take_away(self.path)

    def _write(self, step: int) -> None:
        state: State = {name: part.state() for name, part in self._parts.items()}
        require_finite(state.get("weights", {}), step)
        if self.processes.is_first:
            size, seconds = self._progress.synced()
            state["progress"] = {"bytes": size, "seconds": seconds}
            state["cpu_seconds"] = self.cpu_seconds()
            write_checkpoint(self._folder, step, state, keep=self._spec.keep_checkpoints)
        self.processes.wait()
        self._written = step

    def cpu_seconds(self) -> float:
        """Processor seconds of the run so far, those before it was taken up again included."""
        return round(self._earlier + time.process_time() - self._started, 2)
