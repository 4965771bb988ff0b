"""Rating lines and their like from elsewhere: a dry run, and the import that does what the dry run said or nothing.

The dry run is the import itself, taken back: so it cannot say anything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.labels.exchange.records import Record, Unreadable, read_json, refuse_packed
from labelplatform.labels.kinds import LabelLine, kind_of_line
from labelplatform.labels.models import Campaign
from labelplatform.labels.services.campaigns import CampaignRefused, create_campaign
from labelplatform.labels.services.examining import EXCERPT, LabelsRefused, Preview, Row, Status
from labelplatform.labels.services.imported_items import ItemsRefused
from labelplatform.labels.services.label_recording import (
    BATCH,
    LabelLinesRefused,
    Numbered,
    read_line,
    store_batch,
)
from labelplatform.prompts.lines import LineRefused
from trainer.errors import BadInput


@dataclass(frozen=True)
class LabelRow(Row):
    """One line of the dry run of such a file."""

    label: LabelLine | None = None

    @property
    def identity(self) -> str:
        """The label's id; empty where the line could not be read."""
        return "" if self.label is None else self.label.id

    @property
    def excerpt(self) -> str:
        """The beginning of the prompt's last message."""
        return "" if self.label is None else str(self.label.messages[-1]["content"])[:EXCERPT]

    @property
    def order(self) -> str:
        """What was said, in short."""
        return "" if self.label is None else self.label.told

    @property
    def annotator(self) -> str:
        """Who said it."""
        return "" if self.label is None else self.label.annotator


def preview_labels(*, project: Project, upload: BinaryIO, target: str) -> Preview:
    """Say line by line what an import into the campaign named `target` would do; nothing stays written."""
    with transaction.atomic():
        preview, _campaign = _run(project, upload, target, None)
        transaction.set_rollback(True)
    return preview


@transaction.atomic
def import_label_lines(
    *, project: Project, upload: BinaryIO, target: str, by: User | None, promise: str = ""
) -> Preview:
    """Store the new lines of a file, all or nothing; returns what became of every line.

    They go into the campaign of imports named `target`, which is made, with the kind of the file's first line, where
    there is none. `promise` is that of a dry run: where this import would do anything else, nothing is stored.
    """
    preview, campaign = _run(project, upload, target, by)
    if preview.refused:
        raise LabelsRefused(preview)
    if promise and promise != preview.promise:
        raise LabelsRefused(preview, changed=True)
    if campaign is not None:
        counts = {status.value: preview.counts[status] for status in Status}
        record(by=by, verb="imported labels", obj=campaign, project=project, format=campaign.kind, **counts)
    return preview


def _run(project: Project, upload: BinaryIO, target: str, by: User | None) -> tuple[Preview, Campaign | None]:
    preview, seen = Preview(), dict[str, int]()
    campaign = Campaign.objects.filter(project=project, name=target).first()
    records = _records(upload)
    while batch := list(islice(records, BATCH)):
        if campaign is None:
            campaign = _campaign_for(batch, project, target, by)
        preview.add(_rows(campaign, batch, seen, by))
    return preview, campaign


def _records(upload: BinaryIO) -> Iterator[Record]:
    try:
        refuse_packed(upload.read(1 << 16))
        upload.seek(0)
        yield from read_json(upload)
    except Unreadable as error:
        yield Record(error.line, problem=str(error))


def _campaign_for(batch: list[Record], project: Project, target: str, by: User | None) -> Campaign | None:
    """A campaign of imports of the kind that the first readable line names; None where no line names any."""
    found = (kind_of_line(one.value) for one in batch if one.value is not None)
    kind = next((one for one in found if one is not None), None)
    if kind is None:
        return None
    return create_campaign(
        project=project, name=target, by=by, kind=kind.name, source=Campaign.Source.IMPORT, overlap=0
    )


def check_kind(campaign: Campaign | None) -> None:
    """Refuse a campaign of orders."""
    if campaign is not None and campaign.gives_rankings:
        told = _("“%(name)s” collects orders of answers: labels of another kind are never mixed into it.")
        raise CampaignRefused(told % {"name": campaign.name})


def _rows(campaign: Campaign | None, batch: list[Record], seen: dict[str, int], by: User | None) -> list[Row]:
    rows: dict[int, Row] = {}
    fresh: list[tuple[int, LabelLine]] = []
    for one in batch:
        line, refusal = _read(one, campaign)
        if line is not None:
            first = seen.setdefault(line.id, one.line)
            refusal = (
                refusal or (first != one.line and f"id: {line.id!r} stands in line {first} already") or ""
            )
        status = Status.REFUSED if refusal else Status.NEW
        rows[one.line] = LabelRow(one.line, status, refusal=refusal, label=line)
        if line is not None and not refusal:
            fresh.append((one.line, line))
    if campaign is not None:
        _store(campaign, fresh, rows, by)
    return list(rows.values())


def _read(one: Record, campaign: Campaign | None) -> tuple[LabelLine | None, str]:
    if one.value is None:
        return None, one.problem
    try:
        return read_line(one.value, campaign.kind if campaign else ""), ""
    except (BadInput, LineRefused) as error:
        return None, str(error).removeprefix(": ")


def _store(campaign: Campaign, fresh: Numbered, rows: dict[int, Row], by: User | None) -> None:
    """Store what is new; lines that storing refuses are refused, the others are not stored either."""
    try:
        with transaction.atomic():
            new = store_batch(campaign, fresh, by, None)
    except (LabelLinesRefused, ItemsRefused) as refusal:
        for number, reason in refusal.errors:
            rows[number] = replace(rows[number], status=Status.REFUSED, refusal=reason)
        return
    for number, line in fresh:
        if line.id not in new:
            rows[number] = replace(rows[number], status=Status.THERE)
