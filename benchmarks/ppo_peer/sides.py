"""One run of either side as a process of its own on one thread, and the processor seconds of its updates."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from benchmarks.peers import ROOT, TRL_WITH_PPO
from benchmarks.ppo_peer.world import PAID_ID, PERIOD

KL_COEFFICIENT = 0.05
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


@dataclass(frozen=True)
class Task:
    """The same method on both sides: clipped PPO, β 0.05, γ 1, λ 0.95, whitened advantages, AdamW, no decay."""

    world: Path
    updates: int
    response_tokens: int
    episodes: int = 16
    minibatch: int = 16
    epochs: int = 4
    learning_rate: float = 1e-4
    seed: int = 0
    # Paid for words, or by the world's reward model.
    counts: bool = False
    # The peer's own best sizes, found by a sweep.
    micro_batch: int = 16
    # Updates after which the peer's policy is kept, and where.
    saved: Mapping[int, Path] = field(default_factory=dict)


def seconds_of_theirs(task: Task, scratch: Path) -> list[float]:
    """Processor seconds of each update of TRL's PPOTrainer."""
    scratch.mkdir(parents=True, exist_ok=True)
    told = {
        **{name: value for name, value in asdict(task).items() if name not in ("world", "saved", "counts")},
        "scratch": str(scratch / "theirs"),
        "rollout_batch": task.micro_batch,
        "temperature": 1.0,
        "kl_coefficient": KL_COEFFICIENT,
        "policy": str(task.world / "policy"),
        "reward_model": str(task.world / "reward-model"),
        "paid": [PERIOD, PAID_ID] if task.counts else None,
        "prompt_ids": json.loads((task.world / "prompt_ids.json").read_text("utf-8")),
        "saved": {str(update): str(folder) for update, folder in task.saved.items()},
        "out": str(scratch / "theirs.json"),
    }
    (scratch / "told.json").write_text(json.dumps(told), "utf-8")
    script = Path(__file__).with_name("their_run.py")
    run([str(TRL_WITH_PPO.python()), str(script), str(scratch / "told.json")])
    for folder in task.saved.values():
        # The peer keeps weights only: the tokenizer, template and ends are the start's.
        for path in (task.world / "policy").iterdir():
            if path.suffix != ".safetensors":
                shutil.copy(path, folder / path.name)
    found: list[float] = json.loads((scratch / "theirs.json").read_text("utf-8"))["cpu_seconds"]
    return found


def seconds_of_ours(task: Task, out: Path, *, value_model: str) -> list[float]:
    """Processor seconds of each update but the first of `python -m trainer ppo`; its policy lies in `out`."""
    shutil.rmtree(out, ignore_errors=True)
    reward = ["--reward-model", str(task.world / "reward-model")]
    if task.counts:
        reward = ["--reward-function", "benchmarks.ppo_peer.world:count_paid"]
    told = {
        "policy": task.world / "policy",
        "out": out,
        "updates": task.updates,
        "episodes": task.episodes,
        "minibatch-size": task.minibatch,
        "epochs": task.epochs,
        "max-new-tokens": task.response_tokens,
        "learning-rate": task.learning_rate,
        "kl-coefficient": KL_COEFFICIENT,
        "schedule": "constant",
        "value-model": value_model,
        "seed": task.seed,
        "baseline-n": 0,
        "threads": 1,
        "progress": "none",
    }
    flags = [word for name, value in told.items() for word in (f"--{name}", str(value))]
    run([sys.executable, "-m", "trainer", "ppo", str(task.world / "prompts.jsonl"), *reward, *flags])
    lines = (out / "progress.jsonl").read_text("utf-8").splitlines()
    stamps = [float(json.loads(line)["seconds_cpu"]) for line in lines]
    return [after - before for before, after in pairwise(stamps)]


def episodes_per_second(task: Task, seconds: list[float]) -> float:
    """Episodes a processor second, over the updates measured."""
    return task.episodes / fmean(seconds)


def run(words: list[str]) -> None:
    """Runs a command to its end. Refuses (RuntimeError) one that fails, with its last words."""
    done = subprocess.run(
        words, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(words[:4])} … ended with {done.returncode}: {done.stderr.strip()[-800:]}"
        )
