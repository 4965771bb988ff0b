"""Newer versions of labels: a label that a reviewer returned may be given again by whoever gave it.

The old one stays as it was; it only counts no more, as late work does not (`surplus`), once the newer one, which says
whom it `replaces`, is stored.
"""

from datetime import datetime

from django.db.models import Q

from labelplatform.labels.models import Campaign, Label, Ranking


def counting(last_ranking: int | None, until: datetime | None) -> Q:
    """What counts, of rankings up to the last one or a moment: of two versions the one that was the newest then,
    so that a snapshot reads tomorrow what it read today."""
    counts = Q(surplus=False)
    if last_ranking is not None:
        counts |= Q(replaced_by__gt=last_ranking)
    if until is not None:
        counts |= Q(replaced_by__at__gt=until)
    return counts


def surplus_count(campaign: Campaign) -> int:
    """How many labels came too late and are kept aside; those that a newer version replaced did not."""
    if campaign.gives_rankings:
        return Ranking.objects.filter(item__campaign=campaign, surplus=True, replaced_by=None).count()
    return Label.objects.filter(item__campaign=campaign, surplus=True).count()
