"""Rankings that do not come from our page: imported, simulated, or given in a chat. The rules are the same."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.models import Campaign, Item, Ranking, Slot
from labelplatform.labels.services.annotators import annotators_named
from labelplatform.labels.services.campaigns import NewItem, create_items
from labelplatform.labels.services.imported_items import items_of
from labelplatform.labels.services.submission import SubmissionConflict, store_placements
from labelplatform.prompts.lines import LineRefused, check_storable
from labelplatform.prompts.models import Response
from trainer.errors import BadInput
from trainer.rankings import Ranking as RankingLine
from trainer.rankings import parse_ranking, to_line

REGENERATE_CAMPAIGN = "Regenerate"
KEPT_ELSEWHERE = frozenset(
    "id prompt responses tiers seconds shown_order kind item prompt_id source".split()
    + "unacceptable flags ratings margins".split()
)
LONGEST_NAME = 60


class RankingsRefused(Exception):
    """Nothing was recorded; `errors` says for each bad line (from 1) what was found and what was wanted."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"line {line}: {reason}" for line, reason in errors[:5]))


@dataclass(frozen=True)
class Pending:
    """One ranking about to be stored."""

    item: Item
    responses: Sequence[int]
    annotator: User
    judgement: rules.Judgement
    key: str
    submission: uuid.UUID
    shown_order: Sequence[int] = ()
    detail: Mapping[str, object] = field(default_factory=dict)


@transaction.atomic
def record_rankings(
    *,
    campaign: Campaign,
    rankings: Iterable[RankingLine | Mapping[str, object]],
    by: User | None,
    annotator: User | None = None,
) -> list[Ranking]:
    """Store ranking lines, all or nothing; returns those that are new.

    An item of the campaign is known by its key; a campaign of imports also takes items it does not know, with their
    prompts and responses. Where the campaign wants labels, each ranking fills an open slot or is surplus. `annotator`
    says who ranked; without it the lines' names do (as imported or simulated people, never as somebody's account).
    """
    lines = _checked(rankings)
    items = items_of(campaign, lines, by=by, refused=RankingsRefused)
    people = {} if annotator else annotators_named({line.annotator for line in lines}, campaign=campaign)
    pending, errors = [], []
    for number, (line, found) in enumerate(zip(lines, items, strict=True), 1):
        if found is None:
            errors.append(
                (number, f"item: {line.item_key} is not in this campaign, or has other responses there")
            )
            continue
        try:
            pending.append(_pending(campaign, line, *found, annotator or people[line.annotator]))
        except rules.JudgementRefused as error:
            errors.append((number, str(error)))
    if errors:
        raise RankingsRefused(errors)
    stored = _store_all(campaign, pending)
    record(by=by, verb="recorded rankings", obj=campaign, project=campaign.project, rankings=len(stored))
    return stored


@transaction.atomic
def record_comparison(
    *, first: Response, second: Response, preference: str, submission: uuid.UUID, by: User
) -> Ranking:
    """Store whether `second`, the regenerated answer, is "better", the "same" or "worse" than `first`."""
    tiers = {
        "better": [[second.pk], [first.pk]],
        "same": [[first.pk, second.pk]],
        "worse": [[first.pk], [second.pk]],
    }
    if preference not in tiers or first.prompt_id != second.prompt_id:
        raise rules.JudgementRefused(_("Say better, same or worse of two answers to one prompt."))
    judgement = rules.Judgement(tiers[preference])
    earlier = Ranking.objects.filter(submission=submission).first()
    if earlier is not None:
        if earlier.body_digest != judgement.digest() or earlier.annotator_id != by.pk:
            raise SubmissionConflict
        return earlier
    campaign = _regenerate_campaign(first.prompt.prompt_set.project)
    create_items(campaign, [NewItem(first.prompt, [first, second])])
    item = campaign.items.filter(responses=first).filter(responses=second).get()
    if item.rankings.filter(annotator=by, surplus=False).exists():
        raise rules.JudgementRefused(_("You compared these two answers before."))
    both = [first.pk, second.pk]
    ranking = _store_all(campaign, [Pending(item, both, by, judgement, str(submission), submission, both)])[0]
    record(by=by, verb="compared answers", obj=ranking, project=campaign.project, preference=preference)
    return ranking


def _regenerate_campaign(project: Project) -> Campaign:
    """The project's one campaign of comparisons from chat, known by its source: its name is only a name."""
    Project.objects.select_for_update().get(pk=project.pk)
    campaign = Campaign.objects.filter(project=project, source=Campaign.Source.REGENERATE).first()
    if campaign is not None:
        return campaign
    taken = Campaign.objects.filter(project=project, name=REGENERATE_CAMPAIGN).exists()
    return Campaign.objects.create(
        project=project,
        name=f"{REGENERATE_CAMPAIGN} (chat)" if taken else REGENERATE_CAMPAIGN,
        kind=Campaign.Kind.COMPARISON,
        source=Campaign.Source.REGENERATE,
        overlap=0,
    )


def _checked(rankings: Iterable[RankingLine | Mapping[str, object]]) -> list[RankingLine]:
    lines, errors = [], []
    for number, found in enumerate(rankings, 1):
        try:
            line = found if isinstance(found, RankingLine) else parse_ranking(dict(found), "")
            check_storable(to_line(line))
            lines.append(line)
        except (BadInput, LineRefused) as error:
            errors.append((number, str(error).removeprefix(": ")))
    times = Counter(line.id for line in lines)
    errors = errors or [
        (number, f"id: {line.id!r} stands in more than one line")
        for number, line in enumerate(lines, 1)
        if times[line.id] > 1
    ]
    if errors:
        raise RankingsRefused(errors)
    return lines


def _pending(
    campaign: Campaign, line: RankingLine, item: Item, places: Mapping[str, int], annotator: User
) -> Pending:
    judgement = rules.Judgement(
        tiers=[[places[name] for name in tier] for tier in line.tiers],
        seconds=line.seconds,
        unacceptable=bool(line.unacceptable),
    )
    rules.check(judgement, campaign=campaign, responses=places.values())
    # Flags and ratings of other houses have other names; they are kept as they are.
    judgement = replace(
        judgement,
        flags={places[name]: names for name, names in (line.flags or {}).items()},
        ratings={places[name]: given for name, given in (line.ratings or {}).items() if given},
        margins=line.margins,
    )
    detail = {key: value for key, value in to_line(line).items() if key not in KEPT_ELSEWHERE}
    if line.ratings is not None and not _fits_rows(line.ratings):
        detail["ratings"] = line.ratings
        judgement = replace(judgement, ratings={})
    if detail["annotator"] == annotator.username:
        del detail["annotator"]
    return Pending(
        item=item,
        responses=list(places.values()),
        annotator=annotator,
        judgement=judgement,
        key=line.id,
        submission=uuid.uuid5(uuid.NAMESPACE_OID, f"campaign {campaign.pk} ranking {line.id}"),
        shown_order=[places[name] for name in line.shown_order or ()],
        detail=detail,
    )


def _fits_rows(ratings: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether rows of single ratings bring the same back; what they cannot hold stays as it was told."""
    return bool(ratings) and all(
        given and all(0 < len(name) <= LONGEST_NAME for name in given) for given in ratings.values()
    )


def _store_all(campaign: Campaign, pending: Sequence[Pending]) -> list[Ranking]:
    """Insert what is not stored yet; refuse a stored key with another body and a second label of one person."""
    known = dict(Ranking.objects.filter(item__campaign=campaign).values_list("submission", "body_digest"))
    seen = set(
        Ranking.objects.filter(item__campaign=campaign, surplus=False).values_list("item", "annotator")
    )
    elsewhere = _keys_elsewhere(campaign)
    fresh, errors = [], []
    for number, one in enumerate(pending, 1):
        place, earlier = (one.item.pk, one.annotator.pk), known.get(one.submission)
        if one.key in elsewhere:
            errors.append((number, f"id: {one.key!r} is a ranking of another campaign of this project"))
        elif earlier is None and place in seen:
            errors.append((number, f"annotator: {one.annotator} has ranked this item already"))
        elif earlier is None:
            seen.add(place)
            fresh.append(one)
        elif earlier != one.judgement.digest():
            errors.append((number, f"id: {one.key!r} is recorded already, with another order"))
    if errors:
        raise RankingsRefused(errors)
    slots = _fill_slots(campaign, fresh)
    stored = Ranking.objects.bulk_create(
        [_row(campaign, one, slot) for one, slot in zip(fresh, slots, strict=True)], batch_size=500
    )
    store_placements([(row, one.judgement, one.responses) for row, one in zip(stored, fresh, strict=True)])
    return stored


def _keys_elsewhere(campaign: Campaign) -> set[str]:
    """Ids that a snapshot of the project already has from its other campaigns: two lines of one id are no set."""
    others = Ranking.objects.filter(item__campaign__project=campaign.project)
    return set(others.exclude(item__campaign=campaign).values_list("key", flat=True))


def _fill_slots(campaign: Campaign, fresh: Sequence[Pending]) -> list[Slot | None]:
    """An open slot for each ranking, marked done; None where the item has none left."""
    waiting: dict[int, list[Slot]] = {}
    items = [one.item.pk for one in fresh]
    open_slots = Slot.objects.select_for_update().filter(
        campaign=campaign, item__in=items, state=Slot.State.OPEN
    )
    for found in open_slots.order_by("-ordinal"):
        waiting.setdefault(found.item_id, []).append(found)
    filled: list[Slot | None] = []
    for one in fresh:
        free = waiting.get(one.item.pk)
        slot = free.pop() if free else None
        if slot is not None:
            slot.state, slot.annotator = Slot.State.DONE, one.annotator
        filled.append(slot)
    Slot.objects.bulk_update([slot for slot in filled if slot], ["state", "annotator"], batch_size=500)
    return filled


def _row(campaign: Campaign, one: Pending, slot: Slot | None) -> Ranking:
    return Ranking(
        item=one.item,
        slot=slot,
        annotator=one.annotator,
        key=one.key,
        kind=campaign.kind,
        source=campaign.source,
        shown_order=list(one.shown_order),
        seconds=one.judgement.seconds,
        submission=one.submission,
        body_digest=one.judgement.digest(),
        unacceptable=one.judgement.unacceptable,
        margins=None if one.judgement.margins is None else list(one.judgement.margins),
        surplus=slot is None and campaign.overlap > 0,
        detail=dict(one.detail),
    )
