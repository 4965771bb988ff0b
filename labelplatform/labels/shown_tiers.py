"""A ranking as researchers see it: its responses by tier."""

from dataclasses import dataclass

from labelplatform.labels.models import Ranking
from labelplatform.prompts.models import Response


@dataclass(frozen=True)
class ShownTier:
    """One tier of a ranking; `place` is None for responses left unranked."""

    place: int | None
    responses: list[Response]


def shown_tiers(ranking: Ranking) -> list[ShownTier]:
    """A ranking's responses by tier, best first, unranked last; needs `queries.with_content`."""
    by_pk = {place.response_id: place.response for place in ranking.item.placed_responses.all()}
    tiers: dict[int | None, list[Response]] = {}
    for placement in ranking.placements.all():
        tiers.setdefault(placement.tier, []).append(by_pk[placement.response_id])
    return [ShownTier(place, tiers[place]) for place in sorted(tiers, key=lambda tier: tier or 10)]
