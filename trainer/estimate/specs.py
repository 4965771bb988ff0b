"""What the verb `estimate` is told."""

from dataclasses import dataclass
from typing import ClassVar

from trainer.spec_fields import Spec, flag


@dataclass(frozen=True, kw_only=True)
class EstimateSpec(Spec):
    """What a run will take before it is begun: parameters, FLOPs, memory, time, cost; as JSON."""

    verb: ClassVar[str] = "estimate"

    run: str = flag(help="spec of the run to estimate, or its folder", positional=True, metavar="SPEC.json")
    device: str = flag("a100-80gb", help="accelerator by name, or cpu", metavar="NAME")
    devices: int = flag(1, help="accelerators that share the run", minimum=1)
    utilisation: float = flag(0.4, help="share of the peak that is reached", above=0, maximum=1)
    peak_tflops: float | None = flag(
        None, help="peak of one device in 10^12 operations a second (default: its dense 16-bit peak)", above=0
    )
    price_per_hour: float | None = flag(None, help="price of one device for an hour", minimum=0)
    recipe: str = flag(
        "autocast",
        help="bytes of a weight that learns: 16 as this trainer runs, 20 with 16-bit copies",
        choices=("autocast", "half-copies"),
    )
    recompute: bool = flag(False, help="activations are recomputed: 8ND instead of 6ND")
    tokens: int | None = flag(
        None, help="tokens to train on (default: as the spec and its data say)", minimum=1
    )
    out: str | None = flag(None, help="also write the estimate to this file", metavar="FILE.json")
