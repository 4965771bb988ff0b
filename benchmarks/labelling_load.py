"""Is overlap exact, is nothing lost, and what does a label cost, with many annotators at once over real HTTP?

    python benchmarks/labelling_load.py --annotators 32 --items 60 --overlap 1 --database postgresql --chaos

Each annotator is a process of its own against the production server command: claim, draft, submit, until every slot
that can be filled is filled. With --chaos, 5 % of them are killed (kill -9) between claim and submit and come back
later, and the answer of 5 % of the submissions is lost and asked for again. One JSON object goes to stdout. over,
under, lost and same_user are counted from the annotators' histories against an export made afterwards; any of them
not zero, and the exit code is 1. --sabotage removes one guard of the server: the same checker must then exit 1.

cpu_ms_per_submit is the processor time of all server processes, database included, for one claim (the page with its
texts), one draft and one submission; it and submits_per_s are taken until 95 % of the labels are in, since in the end
annotators only wait for the leases of those who were killed.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.labelling.checker import check, percentile  # noqa: E402 (the root is not on a script's path)
from benchmarks.labelling.site import Site, site  # noqa: E402

GUARDS = ("double-claim", "drop-after-ack", "ignore-uuid")
MEASURED_SHARE = 0.95
POLL_SECONDS = 0.05
# Nothing happens any more although labels are missing: given up after so many leases.
QUIET_LEASES = 4
History = list[dict[str, Any]]


@dataclass
class Crowd:
    """The annotators' processes; who was killed comes back after a while."""

    config: Path
    annotators: int
    lease_seconds: float
    seed: int
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    incarnations: dict[int, int] = field(default_factory=dict)
    away: dict[int, float] = field(default_factory=dict)

    def start(self, number: int) -> None:
        incarnation = self.incarnations[number] = self.incarnations.get(number, -1) + 1
        words = [
            sys.executable,
            "-m",
            "benchmarks.labelling.client",
            str(self.config),
            str(number),
            str(incarnation),
        ]
        self.running[number] = subprocess.Popen(words, cwd=ROOT)

    def look_after(self) -> None:
        """Send the killed ones home, and bring back those who have been away long enough."""
        chance = random.Random(f"{self.seed}/{time.monotonic()}")
        for number, process in list(self.running.items()):
            code = process.poll()
            if code is None:
                continue
            del self.running[number]
            if code > 0:
                raise RuntimeError(f"annotator {number} ended with {code}")
            if code < 0:
                self.away[number] = time.monotonic() + self.lease_seconds * (0.2 + 1.3 * chance.random())
        for number in [number for number, until in self.away.items() if until <= time.monotonic()]:
            del self.away[number]
            self.start(number)

    def end(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


def read_history(folder: Path, places: dict[Path, int]) -> Iterator[dict[str, Any]]:
    """The lines that came since the last look; `places` remembers how far each file was read."""
    for file in folder.glob("*.jsonl"):
        with file.open("rb") as stream:
            stream.seek(places.get(file, 0))
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        places[file] = places.get(file, 0) + len(whole)
        yield from (json.loads(line) for line in whole.splitlines())


@dataclass
class Measured:
    """What the clock and the processors said until MEASURED_SHARE of the labels were in."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    labels: int = 0
    wall_seconds: float = 0.0


def drive(place: Site, told: argparse.Namespace, fixture: dict[str, Any]) -> tuple[History, Measured]:
    """Let the annotators work until all is done; returns their whole history and what was measured."""
    histories = place.folder / "history"
    histories.mkdir()
    stop = place.folder / "stop"
    config = place.folder / "config.json"
    address = f"/p/{fixture['slug']}/labels/"
    config.write_text(
        json.dumps(
            {
                "host": "127.0.0.1",
                "port": place.port,
                "start": f"{address}campaigns/{fixture['campaign']}/start/",
                "queue": f"{address}queue/",
                "history": str(histories),
                "stop": str(stop),
                "sessions": fixture["sessions"],
                "think_seconds": told.think_seconds,
                "chaos": told.chaos,
                "seed": told.seed,
            }
        ),
        "utf-8",
    )
    crowd = Crowd(config, told.annotators, told.lease_seconds, told.seed)
    try:
        return _watch(place, told, crowd, histories, stop)
    finally:
        crowd.end()


def _watch(
    place: Site, told: argparse.Namespace, crowd: Crowd, histories: Path, stop: Path
) -> tuple[History, Measured]:
    wanted, history, places = told.items * min(told.overlap, told.annotators), [], {}  # type: ignore[var-annotated]
    kept: set[str] = set()
    measured, pause = Measured(), Event()
    for number in range(told.annotators):
        crowd.start(number)
    begun = last_news = time.monotonic()
    first_claim, cpu_before = 0.0, 0.0
    while crowd.running or crowd.away:
        pause.wait(POLL_SECONDS)
        crowd.look_after()
        fresh = list(read_history(histories, places))
        history += fresh
        kept |= {line["submission"] for line in fresh if line.get("outcome") == "kept"}
        if fresh and not first_claim:
            # Starting the annotators is not part of it.
            first_claim, cpu_before, offset = time.monotonic(), place.cpu_seconds(), len(kept)
        if fresh:
            last_news = time.monotonic()
        if not measured.labels and len(kept) >= MEASURED_SHARE * wanted:
            measured.labels = len(kept) - offset
            measured.seconds = time.monotonic() - first_claim
            measured.cpu_seconds = place.cpu_seconds() - cpu_before
        quiet = time.monotonic() - last_news > QUIET_LEASES * told.lease_seconds + told.think_seconds
        if (len(kept) >= wanted and not crowd.away) or quiet:
            stop.touch()
        _tell(f"\r{len(kept)} of {wanted} labels, {len(crowd.running)} annotators at work")
    history += list(read_history(histories, places))
    measured.wall_seconds = time.monotonic() - begun
    _tell("\n")
    return history, measured


def _tell(text: str) -> None:
    if sys.stderr.isatty() or text == "\n":
        print(text, end="", file=sys.stderr, flush=True)


def milliseconds(history: History, kind: str, share: float) -> float | None:
    """A percentile of how long requests of a kind took."""
    taken = [
        line["at"] - line["begun"] for line in history if line["kind"] == kind and not line.get("retried")
    ]
    found = percentile(taken, share)
    return None if found is None else round(found * 1000, 1)


def export(place: Site, slug: str) -> list[dict[str, Any]]:
    """The ranking lines as the public command writes them, those kept aside too."""
    out = place.folder / "export.jsonl"
    place.run("export_labels", "--project", slug, "--format", "rankings", "--surplus", "--out", str(out))
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()]


def figures(history: History, measured: Measured, told: argparse.Namespace) -> dict[str, Any]:
    """Rates and latencies."""
    labels = measured.labels or None
    return {
        "submits_per_s": round(labels / measured.seconds, 2) if labels else None,
        "claim_p50_ms": milliseconds(history, "claim", 0.5),
        "claim_p95_ms": milliseconds(history, "claim", 0.95),
        "draft_p50_ms": milliseconds(history, "draft", 0.5),
        "submit_p50_ms": milliseconds(history, "answered", 0.5),
        "submit_p95_ms": milliseconds(history, "answered", 0.95),
        "cpu_ms_per_submit": round(measured.cpu_seconds * 1000 / labels, 2) if labels else None,
        "wall_seconds": round(measured.wall_seconds, 1),
        "load": [round(one, 2) for one in os.getloadavg()],
        **{
            name: getattr(told, name)
            for name in ("annotators", "items", "overlap", "database", "chaos", "seed")
        },
        "think_seconds": told.think_seconds,
        "sabotage": told.sabotage,
    }


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--annotators", type=int, default=8, help="how many at once (default 8)")
    parser.add_argument("--items", type=int, default=60, help="how many items (default 60)")
    parser.add_argument("--overlap", type=int, default=1, help="labels wanted of each item (default 1)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--chaos", action="store_true", help="kill annotators, lose answers")
    parser.add_argument(
        "--think-seconds", type=float, default=0.0, help="between claim and draft (default 0)"
    )
    parser.add_argument(
        "--lease-seconds", type=int, default=5, help="how long a slot is promised (default 5)"
    )
    parser.add_argument("--sabotage", choices=GUARDS, default="", help="run a server without this guard")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args(words)
    if min(told.annotators, told.items, told.overlap) < 1 or told.overlap > told.annotators:
        parser.error(
            "wanted at least one annotator, item and label, and no more labels of an item than annotators"
        )
    return told


def main() -> int:
    """0 when every count is clean, 1 when not."""
    told = arguments()
    prepare = ["benchmarks.labelling.fixture", str(told.annotators), str(told.items), str(told.overlap)]
    with site(
        told.database, sabotage=told.sabotage, lease_seconds=told.lease_seconds, prepare=prepare
    ) as place:
        fixture = json.loads((place.folder / "fixture.json").read_text("utf-8"))
        history, measured = drive(place, told, fixture)
        lines = export(place, fixture["slug"])
    findings = check(history, lines, items=told.items, overlap=told.overlap, lease_seconds=told.lease_seconds)
    print(json.dumps(figures(history, measured, told) | findings.told() | {"clean": findings.clean}))
    return 0 if findings.clean else 1


if __name__ == "__main__":
    sys.exit(main())
