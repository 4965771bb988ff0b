"""How fast and in how much memory the ranking lines of 50,000 items × 3 rankings leave the database.

    python benchmarks/export_rankings.py [--items 10000,50000] [--format rankings] [--seconds 30] [--growth-mb 16]

Builds a project of each size in an empty database by bulk inserts, runs the public command
`python manage.py export_labels` in a child process, and prints one JSON object on stdout (progress on stderr): for
each size the rankings, the seconds of the child from start to end, its peak memory and how much of it was its own (the
rest is the mapped database file). Passed (exit 0) when the largest size takes less than `--seconds` and at most
`--growth-mb` more memory of its own than the smallest.
"""

import argparse
import json
import os
import random
import secrets
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

OVERLAP, BATCH = 3, 2_000
WORDS = (
    *(
        "the answer",
        "is",
        "42,",
        "not",
        "because",
        "天空是蓝色的。",
        "مرحبا",
        "🦊",
        "line\nbreak",
        '"quoted"',
    ),
    *("river", "harbour", "of", "a", "long", "sentence", "that", "goes", "on", "and on."),
)


def prepare(folder: Path) -> None:
    """Set Django up on an empty database in `folder`."""
    os.environ.update(
        LABELPLATFORM_DATA=str(folder),
        DATABASE_URL=f"sqlite:///{folder / 'platform.sqlite3'}",
        SECRET_KEY=secrets.token_urlsafe(50),
        DJANGO_SETTINGS_MODULE="labelplatform.settings",
        LOG_LEVEL="WARNING",
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def build(items: int, seed: int) -> str:
    """A project of so many items with four answers and three rankings each; returns its address."""
    from labelplatform.accounts.models import Project, User
    from labelplatform.labels.models import Campaign
    from labelplatform.prompts.models import PromptSet

    chance, slug = random.Random(f"{seed}/{items}"), f"items-{items}"
    project = Project.objects.create(name=slug, slug=slug)
    people = [User.objects.create(username=f"{slug}-{number}") for number in range(OVERLAP)]
    campaign = Campaign.objects.create(project=project, name="ranked", overlap=OVERLAP)
    prompt_set = PromptSet.objects.create(project=project, name="prompts")
    for start in range(0, items, BATCH):
        _batch(campaign, prompt_set, people, range(start, min(start + BATCH, items)), chance)
        print(f"{slug}: {start} items built", file=sys.stderr)
    return slug


def _text(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(10, 80)))


def _batch(campaign: Any, prompt_set: Any, people: list[Any], numbers: range, chance: random.Random) -> None:
    from labelplatform.labels.models import Item, ItemResponse
    from labelplatform.prompts.models import Prompt, Response

    def messages() -> list[dict[str, str]]:
        return [{"role": "user", "content": _text(chance)}]

    prompts = Prompt.objects.bulk_create(
        [Prompt(prompt_set=prompt_set, key=f"prompt-{n}", messages=messages()) for n in numbers]
    )
    responses = Response.objects.bulk_create(
        [
            Response(
                prompt=prompt, key=f"{prompt.key}-{place}", text=_text(chance), provenance={"policy": "p"}
            )
            for prompt in prompts
            for place in range(4)
        ]
    )
    items = Item.objects.bulk_create(
        [Item(campaign=campaign, prompt=prompt, key=f"item-{prompt.key}") for prompt in prompts]
    )
    of_item = {item.pk: responses[4 * n : 4 * n + 4] for n, item in enumerate(items)}
    ItemResponse.objects.bulk_create(
        [
            ItemResponse(item=item, response=response, position=position)
            for item in items
            for position, response in enumerate(of_item[item.pk])
        ]
    )
    for person in people:
        _rank(campaign, items, of_item, person, chance)


def _rank(
    campaign: Any, items: list[Any], of_item: dict[int, Any], person: Any, chance: random.Random
) -> None:
    from labelplatform.labels.models import Placement, Ranking, ResponseFlag

    orders = [[one.pk for one in chance.sample(of_item[item.pk], 4)] for item in items]
    rankings = Ranking.objects.bulk_create(
        [
            Ranking(
                item=item,
                annotator=person,
                kind="ranking",
                source="campaign",
                key=f"{item.key}-{person.pk}",
                seconds=chance.uniform(5, 90),
                shown_order=order,
                submission=f"{chance.getrandbits(128):032x}",
                detail={"ratings": {}, "margins": [1, 2]},
            )
            for item, order in zip(items, orders, strict=True)
        ]
    )
    # Two answers share the second tier: three tiers for four answers.
    Placement.objects.bulk_create(
        [
            Placement(ranking=ranking, response_id=response, tier=tier)
            for ranking, order in zip(rankings, orders, strict=True)
            for tier, response in zip((1, 2, 2, 3), order, strict=True)
        ]
    )
    ResponseFlag.objects.bulk_create(
        [
            ResponseFlag(ranking=ranking, response_id=order[3], name="hallucination")
            for ranking, order in zip(rankings, orders, strict=True)
        ]
    )


def measure(slug: str, fmt: str, folder: Path) -> dict[str, Any]:
    """Run the public command in a child and say how long it took and how much memory it needed at its peak."""
    out = folder / f"{slug}.out"
    command = [sys.executable, str(ROOT / "manage.py"), "export_labels", "--project", slug]
    began = time.perf_counter()
    child = subprocess.Popen([*command, "--format", fmt, "--out", str(out)], stdout=sys.stderr)
    own_kb = 0
    while (ended := os.wait4(child.pid, os.WNOHANG))[0] == 0:
        own_kb = max(own_kb, _own_memory_kb(child.pid))
        select.select([], [], [], 0.02)
    _pid, status, usage = ended
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"export_rankings: the command ended with {child.returncode}; its words are above")
    with out.open("rb") as stream:
        lines = sum(1 for _line in stream)
    figures = {"lines": lines, "bytes": out.stat().st_size, "seconds": round(seconds, 2)}
    out.unlink()
    cpu, peak = round(usage.ru_utime + usage.ru_stime, 2), round(usage.ru_maxrss / 1024, 1)
    return {**figures, "cpu_seconds": cpu, "peak_own_mb": round(own_kb / 1024, 1), "peak_mb": peak}


def _own_memory_kb(pid: int) -> int:
    """The memory that is the process's own: not the database file, of which up to 128 MB are mapped."""
    try:
        told = Path(f"/proc/{pid}/status").read_text("utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("RssAnon")), 0)


def main() -> int:
    """Build, measure, tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", default="10000,50000", help="sizes, separated by commas, smallest first")
    parser.add_argument("--format", default="rankings", help="what the command is asked for")
    parser.add_argument("--seconds", type=float, default=30.0, help="bar for the largest size")
    parser.add_argument("--growth-mb", type=float, default=16.0, help="bar for the growth of peak memory")
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    sizes = [int(size) for size in told.items.split(",")]
    with tempfile.TemporaryDirectory(prefix="labelplatform-export-") as name:
        prepare(Path(name))
        runs = []
        for items in sizes:
            slug = build(items, told.seed)
            rankings = items * OVERLAP
            runs.append({"items": items, "rankings": rankings, **measure(slug, told.format, Path(name))})
    growth = round(runs[-1]["peak_own_mb"] - runs[0]["peak_own_mb"], 1)
    passed = runs[-1]["seconds"] < told.seconds and growth <= told.growth_mb
    load = round(os.getloadavg()[0], 2)
    print(
        json.dumps({"format": told.format, "runs": runs, "growth_mb": growth, "load": load, "passed": passed})
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
