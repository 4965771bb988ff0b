"""Finding out whether this process is one of several."""

import os
from dataclasses import replace
from typing import TypeVar

from trainer.parallel import ONE_PROCESS, Processes
from trainer.specs import TrainingSpec

Told = TypeVar("Told", bound=TrainingSpec)


def open_processes(spec: Told) -> tuple[Processes, Told]:
    """This process among those of the run, and the spec with the device that is this process's own."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return ONE_PROCESS, spec
    # accelerate takes seconds to import, and one process needs nothing of it.
    from trainer.processes import Several

    processes = Several(spec.parallel, spec.device)
    if spec.device == "cuda":
        return processes, replace(spec, device=f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
    return processes, spec
