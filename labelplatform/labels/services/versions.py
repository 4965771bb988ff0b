"""A returned label given again: its annotator looks at the item once more, and the newer version counts."""

import uuid
from typing import cast

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.logs import Log
from labelplatform.labels.models import Campaign, Draft, Label, Lease, Ranking, RankingLog, Review, Slot
from labelplatform.labels.orders import letters
from labelplatform.labels.services import better_answers
from labelplatform.labels.services.filling import earlier_label
from labelplatform.labels.services.submission import ranking_of, store_placements
from labelplatform.labels.services.third_opinion import ask_once_more


class VersionRefused(Exception):
    """A label that cannot be given again; the message is for the person."""


def check_again(review: Review, by: User) -> None:
    """Refuse what is not this person's, was not returned, or has a newer version already."""
    ranking = review.ranking
    if ranking.annotator_id != by.pk or review.verdict != Review.Verdict.RETURNED:
        raise VersionRefused(_("Only a label of your own that was returned can be given again."))
    if Ranking.objects.filter(replaces=ranking).exists():
        raise VersionRefused(_("You have given this label again already: the newer one counts."))
    if ranking.surplus or ranking.slot is None:
        raise VersionRefused(_("This label does not count: there is nothing to give again."))
    if ranking.slot.campaign.state != Campaign.State.OPEN:
        raise VersionRefused(_("The campaign is paused or closed: come back when it is open."))


@transaction.atomic
def begin_again(*, review: Review, by: User) -> uuid.UUID:
    """The key to the item's page once more, with what was said as the draft; the slot stays filled all the while.

    It is no promise of a slot: nobody else waits for this label, so its time does not run out.
    """
    check_again(review, by)
    ranking = review.ranking
    slot = cast(Slot, ranking.slot)
    lease = Lease.objects.create(slot=slot, annotator=by, token=uuid.uuid4(), claimed_at=timezone.now())
    Draft.objects.get_or_create(slot=slot, annotator=by, defaults={"state": _as_draft(ranking, slot)})
    return lease.token


def _as_draft(ranking: Ranking, slot: Slot) -> dict[str, object]:
    """What was said, by the letters of the page."""
    stored = slot.item.response_ids
    letter_of = {
        stored[place]: letter for letter, place in zip(letters(len(stored)), slot.shown_order, strict=True)
    }
    flags: dict[str, list[str]] = {}
    for flag in ranking.flags.all():
        flags.setdefault(letter_of[flag.response_id], []).append(flag.name)
    ratings = ranking.ratings.filter(name=rules.OVERALL).values_list("response", "value")
    places = ranking.placements.exclude(tier=None).values_list("response", "tier")
    return {
        "places": {letter_of[response]: tier for response, tier in places},
        "ratings": {letter_of[response]: int(value) for response, value in ratings},
        "flags": flags,
        "unacceptable": ranking.unacceptable,
        "stage": "rank",
    }


def give_again(
    *, review: Review, submission: uuid.UUID, judgement: rules.Judgement, by: User, log: Log | None = None
) -> Ranking:
    """Store the newer version of a returned label, exactly once per submission key; the old one counts no more.

    Refuses (VersionRefused) a second newer version, and one that says what the old one said.
    """
    try:
        with transaction.atomic():
            return earlier_label(Ranking, submission, judgement.digest(), by) or _give(
                review, submission, judgement, by, log
            )
    except IntegrityError:
        # A twin of this request was faster between our look and our insert.
        earlier = earlier_label(Ranking, submission, judgement.digest(), by)
        if earlier is None:
            raise VersionRefused(
                _("You have given this label again already: the newer one counts.")
            ) from None
        return earlier


def _give(
    review: Review, submission: uuid.UUID, judgement: rules.Judgement, by: User, log: Log | None
) -> Ranking:
    check_again(review, by)
    old = review.ranking
    slot = cast(Slot, old.slot)
    campaign, responses = slot.campaign, slot.item.response_ids
    ranking = ranking_of(slot, submission, judgement, by, surplus=False)
    if judgement.digest() == old.body_digest:
        raise VersionRefused(
            _("This says what the returned label said: change something, or leave it as it is.")
        )
    # Whoever takes it out of the count first is the one whose version counts.
    if not Ranking.objects.filter(pk=old.pk, surplus=False).update(surplus=True):
        raise VersionRefused(_("You have given this label again already: the newer one counts."))
    Label.objects.filter(item=slot.item_id, annotator=by, slot=None).update(surplus=True)
    ranking.kind, ranking.source, ranking.replaces = old.kind, old.source, old
    ranking.detail = {**ranking.detail, "replaces": old.key}
    ranking.save(force_insert=True)
    store_placements([(ranking, judgement, responses)])
    if judgement.better:
        better_answers.keep(ranking, judgement.better)
    if log is not None:
        RankingLog.objects.create(ranking=ranking, body=log.body, dropped=log.dropped)
    Draft.objects.filter(slot=slot, annotator=by).delete()
    record(by=by, verb="gave label again", obj=ranking, project=campaign.project, replaces=old.key)
    ask_once_more(ranking, campaign=campaign)
    return ranking
