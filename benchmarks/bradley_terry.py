"""Ratings of a hundred policies from a million comparisons: ours and arena-rank's, on the same data in one run.

    python benchmarks/bradley_terry.py [--comparisons N] [--repeats 5] [--work DIR] [--out FILE.json]

Both fit Bradley-Terry with ties halved, in float64, one thread each (our resamples: two). Theirs is timed after the
rows are merged, cold and once everything is compiled; the warm one is what ours is compared with. Both must find the
same ratings. Also timed: reading and counting the public lines, 100 resamples, and 5,000 rankings of nine with ties.
Exit 0: all bars are met; 1: one is missed (named on standard error); 2: no peer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.rating_sides.data import write_comparisons  # noqa: E402 (the root is not on a script's path)

PEER = "arena-rank==0.1.1"
LARGEST_FIT_SECONDS, LARGEST_RESAMPLES_SECONDS, LARGEST_NINE_SECONDS = 0.6, 8.0, 2.0
LEAST_LINES_A_SECOND, LEAST_SPEEDUP = 200_000, 5.0
LARGEST_DISTANCE, LARGEST_DISAGREEMENT = (
    0.01,
    0.5,
)  # rating points; the peer stops a little before the optimum


def peer_python(work: Path) -> Path:
    """The python of an environment with the pinned peer; made where it is missing. Exit 2 where it cannot be had."""
    python = work / "peer" / "bin" / "python"
    if not python.exists():
        venv.create(work / "peer", with_pip=True)
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", PEER], check=False, capture_output=True, text=True
    )
    if done.returncode:
        print(f"{PEER} cannot be installed: {done.stderr[-500:]}", file=sys.stderr)
        sys.exit(2)
    return python


def run_side(python: Path | str, side: str, argument: Path) -> dict[str, Any]:
    """One run of one side in a process of its own, one thread for linear algebra."""
    script = ROOT / "benchmarks" / "rating_sides" / f"{side}.py"
    single = {
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
        "JAX_PLATFORMS": "cpu",
    }
    command = [str(python), str(script), str(argument)]
    done = subprocess.run(command, env={**os.environ, **single}, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"{side}: {done.stderr[-1500:]}", file=sys.stderr)
        sys.exit(2)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(side, json.dumps(found["seconds"]), file=sys.stderr)
    return found


def medians(runs: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """Median, least and most of each time of one side, wall and CPU."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in runs[0]["seconds"]:
        for kind in ("wall", "cpu"):
            seconds = [run["seconds"][name][kind] for run in runs]
            spread = {"median": statistics.median(seconds), "least": min(seconds), "most": max(seconds)}
            found.setdefault(name, {})[kind] = spread
    return found


def missed(told: dict[str, Any]) -> list[str]:
    """The bars that are not met. Times are CPU seconds, which other work on the machine disturbs least."""
    ours = {name: times["cpu"]["median"] for name, times in told["ours"].items()}
    bars = [
        (ours["fit"] <= LARGEST_FIT_SECONDS, f"point fit in {ours['fit']:.2f} s"),
        (
            ours["resamples"] / 2 <= LARGEST_RESAMPLES_SECONDS,
            f"100 resamples in {ours['resamples']:.1f} s on 2 cores",
        ),
        (
            ours["rankings_of_nine"] < LARGEST_NINE_SECONDS,
            f"rankings of nine in {ours['rankings_of_nine']:.2f} s",
        ),
        (
            told["lines_a_second"] >= LEAST_LINES_A_SECOND,
            f"{told['lines_a_second']:,.0f} lines read and counted a second",
        ),
        (told["speedup"] >= LEAST_SPEEDUP, f"{told['speedup']:.1f} times as fast as the peer's fit"),
        (
            told["points_from_optimum"] <= LARGEST_DISTANCE,
            f"{told['points_from_optimum']:.4f} points from the optimum",
        ),
        (told["disagreement"] <= LARGEST_DISAGREEMENT, f"{told['disagreement']:.2f} points from the peer"),
    ]
    return [text for met, text in bars if not met]


def compared(ours: list[dict[str, Any]], peer: list[dict[str, Any]]) -> dict[str, Any]:
    """All figures of the run."""
    times, theirs = medians(ours), medians(peer)
    reading = times["read"]["cpu"]["median"] + times["count"]["cpu"]["median"]
    first, second = ours[0]["ratings"], peer[0]["ratings"]
    return {
        "peer_version": PEER,
        "comparisons": ours[0]["lines"],
        "different": ours[0]["patterns"],
        "ours": times,
        "peer": theirs,
        "lines_a_second": ours[0]["lines"] / reading,
        "speedup": theirs["fit_warm"]["cpu"]["median"] / times["fit"]["cpu"]["median"],
        "points_from_optimum": max(one["points_from_optimum"] for one in ours),
        "disagreement": max(abs(first[name] - second[name]) for name in first),
        "load": os.getloadavg(),
        "cpus": os.cpu_count(),
    }


def main() -> int:
    """Makes the data, alternates the sides, prints JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=1_000_000, help="how many (default 1000000)")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each side, alternating (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="of the data (default 0)")
    parser.add_argument("--work", type=Path, help="folder for the peer's environment and the data (kept)")
    parser.add_argument("--out", type=Path, help="also write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        python = peer_python(work)
        write_comparisons(work, options.comparisons, options.seed)
        ours, peer = [], []
        for _ in range(options.repeats):
            ours.append(run_side(sys.executable, "ours", work))
            peer.append(run_side(python, "peer", work / "arrays.npz"))
    told = compared(ours, peer)
    failures = missed(told)
    text = json.dumps({**told, "passed": not failures}, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n", "utf-8")
    for failure in failures:
        print(f"missed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
