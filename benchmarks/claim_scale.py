"""Does a claim stay as cheap in a campaign of a million items as in one of a hundred?

    python benchmarks/claim_scale.py --database postgresql [--sizes 100,10000,1000000]

For each size a database of its own is filled, then annotators claim, some of them far ahead of the others (everything
but the newest items labelled by them, two of three slots of each still open: the worst that a queue can be). Prints
one JSON object: statements and milliseconds of a claim by size. Exit 1 when the number of statements differs between
the sizes, or when the 95th percentile at the largest size is over 1.5 times that of the second largest.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.labelling.checker import percentile  # noqa: E402 (the root is not on a script's path)
from benchmarks.labelling.site import database  # noqa: E402

ANNOTATORS, CLAIMS_EACH, AHEAD = 25, 8, 5
LARGEST_RATIO = 1.5

NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {size})",
    "postgresql": "WITH n AS (SELECT i FROM generate_series(0, {size} - 1) AS g(i))",
}


def fill(size: int) -> tuple[Any, list[Any]]:
    """A campaign of `size` items of three slots, and its annotators; the first AHEAD have done all but the last 200."""
    from django.db import connection, transaction

    from labelplatform.accounts.models import Project, User
    from labelplatform.labels.models import Campaign
    from labelplatform.prompts.models import Prompt, PromptSet

    project = Project.objects.create(name="Scale", slug="scale")
    campaign = Campaign.objects.create(project=project, name="scale", overlap=3)
    prompt_set = PromptSet.objects.create(project=project, name="scale")
    prompt = Prompt.objects.create(prompt_set=prompt_set, key="p", messages=[])
    people = User.objects.bulk_create([User(username=f"annotator-{number}") for number in range(ANNOTATORS)])
    numbers, done = NUMBERS[connection.vendor].format(size=size), max(0, size - 200)
    slot = "(item_id, campaign_id, ordinal, queue_place, promised, state, annotator_id, shown_order)"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO labels_item (id, campaign_id, prompt_id, key) {numbers} "
            f"SELECT i + 1, {campaign.pk}, {prompt.pk}, CAST(i AS varchar(20)) FROM n"
        )
        for ordinal in (1, 2, 3):
            # Slot 1 of all but the newest items is done, by one of those who are far ahead.
            taken = f"i < {done}" if ordinal == 1 else "1 = 0"
            whose = f"CASE WHEN {taken} THEN {people[0].pk} + i % {AHEAD} ELSE NULL END"
            cursor.execute(
                f"INSERT INTO labels_slot {slot} {numbers} SELECT i + 1, {campaign.pk}, {ordinal}, "
                f"(i + 1) * 64 + {ordinal}, CASE WHEN {taken} THEN 1 ELSE 0 END, "
                f"CASE WHEN {taken} THEN 'done' ELSE 'open' END, {whose}, '[0, 1]' FROM n"
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    # Half a gigabyte that is still on its way to the disk is no claim's fault.
    os.sync()
    return campaign, list(people)


def claims(campaign: Any, people: list[Any]) -> tuple[list[float], set[int]]:
    """Seconds of each claim but everybody's first, and the numbers of statements that occurred."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from labelplatform.labels import services
    from labelplatform.labels.models import Slot

    taken, statements = [], set()
    for _round in range(CLAIMS_EACH):
        for person in people:
            begun = time.perf_counter()
            slot = services.claim(campaign=campaign, annotator=person)
            taken.append(time.perf_counter() - begun)
            assert slot is not None
            assert slot.promised == 1
            Slot.objects.filter(pk=slot.pk).update(state=Slot.State.DONE)
    for person in people:
        with CaptureQueriesContext(connection) as captured:
            services.claim(campaign=campaign, annotator=person)
        statements.add(sum("SAVEPOINT" not in one["sql"] for one in captured))
    return taken[len(people) :], statements


def measure_here(size: int) -> None:
    """In a process of its own, on the database that the environment names."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    taken, statements = claims(*fill(size))
    p50, p95 = percentile(taken, 0.5), percentile(taken, 0.95)
    assert p50 is not None
    assert p95 is not None
    told = {"items": size, "claims": len(taken), "statements": sorted(statements)}
    print(json.dumps({**told, "p50_ms": round(p50 * 1000, 2), "p95_ms": round(p95 * 1000, 2)}))


def measure(kind: str, size: int) -> dict[str, Any]:
    """The figures of one size on a new database."""
    with (
        tempfile.TemporaryDirectory(prefix="claim-scale-") as scratch,
        database(kind, Path(scratch)) as (url, _server),
    ):
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "LABELPLATFORM_DATA": scratch,
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DJANGO_SETTINGS_MODULE": "labelplatform.settings",
        }
        words = [sys.executable, __file__, "--here", str(size)]
        done = subprocess.run(words, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def main() -> int:
    """0 when a claim is as cheap at the largest size, 1 when not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--sizes", default="100,10000,1000000", help="numbers of items, parted by commas")
    parser.add_argument("--here", type=int, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.here:
        measure_here(told.here)
        return 0
    sizes = []
    for size in map(int, told.sizes.split(",")):
        sizes.append(measure(told.database, size))
        print(f"{told.database}: {sizes[-1]}", file=sys.stderr, flush=True)
    same = len({tuple(one["statements"]) for one in sizes}) == 1
    ratio = round(sizes[-1]["p95_ms"] / sizes[-2]["p95_ms"], 2) if len(sizes) > 1 else None
    passed = same and (ratio is None or ratio <= LARGEST_RATIO)
    load = [round(one, 2) for one in os.getloadavg()]
    print(
        json.dumps(
            {"database": told.database, "sizes": sizes, "p95_ratio": ratio, "load": load, "passed": passed}
        )
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
