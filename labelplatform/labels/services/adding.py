"""Items for a campaign that is under way: what it hides among its items is hidden among the new ones too."""

from collections.abc import Iterable

from django.db import transaction

from labelplatform.accounts.models import User
from labelplatform.labels.models import Campaign
from labelplatform.labels.services import campaigns
from labelplatform.labels.services.gold import mix_in_gold
from labelplatform.prompts.models import Prompt


@transaction.atomic
def add_items(
    *, campaign: Campaign, prompts: Iterable[Prompt], by: User | None, responses_per_item: int | None = None
) -> int:
    """Put prompts to people (see `campaigns.add_items`) and deal the campaign's gold anew over all that is open."""
    made = campaigns.add_items(
        campaign=campaign, prompts=prompts, by=by, responses_per_item=responses_per_item
    )
    if made and campaign.gold_rate:
        mix_in_gold(campaign=campaign, seed=campaign.seed)
    return made
