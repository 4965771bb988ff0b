"""Freezing labels."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.jobs.models import Job
from labelplatform.jobs.services import enqueue
from labelplatform.labels import queries as label_queries
from labelplatform.labels.label_lines import labels
from labelplatform.labels.models import Campaign
from labelplatform.labels.queries import DECISIONS_ONLY
from labelplatform.snapshots.models import Snapshot
from labelplatform.snapshots.weights import check_weights
from trainer.snapshots import HELDOUT_SHARE

KNOWN_FILTERS = frozenset(
    ("campaigns", "sources", "until", "last_ranking", "last_label", "decisions", "weights")
)

# What the moment of freezing adds to what was asked.
UNTIL_THEN = {"last_ranking": None, "last_label": None}


class SnapshotRefused(Exception):
    """Nothing to freeze, or another snapshot has that name; the message is for the person."""


@transaction.atomic
def freeze_snapshot(
    *, project: Project, name: str, by: User | None, filters: Mapping[str, object] | None = None
) -> Snapshot:
    """Ask for an immutable set of the labels that exist now; the job writes it.

    The last label of this moment is part of the promise, so that a second attempt writes the same bytes. The same
    name with the same wishes is the same snapshot; with others it is refused.
    """
    asked = _checked(project, filters or {})
    existing = Snapshot.objects.filter(project=project, name=name).first()
    if existing is not None:
        if {**existing.filters, **UNTIL_THEN} != {**asked, **UNTIL_THEN}:
            raise SnapshotRefused(_("This project has a snapshot of that name already."))
        return _asked_again(existing, by)
    last, last_label = label_queries.rankings(project, asked).last(), labels(project, filters=asked).last()
    if last is None and last_label is None:
        raise SnapshotRefused(_("There are no labels to freeze yet."))
    frozen = {**asked, "last_ranking": last.pk if last else 0}
    if last_label is not None:
        frozen["last_label"] = last_label.pk
    snapshot = Snapshot(project=project, name=name, filters=frozen)
    snapshot.job = _write(snapshot, by)
    snapshot.save(force_insert=True)
    record(by=by, verb="froze snapshot", obj=snapshot, project=project, filters=frozen)
    return snapshot


def _write(snapshot: Snapshot, by: User | None) -> Job:
    spec = {
        "project": snapshot.project.pk,
        "name": snapshot.name,
        "filters": snapshot.filters,
        "heldout_share": HELDOUT_SHARE,
    }
    return enqueue(kind="snapshot", spec=spec, project=snapshot.project, by=by)


def _asked_again(snapshot: Snapshot, by: User | None) -> Snapshot:
    """The same snapshot; where its job came to nothing, with a new job for the same rankings."""
    broken = {Job.State.FAILED, Job.State.CANCELLED}
    if snapshot.job is None or snapshot.job.state in broken:
        snapshot.job = _write(snapshot, by)
        snapshot.save(update_fields=["job"])
    return snapshot


def _checked(project: Project, filters: Mapping[str, object]) -> dict[str, object]:
    """The wishes that narrow anything, or a refusal; campaigns must be the project's own."""
    if set(filters) - KNOWN_FILTERS:
        raise ValidationError(f"filters: found {sorted(set(filters) - KNOWN_FILTERS)[0]!r}")
    asked = {key: value for key, value in filters.items() if value}
    if asked.get("decisions", DECISIONS_ONLY) != DECISIONS_ONLY:
        raise ValidationError(f"decisions: found {asked['decisions']!r}, wanted {DECISIONS_ONLY!r}")
    if "campaigns" in asked:
        chosen = asked["campaigns"]
        assert isinstance(chosen, list)
        own = set(Campaign.objects.filter(project=project, pk__in=chosen).values_list("pk", flat=True))
        if set(chosen) - own:
            raise ValidationError("filters: a campaign is not part of this project")
    check_weights(asked)
    return asked
