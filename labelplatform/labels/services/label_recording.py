"""Labels that are no orders and do not come from our page: imported or simulated. The rules are the same."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import transaction

from labelplatform.accounts.models import User
from labelplatform.accounts.services import record
from labelplatform.labels import kinds
from labelplatform.labels.kinds import Body, LabelLine
from labelplatform.labels.models import Campaign, Item, Label, Slot
from labelplatform.labels.services.annotators import annotators_named
from labelplatform.labels.services.campaigns import NewItem, create_items
from labelplatform.labels.services.consequences import follow_up_recorded_labels
from labelplatform.labels.services.imported_items import ItemsRefused
from labelplatform.labels.services.recording import LONGEST_KEY, LONGEST_SECONDS, LinesRefused, fill_slots
from labelplatform.prompts.lines import ImportRefused, LineRefused, PromptLine, ResponseLine, check_storable
from labelplatform.prompts.models import Prompt, PromptSet
from labelplatform.prompts.services import store_prompts, store_responses
from trainer.errors import BadInput

# SQLite takes only so many values in one statement.
BATCH = 400
Numbered = Sequence[tuple[int, LabelLine]]


class LabelLinesRefused(LinesRefused):
    """The same of lines of labels that are no orders."""


@dataclass(frozen=True)
class Pending:
    """One label about to be stored."""

    line: LabelLine
    item: Item
    annotator: User
    body: Body
    submission: uuid.UUID


@transaction.atomic
def record_labels(
    *,
    campaign: Campaign,
    lines: Iterable[Mapping[str, object]],
    by: User | None,
    annotator: User | None = None,
) -> int:
    """Store public lines of the campaign's kind, all or nothing; returns how many are new.

    An item of the campaign is known by its key; a campaign of imports also takes items it does not know, with their
    prompts and responses. Where the campaign wants labels, each fills an open slot or is surplus. `annotator` says who
    gave them; without it the lines' names do (as imported or simulated people, never as somebody's account).
    """
    numbered, first = enumerate(lines, 1), dict[str, int]()
    errors: list[tuple[int, str]] = []
    stored = 0
    while batch := list(islice(numbered, BATCH)):
        checked, wrong = _checked(campaign, batch, first)
        if not wrong:
            try:
                stored += len(store_batch(campaign, checked, by, annotator))
            except (LabelLinesRefused, ItemsRefused) as refusal:
                wrong = refusal.errors
        errors += wrong
    if errors:
        raise LabelLinesRefused(sorted(set(errors)))
    record(by=by, verb="recorded labels", obj=campaign, project=campaign.project, labels=stored)
    return stored


def _checked(
    campaign: Campaign, numbered: Iterable[tuple[int, Mapping[str, object]]], first: dict[str, int]
) -> tuple[list[tuple[int, LabelLine]], list[tuple[int, str]]]:
    """The lines of the campaign's kind, and what is the matter with the others; `first` remembers ids by line."""
    lines, errors = [], []
    for number, told in numbered:
        try:
            lines.append((number, read_line(told, campaign.kind)))
        except (BadInput, LineRefused) as error:
            errors.append((number, str(error).removeprefix(": ")))
    for number, line in lines:
        earlier = first.setdefault(line.id, number)
        if earlier != number:
            reason = f"id: {line.id!r} stands in more than one line"
            errors += [(earlier, reason), (number, reason)]
    return lines, errors


def read_line(told: Mapping[str, object], kind: str) -> LabelLine:
    """A public line of this kind that our columns can hold."""
    found = kinds.kind_of_line(told)
    if found is None or found.name != kind:
        raise BadInput(f"kind: found {found.name if found else told.get('kind')!r}, wanted {kind}")
    line = found.from_line(told)
    check_storable(told)
    for name, value in (("id", line.id), ("item", line.item_key), ("prompt_id", line.prompt_key)):
        if len(value) > LONGEST_KEY:
            raise LineRefused(f"{name}: found {len(value)} characters, wanted at most {LONGEST_KEY}")
    if line.seconds is not None and line.seconds > LONGEST_SECONDS:
        raise LineRefused(f"seconds: found a number too large, wanted at most {LONGEST_SECONDS:g}")
    return line


def store_batch(campaign: Campaign, numbered: Numbered, by: User | None, annotator: User | None) -> set[str]:
    """Store these lines and return the ids of those that are new; all of them are refused where one is."""
    items = _items(campaign, numbered, by)
    names = {line.annotator for _number, line in numbered}
    people = {} if annotator else annotators_named(names, campaign=campaign)
    pending: list[tuple[int, Pending]] = []
    errors = []
    for number, line in numbered:
        item = items.get(line.item_key)
        if item is None or not _as_told(item, line):
            reason = f"item: {line.item_key} is not in this campaign, or has another prompt or response there"
            errors.append((number, reason))
            continue
        submission = uuid.uuid5(uuid.NAMESPACE_OID, f"campaign {campaign.pk} label {line.id}")
        pending.append(
            (number, Pending(line, item, annotator or people[line.annotator], line.body, submission))
        )
    if errors:
        raise LabelLinesRefused(errors)
    return _store_all(campaign, pending)


def _as_told(item: Item, line: LabelLine) -> bool:
    """Whether the item that is there is the one that the line tells."""
    texts = [response.text for response in item.responses.all()]
    spoken = [(one["role"], one["content"]) for one in item.prompt.messages]
    told = [(one["role"], one["content"]) for one in line.messages]
    # Offsets count in the context as well, where a line tells one.
    same_context = line.context in ("", item.prompt.context)
    return texts == ([] if line.response is None else [line.response]) and spoken == told and same_context


def _items(campaign: Campaign, numbered: Numbered, by: User | None) -> dict[str, Item]:
    keys = {line.item_key for _number, line in numbered}
    known = _known(campaign, keys)
    if campaign.source == Campaign.Source.IMPORT:
        missing = [(number, line) for number, line in numbered if line.item_key not in known]
        if missing:
            _make(campaign, missing, by)
            known = _known(campaign, keys)
    return known


def _known(campaign: Campaign, keys: set[str]) -> dict[str, Item]:
    there = campaign.items.filter(key__in=keys)
    return {item.key: item for item in there.select_related("prompt").prefetch_related("responses")}


def _make(campaign: Campaign, numbered: Numbered, by: User | None) -> None:
    """Store the prompts and responses of these lines in a prompt set named as the campaign, then the items."""
    prompt_set, _made = PromptSet.objects.get_or_create(project=campaign.project, name=campaign.name)
    prompts = [
        PromptLine(line.prompt_key, [dict(one) for one in line.messages], line.context)
        for _number, line in numbered
    ]
    answered = [
        (place, ResponseLine(prompt, line.response, policy=line.policy, key=line.response_key))
        for place, (prompt, (_number, line)) in enumerate(zip(prompts, numbered, strict=True))
        if line.response is not None
    ]
    places = list(range(len(prompts)))
    try:
        store_prompts(prompt_set=prompt_set, parsed=prompts, by=by)
        places = [place for place, _line in answered]
        if answered:
            parsed = [line for _place, line in answered]
            store_responses(prompt_set=prompt_set, parsed=parsed, by=by, recorded=True)
    except ImportRefused as error:
        wrong = [(numbered[places[place - 1]][0], reason) for place, reason in error.errors]
        raise ItemsRefused(wrong) from error
    there = prompt_set.prompts.filter(key__in={line.prompt_key for _number, line in numbered})
    by_key: dict[str, Prompt] = {prompt.key: prompt for prompt in there.prefetch_related("responses")}
    new: dict[str, NewItem] = {}
    for _number, line in numbered:
        prompt = by_key[line.prompt_key]
        told = {response.key: response for response in prompt.responses.all()}
        responses = [] if line.response is None else [told[line.response_key]]
        new.setdefault(line.item_key, NewItem(prompt, responses, line.item_key))
    create_items(campaign, new.values())


def _store_all(campaign: Campaign, numbered: Sequence[tuple[int, Pending]]) -> set[str]:
    """Insert what is not stored yet; refuse a stored key with another body and a second label of one person."""
    pending = [one for _number, one in numbered]
    here = Label.objects.filter(item__campaign=campaign)
    submissions = here.filter(submission__in=[one.submission for one in pending])
    known = dict(submissions.values_list("submission", "body_digest"))
    labelled = here.filter(item__in={one.item.pk for one in pending}, surplus=False)
    seen = set(labelled.values_list("item", "annotator"))
    elsewhere = _keys_elsewhere(campaign, [one.line.id for one in pending])
    fresh, errors = [], []
    for number, one in numbered:
        place, earlier = (one.item.pk, one.annotator.pk), known.get(one.submission)
        if one.line.id in elsewhere:
            errors.append((number, f"id: {one.line.id!r} is a label of another campaign of this project"))
        elif earlier is None and place in seen:
            errors.append((number, f"annotator: {one.line.annotator!r} has labelled this item already"))
        elif earlier is None:
            seen.add(place)
            fresh.append(one)
        elif earlier != kinds.digest(one.body):
            errors.append((number, f"id: {one.line.id!r} is recorded already, with another content"))
    if errors:
        raise LabelLinesRefused(errors)
    slots = fill_slots(campaign, [(one.item.pk, one.annotator) for one in fresh])
    rows = [_row(campaign, one, slot) for one, slot in zip(fresh, slots, strict=True)]
    Label.objects.bulk_create(rows, batch_size=BATCH)
    follow_up_recorded_labels(rows, campaign=campaign)
    return {row.key for row in rows}


def _keys_elsewhere(campaign: Campaign, keys: Sequence[str]) -> set[str]:
    """Ids that an export of the project already has from its other campaigns: two lines of one id are no set."""
    others = Label.objects.filter(item__campaign__project=campaign.project, key__in=keys)
    return set(others.exclude(item__campaign=campaign).values_list("key", flat=True))


def _row(campaign: Campaign, one: Pending, slot: Slot | None) -> Label:
    line = one.line
    detail = dict(line.detail)
    if line.annotator != one.annotator.username:
        detail["annotator"] = line.annotator
    if campaign.source == Campaign.Source.IMPORT and line.source not in ("", campaign.source):
        # Where the label was first given is told on; our column says how it came here.
        detail["source"] = line.source
    return Label(
        item=one.item,
        slot=slot,
        annotator=one.annotator,
        key=line.id,
        kind=campaign.kind,
        source=campaign.source,
        seconds=line.seconds,
        submission=one.submission,
        body_digest=kinds.digest(one.body),
        body=one.body,
        surplus=slot is None and campaign.overlap > 0,
        detail=detail,
    )
