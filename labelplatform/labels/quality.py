"""How well a campaign's labels agree, item by item and person by person: the database laid out for the statistics.

What is reckoned, `evaluator.statistics` reckons. It is imported where it is used: NumPy and SciPy take a second to
load, which no page but these should wait for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Max, Q, QuerySet

from labelplatform.accounts.models import User
from labelplatform.labels.models import (
    Campaign,
    GoldItem,
    Item,
    ItemResponse,
    Placement,
    Qualification,
    Ranking,
)

if TYPE_CHECKING:
    from evaluator.statistics.agreement import Agreement, ItemAgreement
    from evaluator.statistics.annotators import AnnotatorQuality
    from evaluator.statistics.intervals import Interval
    from evaluator.statistics.ranking_labels import RankingLabel
    from evaluator.statistics.resampling import Sampling

# So that the page answers within a second: 1,000 items of three labels are read and reckoned in half of one.
MOST_ITEMS = 1000
MOST_ITEMS_COMPARED = 5000
RESAMPLES = 200
TOLD = ("kind", "seconds", "shown_order")


@dataclass(frozen=True)
class Gathered:
    """The labels of a campaign's newest items as statistics see them, in order of time; names are ids as text."""

    labels: Sequence[RankingLabel]
    items: int
    items_left_out: int


@dataclass(frozen=True)
class Person:
    """One annotator of a campaign with their figures."""

    user: User
    quality: AnnotatorQuality
    qualification: Qualification | None


@dataclass(frozen=True)
class CampaignQuality:
    """All that the quality page tells."""

    gathered: Gathered
    agreement: Agreement
    people: list[Person]


@dataclass(frozen=True)
class ComparedItem:
    """An item that several people labelled, with how far they agree on it."""

    item: Item
    agreement: ItemAgreement


def campaign_quality(campaign: Campaign) -> CampaignQuality:
    """The agreement of a campaign and the quality of everybody who labelled in it."""
    from evaluator.statistics.agreement import agreement
    from evaluator.statistics.annotators import annotator_quality

    gathered = gather(campaign, MOST_ITEMS)
    found = annotator_quality(gathered.labels, gold=gold_of(campaign), sampling=_sampling(campaign))
    users = User.objects.in_bulk([int(one.annotator) for one in found])
    standing = {one.annotator_id: one for one in campaign.qualifications.all()}
    people = [Person(users[int(one.annotator)], one, standing.get(int(one.annotator))) for one in found]
    return CampaignQuality(gathered, agreement(gathered.labels, _sampling(campaign)), people)


def compared_items(campaign: Campaign) -> list[ItemAgreement]:
    """Items that two or more people labelled, the lowest agreement first; where nothing is comparable, last."""
    from evaluator.statistics.agreement import item_agreement

    found = [one for one in item_agreement(gather(campaign, MOST_ITEMS_COMPARED).labels) if one.labels > 1]
    return sorted(found, key=lambda one: (one.pairwise is None, one.pairwise or 0.0, one.tau_b or 0.0))


def pairwise_agreement(item: Item) -> float | None:
    """The share of answer pairs on which the item's labels agree; None where no two of them say something of one."""
    from evaluator.statistics.agreement import item_agreement

    found = item_agreement(labels_of(Item.objects.filter(pk=item.pk)))
    return found[0].pairwise if found else None


def with_items(page: Sequence[ItemAgreement]) -> list[ComparedItem]:
    """The items behind one page of agreements, in its order; one statement."""
    items = Item.objects.select_related("prompt").in_bulk([int(one.item) for one in page])
    return [ComparedItem(items[int(one.item)], one) for one in page]


def gather(campaign: Campaign, most_items: int) -> Gathered:
    """Labels that count, of the `most_items` items labelled last; four statements, whatever their number."""
    labelled = (
        campaign.items.filter(repeat=None)
        .annotate(newest=Max("rankings__pk", filter=Q(rankings__surplus=False)))
        .exclude(newest=None)
    )
    newest = labelled.order_by("-newest").values("pk")[:most_items]
    chosen = Item.objects.filter(Q(pk__in=newest) | Q(repeat__original__in=newest))
    labels = labels_of(chosen if campaign.has_repeats else Item.objects.filter(pk__in=newest))
    items = len({label.item for label in labels})
    return Gathered(labels, items, labelled.count() - items)


def labels_of(items: QuerySet[Item]) -> list[RankingLabel]:
    """The labels that count of these items, in order of time, responses in stored order; three statements.

    A label of a twin is a later label of the item that it repeats. Decisions of reviewers are no labels here.
    """
    from evaluator.statistics.ranking_labels import RankingLabel
    from evaluator.statistics.speed import word_count

    chosen = items.order_by().values("pk")
    responses: dict[int, list[int]] = defaultdict(list)
    words: dict[int, int] = {}
    stored = ItemResponse.objects.filter(item__in=chosen).order_by("item", "position")
    for item, response, text in stored.values_list("item", "response", "response__text"):
        responses[item].append(response)
        words[response] = word_count(text)
    tiers: dict[int, dict[int, int | None]] = defaultdict(dict)
    placed = Placement.objects.filter(ranking__item__in=chosen, ranking__surplus=False).order_by()
    for ranking, response, tier in placed.values_list("ranking", "response", "tier"):
        tiers[ranking][response] = tier
    found = []
    for row in (
        Ranking.objects.filter(item__in=chosen, surplus=False, decides=None)
        .order_by("at", "pk")
        .values("pk", "item", "item__prompt", "item__repeat__original", "annotator", *TOLD)
    ):
        ids = responses[row["item"]]
        found.append(
            RankingLabel(
                item=str(row["item__repeat__original"] or row["item"]),
                annotator=str(row["annotator"]),
                responses=tuple(map(str, ids)),
                tiers=tuple(tiers[row["pk"]].get(response) for response in ids),
                id=str(row["pk"]),
                prompt=str(row["item__prompt"]),
                kind=row["kind"],
                shown=tuple(map(str, row["shown_order"])),
                words=tuple(words[response] for response in ids),
                seconds=row["seconds"],
            )
        )
    return found


def gold_of(campaign: Campaign) -> list[RankingLabel]:
    """The known orders of a campaign's gold items, as labels of nobody; two statements."""
    from evaluator.statistics.ranking_labels import RankingLabel

    known = GoldItem.objects.filter(item__campaign=campaign).select_related("item")
    found = []
    for gold in known.prefetch_related("item__placed_responses"):
        names = tuple(map(str, gold.item.response_ids))
        found.append(RankingLabel(str(gold.item_id), "gold", names, tuple(places_of(gold))))
    return found


def agreement_with_gold(campaign: Campaign, annotator: User) -> Interval:
    """The share of gold's pairs that one person has right, over all gold items that they labelled."""
    from evaluator.statistics.annotators import gold_agreement
    from evaluator.statistics.resampling import Sampling

    items = campaign.items.filter(gold__isnull=False, rankings__annotator=annotator)
    theirs = [label for label in labels_of(items) if label.annotator == str(annotator.pk)]
    known = {label.item: label for label in gold_of(campaign)}
    return gold_agreement(theirs, known, Sampling(resamples=0))


def _sampling(campaign: Campaign) -> Sampling:
    from evaluator.statistics.resampling import Sampling

    return Sampling(seed=campaign.seed, resamples=RESAMPLES)


@dataclass(frozen=True)
class GivenLabel:
    """One person's label of an item, its tiers in the item's stored order of responses (None: left unranked)."""

    ranking: Ranking
    tiers: list[int | None]


def labels_side_by_side(item: Item) -> list[GivenLabel]:
    """What everybody said of an item, late work too, the oldest first; three statements."""
    rankings = item.rankings.select_related("annotator").prefetch_related("placements").order_by("at", "pk")
    found = []
    for ranking in rankings:
        tier_of = {placement.response_id: placement.tier for placement in ranking.placements.all()}
        found.append(GivenLabel(ranking, [tier_of.get(response) for response in item.response_ids]))
    return found


def places_of(gold: GoldItem) -> list[int | None]:
    """The tier that gold gives each response, in the item's stored order; None: unknown."""
    tier_of = {response: tier for tier, tied in enumerate(gold.tiers, 1) for response in tied}
    return [tier_of.get(response) for response in gold.item.response_ids]


def places_for_gold(item: Item, taken_from: str) -> list[int | None]:
    """The places, in stored order, that a label of this item (its id) gave; else those of its gold; else none."""
    labels = {str(label.ranking.pk): label.tiers for label in labels_side_by_side(item)}
    if taken_from in labels:
        return labels[taken_from]
    return places_of(item.gold) if hasattr(item, "gold") else [None] * len(item.response_ids)
