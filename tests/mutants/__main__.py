"""`python -m tests.mutants`: each planted breakage and the test that finds it; exit code 1 if one lives."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.mutants.cases import Mutant, mutants
from tests.mutants.laboratory import Laboratory, Verdict

# Fewer mutants than this are judged sooner by one laboratory than a second one is ready.
WORTH_ANOTHER = 60
Groups = SimpleQueue[list[Mutant]]


def grouped(chosen: list[Mutant]) -> Groups:
    """Those of the same tests together, the largest group first: each runs its unmutated tests once."""
    groups: dict[str, list[Mutant]] = {}
    for mutant in chosen:
        groups.setdefault(mutant.tests, []).append(mutant)
    queue: Groups = SimpleQueue()
    for group in sorted(groups.values(), key=len, reverse=True):
        queue.put(group)
    return queue


def told(mutant: Mutant, verdict: Verdict) -> str:
    """One line for a mutant that is found; for one that is not, why."""
    cost = f"({verdict.cpu:.1f} s, {verdict.way})"
    if verdict.killed:
        return f"{mutant.name} -> {verdict.test} {cost}"
    return f"LIVES {mutant.name} in {mutant.file} {cost}\n{verdict.reason}"


def work(groups: Groups, chosen: list[Mutant]) -> list[str]:
    """Judge groups until there are none; the names of those that live."""
    alive: list[str] = []
    with tempfile.TemporaryDirectory() as folder, closing(Laboratory(Path(folder), chosen)) as laboratory:
        for mutant in taken(groups):
            verdict = laboratory.judge(mutant)
            sys.stdout.write(told(mutant, verdict) + "\n")
            sys.stdout.flush()
            if not verdict.killed:
                alive.append(mutant.name)
    return alive


def taken(groups: Groups) -> Iterator[Mutant]:
    """The mutants of one group after another, as long as there are groups."""
    while True:
        try:
            yield from groups.get_nowait()
        except Empty:
            return


def main(arguments: list[str] | None = None) -> int:
    """Judge what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="FILE|PATTERN",
        help="a mutated file, a list in tests/mutants, or (part of, or a pattern of) 'LIST: WHY'; may be repeated",
    )
    parser.add_argument("--workers", type=int, default=2, help="at most so many at a time (default 2)")
    asked = parser.parse_args(arguments)
    chosen = [mutant for mutant in mutants() if not asked.only or any(map(mutant.is_meant_by, asked.only))]
    if not chosen:
        print(f"no mutant is meant by {', '.join(asked.only or ['nothing'])}", file=sys.stderr)
        return 2
    groups = grouped(chosen)
    workers = max(1, min(asked.workers, 1 + len(chosen) // WORTH_ANOTHER))
    with ThreadPoolExecutor(workers) as pool:
        works = [pool.submit(work, groups, chosen) for _ in range(workers)]
        alive = sorted(name for done in works for name in done.result())
    print(f"{len(chosen)} mutants, {len(chosen) - len(alive)} killed, {len(alive)} alive")
    for name in alive:
        print(f"alive: {name}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
