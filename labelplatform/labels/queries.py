"""Reading labels: progress, public ranking lines, lineage."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any, TypedDict

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from labelplatform.accounts.models import Project, User
from labelplatform.labels.models import (
    Campaign,
    Item,
    ItemResponse,
    Placement,
    Qualification,
    Ranking,
    ResponseFlag,
    Skip,
    Slot,
)
from labelplatform.prompts.models import Response

MOST_ITEMS_COUNTED = 1000
ADMITTED = (Qualification.State.PASSED, Qualification.State.OVERRIDDEN)


class Filters(TypedDict, total=False):
    """Which rankings: of these campaigns (ids), of these sources, up to this time, up to this ranking (id).

    Labels of gold items measure people; they are left out unless `with_gold` asks for them.
    """

    campaigns: list[int]
    sources: list[str]
    until: str
    last_ranking: int
    with_gold: bool


def campaigns(project: Project) -> QuerySet[Campaign]:
    """The project's campaigns with `items_wanted`, `slots_wanted`, `slots_done` and `rankings_kept`, newest first.

    Gold items are no part of the work that is wanted: of their many slots most stay open for good.
    """
    ordinary, kept = Q(slots__item__gold=None), Q(items__rankings__surplus=False, items__gold=None)
    return (
        Campaign.objects.filter(project=project)
        .annotate(
            items_wanted=Count("items", filter=Q(items__gold=None), distinct=True),
            slots_wanted=Count("slots", filter=ordinary, distinct=True),
            slots_done=Count("slots", filter=Q(slots__state="done") & ordinary, distinct=True),
            rankings_kept=Count("items__rankings", filter=kept, distinct=True),
        )
        .order_by("-pk")
    )


def rankings(project: Project, filters: Mapping[str, object] | None = None) -> QuerySet[Ranking]:
    """The project's rankings that count (no surplus), oldest first, narrowed by `Filters`."""
    found = Ranking.objects.filter(item__campaign__project=project, surplus=False)
    chosen: Mapping[str, Any] = filters or {}
    if not chosen.get("with_gold"):
        found = found.filter(item__gold__isnull=True)
    if chosen.get("campaigns"):
        found = found.filter(item__campaign__in=chosen["campaigns"])
    if chosen.get("sources"):
        found = found.filter(source__in=chosen["sources"])
    if chosen.get("until"):
        found = found.filter(at__lte=_time(chosen["until"]))
    if chosen.get("last_ranking") is not None:
        found = found.filter(pk__lte=chosen["last_ranking"])
    return found.order_by("pk")


def _time(until: object) -> datetime:
    at = parse_datetime(until) if isinstance(until, str) else until
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise ValueError(f"until: found {until!r}, wanted a time with its zone")
    return at


def all_rankings(project: Project) -> QuerySet[Ranking]:
    """The project's rankings, surplus ones too."""
    return Ranking.objects.filter(item__campaign__project=project)


def with_content(found: QuerySet[Ranking]) -> QuerySet[Ranking]:
    """The rankings with all that a ranking line needs, in a fixed number of statements."""
    places = ItemResponse.objects.select_related("response__policy").order_by("position")
    return found.select_related("item__prompt", "item__campaign", "annotator").prefetch_related(
        Prefetch("item__placed_responses", queryset=places),
        Prefetch("placements", queryset=Placement.objects.order_by("pk")),
        Prefetch("flags", queryset=ResponseFlag.objects.order_by("pk")),
    )


def ranking_lines(
    project: Project, filters: Mapping[str, object] | None = None
) -> Iterator[dict[str, object]]:
    """The public ranking lines of a project, streamed: memory does not grow with their number."""
    for ranking in with_content(rankings(project, filters)).iterator(chunk_size=200):
        yield ranking_line(ranking)


def ranking_line(ranking: Ranking) -> dict[str, object]:
    """The public line of one ranking; ids in it are the keys of prompts and responses."""
    responses = [place.response for place in ranking.item.placed_responses.all()]
    key_of = {response.pk: response.key for response in responses}
    tiers: dict[int, list[str]] = {}
    for placement in ranking.placements.all():
        if placement.tier is not None:
            tiers.setdefault(placement.tier, []).append(key_of[placement.response_id])
    line: dict[str, object] = {
        "id": ranking.key,
        "prompt": ranking.item.prompt.messages,
        "responses": [_response(response) for response in responses],
        "tiers": [tiers[tier] for tier in sorted(tiers)],
        "annotator": ranking.annotator.username,
        "kind": ranking.kind,
        "item": ranking.item.key,
        "prompt_id": ranking.item.prompt.key,
        "source": ranking.source,
        **_told(ranking, key_of),
    }
    return {**line, **ranking.detail}


def _told(ranking: Ranking, key_of: Mapping[int, str]) -> dict[str, object]:
    """What a ranking may or may not tell beside its order."""
    told: dict[str, object] = {}
    if ranking.seconds is not None:
        told["seconds"] = ranking.seconds
    if ranking.shown_order:
        told["shown_order"] = [key_of[response] for response in ranking.shown_order]
    if ranking.unacceptable:
        told["unacceptable"] = True
    flags: dict[str, list[str]] = {}
    for flag in ranking.flags.all():
        flags.setdefault(key_of[flag.response_id], []).append(flag.name)
    return {**told, "flags": flags} if flags else told


def _response(response: Response) -> dict[str, object]:
    told: dict[str, object] = {"id": response.key, "text": response.text}
    if response.policy_name:
        told["policy"] = response.policy_name
    return told


@dataclass(frozen=True)
class UnrankedItem:
    """An item that still waits for a label, for rules that rank without a page."""

    item: str
    prompt_id: str
    prompt: list[dict[str, str]]
    detail: dict[str, object]
    responses: list[dict[str, object]]


def unranked_items(campaign: Campaign) -> Iterator[UnrankedItem]:
    """The campaign's items that have no ranking that counts, oldest first, for `record_rankings`."""
    places = ItemResponse.objects.select_related("response__policy").order_by("position")
    waiting = campaign.items.exclude(rankings__surplus=False).select_related("prompt")
    items = waiting.prefetch_related(Prefetch("placed_responses", queryset=places)).order_by("pk")
    for item in items.iterator(chunk_size=200):
        yield UnrankedItem(
            item=item.key,
            prompt_id=item.prompt.key,
            prompt=item.prompt.messages,
            detail=item.prompt.detail,
            responses=[_response(place.response) for place in item.placed_responses.all()],
        )


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
    done = dict(
        Ranking.objects.filter(annotator=annotator, item__campaign__project=project)
        .values_list("item__campaign")
        .annotate(rankings=Count("pk"))
    )
    campaigns = list(Campaign.objects.filter(project=project, state=Campaign.State.OPEN, overlap__gt=0))
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
    labelled = Ranking.objects.filter(item=OuterRef("item"), annotator=annotator)
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


@dataclass(frozen=True)
class Contribution:
    """How much one person (or rule) gave to a campaign."""

    name: str
    kind: str
    rankings: int
    median_seconds: float | None


def people_of(campaign: Campaign) -> list[Contribution]:
    """Who labelled in a campaign, most first; two statements."""
    given: dict[int, list[float]] = {}
    rows = Ranking.objects.filter(item__campaign=campaign, surplus=False)
    for annotator, seconds in rows.values_list("annotator", "seconds"):
        given.setdefault(annotator, []).append(-1.0 if seconds is None else seconds)
    people = User.objects.in_bulk(given)
    found = [
        Contribution(
            name=people[pk].get_full_name() or people[pk].username,
            kind=people[pk].kind,
            rankings=len(times),
            median_seconds=median(known) if (known := [time for time in times if time >= 0]) else None,
        )
        for pk, times in given.items()
    ]
    return sorted(found, key=lambda one: (-one.rankings, one.name))


def surplus_count(campaign: Campaign) -> int:
    """How many rankings came too late and are kept aside."""
    return Ranking.objects.filter(item__campaign=campaign, surplus=True).count()


@dataclass(frozen=True)
class ShownTier:
    """One tier of a ranking; `place` is None for responses left unranked."""

    place: int | None
    responses: list[Response]


def shown_tiers(ranking: Ranking) -> list[ShownTier]:
    """A ranking's responses by tier, best first, unranked last; needs `with_content`."""
    by_pk = {place.response_id: place.response for place in ranking.item.placed_responses.all()}
    tiers: dict[int | None, list[Response]] = {}
    for placement in ranking.placements.all():
        tiers.setdefault(placement.tier, []).append(by_pk[placement.response_id])
    return [ShownTier(place, tiers[place]) for place in sorted(tiers, key=lambda tier: tier or 10)]
