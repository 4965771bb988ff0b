"""The whole platform for a journey, as `make demo` starts it: run as a program of its own.

    python -m tests.journeys.serve FOLDER PORT

Writes FOLDER/pids.json when everything is up; SIGTERM stops it.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path

import django


def main() -> None:
    """Starts broker, worker, housekeeper, beat and web, and waits to be told to stop."""
    from labelplatform.demo.supervisor import Supervisor

    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    with suppress(KeyboardInterrupt), Supervisor(folder, port=port) as supervisor:
        supervisor.start()
        written = folder / "pids.json.new"
        written.write_text(json.dumps(supervisor.pids()), "utf-8")
        written.rename(folder / "pids.json")
        supervisor.wait()


if __name__ == "__main__":
    django.setup()
    main()
