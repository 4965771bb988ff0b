"""Labels from elsewhere: a dry run that writes nothing, and the import that does what the dry run said or nothing."""

from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.labels.exchange import kind_lines
from labelplatform.labels.exchange.formats import read
from labelplatform.labels.models import Campaign
from labelplatform.labels.services.campaigns import CampaignRefused, create_campaign
from labelplatform.labels.services.examining import Examiner, LabelsRefused, Preview, Status, Wishes
from labelplatform.labels.services.label_importing import check_kind, import_label_lines, preview_labels
from labelplatform.labels.services.recording import RankingsRefused, check_takes_rankings, record_in_batches


def preview_import(
    *, project: Project, upload: BinaryIO, target: str, wishes: Wishes | None = None
) -> Preview:
    """Say line by line what an import into the campaign named `target` would do; writes nothing."""
    chosen = wishes or Wishes()
    campaign = check_target(project, target)
    if _other_kinds(upload, chosen):
        check_kind(campaign)
        return preview_labels(project=project, upload=upload, target=target)
    if campaign is not None:
        check_takes_rankings(campaign)
    preview = Preview()
    for rows in Examiner(project, target, chosen).batches(read(upload, chosen.format)):
        preview.add(rows)
    return preview


@transaction.atomic
def import_labels(
    *,
    project: Project,
    upload: BinaryIO,
    target: str,
    by: User | None,
    wishes: Wishes | None = None,
    promise: str = "",
) -> Preview:
    """Store the new lines of a file, all or nothing; returns what became of every line.

    They go into the campaign of imports named `target`, which is made when there is something to put into it.
    `promise` is that of a dry run: where this import would do anything else, nothing is stored.
    """
    chosen = wishes or Wishes()
    campaign = check_target(project, target)
    if _other_kinds(upload, chosen):
        check_kind(campaign)
        return import_label_lines(project=project, upload=upload, target=target, by=by, promise=promise)
    if campaign is not None:
        check_takes_rankings(campaign)
    preview = Preview()
    for rows in Examiner(project, target, chosen).batches(read(upload, chosen.format)):
        preview.add(rows)
        new = [row for row in rows if row.status is Status.NEW and row.line is not None]
        if not new or preview.refused:
            continue
        if campaign is None:
            campaign = create_campaign(
                project=project, name=target, by=by, source=Campaign.Source.IMPORT, overlap=0
            )
        try:
            for _stored in record_in_batches(campaign, [row.line for row in new if row.line], by=by):
                pass
        except RankingsRefused as refusal:
            preview.refuse((new[number - 1].number, reason) for number, reason in refusal.errors)
    if preview.refused:
        raise LabelsRefused(preview)
    if promise and promise != preview.promise:
        raise LabelsRefused(preview, changed=True)
    if campaign is not None:
        counts = {status.value: preview.counts[status] for status in Status}
        record(by=by, verb="imported labels", obj=campaign, project=project, format=chosen.format, **counts)
    return preview


def check_target(project: Project, target: str) -> Campaign | None:
    """The campaign of imports of that name, None where there is none yet; refuses the name of another campaign."""
    campaign = Campaign.objects.filter(project=project, name=target).first()
    if campaign is not None and campaign.source != Campaign.Source.IMPORT:
        raise CampaignRefused(
            _("Another campaign of this project has that name: labels are never mixed into it.")
        )
    return campaign


def _other_kinds(upload: BinaryIO, chosen: Wishes) -> bool:
    """Whether a file holds labels that are no orders: because it was said so, or by its first line."""
    return chosen.format == kind_lines.NAME or (not chosen.format and kind_lines.stands_in(upload))
