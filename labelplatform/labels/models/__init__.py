"""What people say about answers, and who was promised which item until when."""

from labelplatform.labels.models.campaigns import Campaign
from labelplatform.labels.models.guidelines import GuidelineReading, GuidelineVersion
from labelplatform.labels.models.items import Draft, Item, ItemResponse, Lease, Slot
from labelplatform.labels.models.rankings import Placement, Ranking, RankingLog, ResponseFlag, ResponseRating
from labelplatform.labels.models.repeats import RepeatItem
from labelplatform.labels.models.reviews import Adjudication, ReliabilityRun, Review
from labelplatform.labels.models.standing import GoldItem, Qualification, QueuePlace, Skip

__all__ = [
    "Adjudication",
    "Campaign",
    "Draft",
    "GoldItem",
    "GuidelineReading",
    "GuidelineVersion",
    "Item",
    "ItemResponse",
    "Lease",
    "Placement",
    "Qualification",
    "QueuePlace",
    "Ranking",
    "RankingLog",
    "ReliabilityRun",
    "RepeatItem",
    "ResponseFlag",
    "ResponseRating",
    "Review",
    "Skip",
    "Slot",
]
