"""What a campaign is called, how urgent it is and whom it is for; how a label of it is given, until the first is."""

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts import skills
from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign, Ranking

STEERING = (
    *("priority", "deadline", "close_at_deadline"),
    *("required_languages", "required_domains", "route_languages", "route_domains"),
)
# Labels of one campaign must be comparable: how one is given stays as it was for the first.
BEFORE_THE_FIRST_LABEL = ("rate_first", "presort", "allow_unranked")
SETTINGS = ("name", "skip_limit", *STEERING, *BEFORE_THE_FIRST_LABEL)


@transaction.atomic
def set_settings(*, campaign: Campaign, by: User | None, settings: Mapping[str, object]) -> list[str]:
    """Change some of a campaign's settings; returns which are other than before. Refused where one cannot be."""
    if unknown := sorted(set(settings) - set(SETTINGS)):
        raise ValidationError(f"settings: found {unknown[0]!r}, wanted some of {', '.join(SETTINGS)}")
    before = {name: getattr(campaign, name) for name in settings}
    for name, value in settings.items():
        setattr(campaign, name, value)
    _tidy(campaign)
    changed = [name for name in settings if getattr(campaign, name) != before[name]]
    _check(campaign, changed)
    if changed:
        campaign.save(update_fields=changed)
        told = {name: [_told(before[name]), _told(getattr(campaign, name))] for name in changed}
        record(by=by, verb="changed campaign settings", obj=campaign, project=campaign.project, changed=told)
    return changed


def has_labels(campaign: Campaign) -> bool:
    """Whether anybody has given a label in it."""
    return Ranking.objects.filter(item__campaign=campaign).exists()


def _tidy(campaign: Campaign) -> None:
    """Names as they are compared; a proposal needs ratings to come from."""
    campaign.required_languages = sorted({skills.primary(code) for code in campaign.required_languages})
    campaign.required_domains = skills.normal(campaign.required_domains)
    campaign.presort = campaign.rate_first and campaign.presort


def _check(campaign: Campaign, changed: list[str]) -> None:
    if campaign.close_at_deadline and campaign.deadline is None:
        raise ValidationError({"deadline": _("Say when: a campaign that closes at its deadline needs one.")})
    same_name = Campaign.objects.filter(project=campaign.project, name=campaign.name)
    if "name" in changed and same_name.exclude(pk=campaign.pk).exists():
        raise ValidationError({"name": _("This project has a campaign of that name already.")})
    late = [name for name in changed if name in BEFORE_THE_FIRST_LABEL]
    if late and has_labels(campaign):
        told = _("This campaign has labels already: those to come must be given in the same way.")
        raise ValidationError({late[0]: told})
    campaign.full_clean(validate_unique=False, validate_constraints=False)


def _told(value: object) -> object:
    """A value as the audit trail keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value
