"""For whom a campaign is: what it asks of people, what people have, and which of its items are theirs to judge."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q
from django.utils.translation import gettext as _

from labelplatform.accounts import skills
from labelplatform.accounts.models import Membership, Project, User
from labelplatform.labels.models import Campaign


@dataclass(frozen=True)
class Skills:
    """The languages that a person reads and the domains that they know, in one project."""

    languages: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Offer:
    """A campaign that is for a person, and which of its slots are."""

    campaign: Campaign
    items: Q


def skills_of(project: int, annotator: User) -> Skills:
    """What is known of a person in a project; nothing of who is no member of it. One statement."""
    places = Membership.objects.filter(project=project, user=annotator)
    found = places.values_list("languages", "domains").first()
    return Skills(*map(frozenset, found)) if found else Skills()


def refusal(campaign: Campaign, has: Skills) -> str:
    """What this person lacks for the campaign, as a sentence for them; empty where it is for them."""
    languages = [one for one in campaign.required_languages if one not in has.languages]
    if languages:
        names = ", ".join(map(skills.language_name, languages))
        told = _(
            "This campaign needs people who read %(names)s. If you do, tick it among the languages you read; "
            "you find them on the page of what waits for you."
        )
        return told % {"names": names}
    domains = [one for one in campaign.required_domains if one not in has.domains]
    if domains:
        told = _(
            "This campaign needs people who know about %(names)s. "
            "If you do, ask an administrator of the project to note it."
        )
        return told % {"names": ", ".join(domains)}
    return ""


def offers(project: Project, annotator: User, now: datetime) -> list[Offer]:
    """The open campaigns that are for this person, the most urgent first: by priority, then by deadline.

    What they read and know is looked up only where a campaign asks; then in one statement more.
    """
    opened = Campaign.objects.filter(project=project, state=Campaign.State.OPEN, overlap__gt=0)
    urgent = opened.order_by("-priority", F("deadline").asc(nulls_last=True), "pk")
    campaigns = [campaign for campaign in urgent if not campaign.is_over(now)]
    if all(campaign.is_for_everybody for campaign in campaigns):
        return [Offer(campaign, Q()) for campaign in campaigns]
    has = skills_of(project.pk, annotator)
    return [Offer(one, suitable(one, has)) for one in campaigns if not refusal(one, has)]


def suitable(campaign: Campaign, has: Skills) -> Q:
    """Which slots of a campaign hold items that this person can judge; the claim says the same in SQL."""
    found = Q()
    if campaign.route_languages:
        codes = [Q(item__prompt__language__iexact=code) for code in has.languages]
        regions = [Q(item__prompt__language__istartswith=f"{code}-") for code in has.languages]
        found &= _any([Q(item__prompt__language=""), *codes, *regions])
    if campaign.route_domains:
        domains = [Q(item__prompt__domain__iexact=domain) for domain in has.domains]
        found &= _any([Q(item__prompt__domain=""), *domains])
    return found


def _any(choices: Iterable[Q]) -> Q:
    found = Q()
    for choice in choices:
        found |= choice
    return found
