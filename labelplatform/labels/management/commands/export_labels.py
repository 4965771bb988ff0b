"""`manage.py export_labels --project SLUG --format F --out FILE`: labels in a format of here or elsewhere.

The file is whole or not there. Where a download or a pipe broke off, `--after` the id of the last ranking that is whole
writes the rest: rankings leave in the order they came in, which never changes.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand

from labelplatform.accounts.models import Project
from labelplatform.labels import kinds, label_lines
from labelplatform.labels.exchange import outgoing
from labelplatform.labels.models import Campaign
from labelplatform.labels.queries import DECISIONS_ONLY
from trainer import json_lines
from trainer.errors import BadInput

TOLD_EVERY = 10_000


class Command(BaseCommand):
    """Writes the ranking lines of a project, a campaign or a frozen snapshot in one of the formats."""

    help = (
        "Write labels as ranking lines, TRL preference or unpaired lines, SFT messages, or a table; labels of other "
        "kinds as rating lines and so on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--project", help="address (slug) of the project whose labels are written")
        source.add_argument("--snapshot", type=Path, help="folder of a frozen snapshot, instead of a project")
        parser.add_argument("--campaign", type=int, help="only the labels of this campaign (its number)")
        parser.add_argument("--format", choices=[*outgoing.EXPORTS, *kinds.FILES], default="rankings")
        parser.add_argument(
            "--out", type=Path, required=True, help="file to write; there whole or not at all"
        )
        parser.add_argument(
            "--surplus",
            action="store_true",
            help="rankings too that came late and count nowhere; their lines say so (of a project only)",
        )
        parser.add_argument(
            "--decisions",
            choices=["all", DECISIONS_ONLY],
            default="all",
            help="only: of an item that a reviewer has decided, the decision alone (of a project only)",
        )
        parser.add_argument("--after", default="", help="id of a ranking (or label): go on behind it")
        parser.add_argument(
            "--unacceptable",
            choices=[outgoing.KEEP, outgoing.LEAVE_OUT],
            default="",
            help="rankings whose answers are all unacceptable; left out of sft unless told, kept everywhere else",
        )

    def handle(self, *args: object, out: Path, format: str, unacceptable: str, **told: Any) -> None:
        # Labels of other kinds leave as they are, in the one format that keeps all of them.
        file = format if format in kinds.FILES else "rankings"
        chosen = outgoing.EXPORTS.get(format, outgoing.RANKINGS)
        counted = _Counted(_source(file, format, **told), self.stderr.write, file)
        try:
            pieces = outgoing.encoded(outgoing.converted(counted, chosen, unacceptable), chosen)
            written = json_lines.write_text_atomically(out, pieces)
        except (BadInput, ObjectDoesNotExist) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        name = outgoing.file_name(chosen, unacceptable) if file == "rankings" else f"{file}.jsonl"
        self.stderr.write(f"{name}: {counted.lines_read} {file} read, {written} lines written to {out}")
        if counted.unacceptable:
            kept = "left out" if "without-unacceptable" in name else "kept"
            self.stderr.write(f"{counted.unacceptable} of them are marked all unacceptable: {kept}")


def _source(
    file: str,
    format: str,
    *,
    project: str | None,
    snapshot: Path | None,
    campaign: int | None,
    after: str,
    surplus: bool,
    decisions: str = "all",
    **_options: Any,
) -> Iterator[Mapping[str, object]]:
    """The public lines that were asked for, lazily."""
    if snapshot is not None:
        frozen = (line for _n, line in json_lines.read(snapshot / f"{file}.jsonl"))
        yield from _rest(
            label_lines.frozen_lines_for(snapshot, format) if file == "rankings" else frozen, after, snapshot
        )
        return
    found = Project.objects.get(slug=project)
    filters: dict[str, object] = {"surplus": surplus, "decisions": decisions}
    if campaign:
        chosen = Campaign.objects.get(pk=campaign, project=found)
        if not label_lines.leaves_as(chosen, format):
            label_lines.refuse_other_kind(chosen, file)
        filters["campaigns"] = [chosen.pk]
    if file == "rankings":
        yield from label_lines.lines_for(found, format, filters, after=after)
    else:
        yield from label_lines.label_lines(found, file, filters, after=after)


def _rest(
    lines: Iterator[Mapping[str, object]], after: str, snapshot: Path
) -> Iterator[Mapping[str, object]]:
    if after and not any(line.get("id") == after for line in lines):
        raise BadInput(f"--after: found {after!r}, wanted the id of a line of {snapshot}")
    return lines


class _Counted:
    """Lines that are counted as they pass, with a word now and then."""

    def __init__(self, lines: Iterable[Mapping[str, object]], tell: object, file: str) -> None:
        self.lines, self.lines_read, self.unacceptable, self.file = lines, 0, 0, file
        assert callable(tell)
        self.tell = tell

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        for line in self.lines:
            self.lines_read += 1
            self.unacceptable += bool(line.get("unacceptable"))
            if self.lines_read % TOLD_EVERY == 0:
                self.tell(f"{self.lines_read} {self.file}")
            yield line
