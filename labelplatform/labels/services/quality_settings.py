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
    "repeat_rate",
    "repeat_after",
)
# Of labels of other kinds: what gold is for, and what must be reached to go on. Of spans nothing is known to be right.
GOLD_SETTINGS = ("gold_rate", "gold_slots", "qualification_items")
REPEAT_SETTINGS = ("repeat_rate", "repeat_after")
OTHER_KINDS: dict[str, tuple[str, ...]] = {
    Campaign.Kind.RATING: SETTINGS,
    Campaign.Kind.HONESTY: SETTINGS,
    # Nobody writes the same twice: a demonstration cannot be repeated, and two do not disagree.
    Campaign.Kind.DEMONSTRATION: (*GOLD_SETTINGS, "qualification_score"),
    Campaign.Kind.SPANS: REPEAT_SETTINGS,
}
# With fewer, chance would decide; a demonstration is read by a person, who sees a lot in one.
FEWEST_QUALIFICATION_ITEMS = 5
FEWEST_DEMONSTRATIONS = 1


def settings_of(kind: str) -> tuple[str, ...]:
    """The settings that a campaign of this kind has."""
    return OTHER_KINDS.get(kind, SETTINGS)


@transaction.atomic
def set_quality(*, campaign: Campaign, by: User, **settings: object) -> None:
    """Change what the campaign does about quality, from the next label on; refused where a setting is none."""
    if unknown := sorted(set(settings) - {*SETTINGS, "qualification_score"}):
        raise ValidationError(f"settings: found {unknown[0]!r}, wanted some of {', '.join(SETTINGS)}")
    if foreign := sorted(set(settings) - set(settings_of(campaign.kind))):
        told = _("Campaigns of this kind have no such setting: %(name)s.")
        raise ValidationError(told % {"name": foreign[0]})
    for name, value in settings.items():
        setattr(campaign, name, value)
    # For good: twins that are out stay their people's own, whatever the rate becomes.
    campaign.has_repeats |= bool(campaign.repeat_rate)
    campaign.full_clean(validate_unique=False)
    _check_qualification(campaign)
    campaign.save(update_fields=[*settings, "has_repeats"])
    record(by=by, verb="set campaign quality", obj=campaign, project=campaign.project, **settings)
    if {"gold_rate", "gold_slots"} & set(settings):
        mix_in_gold(campaign=campaign, seed=campaign.seed)


def _check_qualification(campaign: Campaign) -> None:
    wanted = campaign.qualification_items
    if not wanted:
        return
    demonstrations = campaign.kind == Campaign.Kind.DEMONSTRATION
    fewest = FEWEST_DEMONSTRATIONS if demonstrations else FEWEST_QUALIFICATION_ITEMS
    if wanted < fewest:
        told = _("Ask for at least %(fewest)d gold items first, or for none: fewer say too little.")
        raise ValidationError({"qualification_items": told % {"fewest": fewest}})
    there = GoldItem.objects.filter(item__campaign=campaign).count()
    if wanted > there:
        told = _("This campaign has %(there)d gold items; nobody could do %(wanted)d.")
        raise ValidationError({"qualification_items": told % {"there": there, "wanted": wanted}})
