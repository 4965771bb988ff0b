"""Whether a person may claim in a campaign, and which of its items: checked in the verb, whatever the page showed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.core.exceptions import PermissionDenied

from labelplatform.accounts.models import User
from labelplatform.labels.eligibility import Skills, refusal, skills_of
from labelplatform.labels.models import Campaign

# The item's own prompt; what it does not tell is for everybody.
SUITED = """
    AND EXISTS (SELECT 1 FROM labels_item i JOIN prompts_prompt p ON p.id = i.prompt_id
                WHERE i.id = s.item_id AND {suits})
"""


class NotForYou(PermissionDenied):
    """The campaign asks for a language or a domain that this person does not have; the message is for them."""


@dataclass(frozen=True)
class Gate:
    """A further condition of the claim statement on slot `s`, with its parameters."""

    condition: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


EVERYTHING = Gate()


def gate(campaign: Campaign, annotator: User) -> Gate:
    """What the claim statement has to keep to for this person.

    A campaign that asks nothing costs nothing; one that asks costs one statement, however long it is.
    """
    if campaign.is_for_everybody:
        return EVERYTHING
    has = skills_of(campaign.project_id, annotator)
    lacking = refusal(campaign, has)
    if lacking:
        raise NotForYou(lacking)
    return _suited(campaign, has)


def _suited(campaign: Campaign, has: Skills) -> Gate:
    conditions: list[str] = []
    parameters: dict[str, str] = {}
    if campaign.route_languages:
        choices = ["p.language = ''"]
        for number, code in enumerate(sorted(has.languages)):
            name = f"language_{number}"
            choices.append(f"LOWER(p.language) = %({name})s OR LOWER(p.language) LIKE %({name}_in)s")
            parameters |= {name: code, f"{name}_in": f"{code}-%"}
        conditions.append(f"({' OR '.join(choices)})")
    if campaign.route_domains:
        choices = ["p.domain = ''"]
        for number, domain in enumerate(sorted(has.domains)):
            choices.append(f"LOWER(p.domain) = %(domain_{number})s")
            parameters[f"domain_{number}"] = domain
        conditions.append(f"({' OR '.join(choices)})")
    if not conditions:
        return EVERYTHING
    return Gate(SUITED.format(suits=" AND ".join(conditions)), parameters)
