"""The texts that a label of one answer, or of none, is about."""

from labelplatform.labels.kinds import Matter
from labelplatform.labels.models import Campaign, Item, ItemResponse


def matter_of(item: Item, campaign: Campaign) -> Matter:
    """What a label of this item is about, as its kind needs it; two statements."""
    answers = ItemResponse.objects.filter(item=item).order_by("position")
    prompt = item.prompt
    return Matter(
        asks=campaign.asks,
        messages=prompt.messages,
        context=prompt.context,
        detail=prompt.detail,
        response=answers.values_list("response__text", flat=True).first() or "",
    )
