"""How far people's ratings agree with those of gold: the database laid out for the statistics.

What is reckoned, `evaluator.statistics` reckons; it is imported where it is used, as in quality.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from labelplatform.accounts.models import User
from labelplatform.labels.kinds import Matter, kind_of
from labelplatform.labels.kinds.ratings import Ratings
from labelplatform.labels.models import Campaign, DemonstrationScore, GoldItem, Label
from labelplatform.labels.rules import HIGHEST_RATING, LOWEST_RATING

if TYPE_CHECKING:
    from evaluator.statistics.intervals import Interval

# Kinds of which ratings are known to be right.
RATED = frozenset({Campaign.Kind.RATING, Campaign.Kind.HONESTY})
FEWEST_CHECKS = 5


def names_of(campaign: Campaign) -> list[str]:
    """The names under which answers of this campaign are rated; of other kinds none."""
    kind = kind_of(campaign)
    return kind.names(Matter(campaign.asks)) if isinstance(kind, Ratings) else []


def says_nothing(kind: str, value: int) -> bool:
    """Whether no rating whatever could agree with this one."""
    return kind == Campaign.Kind.HONESTY and 2 * value == LOWEST_RATING + HIGHEST_RATING


def agreement_with_gold(
    campaign: Campaign, annotator: User, *, seed: int = 0, resamples: int = 0
) -> Interval:
    """The share of gold's ratings that one person agrees with, over all gold items that they labelled.

    A rating agrees within one point of the scale; the answer to an honesty check (yes or no) where it is the same.
    """
    from evaluator.statistics.chance_corrected import RatingLabel
    from evaluator.statistics.rating_agreement import known_agreement, same_side, within_one_step
    from evaluator.statistics.resampling import Sampling

    gold = GoldItem.objects.filter(item__campaign=campaign).values_list("item", "ratings")
    known = {(str(item), name): value for item, ratings in gold for name, value in ratings.items()}
    theirs = Label.objects.filter(
        item__campaign=campaign,
        item__gold__isnull=False,
        annotator=annotator,
        kind=campaign.kind,
        surplus=False,
    )
    given = [
        RatingLabel(str(item), name, str(annotator.pk), value, str(prompt))
        for item, prompt, body in theirs.order_by("pk").values_list("item", "item__prompt", "body")
        for name, value in body["ratings"].items()
    ]
    agrees = same_side if campaign.kind == Campaign.Kind.HONESTY else within_one_step
    sampling = Sampling(seed=seed, resamples=resamples, fewest=FEWEST_CHECKS)
    return known_agreement(given, known, agrees, sampling)


def to_score(campaign: Campaign, reviewer: User) -> QuerySet[Label]:
    """Demonstrations written to qualify that wait for a rating by this reviewer, the oldest first."""
    written = Label.objects.filter(
        item__campaign=campaign, item__gold__isnull=False, surplus=False, score=None
    )
    written = written.select_related("item__prompt")
    return written.filter(kind=Campaign.Kind.DEMONSTRATION).exclude(annotator=reviewer).order_by("pk")


def scores_of(campaign: Campaign, annotator: User) -> Sequence[DemonstrationScore]:
    """What reviewers gave one person's demonstrations, the oldest first."""
    given = DemonstrationScore.objects.filter(label__item__campaign=campaign, label__annotator=annotator)
    return list(given.select_related("label__item__prompt").order_by("pk"))
