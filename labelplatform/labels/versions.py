"""Newer versions of labels: a label that a reviewer returned may be given again by whoever gave it.

The old one stays as it was; it only counts no more, as late work does not (`surplus`), once the newer one, which says
whom it `replaces`, is stored.
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from labelplatform.labels.models import Campaign, Label, Ranking


def counting(chosen: Mapping[str, Any]) -> Q:
    """What counts, of rankings up to the last one or the moment that `chosen` names: of two versions the one that
    was the newest then, so that a snapshot reads tomorrow what it read today."""
    counts = Q(surplus=False)
    if chosen.get("last_ranking") is not None:
        counts |= Q(replaced_by__gt=chosen["last_ranking"])
    if chosen.get("until"):
        counts |= Q(replaced_by__at__gt=chosen["until"])
    return counts


def surplus_count(campaign: Campaign) -> int:
    """How many labels came too late and are kept aside; those that a newer version replaced did not."""
    if campaign.gives_rankings:
        return Ranking.objects.filter(item__campaign=campaign, surplus=True, replaced_by=None).count()
    return Label.objects.filter(item__campaign=campaign, surplus=True).count()
