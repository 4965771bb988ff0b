"""Several processes that train one model: each takes its share of every step; together they take the same step
as one process would.

The order of the data never depends on how many processes there are: all draw the same step, then process r
of W takes its items r, r + W, r + 2W …. Losses are weighed by the whole step's counts, so the sum of the
processes' gradients is the gradient of one process.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from torch import Tensor, nn

Item = TypeVar("Item")
Result = TypeVar("Result")


class Processes:
    """One process alone; what several do differently is in `processes.Several`."""

    count, rank = 1, 0

    @property
    def is_first(self) -> bool:
        """True in the process that writes files."""
        return self.rank == 0

    def wrap(self, module: nn.Module) -> None:
        """Makes `module` the one whose gradients are shared."""

    def forward(self, run: Callable[[], Result], *, last: bool) -> Result:
        """What `run` gives: a forward pass. `last` on the last one before the step: then gradients are shared."""
        return run()

    def share(self, items: Sequence[Item]) -> tuple[list[Item], float]:
        """This process's items of a step, never none, and their weight: 0 for a stand-in, else 1."""
        own = list(items[self.rank :: self.count])
        return (own, 1.0) if own else (list(items[:1]), 0.0)

    def settled(self, module: nn.Module) -> nn.Module:
        """`module` as a plain one with its weights whole."""
        return module

    def total(self, *values: float) -> list[float]:
        """The sums of the values over the processes."""
        return list(values)

    def wait(self) -> None:
        """Returns when all processes have come here."""


ONE_PROCESS = Processes()


def whole_tensor(tensor: Tensor) -> Tensor:
    """The tensor, put together where it lies in shards (FSDP2's DTensor)."""
    full = getattr(tensor, "full_tensor", None)
    return full() if full is not None else tensor


def local_tensor(tensor: Tensor) -> Tensor:
    """The part of the tensor that this process holds: all of it, where it does not lie in shards."""
    local = getattr(tensor, "to_local", None)
    return local() if local is not None else tensor


def into_shards(whole: Tensor, like: Tensor) -> Tensor:
    """`whole`, laid out in shards as `like` is."""
    mesh: Any = getattr(like, "device_mesh", None)
    if mesh is None:
        return whole
    from torch.distributed.tensor import distribute_tensor

    sharded: Tensor = distribute_tensor(whole, mesh, like.placements)  # type: ignore[attr-defined]
    return sharded
