"""Reading the queue: what waits for one person, what others hold just now, and what was set aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone

from labelplatform.accounts.models import Project, User
from labelplatform.labels.models import Campaign, Item, Label, Qualification, Ranking, Skip, Slot

MOST_ITEMS_COUNTED = 1000
ADMITTED = (Qualification.State.PASSED, Qualification.State.OVERRIDDEN)


@dataclass(frozen=True)
class Waiting:
    """A campaign as one annotator sees it: nothing of others but that items are theirs just now."""

    campaign: Campaign
    for_me: int
    held_by_others: int
    done_by_me: int
    # The count ends there: "1000 and more".
    more: bool = False
    # The campaign asked for a qualification that this person has not reached.
    closed: bool = False


def queue(project: Project, annotator: User) -> list[Waiting]:
    """Open campaigns of the project with what waits for this person; two statements a campaign, whatever its length."""
    now = timezone.now()
    campaigns = list(Campaign.objects.filter(project=project, state=Campaign.State.OPEN, overlap__gt=0))
    done = _given_by(annotator, campaigns)
    standing = _standing(annotator, campaigns)
    found = []
    for campaign in campaigns:
        mine = done.get(campaign.pk, 0)
        state = standing.get(campaign.pk)
        if state == Qualification.State.FAILED:
            found.append(Waiting(campaign, 0, 0, mine, closed=True))
            continue
        waiting = _items_counted(waiting_slots(campaign, annotator, now))
        held = _items_counted(slots_held_by_others(campaign, annotator, now))
        # How many gold items come first is not told: only that there is none to be had would be.
        if state not in ADMITTED and not gold_waits(campaign, annotator, now):
            waiting = held = 0
        found.append(Waiting(campaign, waiting, held, mine, more=waiting == MOST_ITEMS_COUNTED))
    return found


def _given_by(annotator: User, campaigns: Sequence[Campaign]) -> dict[int, int]:
    """How many labels this person gave to each of these; one statement for orders, one for labels of other kinds."""
    given: dict[int, int] = {}
    for model in (Ranking, Label):
        theirs = [one.pk for one in campaigns if one.gives_rankings == (model is Ranking)]
        if theirs:
            mine = model._default_manager.filter(annotator=annotator, item__campaign__in=theirs)
            given |= dict(mine.order_by().values_list("item__campaign").annotate(given=Count("pk")))
    return given


def _standing(annotator: User, campaigns: Sequence[Campaign]) -> dict[int, str]:
    """How this person stands with each campaign; one that asks for no qualification has admitted everybody."""
    asking = [campaign.pk for campaign in campaigns if campaign.qualification_items]
    found = {
        campaign.pk: Qualification.State.PASSED.value for campaign in campaigns if campaign.pk not in asking
    }
    if asking:
        mine = Qualification.objects.filter(annotator=annotator, campaign__in=asking)
        found |= dict(mine.values_list("campaign", "state"))
    return found


def gold_waits(campaign: Campaign, annotator: User, now: datetime) -> bool:
    """Whether somebody who has yet to qualify could take a slot now."""
    return _free(campaign, annotator, now, Q(state=Slot.State.OPEN)).filter(item__gold__isnull=False).exists()


def _items_counted(slots: QuerySet[Slot]) -> int:
    """How many items these slots are of, counted no further than anybody needs to know."""
    return slots.order_by().values("item").distinct()[:MOST_ITEMS_COUNTED].count()


def waiting_slots(campaign: Campaign, annotator: User, now: datetime) -> QuerySet[Slot]:
    """Slots that this person could take now: open, lapsed or their own, on items they have not touched otherwise.

    The claim itself says the same in one statement (services/claim_statement.py).
    """
    return _free(campaign, annotator, now, Q(state=Slot.State.OPEN, queue_place__gte=0))


def _free(campaign: Campaign, annotator: User, now: datetime, opened: Q) -> QuerySet[Slot]:
    leased = Q(state=Slot.State.LEASED)
    lapsed = leased & (Q(lease_expires_at__lt=now) | Q(annotator=annotator))
    return _untouched(campaign, annotator).filter(opened | lapsed)


def slots_held_by_others(campaign: Campaign, annotator: User, now: datetime) -> QuerySet[Slot]:
    """Slots that come back to this person should those who hold them let go."""
    held = Q(state=Slot.State.LEASED, lease_expires_at__gte=now) & ~Q(annotator=annotator)
    return _untouched(campaign, annotator).filter(held)


def _untouched(campaign: Campaign, annotator: User) -> QuerySet[Slot]:
    mine = Slot.objects.filter(item=OuterRef("item"), annotator=annotator).exclude(state=Slot.State.OPEN)
    table = Ranking if campaign.gives_rankings else Label
    labelled = table._default_manager.filter(item=OuterRef("item"), annotator=annotator)
    skipped = Skip.objects.filter(item=OuterRef("item"), annotator=annotator)
    return Slot.objects.filter(
        ~Exists(mine.exclude(pk=OuterRef("pk"))), ~Exists(labelled), ~Exists(skipped), campaign=campaign
    )


@dataclass(frozen=True)
class SetAside:
    """An item that too many people skipped, and why they did."""

    item: Item
    reasons: list[Skip]


def set_aside(campaign: Campaign) -> list[SetAside]:
    """Items that wait for a researcher's look, with who skipped them and why; two statements."""
    items = campaign.items.filter(slots__state=Slot.State.PARKED).distinct().select_related("prompt")
    told = items.prefetch_related(Prefetch("skips", queryset=Skip.objects.select_related("annotator")))
    return [SetAside(item, list(item.skips.all())) for item in told.order_by("pk")]
