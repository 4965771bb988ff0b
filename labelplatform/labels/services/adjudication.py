"""Deciding rankings, where annotators disagree or a reviewer wants one: labels of their own, beside the others."""

import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.models import Adjudication, Item, Ranking
from labelplatform.labels.services.submission import store_placements

# What a decision's ranking line says of it.
MARK = {"adjudicated": True}


class AdjudicationRefused(Exception):
    """A decision that cannot be asked for or given; the message is for the person."""


@transaction.atomic
def ask_for_decision(*, item: Item, by: User) -> Adjudication:
    """Put an item on the list of those to be decided; once is enough."""
    if Item.objects.filter(pk=item.pk).exclude(gold=None, repeat=None).exists():
        raise AdjudicationRefused(_("This item measures people: there is nothing to decide about it."))
    asked, made = Adjudication.objects.get_or_create(
        item=item, defaults={"reason": Adjudication.Reason.PICKED, "asked_by": by}
    )
    if made:
        record(by=by, verb="asked for a decision", obj=item, project=item.campaign.project)
    return asked


@transaction.atomic
def decide(
    *,
    item: Item,
    tiers: Sequence[Sequence[int]],
    by: User,
    note: str = "",
    unacceptable: bool = False,
    shown_order: Sequence[int] = (),
) -> Ranking:
    """Store the deciding ranking of an item on the list, in response ids, best tier first. It is never changed.

    Nobody decides about an item that they labelled themselves.
    """
    asked = Adjudication.objects.select_for_update().filter(item=item).first()
    if asked is None:
        raise AdjudicationRefused(_("Nobody has asked for a decision about this item."))
    if asked.decision_id is not None:
        raise AdjudicationRefused(_("This item is decided already."))
    if has_labelled(item, by):
        raise AdjudicationRefused(_("You have labelled this item yourself: somebody else decides about it."))
    judgement = rules.Judgement(tiers, unacceptable=unacceptable)
    try:
        rules.check(judgement, campaign=item.campaign, responses=item.response_ids)
    except rules.JudgementRefused as refusal:
        raise AdjudicationRefused(str(refusal)) from refusal
    submission = uuid.uuid4()
    ranking = Ranking.objects.create(
        item=item,
        annotator=by,
        key=str(submission),
        kind=item.campaign.kind,
        source=item.campaign.source,
        shown_order=list(shown_order),
        submission=submission,
        body_digest=judgement.digest(),
        unacceptable=unacceptable,
        detail=MARK,
    )
    store_placements([(ranking, judgement, item.response_ids)])
    asked.decision, asked.note = ranking, note.strip()
    asked.save(update_fields=["decision", "note"])
    record(by=by, verb="decided item", obj=item, project=item.campaign.project, ranking=ranking.key)
    return ranking


def has_labelled(item: Item, person: User) -> bool:
    """Whether this person gave a label of the item, late work too, or is at work on one."""
    if item.rankings.filter(annotator=person).exists():
        return True
    return item.slots.filter(annotator=person).exists()
