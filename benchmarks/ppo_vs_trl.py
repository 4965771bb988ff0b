"""Our PPO beside TRL 1.12's PPOTrainer, the last release that has one: speed at the same work, reward at equal KL.

    python benchmarks/ppo_vs_trl.py [--rounds 5] [--seeds 3] [--json] [--out DIR]

Both sides get the same Llama policy (4 x 128, vocabulary 2,048: what `trainer pretrain` makes), the same prompts of 128
tokens, 64 response tokens, the same reward model, 16 episodes an update, 4 epochs, AdamW in float32, one thread and the
same attention kernel; the peer its own best batch sizes (a sweep), with logging, saving and evaluation off. Rounds
alternate. Row "shared": our one trunk with a value head; row "separate": our separate value model, as TRL has it.
Then both learn to say paid words on several seeds; KL and reward of their saved policies are measured by one code.

Exit 1 when a bar is missed (shared below 2 times the episodes a processor second, separate below 1, reward at equal KL
worse beyond its interval), 2 when the peer cannot be had.
"""

import argparse
import importlib.metadata
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.peers import TRL_WITH_PPO, PeerMissingError  # noqa: E402 (the root first)
from benchmarks.ppo_peer.learned import (  # noqa: E402
    Learned,
    difference_at_equal_kl,
    draw,
    interval,
    measured,
)
from benchmarks.ppo_peer.sides import (  # noqa: E402
    Task,
    episodes_per_second,
    seconds_of_ours,
    seconds_of_theirs,
)
from benchmarks.ppo_peer.world import Shape, make_world  # noqa: E402

BARS = {"shared": 2.0, "separate": 1.0}
PASSED, MISSED, NO_PEER = 0, 1, 2
SWEEP = (4, 8, 16)
EVEN = Shape()
# Prompts of 16 to 128 tokens, and a vocabulary so small that responses end by themselves after some forty tokens.
UNEVEN = replace(EVEN, vocabulary=64, shortest=16)
LEARNING = replace(EVEN, vocabulary=256, shortest=16, longest=16)
LEARNING_TOKENS, LEARNING_UPDATES, COPIES = 16, (5, 10), 16


@dataclass(frozen=True)
class Round:
    """Episodes a processor second of all three in one round."""

    theirs: float
    shared: float
    separate: float


def say(text: str) -> None:
    """Progress and tables go to stderr: with --json stdout holds one object."""
    print(text, file=sys.stderr, flush=True)


def sweep(task: Task, work: Path) -> int:
    """The peer's fastest micro-batch; the table is printed."""
    found = {}
    for size in SWEEP:
        seconds = seconds_of_theirs(replace(task, micro_batch=size, updates=2), work)[1:]
        found[size] = episodes_per_second(task, seconds)
        say(f"  TRL with {size} rows at a time: {found[size]:.2f} episodes a CPU second")
    return max(found, key=found.__getitem__)


def one_round(task: Task, work: Path) -> Round:
    """Each side once. The first update of each warms up and does not count."""
    theirs = seconds_of_theirs(task, work)[1:]
    shared = seconds_of_ours(task, work / "ours", value_model="shared")
    separate = seconds_of_ours(task, work / "ours", value_model="separate")
    found = Round(*(episodes_per_second(task, one) for one in (theirs, shared, separate)))
    say(
        f"  TRL {found.theirs:.2f}  shared {found.shared:.2f}  separate {found.separate:.2f} episodes a CPU second"
    )
    return found


def ratios(rounds: Sequence[Round], row: str) -> list[float]:
    """How many times the peer's episodes a CPU second, each round."""
    return [getattr(one, row) / one.theirs for one in rounds]


def learn(seed: int, work: Path) -> dict[str, list[Learned]]:
    """Reward against KL of both sides' saved policies, from the same start."""
    world = make_world(work / f"learning-{seed}", LEARNING, seed)
    last = LEARNING_UPDATES[-1]
    saved = {update: work / f"theirs-{seed}-{update}" for update in LEARNING_UPDATES}
    task = Task(
        world,
        last,
        LEARNING_TOKENS,
        episodes=32,
        minibatch=32,
        learning_rate=1e-3,
        seed=seed,
        counts=True,
        micro_batch=32,
        saved=saved,
    )

    def look(folder: Path, update: int) -> Learned:
        return measured(folder, world, update, tokens=LEARNING_TOKENS, copies=COPIES)

    start = look(world / "policy", 0)
    seconds_of_theirs(task, work / "learning")
    curves = {"TRL": [start, *(look(folder, update) for update, folder in saved.items())]}
    for row in BARS:
        curves[row] = [start]
        for update in LEARNING_UPDATES:
            out = work / f"ours-{seed}-{row}-{update}"
            seconds_of_ours(replace(task, updates=update), out, value_model=row)
            curves[row].append(look(out, update))
    for name, curve in curves.items():
        say(
            f"  seed {seed} {name:9}" + "  ".join(f"KL {one.kl:.2f} reward {one.reward:.2f}" for one in curve)
        )
    return curves


def quality(seeds: int, work: Path, out: Path) -> dict[str, Any]:
    """Reward at equal KL, ours less theirs, over the seeds; the curves are drawn into `out`."""
    runs = [learn(seed, work) for seed in range(seeds)]
    draw({name: [one[name] for one in runs] for name in runs[0]}, out / "reward_against_kl.png")
    told: dict[str, Any] = {"curves": str(out / "reward_against_kl.png")}
    for row in BARS:
        differences = [difference_at_equal_kl(one[row], one["TRL"]) for one in runs]
        mean, low, high = interval(differences)
        told[row] = {"difference": mean, "low": low, "high": high, "seeds": differences, "passed": high >= 0}
        say(f"  {row}: reward at equal KL {mean:+.3f} [{low:+.3f}, {high:+.3f}] against TRL")
    return told


def report(
    even: Sequence[Round], uneven: Sequence[Round], rows: int, learned: dict[str, Any]
) -> dict[str, Any]:
    """All figures as one JSON object; `passed` tells whether every bar was met."""
    found: dict[str, Any] = {
        "rows": {},
        "micro_batch_of_trl": rows,
        "learning": learned,
        "load": os.getloadavg(),
    }
    for row, bar in BARS.items():
        each = ratios(even, row)
        found["rows"][row] = {
            "ratio": median(each),
            "rounds": each,
            "bar": bar,
            "passed": median(each) >= bar,
            "ratio_uneven": median(ratios(uneven, row)),
        }
    speeds = ("theirs", *BARS)
    found["episodes_per_cpu_second"] = {name: median([getattr(one, name) for one in even]) for name in speeds}
    found["ratio"], found["ratio_separate"] = (found["rows"][row]["ratio"] for row in BARS)
    packages = ("torch", "transformers", "accelerate", "datasets")
    found["versions"] = {
        "trl": TRL_WITH_PPO.version,
        **{name: importlib.metadata.version(name) for name in packages},
    }
    bars = [row["passed"] for row in found["rows"].values()] + [learned[row]["passed"] for row in BARS]
    return {**found, "passed": all(bars)}


def main(words: Sequence[str] | None = None) -> int:
    """Runs everything; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds of the speed rows")
    parser.add_argument(
        "--seeds", type=int, default=3, choices=range(2, 7), help="seeds of the learning task"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "benchmarks" / "ppo_vs_trl")
    told = parser.parse_args(words)
    try:
        TRL_WITH_PPO.python()
    except PeerMissingError as error:
        say(str(error))
        return NO_PEER
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        task = Task(make_world(work / "even", EVEN, 0), 3, 64)
        say(f"TRL {TRL_WITH_PPO.version}, load {os.getloadavg()[0]:.1f}: sweep")
        rows = sweep(task, work)
        task = replace(task, micro_batch=rows)
        say(f"{told.rounds} rounds at {EVEN.longest} + 64 tokens")
        even = [one_round(task, work) for _ in range(told.rounds)]
        say("one round at uneven lengths")
        uneven = [one_round(replace(task, world=make_world(work / "uneven", UNEVEN, 0)), work)]
        say("learning to say paid words")
        learned = quality(told.seeds, work, told.out)
    found = report(even, uneven, rows, learned)
    if told.json:
        print(json.dumps(found))
    else:
        for row, figures in found["rows"].items():
            print(f"{row}: {figures['ratio']:.2f} times TRL's episodes a CPU second (bar {figures['bar']:g})")
            print(f"  uneven lengths {figures['ratio_uneven']:.2f}")
        print("passed" if found["passed"] else "a bar was missed")
    return PASSED if found["passed"] else MISSED


if __name__ == "__main__":
    sys.exit(main())
