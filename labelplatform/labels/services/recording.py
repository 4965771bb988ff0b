"""Rankings that do not come from our page: imported, simulated, or given in a chat. The rules are the same."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from django.db import transaction
from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project, User
from labelplatform.accounts.services import record
from labelplatform.labels import rules
from labelplatform.labels.models import Campaign, Item, Ranking, Slot
from labelplatform.labels.services.annotators import annotators_named
from labelplatform.labels.services.campaigns import CampaignRefused, NewItem, create_items
from labelplatform.labels.services.consequences import follow_up_recorded
from labelplatform.labels.services.filling import SubmissionConflict
from labelplatform.labels.services.imported_items import ItemsRefused, items_of
from labelplatform.labels.services.submission import store_placements
from labelplatform.prompts.lines import LineRefused, check_storable
from labelplatform.prompts.models import Response
from trainer.errors import BadInput
from trainer.rankings import Ranking as RankingLine
from trainer.rankings import parse_ranking, to_line

REGENERATE_CAMPAIGN = "Regenerate"
BATCH = 500
# What a database column holds; the texts themselves have the limits of prompts.
LONGEST_KEY, LONGEST_FLAG, LONGEST_SECONDS = 200, 60, 1e9
KEPT_ELSEWHERE = frozenset(
    "id prompt responses tiers seconds shown_order kind item prompt_id source".split()
    + "unacceptable flags ratings margins".split()
)
LONGEST_NAME = 60


class LinesRefused(Exception):
    """Nothing was recorded; `errors` says for each bad line (from 1) what was found and what was wanted."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"line {line}: {reason}" for line, reason in errors[:5]))


class RankingsRefused(LinesRefused):
    """The same of ranking lines."""


@dataclass(frozen=True)
class Pending:
    """One ranking about to be stored."""

    item: Item
    responses: Sequence[int]
    annotator: User
    judgement: rules.Judgement
    key: str
    submission: uuid.UUID
    kind: str
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
    check_takes_rankings(campaign)
    batches = record_in_batches(campaign, rankings, by=by, annotator=annotator)
    stored = [ranking for batch in batches for ranking in batch]
    record(by=by, verb="recorded rankings", obj=campaign, project=campaign.project, rankings=len(stored))
    return stored


def check_takes_rankings(campaign: Campaign) -> None:
    """Refuse rankings for a campaign whose labels are of another kind."""
    if not campaign.gives_rankings:
        told = _("“%(name)s” collects labels of another kind (%(kind)s); rankings are never mixed into it.")
        raise CampaignRefused(told % {"name": campaign.name, "kind": campaign.get_kind_display()})


def record_in_batches(
    campaign: Campaign,
    rankings: Iterable[RankingLine | Mapping[str, object]],
    *,
    by: User | None,
    annotator: User | None = None,
) -> Iterator[list[Ranking]]:
    """Store ranking lines and yield the new ones, so many at a time that memory does not grow with their number.

    The caller holds the transaction: after the last batch the lines of all batches may be refused together.
    """
    numbered, first = enumerate(rankings, 1), dict[str, int]()
    errors: list[tuple[int, str]] = []
    while batch := list(islice(numbered, BATCH)):
        lines, wrong = _checked(batch, first)
        if not wrong:
            try:
                yield _store_batch(campaign, lines, by, annotator)
            except (RankingsRefused, ItemsRefused) as refusal:
                wrong = refusal.errors
        errors += wrong
    if errors:
        raise RankingsRefused(sorted(set(errors)))


def _store_batch(
    campaign: Campaign, lines: Sequence[tuple[int, RankingLine]], by: User | None, annotator: User | None
) -> list[Ranking]:
    items = items_of(campaign, lines, by=by)
    names = {line.annotator for _number, line in lines}
    people = {} if annotator else annotators_named(names, campaign=campaign)
    pending, errors = [], []
    for (number, line), found in zip(lines, items, strict=True):
        if found is None:
            errors.append(
                (number, f"item: {line.item_key} is not in this campaign, or has other responses there")
            )
            continue
        try:
            pending.append((number, _pending(campaign, line, *found, annotator or people[line.annotator])))
        except rules.JudgementRefused as error:
            errors.append((number, str(error)))
    if errors:
        raise RankingsRefused(errors)
    return _store_all(campaign, pending)


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
    said = Pending(item, both, by, judgement, str(submission), submission, campaign.kind, both)
    ranking = _store_all(campaign, [(1, said)])[0]
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


def _checked(
    numbered: Sequence[tuple[int, RankingLine | Mapping[str, object]]], first: dict[str, int]
) -> tuple[list[tuple[int, RankingLine]], list[tuple[int, str]]]:
    """The lines that are ranking lines, and what is the matter with the others; `first` remembers ids by line."""
    lines, errors = [], []
    for number, found in numbered:
        try:
            line = found if isinstance(found, RankingLine) else parse_ranking(dict(found), "")
            check_columns(line)
            lines.append((number, line))
        except (BadInput, LineRefused) as error:
            errors.append((number, str(error).removeprefix(": ")))
    for number, line in lines:
        earlier = first.setdefault(line.id, number)
        if earlier != number:
            reason = f"id: {line.id!r} stands in more than one line"
            errors += [(earlier, reason), (number, reason)]
    return lines, errors


def check_columns(line: RankingLine) -> None:
    """Refuse what our columns do not hold: NUL, lone surrogates, texts, names and numbers without end."""
    check_storable(to_line(line))
    for name, value in (("item", line.item), ("prompt_id", line.prompt_id)):
        if value is not None and len(value) > LONGEST_KEY:
            raise LineRefused(f"{name}: found {len(value)} characters, wanted at most {LONGEST_KEY}")
    for names in (line.flags or {}).values():
        for flag in names:
            if len(flag) > LONGEST_FLAG:
                raise LineRefused(
                    f"flags: found a name of {len(flag)} characters, wanted at most {LONGEST_FLAG}"
                )
    if line.seconds is not None and line.seconds > LONGEST_SECONDS:
        raise LineRefused(f"seconds: found a number too large, wanted at most {LONGEST_SECONDS:g}")


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
    if campaign.source == Campaign.Source.IMPORT and line.source not in (None, campaign.source):
        # Where the label was first given is told on; our column says how it came here.
        detail["source"] = line.source
    return Pending(
        item=item,
        responses=list(places.values()),
        annotator=annotator,
        judgement=judgement,
        key=line.id,
        submission=uuid.uuid5(uuid.NAMESPACE_OID, f"campaign {campaign.pk} ranking {line.id}"),
        kind=line.kind if campaign.source == Campaign.Source.IMPORT else campaign.kind,
        shown_order=[places[name] for name in line.shown_order or ()],
        detail=detail,
    )


def _fits_rows(ratings: Mapping[str, Mapping[str, float]]) -> bool:
    """Whether rows of single ratings bring the same back; what they cannot hold stays as it was told."""
    return bool(ratings) and all(
        given and all(0 < len(name) <= LONGEST_NAME for name in given) for given in ratings.values()
    )


def _store_all(campaign: Campaign, numbered: Sequence[tuple[int, Pending]]) -> list[Ranking]:
    """Insert what is not stored yet; refuse a stored key with another body and a second label of one person."""
    pending = [one for _number, one in numbered]
    here = Ranking.objects.filter(item__campaign=campaign)
    submissions = here.filter(submission__in=[one.submission for one in pending])
    known = dict(submissions.values_list("submission", "body_digest"))
    labelled = here.filter(item__in={one.item.pk for one in pending}, surplus=False)
    seen = set(labelled.values_list("item", "annotator"))
    elsewhere = _keys_elsewhere(campaign, [one.key for one in pending])
    fresh, errors = [], []
    for number, one in numbered:
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
    slots = fill_slots(campaign, [(one.item.pk, one.annotator) for one in fresh])
    stored = Ranking.objects.bulk_create(
        [_row(campaign, one, slot) for one, slot in zip(fresh, slots, strict=True)], batch_size=500
    )
    store_placements([(row, one.judgement, one.responses) for row, one in zip(stored, fresh, strict=True)])
    follow_up_recorded(stored, campaign=campaign)
    return stored


def _keys_elsewhere(campaign: Campaign, keys: Sequence[str]) -> set[str]:
    """Ids that a snapshot of the project already has from its other campaigns: two lines of one id are no set."""
    others = Ranking.objects.filter(item__campaign__project=campaign.project, key__in=keys)
    return set(others.exclude(item__campaign=campaign).values_list("key", flat=True))


def fill_slots(campaign: Campaign, wanted: Sequence[tuple[int, User]]) -> list[Slot | None]:
    """An open slot for each item (id) and person, marked done; None where the item has none left."""
    waiting: dict[int, list[Slot]] = {}
    open_slots = Slot.objects.select_for_update().filter(
        campaign=campaign, item__in=[item for item, _annotator in wanted], state=Slot.State.OPEN
    )
    for found in open_slots.order_by("-ordinal"):
        waiting.setdefault(found.item_id, []).append(found)
    filled: list[Slot | None] = []
    for item, annotator in wanted:
        free = waiting.get(item)
        slot = free.pop() if free else None
        if slot is not None:
            slot.state, slot.annotator = Slot.State.DONE, annotator
        filled.append(slot)
    Slot.objects.bulk_update([slot for slot in filled if slot], ["state", "annotator"], batch_size=500)
    return filled


def _row(campaign: Campaign, one: Pending, slot: Slot | None) -> Ranking:
    return Ranking(
        item=one.item,
        slot=slot,
        annotator=one.annotator,
        key=one.key,
        kind=one.kind,
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
