"""What people say about answers, and who was promised which item until when."""

from labelplatform.labels.models.campaigns import RANKING_KINDS, Campaign
from labelplatform.labels.models.items import Draft, Item, ItemResponse, Lease, Slot
from labelplatform.labels.models.labels import Label
from labelplatform.labels.models.rankings import Placement, Ranking, RankingLog, ResponseFlag, ResponseRating
from labelplatform.labels.models.standing import GoldItem, Qualification, QueuePlace, Skip

__all__ = [
    "RANKING_KINDS",
    "Campaign",
    "Draft",
    "GoldItem",
    "Item",
    "ItemResponse",
    "Label",
    "Lease",
    "Placement",
    "Qualification",
    "QueuePlace",
    "Ranking",
    "RankingLog",
    "ResponseFlag",
    "ResponseRating",
    "Skip",
    "Slot",
]
