"""What a campaign does about the quality of its labels."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign, GoldItem
from labelplatform.labels.services.gold import mix_in_gold

# What `set_quality` may change, and nothing else.
SETTINGS = (
    "third_opinion_below",
    "most_labels",
    "gold_rate",
    "gold_slots",
    "qualification_items",
    "qualification_share",
)
# With fewer, chance would decide.
FEWEST_QUALIFICATION_ITEMS = 5


@transaction.atomic
def set_quality(*, campaign: Campaign, by: User, **settings: object) -> None:
    """Change what the campaign does about quality, from the next label on; refused where a setting is none."""
    if unknown := sorted(set(settings) - set(SETTINGS)):
        raise ValidationError(f"settings: found {unknown[0]!r}, wanted some of {', '.join(SETTINGS)}")
    if not campaign.gives_rankings:
        told = _(
            "Gold, qualification and third opinions compare orders of answers: this campaign collects none."
        )
        raise ValidationError(told)
    for name, value in settings.items():
        setattr(campaign, name, value)
    campaign.full_clean(validate_unique=False)
    _check_qualification(campaign)
    campaign.save(update_fields=list(settings))
    record(by=by, verb="set campaign quality", obj=campaign, project=campaign.project, **settings)
    if {"gold_rate", "gold_slots"} & set(settings):
        mix_in_gold(campaign=campaign, seed=campaign.seed)


def _check_qualification(campaign: Campaign) -> None:
    wanted = campaign.qualification_items
    if not wanted:
        return
    if wanted < FEWEST_QUALIFICATION_ITEMS:
        told = _("Ask for at least %(fewest)d gold items first, or for none: fewer say too little.")
        raise ValidationError({"qualification_items": told % {"fewest": FEWEST_QUALIFICATION_ITEMS}})
    there = GoldItem.objects.filter(item__campaign=campaign).count()
    if wanted > there:
        told = _("This campaign has %(there)d gold items; nobody could do %(wanted)d.")
        raise ValidationError({"qualification_items": told % {"there": there, "wanted": wanted}})
