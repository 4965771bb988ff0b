"""A whole site under the shipped supervisor, as `make demo` starts it: `python -m tests.faults.site_process DATA PORT`.

Reads lines `enqueue ACT` and `cancel ID` on its standard input and answers each with one line of JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command


def main(data: Path, port: int) -> None:
    django.setup()
    # Models exist only after setup().
    from labelplatform.demo.supervisor import Supervisor

    call_command("migrate", verbosity=0)
    with Supervisor(
        data, port=port, tell=lambda line: print(line, file=sys.stderr, flush=True)
    ) as supervisor:
        supervisor.start()
        _answer({"pids": supervisor.pids()})
        try:
            for line in sys.stdin:
                verb, _space, rest = line.strip().partition(" ")
                _answer({"pids": supervisor.pids()} if verb == "pids" else _do(verb, rest))
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr, flush=True)


def _do(verb: str, rest: str) -> dict[str, Any]:
    from labelplatform.accounts.models import Project
    from labelplatform.jobs.models import Job
    from labelplatform.jobs.services import cancel, create_schedule, enqueue

    project, _made = Project.objects.get_or_create(name="Harbour", slug="harbour")
    if verb == "enqueue":
        act, _space, number = rest.partition(" ")
        spec = {"act": act, "number": number}
        return {"job": enqueue(kind="toy", spec=spec, project=project, by=None).pk}
    if verb == "cancel":
        return {"state": cancel(job=Job.objects.get(pk=int(rest)), by=None).state}
    if verb == "schedule":
        spec = {"act": rest}
        return {
            "schedule": create_schedule(
                project=project, name=rest, kind="toy", spec=spec, by=None, every_minutes=60
            ).pk
        }
    raise ValueError(f"unknown verb {verb!r}")


def _answer(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
