"""What every training verb shares: seeds, threads, learning rate, optimiser, which layers learn, and when to
stop.
"""

import math
import os
import random
import resource
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

from trainer.checkpoints import State
from trainer.errors import BadInput, NotFinite
from trainer.parallel import ONE_PROCESS, Processes, into_shards, local_tensor, whole_tensor
from trainer.recomputing import Recomputing
from trainer.specs import ModelSpec, TrainingSpec

Result = TypeVar("Result")


class StepReport(NamedTuple):
    """One optimiser step: the learning rate it used and the norm of its gradient before clipping."""

    learning_rate: float
    gradient_norm: float


def prepare(spec: ModelSpec) -> torch.Generator:
    """A generator seeded with the spec's seed, after seeding torch and random, setting threads and checking
    the device.

    Refuses (BadInput) a device that is not there.
    """
    threads = spec.threads or int(os.environ.get("OMP_NUM_THREADS", "1"))
    torch.set_num_threads(threads)
    # Numbers too small for normal form cost a hundred times more on a CPU and change nothing that is
    # measured.
    torch.set_flush_denormal(True)
    if not spec.device.startswith(("cpu", "cuda")) or (
        spec.device.startswith("cuda") and not torch.cuda.is_available()
    ):
        raise BadInput(f"--device: found {spec.device!r}, wanted a device of this machine, such as cpu")
    random.seed(spec.seed)
    np.random.seed(spec.seed % 2**32)  # noqa: NPY002 - the global generator that libraries draw from
    torch.manual_seed(spec.seed)
    return torch.Generator().manual_seed(spec.seed)


def autocast(spec: ModelSpec) -> AbstractContextManager[object]:
    """The context for forward passes under the spec's precision:
    nothing for float32, mixed precision for bfloat16 and float16.
    """
    if spec.precision == "float32":
        return nullcontext()
    return torch.autocast(spec.device.partition(":")[0], dtype=getattr(torch, spec.precision))


def learning_rate_at(
    step: float, steps: float, *, peak: float, schedule: str, warmup_share: float = 0.0
) -> float:
    """The learning rate of step 0 <= `step` < `steps`.

    Rises as (step + 1) / (warmup + 1) over the first warmup = floor(warmup_share * steps) steps, then with
    t = (step - warmup) / (steps - warmup): constant peak; linear peak * (1 - t); cosine peak * (1 + cos(pi
    t)) / 2.
    """
    warmup = math.floor(warmup_share * steps)
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    t = (step - warmup) / max(steps - warmup, 1)
    falls = {"constant": 1.0, "linear": 1 - t, "cosine": (1 + math.cos(math.pi * t)) / 2}
    return peak * falls[schedule]


class SavedBytes(saved_tensors_hooks):
    """A context in which `total` counts the bytes that forward passes keep for their backward, weights aside."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self.total = 0
        self._known = {one.untyped_storage().data_ptr() for one in weights}
        super().__init__(self._pack, lambda kept: kept)

    def _pack(self, tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self._known:
            self._known.add(storage.data_ptr())
            self.total += storage.nbytes()
        return tensor


def peak_bytes(device: str) -> int:
    """The most memory the run has held: of the accelerator where it ran on one, else of this process."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated())
    # getrusage tells the peak of whoever started this process where that was higher.
    status = Path("/proc/self/status")
    if status.is_file():
        told = next(line for line in status.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
        return int(told.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Stepper:
    """AdamW with a schedule and clipping over some parameters. `accumulate` losses, then `step`.

    AdamW: Loshchilov and Hutter 2019, PyTorch's form of epsilon; betas 0.9 and 0.95 unless told.
    Weight decay acts on matrices only, as norms and biases have nothing to shrink.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        spec: TrainingSpec,
        steps: float,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        processes: Processes = ONE_PROCESS,
    ) -> None:
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.steps, self.taken = steps, 0
        self._spec, self.processes = spec, processes
        matrices = [parameter for parameter in self.parameters if parameter.dim() >= 2]
        vectors = [parameter for parameter in self.parameters if parameter.dim() < 2]
        groups = [
            {"params": matrices, "weight_decay": spec.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=spec.learning_rate,
            betas=betas,
            eps=spec.adam_eps,
            fused=True,
        )
        self.scaler = torch.amp.GradScaler(spec.device.partition(":")[0], enabled=spec.precision == "float16")
        self._recomputing: Recomputing | None = None
        self._activation_bytes: int | None = None

    def forward(self, run: Callable[[], Result], *, last: bool = True) -> Result:
        """What `run` gives, a forward pass whose loss is accumulated next; `last` on the step's last one."""
        with ExitStack() as stack:
            if self._recomputing is not None:
                stack.enter_context(self._recomputing.on())
            # What lies in shards is gathered for a pass: its size tells nothing of what is kept.
            if self._activation_bytes is None and local_tensor(self.parameters[0]) is self.parameters[0]:
                saved = SavedBytes(self.parameters)
                stack.enter_context(saved)
                found = self.processes.forward(run, last=last)
                self._activation_bytes = saved.total
                return found
            return self.processes.forward(run, last=last)

    def recompute(self, model: Any) -> None:
        """Makes the layers of `model` recompute in forward passes from now on, where the spec asks for it."""
        if self._spec.gradient_checkpointing:
            self._recomputing = Recomputing(model)

    def memory(self) -> dict[str, int | None]:
        """Bytes of what learns (weights, gradients, moments), and of what one forward pass kept for its backward."""
        moments = [local_tensor(value) for one in self.optimiser.state.values() for value in one.values()]
        weights = sum(local_tensor(one).nbytes for one in self.parameters)
        return {
            "trainable_weight_bytes": weights,
            "gradient_bytes": weights,
            "optimiser_bytes": sum(one.nbytes for one in moments),
            "activation_bytes": self._activation_bytes,
            "peak_bytes": peak_bytes(self._spec.device),
        }

    def accumulate(self, loss: Tensor) -> float:
        """Adds the gradient of `loss` to this step's; the loss as a number.
        Refuses (NotFinite) one not finite.
        """
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._stopped(f"a loss of {value}")
        self.scaler.scale(loss * self.processes.count).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value

    def step(self, *, at: float | None = None) -> StepReport:
        """One clipped optimiser step at the schedule's learning rate (of step `at`; default: steps taken so
        far).

        Refuses (NotFinite) a gradient that is not finite.
        """
        spec = self._spec
        self.scaler.unscale_(self.optimiser)
        norm = float(whole_tensor(nn.utils.clip_grad_norm_(self.parameters, spec.clip_norm)))
        if not math.isfinite(norm) and (not self.scaler.is_enabled() or self.scaler.get_scale() < 1):
            raise self._stopped(f"a gradient of norm {norm}")
        rate = learning_rate_at(
            self.taken if at is None else at,
            self.steps,
            peak=spec.learning_rate,
            schedule=spec.schedule,
            warmup_share=spec.warmup_share,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        # Under float16 a gradient that overflowed skips the step and halves the scale.
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.optimiser.zero_grad(set_to_none=True)
        self.taken += 1
        return StepReport(rate, norm if math.isfinite(norm) else 0.0)

    def state(self) -> State:
        """Steps taken, and the optimiser's moments of each parameter in the order of the parameters."""
        moments = [
            {name: whole_tensor(value) for name, value in self.optimiser.state[parameter].items()}
            for parameter in self.parameters
        ]
        return {"taken": self.taken, "moments": moments, "scaler": self.scaler.state_dict()}

    def restore(self, state: State) -> None:
        """Puts steps and moments back."""
        self.taken = state["taken"]
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        for parameter, moments in zip(self.parameters, state["moments"], strict=True):
            self.optimiser.state[parameter] = {
                name: into_shards(value.to(parameter.device), parameter) if value.dim() else value
                for name, value in moments.items()
            }

    def _stopped(self, found: str) -> NotFinite:
        advice = f"try a --learning-rate below {self._spec.learning_rate:g}"
        return NotFinite(found, advice=advice, step=self.taken + 1)
