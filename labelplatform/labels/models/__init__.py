"""What people say about answers, and who was promised which item until when."""

from labelplatform.labels.models.campaigns import RANKING_KINDS, Campaign
from labelplatform.labels.models.choosing import ChosenItem, QueueOrder
from labelplatform.labels.models.guidelines import GuidelineReading, GuidelineVersion
from labelplatform.labels.models.items import Draft, Item, ItemResponse, Lease, Slot
from labelplatform.labels.models.labels import Label
from labelplatform.labels.models.past_skips import PastSkip
from labelplatform.labels.models.rankings import Placement, Ranking, RankingLog, ResponseFlag, ResponseRating
from labelplatform.labels.models.repeats import RepeatItem
from labelplatform.labels.models.reviews import Adjudication, ReliabilityRun, Review
from labelplatform.labels.models.standing import DemonstrationScore, GoldItem, Qualification, QueuePlace, Skip

__all__ = [
    "RANKING_KINDS",
    "Adjudication",
    "Campaign",
    "ChosenItem",
    "DemonstrationScore",
    "Draft",
    "GoldItem",
    "GuidelineReading",
    "GuidelineVersion",
    "Item",
    "ItemResponse",
    "Label",
    "Lease",
    "PastSkip",
    "Placement",
    "Qualification",
    "QueueOrder",
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
