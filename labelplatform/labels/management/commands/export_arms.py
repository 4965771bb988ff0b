"""`manage.py export_arms --order N --out DIR`: chosen.jsonl and control.jsonl, to train on each and compare.

Then `python -m trainer reward-model DIR/chosen.jsonl …` and the same of control.jsonl, `python -m evaluator run
reward-agreement` of both heldout_scores.jsonl, and `python -m evaluator compare` of the two reports.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import NoReturn

from django.core.management.base import BaseCommand

from labelplatform.labels.arm_exports import ArmsRefused, arm_rankings, training_lines
from labelplatform.labels.models import QueueOrder
from trainer import json_lines


class Command(BaseCommand):
    """Writes the labels of both arms of an order, as many of each, with one held-out set."""

    help = "Write the labels of an order's chosen and control arm as two files to train on, with one held-out set."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--order", type=int, required=True, help="number of the order (in its page's address)"
        )
        parser.add_argument(
            "--out", type=Path, required=True, help="folder for chosen.jsonl and control.jsonl"
        )
        parser.add_argument(
            "--heldout-share",
            type=float,
            default=0.5,
            help="share of the control arm's prompts that both are measured on (default 0.5)",
        )
        parser.add_argument("--seed", type=int, default=0, help="seed of who is held out (default 0)")

    def handle(
        self, *args: object, order: int, out: Path, heldout_share: float, seed: int, **options: object
    ) -> None:
        if not 0 < heldout_share < 1:
            self._refuse(f"--heldout-share: found {heldout_share}, wanted a number between 0 and 1")
        found = QueueOrder.objects.filter(pk=order).first()
        if found is None:
            self._refuse(f"--order: found {order}, wanted the number of an order")
        try:
            arms = arm_rankings(found, heldout_share=heldout_share, seed=seed)
        except ArmsRefused as refusal:
            self._refuse(str(refusal))
        for name, trained_on in (("chosen", arms.chosen), ("control", arms.control)):
            json_lines.write_atomically(out / f"{name}.jsonl", training_lines(trained_on, arms.heldout))
        self.stderr.write(f"{len(arms.chosen)} labels of each arm to train on, {len(arms.heldout)} held out")

    def _refuse(self, told: str) -> NoReturn:
        self.stderr.write(told)
        sys.exit(2)
