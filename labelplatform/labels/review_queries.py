"""Reading reviews and decisions, blind: no policy, no name of an annotator is read here."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from labelplatform.accounts.models import Project, User
from labelplatform.labels.models import Adjudication, Campaign, Item, Placement, Ranking, Review
from labelplatform.labels.orders import letters, shown_order


@dataclass(frozen=True)
class BlindAnswer:
    """One answer under its letter, with the tier that each label gave it."""

    letter: str
    response: int
    text: str
    tiers: list[int | None]


def to_decide(campaign: Campaign) -> QuerySet[Adjudication]:
    """Items that wait for a decision, the oldest first, with `labels`: how many there are of each."""
    return _adjudications(campaign).filter(decision=None).order_by("pk")


def decided(campaign: Campaign) -> QuerySet[Adjudication]:
    """Items that are decided, the newest first."""
    return _adjudications(campaign).exclude(decision=None).order_by("-decision__at", "-pk")


def _adjudications(campaign: Campaign) -> QuerySet[Adjudication]:
    counted = Count("item__rankings", filter=Q(item__rankings__surplus=False, item__rankings__decides=None))
    found = Adjudication.objects.filter(item__campaign=campaign).annotate(labels=counted)
    return found.select_related("item__prompt", "decision__annotator")


def blind_labels(item: Item) -> QuerySet[Ranking]:
    """The labels that a decision is about: those that count, the oldest first."""
    return item.rankings.filter(surplus=False, decides=None).order_by("at", "pk")


def blind_answers(item: Item) -> list[BlindAnswer]:
    """The item's answers shuffled (the same for everybody) with what each label said of them; three statements."""
    placed = {place.position: place.response for place in item.placed_responses.select_related("response")}
    tiers = [
        {placement.response_id: placement.tier for placement in ranking.placements.all()}
        for ranking in blind_labels(item).prefetch_related("placements")
    ]
    order = shown_order(count=len(placed), seed=f"decision/{item.campaign.seed}/{item.key}", ordinal=1)
    return [
        BlindAnswer(letter, placed[at].pk, placed[at].text, [one.get(placed[at].pk) for one in tiers])
        for letter, at in zip(letters(len(placed)), order, strict=True)
    ]


def reviews(campaign: Campaign) -> QuerySet[Review]:
    """The campaign's reviews, those that wait first."""
    found = Review.objects.filter(ranking__item__campaign=campaign)
    return found.select_related("ranking__item__prompt", "ranking__annotator", "reviewer").order_by(
        "at", "pk"
    )


def next_to_review(campaign: Campaign, reviewer: User) -> Review | None:
    """The next label that waits for a look and is of no item that this person labelled."""
    waiting = reviews(campaign).filter(verdict=Review.Verdict.WAITING)
    return waiting.exclude(ranking__item__rankings__annotator=reviewer).order_by("pk").first()


def feedback(project: Project, annotator: User) -> list[tuple[Review, list[list[str]]]]:
    """What reviewers said of this person's labels, the newest first, each with their order: texts by tier."""
    placed = Placement.objects.select_related("response").order_by("tier", "pk")
    told = Review.objects.filter(ranking__annotator=annotator, ranking__item__campaign__project=project)
    newer = Exists(Ranking.objects.filter(replaces=OuterRef("ranking")))
    found = told.exclude(verdict=Review.Verdict.WAITING).select_related("ranking__item__prompt")
    found = found.annotate(newer=newer)
    found = found.prefetch_related(Prefetch("ranking__placements", queryset=placed)).order_by("-at", "-pk")
    return [(review, _texts_by_tier(list(review.ranking.placements.all()))) for review in found[:100]]


def order_of(ranking: Ranking) -> list[list[str]]:
    """A label's answers by tier, best first."""
    return _texts_by_tier(list(ranking.placements.select_related("response").order_by("tier", "pk")))


def _texts_by_tier(placements: Sequence[Placement]) -> list[list[str]]:
    """Texts tier by tier; what was left unranked comes last."""
    tiers: dict[int | None, list[str]] = {}
    for placement in placements:
        tiers.setdefault(placement.tier, []).append(placement.response.text)
    return [tiers[tier] for tier in sorted(tiers, key=lambda tier: tier or 10)]
