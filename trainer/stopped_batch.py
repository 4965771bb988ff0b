"""A run that finds what is not finite: its batch is kept to be looked into, and whose fault it is said.

Before the first step nothing was learned, so model or data are at fault: BadInput (exit code 2), and the folder is
taken away again. Later on training is: TrainingStopped (exit code 1), with the batch in the run folder.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from trainer import json_lines
from trainer.errors import BadInput, NotFinite, TrainingStopped
from trainer.resumable import Checkpoints
from trainer.training_loop import Stepper

STOPPED = "stopped_batch.jsonl"


@contextmanager
def nothing_learned_yet() -> Iterator[None]:
    """Within it what is not finite is bad input."""
    try:
        yield
    except NotFinite as error:
        raise before_the_first_step(error) from error


@contextmanager
def batch_kept(
    checkpoints: Checkpoints, stepper: Stepper, lines: Callable[[], Iterable[Mapping[str, object]]]
) -> Iterator[None]:
    """Within it, one step: `lines` of its batch go to stopped_batch.jsonl when the step finds what is not finite."""
    try:
        yield
    except NotFinite as error:
        if not stepper.taken:
            checkpoints.discard()
            raise before_the_first_step(error) from error
        place = checkpoints.path / STOPPED
        json_lines.write_atomically(place, lines())
        raise TrainingStopped(f"{error}; the batch is in {place}") from error


def before_the_first_step(error: NotFinite) -> BadInput:
    """What is told of a figure that is not finite though nothing was learned."""
    return BadInput(
        f"found {error.found} before anything was learned, wanted a finite one: the model or the data are at fault, "
        "or numbers too large for --precision"
    )
