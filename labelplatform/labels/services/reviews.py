"""A second look at labels: a sample of one annotator's, each accepted or returned with a word for them.

A label stays as it was given, whatever is said about it; what is returned its annotator may give again
(services/versions.py), which stores a newer one.
"""

import math
import random

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels.models import Campaign, Ranking, Review
from labelplatform.labels.services.adjudication import has_labelled

BATCH = 500


class ReviewRefused(Exception):
    """A review that cannot be drawn or given; the message is for the person."""


@transaction.atomic
def draw_reviews(
    *, campaign: Campaign, annotator: User, share: float, by: User, seed: int = 0
) -> list[Review]:
    """Draw so large a share of an annotator's labels that nobody has drawn yet, at least one; returns what was drawn.

    Labels of gold and of hidden repeats stay out, for a word about one would tell which they are; so do labels of
    items that the reviewer has labelled too.
    """
    if not 0 < share <= 1:
        raise ReviewRefused(_("Draw a share between 0 and 1 of the labels."))
    there = list(_not_drawn(campaign, annotator, by).order_by("pk").values_list("pk", flat=True))
    if not there:
        raise ReviewRefused(_("There is no label of this person left to draw."))
    drawn = sorted(random.Random(seed).sample(there, math.ceil(share * len(there))))
    reviews = Review.objects.bulk_create([Review(ranking_id=pk) for pk in drawn], batch_size=BATCH)
    record(
        by=by,
        verb="drew labels for review",
        obj=campaign,
        project=campaign.project,
        annotator=annotator.username,
        share=share,
        seed=seed,
        labels=len(reviews),
    )
    return reviews


def _not_drawn(campaign: Campaign, annotator: User, reviewer: User) -> QuerySet[Ranking]:
    own = Ranking.objects.filter(item=OuterRef("item"), annotator=reviewer)
    theirs = Ranking.objects.filter(item__campaign=campaign, annotator=annotator, surplus=False)
    ordinary = theirs.filter(item__gold=None, item__repeat=None, decides=None)
    return ordinary.filter(~Exists(own), review=None)


@transaction.atomic
def review_label(*, review: Review, verdict: str, by: User, note: str = "") -> Review:
    """Accept a drawn label, or return it with a note; what was said is not taken back."""
    mine = (
        Review.objects.select_for_update(of=("self",))
        .select_related("ranking__item__campaign__project")
        .get(pk=review.pk)
    )
    if mine.verdict != Review.Verdict.WAITING:
        raise ReviewRefused(_("Somebody has reviewed this label already."))
    if verdict not in (Review.Verdict.ACCEPTED, Review.Verdict.RETURNED):
        raise ReviewRefused(_("Accept the label or return it."))
    if verdict == Review.Verdict.RETURNED and not note.strip():
        raise ReviewRefused(_("Say what to look at: whoever gave this label reads your note."))
    if has_labelled(mine.ranking.item, by):
        raise ReviewRefused(_("You have labelled this item yourself: somebody else reviews it."))
    mine.verdict, mine.note, mine.reviewer, mine.at = verdict, note.strip(), by, timezone.now()
    mine.save(update_fields=["verdict", "note", "reviewer", "at"])
    project = mine.ranking.item.campaign.project
    record(by=by, verb="reviewed label", obj=mine.ranking, project=project, verdict=verdict)
    return mine
