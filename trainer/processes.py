"""Several processes by accelerate: DDP, or FSDP2 where one device does not hold the model.

Started by `accelerate launch -m trainer …` or `python -m torch.distributed.run -m trainer …`, on one machine or
many. Run here on processors (gloo), both ways; no GPU has run this.
"""

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.nn.parallel import DistributedDataParallel

from trainer.errors import TrainingStopped
from trainer.parallel import Processes, whole_tensor

Result = TypeVar("Result")


class _Whole(nn.Module):
    """A model whose forward pass is what it is given: losses here call a model's parts, and DDP and FSDP must be
    entered at the top.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, run: Callable[[], Result]) -> Result:
        """What `run` gives."""
        return run()


class Several(Processes):
    """One of several processes; `kind` is ddp or fsdp2."""

    def __init__(self, kind: str, device: str) -> None:
        self._kind = kind
        self._accelerator = Accelerator(cpu=device.startswith("cpu"))
        self.count, self.rank = self._accelerator.num_processes, self._accelerator.process_index
        self.wrapped: Any = None
        self._skeleton: nn.Module | None = None

    def wrap(self, module: nn.Module) -> None:
        """Makes `module` the one whose gradients are shared.

        Refuses (TrainingStopped) another wrapping than was asked for: accelerate falls back in silence.
        """
        whole, wanted = _Whole(module), DistributedDataParallel
        if self._kind == "fsdp2":
            self._skeleton = _skeleton(module)
            self.wrapped, wanted = self._sharded(whole), FSDPModule
        else:
            self.wrapped = self._accelerator.prepare(whole)
        if not isinstance(self.wrapped, wanted):
            raise TrainingStopped(
                f"--parallel {self._kind}: found a {type(self.wrapped).__name__}, wanted {wanted.__name__}"
            )

    def _sharded(self, whole: _Whole) -> nn.Module:
        mesh = init_device_mesh(self._accelerator.device.type, (self.count,))
        for layer in getattr(getattr(whole.module, "base_model", None), "layers", ()):
            fully_shard(layer, mesh=mesh)
        fully_shard(whole, mesh=mesh)
        return whole

    def forward(self, run: Callable[[], Result], *, last: bool) -> Result:
        """What `run` gives, inside the wrapped model."""
        if self._kind == "fsdp2":
            self.wrapped.set_requires_gradient_sync(last)
            context: Any = nullcontext()
        else:
            context = nullcontext() if last else self.wrapped.no_sync()
        with context:
            found: Result = self.wrapped(run)
        return found

    def settled(self, module: nn.Module) -> nn.Module:
        """`module` as a plain one with its weights whole, as commands save and score it."""
        if self._skeleton is None:
            return module
        plain: Any = self._skeleton.to_empty(device=self._accelerator.device)
        if hasattr(plain, "tie_weights"):
            # Empty weights were made for each place of a tied one.
            plain.tie_weights()
        with torch.no_grad():
            own = dict(plain.named_parameters())
            for name, one in module.named_parameters():
                own[name].copy_(whole_tensor(one.detach()))
            for (_, mine), (_, theirs) in zip(plain.named_buffers(), module.named_buffers(), strict=True):
                mine.copy_(theirs)
        return plain

    def total(self, *values: float) -> list[float]:
        """The sums of the values over the processes."""
        sums = torch.tensor(values, dtype=torch.float64, device=self._accelerator.device)
        dist.all_reduce(sums)
        return [float(one) for one in sums]

    def wait(self) -> None:
        """Returns when all processes have come here."""
        self._accelerator.wait_for_everyone()


def _skeleton(module: nn.Module) -> nn.Module:
    """The module's structure, ties included, with weights of no memory."""
    empty = {
        id(one): nn.Parameter(torch.empty_like(one, device="meta"), requires_grad=one.requires_grad)
        for one in module.parameters()
    }
    return copy.deepcopy(module, dict(empty))
