"""People look at what was measured: an item becomes an item of a campaign, and what they say stands by the metric.

Nobody who is asked learns which model answered or what the metric said: the campaign holds the question, its text and
the answer alone, in a prompt set of its own.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.evaluations.item_queries import read_sample
from labelplatform.evaluations.known_answers import known_answers
from labelplatform.evaluations.models import EvaluationRun, MeasuredItem, SpotCheck
from labelplatform.evaluations.sample_texts import answer_given
from labelplatform.evaluations.suites import MODELS, SUITES
from labelplatform.labels.models import Campaign, Item
from labelplatform.labels.services import add_items, create_campaign
from labelplatform.prompts.lines import ImportRefused
from labelplatform.prompts.models import PromptSet, Response
from labelplatform.prompts.services import import_responses

# One for each kind of label and project. The names are the annotators' to read: they tell neither model nor metric.
NAMES = {
    Campaign.Kind.HONESTY: "Spot checks: honesty",
    Campaign.Kind.SPANS: "Spot checks: hallucination spans",
}


@dataclass(frozen=True)
class Asked:
    """What people see of an item: the kind of label they are asked for, the question, its text and the answer."""

    kind: str
    question: str
    context: str
    response: str
    # What is known of the question: an honesty check shows it after the first judgement.
    known: Mapping[str, list[str]]


def asked_of_people(item: MeasuredItem, sample: Mapping[str, Any] | None) -> Asked | None:
    """The item as people are asked it; None where there is nothing to judge."""
    run, offer = item.run, SUITES.get(item.run.suite)
    if offer is None or not offer.checked_as or sample is None:
        return None
    kind, question = offer.checked_as, str(sample.get("question") or "")
    response, context = answer_given(sample), str(sample.get("context") or "")
    if not response.strip() or not question.strip() or (kind == Campaign.Kind.SPANS and not context.strip()):
        return None
    known = known_answers(run, str(sample["id"]))
    told = {
        "correct_answers": list(known.true) or list(map(str, sample.get("references") or ())),
        "incorrect_answers": list(known.false),
    }
    kept = {name: texts for name, texts in told.items() if texts and kind == Campaign.Kind.HONESTY}
    return Asked(kind, question, context, response, kept)


@transaction.atomic
def spot_check(*, item: MeasuredItem, by: User) -> SpotCheck:
    """Put an item to people through the project's campaign of spot checks; asked again, it is the same check.

    Refuses (ValidationError) an item without an answer to judge, and a campaign that was closed.
    """
    earlier = SpotCheck.objects.filter(item=item).first()
    if earlier is not None:
        return earlier
    asked = asked_of_people(item, read_sample(item))
    if asked is None:
        raise ValidationError(_("This item has no answer that people could judge."))
    campaign = _campaign(item.run, asked.kind, by)
    try:
        label_item = _label_item(campaign, item.run, asked, by)
    except ImportRefused as refusal:
        raise ValidationError(str(refusal)) from refusal
    check = SpotCheck.objects.create(item=item, label_item=label_item)
    project = item.run.project
    record(
        by=by, verb="put item to people", obj=item.run, project=project, item=item.key, campaign=campaign.pk
    )
    return check


def _campaign(run: EvaluationRun, kind: str, by: User) -> Campaign:
    name = NAMES[Campaign.Kind(kind)]
    found = Campaign.objects.filter(project=run.project, name=name, kind=kind).first()
    if found is not None and found.state == Campaign.State.CLOSED:
        raise ValidationError(_("The campaign “%(name)s” is closed: open it first.") % {"name": name})
    return found or create_campaign(project=run.project, name=name, by=by, kind=kind)


def _label_item(campaign: Campaign, run: EvaluationRun, asked: Asked, by: User) -> Item:
    """The campaign's item for this question and answer: a new one, or the one that asks the same already."""
    prompt_set, _made = PromptSet.objects.get_or_create(project=run.project, name=campaign.name)
    messages = [{"role": "user", "content": asked.question}]
    prompt_key, response_key = _digest([messages, asked.context, asked.known]), _digest(asked.response)
    there = Response.objects.filter(prompt__prompt_set=prompt_set, prompt__key=prompt_key, key=response_key)
    if not there.exists():
        line: dict[str, object] = {"id": prompt_key, "prompt": messages, **asked.known}
        if asked.context:
            line["context"] = asked.context
        line |= {"response": asked.response, "response_id": response_key, "policy": run.subject.name}
        line |= {"seed": run.seed, "sampling": {}}
        policy = run.subject if run.subject.kind in MODELS else None
        import_responses(
            prompt_set=prompt_set, lines=[line], by=by, policy=policy, recorded=False, job=run.job
        )
    response = there.select_related("prompt").get()
    add_items(campaign=campaign, prompts=[response.prompt], by=by)
    return Item.objects.get(campaign=campaign, placed_responses__response=response)


def _digest(told: object) -> str:
    text = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
