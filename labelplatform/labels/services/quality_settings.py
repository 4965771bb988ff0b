"""What a campaign does about the quality of its labels."""

from django.core.exceptions import ValidationError
from django.db import transaction

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign
from labelplatform.labels.services.gold import mix_in_gold

# What `set_quality` may change, and nothing else.
SETTINGS = ("third_opinion_below", "most_labels", "gold_rate", "gold_slots")


@transaction.atomic
def set_quality(*, campaign: Campaign, by: User, **settings: object) -> None:
    """Change what the campaign does about quality, from the next label on; refused where a setting is none."""
    if unknown := sorted(set(settings) - set(SETTINGS)):
        raise ValidationError(f"settings: found {unknown[0]!r}, wanted some of {', '.join(SETTINGS)}")
    for name, value in settings.items():
        setattr(campaign, name, value)
    campaign.full_clean(validate_unique=False)
    campaign.save(update_fields=list(settings))
    record(by=by, verb="set campaign quality", obj=campaign, project=campaign.project, **settings)
    if {"gold_rate", "gold_slots"} & set(settings):
        mix_in_gold(campaign=campaign, seed=campaign.seed)
