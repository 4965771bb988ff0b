"""Reading snapshots."""

from django.db.models import QuerySet

from labelplatform.accounts.models import Project
from labelplatform.labels.models import Campaign
from labelplatform.labels.queries import rankings
from labelplatform.snapshots.models import Snapshot


def snapshots(project: Project) -> QuerySet[Snapshot]:
    """The project's snapshots with their jobs and artifacts, newest first."""
    return Snapshot.objects.filter(project=project).select_related("job", "artifact").order_by("-pk")


def campaigns_in(snapshot: Snapshot) -> QuerySet[Campaign]:
    """The campaigns whose rankings a snapshot holds."""
    held = rankings(snapshot.project, snapshot.filters).order_by().values("item__campaign").distinct()
    return Campaign.objects.filter(pk__in=held).order_by("pk")


def rankings_waiting(project: Project) -> int:
    """How many rankings no snapshot of the project holds yet."""
    newest = snapshots(project).first()
    last = newest.filters.get("last_ranking", 0) if newest else 0
    return rankings(project).filter(pk__gt=last).count()
