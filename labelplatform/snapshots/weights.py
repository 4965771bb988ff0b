"""What the rankings of each campaign count for beside the others: the key `weight` of their lines in a snapshot.

`trainer reward-model` multiplies the loss of a ranking by it. A campaign that is not named weighs 1, and says nothing.
"""

import math
from collections.abc import Iterator, Mapping

from django.core.exceptions import ValidationError

from labelplatform.accounts.models import Project
from labelplatform.labels.queries import ranking_lines


def check_weights(asked: Mapping[str, object]) -> None:
    """Refuse weights that are no numbers above 0, and those of campaigns that the filters do not name."""
    weights, chosen = asked.get("weights", {}), asked.get("campaigns", [])
    assert isinstance(chosen, list)
    if not isinstance(weights, dict):
        raise ValidationError(f"weights: found {weights!r}, wanted a number for each campaign")
    strangers = set(weights) - {str(campaign) for campaign in chosen}
    if strangers:
        raise ValidationError(f"weights: found campaign {min(strangers)}, wanted those of the filter alone")
    for campaign, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise ValidationError(f"weights: campaign {campaign}: found {weight!r}, wanted a number above 0")


def weighted_lines(project: Project, filters: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The ranking lines of a snapshot, oldest first; with weights campaign by campaign, each line with its own."""
    weights = filters.get("weights")
    if not isinstance(weights, dict):
        yield from ranking_lines(project, filters)
        return
    chosen = filters["campaigns"]
    assert isinstance(chosen, list)
    for campaign in sorted(chosen):
        weight = weights.get(str(campaign), 1)
        for line in ranking_lines(project, {**filters, "campaigns": [campaign]}):
            yield line if weight == 1 else {**line, "weight": weight}
