"""Which guidelines people had before them."""

from itertools import groupby

from django.db.models import QuerySet

from labelplatform.labels.guidelines import labels_by_version
from labelplatform.labels.models import Ranking

NONE = "none"


def guideline_version(rankings: QuerySet[Ranking]) -> str:
    """Return under which versions of their guidelines these rankings were given: "Cities: 1, 2; Rivers: none".

    By the time of each ranking, so that a snapshot written once more says the same, whatever was published since.
    """
    told = []
    for campaign, uses in groupby(labels_by_version(rankings), key=lambda use: use.campaign):
        numbers = [NONE if use.number is None else str(use.number) for use in uses]
        told.append(f"{campaign}: {', '.join(numbers)}")
    return "; ".join(told)
