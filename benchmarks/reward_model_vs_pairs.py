"""K-way rankings in one pass against all pairs through TRL's RewardTrainer: FLOPs, CPU time, what is learned.

    python benchmarks/reward_model_vs_pairs.py [--json] [--rounds 5] [--seed 0]

Rankings of K = 9 responses, prompt 128, responses 64 tokens, on a small (4 layers of 128) and a large (8 of 512)
Llama, float32, one thread; whole steps with optimiser and data loading, rounds of both sides in turn, ratios of
CPU seconds a ranking. TRL runs in an environment of its own (exit code 2 where it cannot be made) with the best of
its batch sizes. Exit code 1 when a bar is missed: 17 times fewer FLOPs, 8 times the CPU speed on the large
model, a gradient equal to 1e-5, held-out accuracy not below TRL's by more than its interval.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.peers import TRL_NEWEST, PeerMissingError  # noqa: E402

FLOPS_BAR, CPU_BAR, GRADIENT_BAR = 17.0, 8.0, 1e-5
K, PROMPT, RESPONSE = 9, 128, 64
PAIRS = K * (K - 1) // 2
# Pairs that TRL runs at one time; one ranking's 36 pairs are one optimiser step.
BATCHES = {"small": (6, 12, 36), "large": (12, 36)}
Ask = Callable[..., dict[str, Any]]


def say(text: str) -> None:
    """Progress, on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def peer(python: Path) -> Iterator[Ask]:
    """A function that gives TRL's side a job and waits for its answer; the child ends with the context."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    child = subprocess.Popen(
        [str(python), str(ROOT / "benchmarks" / "reward_model_peer" / "their_run.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    inlet, outlet = child.stdin, child.stdout

    def ask(**job: Any) -> dict[str, Any]:
        known = {"accumulate": 1, "learning_rate": 1e-4, "flops": False, "save": None, "seed": 0}
        inlet.write(json.dumps({**known, **job}) + "\n")
        inlet.flush()
        answer = outlet.readline()
        if not answer:
            sys.exit("reward_model_vs_pairs: TRL's side ended; its words are above")
        found: dict[str, Any] = json.loads(answer)
        return found

    try:
        yield ask
    finally:
        inlet.close()
        child.terminate()
        child.wait()


def speed(ask: Ask, folder: Path, shape: Any, told: argparse.Namespace) -> dict[str, Any]:
    """Both sides on rankings of one shape: FLOPs and CPU seconds a ranking, by rounds."""
    from benchmarks.reward_model_peer import our_run, world

    model = world.write_model(shape, folder / shape.name, told.seed)
    large = shape is world.LARGE
    theirs, ours, plain = (1, 4, 1) if large else (3, 24, 6)
    rankings = world.drawn_rankings(max(theirs, ours, plain), K, PROMPT, RESPONSE, seed=told.seed)
    held = our_run.encoded(rankings)
    pairs = world.write_pairs(rankings[:theirs], folder / f"{shape.name}.json")
    job: dict[str, Any] = {"model": str(model), "pairs": str(pairs)}
    sweep = {}
    for batch in BATCHES[shape.name]:
        known = {"batch": batch, "accumulate": PAIRS // batch}
        sweep[batch] = ask(**job, **known, steps=1)["cpu"]
        say(f"{shape.name}: TRL, {batch} pairs at one time: {sweep[batch]:.2f} CPU s a ranking")
    best = min(sweep, key=sweep.__getitem__)
    job.update(batch=best, accumulate=PAIRS // best)
    flops = {"theirs": ask(**job, steps=1, flops=True)["flops"]}
    flops["ours"] = our_run.train(our_run.load(model), held[:1], our_run.spec_of(), flops=True)["flops"]
    rounds: dict[str, list[float]] = {"theirs": [], "ours": [], "plain": []}
    for number in range(told.rounds):
        reward_model = our_run.load(model)
        rounds["ours"].append(our_run.train(reward_model, held[:ours], our_run.spec_of())["cpu"] / ours)
        reward_model = our_run.load(model)
        shown = our_run.train(reward_model, held[:plain], our_run.spec_of(), plain=True)
        rounds["plain"].append(shown["cpu"] / plain)
        rounds["theirs"].append(ask(**job, steps=theirs)["cpu"] / theirs)
        last = {side: round(values[-1], 3) for side, values in rounds.items()}
        say(f"{shape.name}: round {number + 1} of {told.rounds}: CPU s a ranking {last}")
    return {"sweep": sweep, "best_batch": best, "flops": flops, "rounds": rounds}


def uneven(ask: Ask, folder: Path, told: argparse.Namespace) -> dict[str, Any] | None:
    """Real, uneven lengths (Open-Assistant trees) on the small model; None where that file is not at hand."""
    from benchmarks.reward_model_peer import our_run, world

    path = ROOT.parent / "shared" / "data" / "oasst_ranked" / "en_100_tree.jsonl"
    if not path.is_file():
        return None
    rankings = world.real_rankings(path, 256)[:: told.every]
    held, count = our_run.encoded(rankings), len(rankings)
    pairs = sum(len(one.pairs()) for one in rankings)
    job = {
        "model": str(folder / world.SMALL.name),
        "pairs": str(world.write_pairs(rankings, folder / "real.json")),
    }
    rounds: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(min(told.rounds, 3)):
        spec = our_run.spec_of(rankings_per_step=2)
        rounds["ours"].append(
            our_run.train(our_run.load(folder / world.SMALL.name), held, spec)["cpu"] / count
        )
        rounds["theirs"].append(ask(**job, batch=8, steps=-(-pairs // 8))["cpu"] / count)
    say(f"uneven lengths: CPU s a ranking {rounds}")
    return {"rankings": count, "pairs": pairs, "rounds": rounds, "ratio": ratio(rounds)}


def quality(ask: Ask, folder: Path, told: argparse.Namespace) -> dict[str, Any]:
    """Held-out accuracy of both after one pass over the same rankings, read by the same code."""
    from benchmarks.reward_model_peer import our_run, world
    from trainer.reward_model.clustered import share

    shape = {"k": 5, "prompt": 8, "response": 16, "vocabulary": 40}
    model = folder / world.SMALL.name
    trained = world.drawn_rankings(160, seed=told.seed + 1, **shape)
    held = our_run.encoded(world.drawn_rankings(100, seed=told.seed + 2, **shape))
    job = {
        "model": str(model),
        "pairs": str(world.write_pairs(trained, folder / "quality.json")),
        "batch": 10,
    }
    ask(**job, steps=160, learning_rate=1e-3, save=str(folder / "theirs"))
    ours = our_run.load(model)
    our_run.train(ours, our_run.encoded(trained), our_run.spec_of(learning_rate=1e-3))
    hits = {"ours": our_run.hits(ours, held), "theirs": our_run.hits(our_run.load(folder / "theirs"), held)}
    clusters = [str(number) for number, row in enumerate(hits["ours"]) for _ in row]
    found: dict[str, Any] = {
        side: share([hit for row in rows for hit in row], clusters)._asdict() for side, rows in hits.items()
    }
    gap = [sum(a) / len(a) - sum(b) / len(b) for a, b in zip(hits["ours"], hits["theirs"], strict=True)]
    mean = sum(gap) / len(gap)
    reach = 1.96 * (sum((one - mean) ** 2 for one in gap) / (len(gap) - 1) / len(gap)) ** 0.5
    found["difference"] = {"value": mean, "low": mean - reach, "high": mean + reach}
    found["gradient_difference"] = our_run.gradient_difference(our_run.load(model), held[0])
    say(f"held out: {found}")
    return found


def ratio(rounds: dict[str, list[float]], side: str = "theirs") -> float:
    """Median over rounds of how many times our CPU seconds the other side needs."""
    return median(other / own for other, own in zip(rounds[side], rounds["ours"], strict=True))


def figures(
    small: dict[str, Any], large: dict[str, Any], learned: dict[str, Any], real: Any
) -> dict[str, Any]:
    """The object that is printed: the four ratios, the rounds behind them, and whether the bars are met."""
    by_flops = [one["flops"]["theirs"] / one["flops"]["ours"] for one in (small, large)]

    def each(found: dict[str, Any], side: str) -> list[float]:
        return [round(a / b, 3) for a, b in zip(found["rounds"][side], found["rounds"]["ours"], strict=True)]

    told = {
        "flops_ratio": round(min(by_flops), 3),
        "ratio": round(ratio(large["rounds"]), 3),
        "ratio_small": round(ratio(small["rounds"]), 3),
        "ratio_plain_k_way": round(ratio(large["rounds"], "plain"), 3),
    }
    rounds = {
        "flops_ratio": [round(one, 3) for one in by_flops],
        "ratio": each(large, "theirs"),
        "ratio_small": each(small, "theirs"),
        "ratio_plain_k_way": each(large, "plain"),
    }
    met = {
        "flops": told["flops_ratio"] >= FLOPS_BAR,
        "cpu": told["ratio"] >= CPU_BAR,
        "gradient": learned["gradient_difference"] <= GRADIENT_BAR,
        "accuracy": learned["difference"]["high"] >= 0,
    }
    sides = {"small": small, "large": large, "uneven": real, "heldout": learned}
    return {**told, "rounds": rounds, "bars_met": met, **sides}


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    rows = [
        f"{name:<20} {found[name]:>8.2f}   rounds {found['rounds'][name]}"
        for name in ("flops_ratio", "ratio", "ratio_small", "ratio_plain_k_way")
    ]
    if found["uneven"]:
        rows.append(f"{'uneven lengths':<20} {found['uneven']['ratio']:>8.2f}   no bar")
    learned = found["heldout"]
    for side in ("ours", "theirs"):
        one = learned[side]
        rows.append(f"held out, {side:<10} {one['value']:>8.3f}   [{one['low']:.3f}, {one['high']:.3f}]")
    rows.append(f"gradient difference {learned['gradient_difference']:>9.1e}")
    rows.append(f"bars met {found['bars_met']}")
    return "\n".join(rows)


def measure(python: Path, told: argparse.Namespace) -> dict[str, Any]:
    """All measurements, in a folder that is gone afterwards."""
    import torch
    import transformers

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    transformers.utils.logging.disable_progress_bar()
    from benchmarks.reward_model_peer.world import LARGE, SMALL

    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="reward-model-") as name, peer(python) as ask:
        folder = Path(name)
        small = speed(ask, folder, SMALL, told)
        learned = quality(ask, folder, told)
        real = uneven(ask, folder, told)
        large = speed(ask, folder, LARGE, told)
    found = figures(small, large, learned, real)
    found["machine"] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "trl": TRL_NEWEST.version,
        "load": [round(load, 2), round(os.getloadavg()[0], 2)],
        "seconds": round(time.monotonic() - began, 1),
    }
    return found


def main() -> int:
    """Measure, tell, and say by the exit code whether the bars are met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else on stdout"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of both sides in turn (default 5)")
    parser.add_argument(
        "--every", type=int, default=8, help="of the real rankings, take every Nth (default 8)"
    )
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    try:
        python = TRL_NEWEST.python()
    except PeerMissingError as error:
        print(error, file=sys.stderr)
        return 2
    found = measure(python, told)
    print(json.dumps(found) if told.json else table(found))
    return 0 if all(found["bars_met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
