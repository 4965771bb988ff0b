"""The commands of the toy jobs."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path


def wait_for_ever() -> None:
    print("waiting", flush=True)
    threading.Event().wait()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("act")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True)
    with (out / "progress.jsonl").open("w") as progress:
        for step in (1, 2):
            progress.write(
                json.dumps({"step": step, "steps": 2, "seconds": 0.1 * step, "loss": 1 / step}) + "\n"
            )
    (out / "result.txt").write_text("written\n")
    print("the last line", flush=True)
    if arguments.act == "fail":
        return 7
    if arguments.act == "three":
        return 3
    if arguments.act == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if arguments.act == "secret":
        print(os.environ.get("SECRET_KEY", "no key here"), flush=True)
        print(sys.argv[0], flush=True)
    if arguments.act == "family":
        grandchild = subprocess.Popen([sys.executable, "-c", "import threading; threading.Event().wait()"])
        (out / "grandchild").write_text(str(grandchild.pid))
    if arguments.act in {"wait", "family"}:
        wait_for_ever()
    if arguments.act == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        wait_for_ever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
