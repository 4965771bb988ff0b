"""`manage.py import_labels --project SLUG --into NAME FILE`: the import page, for files too large for a browser."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand

from labelplatform.accounts.models import Project, User
from labelplatform.labels import services
from labelplatform.labels.exchange import kind_lines
from labelplatform.labels.exchange.formats import FORMATS


class Command(BaseCommand):
    """Imports labels, all or nothing; says for each line that cannot be taken what was found and what was wanted."""

    help = "Import labels of any format that the import page takes, all or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file to read")
        parser.add_argument("--project", required=True, help="address (slug) of the project")
        parser.add_argument(
            "--into", required=True, help="campaign of imports; made if there is none of that name"
        )
        parser.add_argument("--by", help="user name of who imports, for the audit trail")
        parser.add_argument(
            "--format", choices=["", *FORMATS, kind_lines.NAME], default="", help="found out unless told"
        )
        parser.add_argument(
            "--leave-out-similar", action="store_true", help="prompts that begin like earlier ones"
        )
        parser.add_argument("--leave-out-named", action="store_true", help="answers that name a model")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")

    def handle(self, *args: object, file: Path, project: str, into: str, **told: object) -> None:
        wishes = services.Wishes(
            str(told["format"]), bool(told["leave_out_similar"]), bool(told["leave_out_named"])
        )
        try:
            found = Project.objects.get(slug=project)
            by = User.objects.get(username=told["by"]) if told["by"] else None
            with file.open("rb") as upload:
                if told["dry_run"]:
                    preview = services.preview_import(
                        project=found, upload=upload, target=into, wishes=wishes
                    )
                else:
                    preview = services.import_labels(
                        project=found, upload=upload, target=into, by=by, wishes=wishes
                    )
        except services.LabelsRefused as refusal:
            preview = refusal.preview
        except (Project.DoesNotExist, User.DoesNotExist, OSError, services.CampaignRefused) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        counts = ", ".join(f"{preview.counts[status]} {status}" for status in services.Status)
        self.stdout.write(f"{file}: {counts}")
        for row in preview.refused:
            self.stderr.write(f"{file}:{row.number}: {row.refusal}")
        if preview.refused:
            sys.exit(2)
