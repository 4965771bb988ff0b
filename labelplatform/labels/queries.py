"""Reading labels: progress, public ranking lines, lineage."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from statistics import median
from typing import Any, TypedDict

from django.db.models import Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from labelplatform.accounts.models import Project, User
from labelplatform.labels.line_slices import ITEM_COLUMNS, NAMES, sliced
from labelplatform.labels.models import (
    Campaign,
    Item,
    ItemResponse,
    Label,
    Placement,
    Ranking,
    ResponseFlag,
    ResponseRating,
)
from labelplatform.labels.orders import tiers
from labelplatform.labels.versions import counting
from labelplatform.prompts.models import Response

# SQLite takes only so many values in one statement.
RANKINGS_AT_ONCE = 400
CHARACTERS_REMEMBERED = 8_000_000
DECISIONS_ONLY, DECISIONS_NONE = "only", "none"


class Filters(TypedDict, total=False):
    """Which rankings: of these campaigns (ids), of these sources, up to this time, up to this ranking (id).

    `surplus` adds those that came too late and count nowhere; their lines say so.
    Labels of gold items and of hidden repeats measure people; they are left out unless `with_gold` and `with_repeats`
    ask for them. `decisions`: "only" takes of an item that is decided the decision alone, "none" takes no decision.
    """

    campaigns: list[int]
    sources: list[str]
    until: str
    last_ranking: int
    surplus: bool
    with_gold: bool
    with_repeats: bool
    decisions: str


def campaigns(project: Project) -> QuerySet[Campaign]:
    """The project's campaigns with `items_wanted`, `slots_wanted`, `slots_done` and `labels_kept`, newest first.

    Gold items are no part of the work that is wanted: of their many slots most stay open for good. Nor are repeats.
    """
    wanted, ordinary = (
        Q(**{f"{way}gold": None, f"{way}repeat": None}) for way in ("items__", "slots__item__")
    )
    kept = wanted & Q(items__rankings__surplus=False)
    return (
        Campaign.objects.filter(project=project)
        .annotate(
            items_wanted=Count("items", filter=wanted, distinct=True),
            slots_wanted=Count("slots", filter=ordinary, distinct=True),
            slots_done=Count("slots", filter=Q(slots__state="done") & ordinary, distinct=True),
            rankings_kept=Count("items__rankings", filter=kept, distinct=True),
            labels_kept=F("rankings_kept") + Coalesce(Subquery(_other_labels()), 0),
        )
        .order_by("-pk")
    )


def _other_labels() -> QuerySet[Label, Any]:
    """How many labels that are no orders the campaign around it keeps."""
    # By kind: an answer that somebody wrote beside a ranking is no label that the campaign asked for.
    there = Label.objects.filter(item__campaign=OuterRef("pk"), kind=OuterRef("kind"), surplus=False)
    there = there.filter(item__gold=None, item__repeat=None)
    return there.order_by().values("item__campaign").annotate(kept=Count("pk")).values("kept")


def rankings(project: Project, filters: Mapping[str, object] | None = None) -> QuerySet[Ranking]:
    """The project's rankings that count (no surplus), oldest first, narrowed by `Filters`."""
    found = all_rankings(project)
    chosen: Mapping[str, Any] = filters or {}
    if not chosen.get("surplus"):
        until = moment(chosen["until"]) if chosen.get("until") else None
        found = found.filter(counting(chosen.get("last_ranking"), until))
    if not chosen.get("with_gold"):
        found = found.filter(item__gold__isnull=True)
    if not chosen.get("with_repeats"):
        found = found.filter(item__repeat__isnull=True)
    if chosen.get("decisions") == DECISIONS_ONLY:
        found = found.filter(Q(item__adjudication__decision=None) | Q(decides__isnull=False))
    if chosen.get("decisions") == DECISIONS_NONE:
        found = found.filter(decides=None)
    if chosen.get("campaigns"):
        found = found.filter(item__campaign__in=chosen["campaigns"])
    if chosen.get("sources"):
        found = found.filter(source__in=chosen["sources"])
    if chosen.get("until"):
        found = found.filter(at__lte=moment(chosen["until"]))
    if chosen.get("last_ranking") is not None:
        found = found.filter(pk__lte=chosen["last_ranking"])
    return found.order_by("pk")


def moment(until: object) -> datetime:
    """A time with its zone, as filters and snapshots tell it."""
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
        Prefetch("ratings", queryset=ResponseRating.objects.order_by("pk")),
    )


def ranking_lines(
    project: Project, filters: Mapping[str, object] | None = None, *, after: str = ""
) -> Iterator[dict[str, object]]:
    """The public ranking lines of a project, streamed: memory does not grow with their number.

    Oldest first, which never changes: `after`, the id of a ranking, goes on behind it where a download broke off.
    """
    found = rankings(project, filters)
    if after:
        # Asked now, not when the first line is: an unknown id is an error of the question.
        found = found.filter(pk__gt=_last_sent(project, after))
    return _streamed(found)


def _streamed(found: QuerySet[Ranking]) -> Iterator[dict[str, object]]:
    pks = found.values_list("pk", flat=True).iterator(chunk_size=RANKINGS_AT_ONCE)
    memory = LineMemory()
    while batch := list(islice(pks, RANKINGS_AT_ONCE)):
        yield from lines_of(batch, memory)


def _last_sent(project: Project, key: str) -> int:
    last = all_rankings(project).filter(key=key).values_list("pk", flat=True).first()
    if last is None:
        raise Ranking.DoesNotExist(f"after: found {key!r}, wanted the id of a ranking of {project.slug}")
    return last


@dataclass(frozen=True)
class Given:
    """What a ranking gave to responses, by their ids: places, flags, ratings, each in the order told."""

    placements: list[tuple[int, int | None]] = field(default_factory=list)
    flags: list[tuple[int, str]] = field(default_factory=list)
    ratings: list[tuple[int, str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class LineItem:
    """What a ranking line says about its item; `key_of` gives the public id of each response."""

    key: str
    prompt_key: str
    messages: list[dict[str, Any]]
    responses: list[dict[str, object]]
    key_of: dict[int, str]
    about: Sequence[str]

    @property
    def characters(self) -> int:
        """About how much text it holds."""
        return sum(len(str(one["content"])) for one in self.messages) + sum(
            len(str(one["text"])) for one in self.responses
        )


class LineMemory:
    """What is remembered from batch to batch: user names, and the items read last, up to so many characters.

    The rankings of one item come in close together, so most batches find their items here.
    """

    def __init__(self, characters: int = CHARACTERS_REMEMBERED) -> None:
        self.names: dict[int, str] = {}
        self._items: dict[int, LineItem] = {}
        self._characters, self._most = 0, characters

    @property
    def remembered(self) -> int:
        """How many items are remembered now."""
        return len(self._items)

    def names_of(self, pks: set[int]) -> dict[int, str]:
        """The user names of these people, at least."""
        strangers = User.objects.filter(pk__in=pks - set(self.names))
        self.names.update(strangers.values_list("pk", "username"))
        return self.names

    def items_of(self, pks: set[int]) -> dict[int, LineItem]:
        """These items; the oldest remembered ones make room for what had to be read."""
        read = _line_items(pks - set(self._items))
        found = read | {pk: self._items[pk] for pk in pks - set(read)}
        self._items |= read
        self._characters += sum(item.characters for item in read.values())
        while self._characters > self._most:
            oldest = next(iter(self._items))
            self._characters -= self._items.pop(oldest).characters
        return found


def lines_of(pks: Sequence[int], memory: LineMemory) -> Iterator[dict[str, object]]:
    """The lines of some rankings by plain rows: a model instance of each placement takes five times as long."""
    found = list(Ranking.objects.filter(pk__in=pks).defer("submission", "body_digest").order_by("pk"))
    names = memory.names_of({ranking.annotator_id for ranking in found})
    items = memory.items_of({ranking.item_id for ranking in found})
    given: defaultdict[int, Given] = defaultdict(Given)
    placements = Placement.objects.filter(ranking__in=pks).order_by("pk")
    for ranking, response, tier in placements.values_list("ranking", "response", "tier"):
        given[ranking].placements.append((response, tier))
    flags = ResponseFlag.objects.filter(ranking__in=pks).order_by("pk")
    for ranking, response, name in flags.values_list("ranking", "response", "name"):
        given[ranking].flags.append((response, name))
    ratings = ResponseRating.objects.filter(ranking__in=pks).order_by("pk")
    for ranking, response, name, value in ratings.values_list("ranking", "response", "name", "value"):
        given[ranking].ratings.append((response, name, value))
    for one in found:
        yield _line(one, items[one.item_id], names[one.annotator_id], given[one.pk])


def _line_items(pks: Collection[int]) -> dict[int, LineItem]:
    items = Item.objects.filter(pk__in=pks).values_list(*ITEM_COLUMNS)
    found = {pk: LineItem(key, prompt, said, [], {}, about) for pk, key, prompt, said, *about in items}
    places = ItemResponse.objects.filter(item__in=pks).order_by("item", "position")
    names = ("key", "text", "policy__name", "provenance")
    for item, pk, key, *told in places.values_list("item", "response", *(f"response__{n}" for n in names)):
        found[item].responses.append(_told_response(key, *told))
        found[item].key_of[pk] = key
    return found


def ranking_line(ranking: Ranking) -> dict[str, object]:
    """The public line of one ranking; ids in it are the keys of prompts and responses. Best `with_content`."""
    responses = [place.response for place in ranking.item.placed_responses.all()]
    item = LineItem(
        key=ranking.item.key,
        prompt_key=ranking.item.prompt.key,
        messages=ranking.item.prompt.messages,
        responses=[_response(response) for response in responses],
        key_of={response.pk: response.key for response in responses},
        about=[getattr(ranking.item.prompt, name) for name in NAMES],
    )
    given = Given(
        placements=[(place.response_id, place.tier) for place in ranking.placements.all()],
        flags=[(flag.response_id, flag.name) for flag in ranking.flags.all()],
        ratings=[(rating.response_id, rating.name, rating.value) for rating in ranking.ratings.all()],
    )
    return _line(ranking, item, ranking.annotator.username, given)


def _line(
    ranking: Ranking,
    item: LineItem,
    annotator: str,
    given: Given,
) -> dict[str, object]:
    """The one definition of a ranking line; the ranking's own columns are all that is read from `ranking`."""
    placed = ((tier, item.key_of[response]) for response, tier in given.placements if tier is not None)
    line: dict[str, object] = {
        "id": ranking.key,
        "prompt": item.messages,
        "responses": item.responses,
        "tiers": tiers(placed),
        "annotator": annotator,
        "kind": ranking.kind,
        "item": item.key,
        "prompt_id": item.prompt_key,
        "source": ranking.source,
        **_told(ranking, item.key_of, given),
    }
    return sliced({**line, **ranking.detail}, ranking, item.about)


def _told(ranking: Ranking, key_of: Mapping[int, str], given: Given) -> dict[str, object]:
    """What a ranking may or may not tell beside its order."""
    told: dict[str, object] = {}
    if ranking.seconds is not None:
        told["seconds"] = ranking.seconds
    if ranking.shown_order:
        told["shown_order"] = [key_of[response] for response in ranking.shown_order]
    if ranking.unacceptable:
        told["unacceptable"] = True
    if ranking.surplus:
        told["surplus"] = True
    flags: dict[str, list[str]] = {}
    for response, name in given.flags:
        flags.setdefault(key_of[response], []).append(name)
    if flags:
        told["flags"] = flags
    ratings: dict[str, dict[str, float]] = {}
    for response, name, value in given.ratings:
        whole = int(value) if float(value).is_integer() else value
        ratings.setdefault(key_of[response], {})[name] = whole
    if ratings:
        told["ratings"] = ratings
    if ranking.margins is not None:
        told["margins"] = ranking.margins
    return told


def _response(response: Response) -> dict[str, object]:
    policy = response.policy.name if response.policy is not None else None
    return _told_response(response.key, response.text, policy, response.provenance)


def _told_response(
    key: str, text: str, policy: str | None, provenance: Mapping[str, Any]
) -> dict[str, object]:
    told: dict[str, object] = {"id": key, "text": text}
    if name := policy or provenance.get("policy", ""):
        told["policy"] = name
    return {**told, **provenance.get("extra", {})}


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
    waiting = campaign.items.filter(repeat=None).exclude(rankings__surplus=False).select_related("prompt")
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
class Contribution:
    """How much one person (or rule) gave to a campaign."""

    name: str
    kind: str
    rankings: int
    median_seconds: float | None
    # Of the wanted labels, which those of gold are not.
    share: float | None


def people_of(campaign: Campaign) -> list[Contribution]:
    """Who labelled in a campaign, most first; two statements."""
    given: dict[int, list[float]] = {}
    wanted: Counter[int] = Counter()
    table = Ranking if campaign.gives_rankings else Label
    rows: QuerySet[Any] = table._default_manager.filter(item__campaign=campaign, surplus=False)
    if campaign.gives_rankings:
        # A decision is a reviewer's, not one of the wanted labels.
        rows = rows.filter(decides=None)
    measures = ("item__gold", "item__repeat")
    for annotator, seconds, gold, repeat in rows.values_list("annotator", "seconds", *measures):
        given.setdefault(annotator, []).append(-1.0 if seconds is None else seconds)
        wanted[annotator] += gold is None and repeat is None
    people = User.objects.in_bulk(given)
    found = [
        Contribution(
            name=people[pk].get_full_name() or people[pk].username,
            kind=people[pk].kind,
            rankings=len(times),
            median_seconds=median(known) if (known := [time for time in times if time >= 0]) else None,
            share=wanted[pk] / wanted.total() if wanted.total() else None,
        )
        for pk, times in given.items()
    ]
    return sorted(found, key=lambda one: (-one.rankings, one.name))
