"""Labels that are no orders as researchers read them: the newest of a campaign, those of one item."""

from dataclasses import dataclass

from labelplatform.accounts.models import User
from labelplatform.labels.kinds import KINDS
from labelplatform.labels.models import Campaign, Item, Label


@dataclass(frozen=True)
class ShownLabel:
    """One label with what was said in one line."""

    label: Label
    in_short: str


def newest(campaign: Campaign, most: int) -> list[ShownLabel]:
    """The campaign's newest labels that count; of a campaign of orders none, without a look."""
    if campaign.gives_rankings:
        return []
    found = Label.objects.filter(item__campaign=campaign, surplus=False).select_related(
        "item__prompt", "annotator"
    )
    return [_shown(label) for label in found.order_by("-pk")[:most]]


def newest_of(campaign: Campaign, annotator: User, most: int) -> list[ShownLabel]:
    """One annotator's newest labels of a campaign, late ones too."""
    theirs = Label.objects.filter(item__campaign=campaign, annotator=annotator, kind=campaign.kind)
    return [
        _shown(label) for label in theirs.select_related("item__prompt", "annotator").order_by("-pk")[:most]
    ]


def labels_of(item: Item) -> list[ShownLabel]:
    """Everybody's label of an item, late ones too, oldest first."""
    return [_shown(label) for label in item.labels.select_related("annotator").order_by("pk")]


def _shown(label: Label) -> ShownLabel:
    return ShownLabel(label, KINDS[label.kind].in_short(label.body))
