"""`manage.py choose_next --responses FILE --reward-models DIR… --out DIR`: the child of the job that orders a queue.

Two public commands one after the other, `trainer score` for each reward model and `evaluator choose-next` of what they
wrote; it reads no database, so that the same answers give the same order anywhere.
"""

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from labelplatform.jobs import launcher, processes
from labelplatform.labels.choosing import ORDER_FOLDER


class Command(BaseCommand):
    """Scores response lines by every reward model and puts their items in order."""

    help = "Score response lines by reward models, and say in which order their items are labelled next."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--responses", type=Path, required=True, help="response lines that name their `item`")
        add("--reward-models", nargs="+", required=True, metavar="DIR", help="reward model folders")
        add("--by", choices=("disagreement", "margin"), required=True, help="what goes first")
        add("--control-share", required=True, help="share of the items that chance places")
        add("--seed", required=True, help="seed of every random choice")
        add("--out", type=Path, required=True, help="folder for scores and order; new or empty")

    def handle(
        self, *args: object, responses: Path, reward_models: list[str], out: Path, **told: Any
    ) -> None:
        out.mkdir(parents=True, exist_ok=True)
        steps, started = len(reward_models) + 1, time.monotonic()
        scores = []
        for number, model in enumerate(reward_models, 1):
            file = out / f"scores-{number}.jsonl"
            _run("trainer", "score", str(responses), "--reward-model", model, "--out", str(file))
            scores.append(str(file))
            _tell(out, number, steps, started)
        flags = ("--by", told["by"], "--control-share", told["control_share"], "--seed", told["seed"])
        _run("evaluator", "choose-next", *scores, *flags, "--out", str(out / ORDER_FOLDER))
        _tell(out, steps, steps, started)


def _run(module: str, *words: str) -> None:
    """One command to its end; it dies with this one, sees no secret of ours, and its refusal is our refusal."""
    command = [sys.executable, "-m", module, *words, "--progress", "json"]
    environment = processes.child_environment(command, os.environ.get(processes.MARK, ""))
    # The launcher asks the kernel to end the command when this process ends, however it ends.
    launched = [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), *command]
    done = subprocess.run(launched, cwd=settings.BASE_DIR, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode if done.returncode > 0 else 1)


def _tell(out: Path, step: int, steps: int, started: float) -> None:
    line = {"step": step, "steps": steps, "seconds": round(time.monotonic() - started, 3)}
    with (out / "progress.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
