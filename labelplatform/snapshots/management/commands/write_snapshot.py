"""`manage.py write_snapshot --spec FILE --out DIR`: the child of the snapshot job."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from labelplatform.accounts.models import Project
from labelplatform.labels import queries as label_queries
from labelplatform.snapshots.guidelines import guideline_version
from labelplatform.snapshots.queries import other_labels
from labelplatform.snapshots.weights import weighted_lines
from trainer import json_lines
from trainer.errors import BadInput
from trainer.snapshots import write_snapshot


class Command(BaseCommand):
    """Reads the labels a spec names from the database and writes them as a snapshot folder."""

    help = "Write the labels that a spec names as an immutable snapshot folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--spec", type=Path, required=True, help="JSON file: project, filters, heldout_share"
        )
        parser.add_argument(
            "--out", type=Path, required=True, help="folder to write; must not be a snapshot yet"
        )

    def handle(self, *args: object, spec: Path, out: Path, **options: object) -> None:
        try:
            wanted: dict[str, Any] = json_lines.read_json(spec)
            filters, share = wanted["filters"], wanted["heldout_share"]
            assert isinstance(filters, dict)
            project = Project.objects.get(pk=wanted["project"])
            manifest = write_snapshot(
                out,
                rankings=weighted_lines(project, filters),
                labels=other_labels(project, filters),
                filters=filters,
                split_rule={"by": "prompt", "heldout_share": share},
                guideline_version=guideline_version(label_queries.rankings(project, filters)),
            )
        except BadInput as error:
            self.stderr.write(str(error))
            sys.exit(2)
        self.stdout.write(f"{manifest.counts['rankings']} rankings, {manifest.counts['prompts']} prompts")
