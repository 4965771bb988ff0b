"""What every verb that runs a model, and every verb that trains one, is told; `trainer.specs` has the verbs."""

from dataclasses import dataclass

from trainer.spec_fields import Spec, flag

PRECISIONS = ("float32", "bfloat16")
TRAINING_PRECISIONS = (*PRECISIONS, "float16")
PARALLEL = ("ddp", "fsdp2")
SCHEDULES = ("constant", "linear", "cosine")
LATER = "comes with the trainer issue"


def refuse(found: str, wanted: str) -> ValueError:
    """The error of a check across fields: what was found, what was wanted."""
    return ValueError(f"found {found}, wanted {wanted}")


def parse_tuning(tuning: str) -> tuple[str, int]:
    """("full", 0), ("last-layers", N), ("frozen-layers", N) or ("lora", R). Refuses (ValueError) anything else."""
    name, _, count = tuning.partition(":")
    if tuning == "full":
        return "full", 0
    if name not in ("last-layers", "frozen-layers", "lora") or not count.isdecimal() or int(count) < 1:
        wanted = "full, last-layers:N, frozen-layers:N with N at least 1, or lora:R with R at least 1"
        raise refuse(f"tuning {tuning!r}", wanted)
    return name, int(count)


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Spec):
    """What every verb that runs a model is told."""

    out: str = flag(help="where the result goes; a folder must be new or empty", metavar="PATH")
    seed: int = flag(0, help="seed of every random choice", minimum=0)
    device: str = flag("cpu", help="cpu, cuda or cuda:N")
    precision: str = flag("float32", help="number format of the forward pass", choices=PRECISIONS)
    threads: int | None = flag(
        None, help="threads of the processor (default: OMP_NUM_THREADS, else 1)", minimum=1
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSpec(ModelSpec):
    """What every training verb is told."""

    learning_rate: float = flag(3e-4, help="peak learning rate", above=0)
    schedule: str = flag("cosine", help="how the learning rate falls to zero after warmup", choices=SCHEDULES)
    warmup_share: float = flag(
        0.03, help="share of the steps over which the learning rate rises", minimum=0, below=1
    )
    weight_decay: float = flag(0.0, help="AdamW weight decay of the matrices", minimum=0)
    adam_eps: float = flag(1e-8, help="AdamW epsilon", above=0)
    clip_norm: float = flag(1.0, help="largest norm of the gradient of a step", above=0)
    tuning: str = flag(
        "full", help="full, last-layers:N, frozen-layers:N or lora:R (adapters of rank R)", metavar="CHOICE"
    )
    precision: str = flag(
        "float32",
        help="number format of the forward pass; weights stay float32, float16 scales its losses",
        choices=TRAINING_PRECISIONS,
    )
    gradient_checkpointing: bool = flag(
        False, help="compute inner states again in the backward pass instead of keeping them"
    )
    parallel: str = flag(
        "ddp",
        help="how several processes share a run: weights copied, or sharded (not in ppo)",
        choices=PARALLEL,
    )
    checkpoint_every: int | None = flag(
        None, help="steps (in ppo: updates) between checkpoints (default: none is written)", minimum=1
    )
    keep_checkpoints: int = flag(2, help="newest checkpoints that are kept", minimum=1)
    resume: bool = flag(
        False, help="go on from the last whole checkpoint in --out, from the start if there is none yet"
    )

    def __post_init__(self) -> None:
        """Refuses tunings that do not parse."""
        parse_tuning(self.tuning)
