"""Gold and qualification of labels that are no orders.

Of ratings and honesty checks the right ratings of an answer are known, and people are measured by how many of theirs
agree. Of demonstrations nothing is known beforehand: prompts are set apart to qualify by, and a reviewer rates what was
written for them, without a name (InstructGPT asked for 6 of 7).
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import known_ratings
from labelplatform.labels.models import Campaign, DemonstrationScore, GoldItem, Item, Label
from labelplatform.labels.rules import HIGHEST_RATING, LOWEST_RATING
from labelplatform.labels.services.gold import GoldRefused, mix_in_gold
from labelplatform.labels.services.qualification import settle


class ScoreRefused(Exception):
    """A rating of a demonstration that cannot be taken; the message is for the person."""


@transaction.atomic
def set_gold_label(*, item: Item, ratings: Mapping[str, int], explanation: str, by: User) -> GoldItem:
    """Say which ratings of an item are right, or say it anew; a prompt for demonstrations is gold without any."""
    kind = item.campaign.kind
    if kind != Campaign.Kind.DEMONSTRATION:
        _check(kind, ratings, known_ratings.names_of(item.campaign))
    elif ratings:
        raise GoldRefused(
            _("A demonstration is rated by a reviewer once it is written: nothing is known before.")
        )
    gold, _made = GoldItem.objects.update_or_create(
        item=item, defaults={"ratings": dict(ratings), "explanation": explanation, "set_by": by}
    )
    record(by=by, verb="set gold", obj=item, project=item.campaign.project)
    mix_in_gold(campaign=item.campaign, seed=item.campaign.seed)
    return gold


def _check(kind: str, ratings: Mapping[str, int], names: Sequence[str]) -> None:
    if kind not in known_ratings.RATED:
        raise GoldRefused(_("Labels of this kind have no right answer to compare with."))
    if not ratings:
        raise GoldRefused(_("Say at least one rating that is right."))
    if unknown := sorted(set(ratings) - set(names)):
        raise GoldRefused(_("Nobody asked for this rating: %(name)s") % {"name": unknown[0]})
    if not all(_is_rating(value) for value in ratings.values()):
        raise GoldRefused(_("A rating is a number from 1 to 7."))
    if any(known_ratings.says_nothing(kind, value) for value in ratings.values()):
        raise GoldRefused(
            _("The middle of the scale says neither yes nor no: nobody could be right or wrong.")
        )


def _is_rating(value: object) -> bool:
    return type(value) is int and LOWEST_RATING <= value <= HIGHEST_RATING


def examine_labels(labels: Sequence[Label], *, campaign: Campaign) -> None:
    """After labels that fill what was wanted: of each that is of gold, whether its annotator has qualified."""
    if not campaign.qualification_items:
        return
    gold = set(
        GoldItem.objects.filter(item__in={one.item_id for one in labels}).values_list("item", flat=True)
    )
    people = {one.annotator_id: one.annotator for one in labels if one.item_id in gold and not one.surplus}
    for annotator in people.values():
        _settle(campaign, annotator)


def _settle(campaign: Campaign, annotator: User) -> None:
    if campaign.kind == Campaign.Kind.DEMONSTRATION:
        settle(campaign, annotator, lambda: _well_enough(campaign, annotator))
    elif campaign.kind in known_ratings.RATED:
        settle(campaign, annotator, lambda: _right_enough(campaign, annotator))


def _right_enough(campaign: Campaign, annotator: User) -> bool | None:
    """Whether a person's ratings agree with gold as far as is asked; None while too few items say so."""
    found = known_ratings.agreement_with_gold(campaign, annotator)
    if found.n < campaign.qualification_items or found.value is None:
        return None
    return found.value >= campaign.qualification_share


def _well_enough(campaign: Campaign, annotator: User) -> bool | None:
    """Whether a person's demonstrations are rated as is asked on average; None while too few are rated."""
    theirs = DemonstrationScore.objects.filter(
        label__item__campaign=campaign, label__annotator=annotator, label__surplus=False
    )
    scores = list(theirs.filter(label__item__gold__isnull=False).values_list("score", flat=True))
    if len(scores) < campaign.qualification_items:
        return None
    return fmean(scores) >= campaign.qualification_score


@transaction.atomic
def score_demonstration(*, label: Label, score: int, by: User, note: str = "") -> DemonstrationScore:
    """Rate a demonstration that was written to qualify; the last one that is needed decides."""
    campaign = label.item.campaign
    waiting = Label.objects.select_for_update(of=("self",)).filter(pk=label.pk)
    if not waiting.filter(item__gold__isnull=False, kind=Campaign.Kind.DEMONSTRATION, surplus=False).exists():
        raise ScoreRefused(_("Only demonstrations that were written to qualify are rated."))
    if not _is_rating(score):
        raise ScoreRefused(_("A rating is a number from 1 to 7."))
    if label.annotator_id == by.pk:
        raise ScoreRefused(_("You have written this yourself: somebody else rates it."))
    if DemonstrationScore.objects.filter(label=label).exists():
        raise ScoreRefused(_("Somebody has rated this demonstration already."))
    given = DemonstrationScore.objects.create(label=label, score=score, note=note.strip(), reviewer=by)
    record(by=by, verb="rated demonstration", obj=label, project=campaign.project, score=score)
    if campaign.qualification_items:
        _settle(campaign, label.annotator)
    return given
