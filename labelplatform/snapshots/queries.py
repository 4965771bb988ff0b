"""Reading snapshots."""

from collections.abc import Iterator, Mapping

from django.db.models import Q, QuerySet

from labelplatform.accounts.models import Project
from labelplatform.labels.kinds import FILES
from labelplatform.labels.label_lines import label_lines, labels
from labelplatform.labels.models import Campaign
from labelplatform.labels.queries import rankings
from labelplatform.snapshots.models import Snapshot


def snapshots(project: Project) -> QuerySet[Snapshot]:
    """The project's snapshots with their jobs and artifacts, newest first."""
    return Snapshot.objects.filter(project=project).select_related("job", "artifact").order_by("-pk")


def campaigns_in(snapshot: Snapshot) -> QuerySet[Campaign]:
    """The campaigns whose labels a snapshot holds."""
    return campaigns_of(snapshot.project, snapshot.filters)


def campaigns_of(project: Project, filters: Mapping[str, object]) -> QuerySet[Campaign]:
    """The campaigns whose labels these filters choose."""
    held = rankings(project, filters).order_by().values("item__campaign").distinct()
    chosen = Q(pk__in=held)
    if _holds_labels(filters):
        chosen |= Q(pk__in=labels(project, filters=filters).order_by().values("item__campaign").distinct())
    return Campaign.objects.filter(chosen).order_by("pk")


def _holds_labels(filters: Mapping[str, object]) -> bool:
    """Whether a snapshot has labels that are no orders: those frozen before there were any name no last one."""
    return filters.get("last_label") is not None


def other_labels(project: Project, filters: Mapping[str, object]) -> dict[str, Iterator[dict[str, object]]]:
    """The lines of labels that are no orders, by the name of their file, lazily."""
    files = FILES if _holds_labels(filters) else ()
    return {file: label_lines(project, file, filters) for file in files}


def rankings_waiting(project: Project) -> int:
    """How many labels no snapshot of the project holds yet."""
    newest = snapshots(project).first()
    frozen = newest.filters if newest else {}
    orders = rankings(project).filter(pk__gt=frozen.get("last_ranking", 0)).count()
    return orders + labels(project).filter(pk__gt=frozen.get("last_label", 0)).count()
