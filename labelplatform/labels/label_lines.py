"""Reading labels that are no orders: which there are, and their public lines, streamed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db.models import F, Q, QuerySet

from labelplatform.accounts.models import Project, User
from labelplatform.labels.exchange.outgoing import SFT
from labelplatform.labels.kinds import FILES, KINDS, Matter, kinds_in_file
from labelplatform.labels.kinds.demonstrations import DEMONSTRATION
from labelplatform.labels.models import Campaign, Item, ItemResponse, Label, Ranking
from labelplatform.labels.queries import moment, ranking_lines
from trainer import json_lines
from trainer.errors import BadInput

# SQLite takes only so many values in one statement.
LABELS_AT_ONCE = 400


def file_of(campaign: Campaign) -> str:
    """The public file that a campaign's labels leave in, without its ending."""
    return "rankings" if campaign.gives_rankings else KINDS[campaign.kind].file


def refuse_other_kind(campaign: Campaign, file: str) -> None:
    """Refuse, in one sentence, to write a file in which this campaign's labels do not stand."""
    # Who ranks may write a better answer: it leaves as a demonstration.
    beside = campaign.gives_rankings and file == DEMONSTRATION.file
    if file_of(campaign) != file and not beside:
        told = f"campaign {campaign.pk}: found labels of the kind {campaign.kind}, wanted {file}"
        raise BadInput(f"{told}: they leave as {file_of(campaign)}")


@dataclass(frozen=True)
class LabelFile:
    """A public file of labels that are no orders, and how many lines it would have now."""

    name: str
    lines: int


def files_of(project: Project, campaign: Campaign | None) -> list[LabelFile]:
    """The files in which a project's labels of other kinds leave, or one campaign's; empty ones are none."""
    filters = {"campaigns": [campaign.pk]} if campaign else {}
    found = [LabelFile(file, labels(project, file, filters).count()) for file in FILES]
    return [one for one in found if one.lines]


def labels(project: Project, file: str = "", filters: Mapping[str, object] | None = None) -> QuerySet[Label]:
    """The project's labels that count (no surplus), oldest first, narrowed by `queries.Filters`.

    `file` names one of the public files (ratings, spans, demonstrations); `last_label` is to these what
    `last_ranking` is to rankings. What somebody wrote beside a ranking of gold stays: nothing is measured by it.
    """
    chosen: Mapping[str, Any] = filters or {}
    found = Label.objects.filter(item__campaign__project=project)
    if file:
        found = found.filter(kind__in=kinds_in_file(file))
    if not chosen.get("surplus"):
        found = found.filter(surplus=False)
    if not chosen.get("with_gold"):
        found = found.filter(Q(item__gold=None) | ~Q(kind=F("item__campaign__kind")))
    if not chosen.get("with_repeats"):
        found = found.filter(Q(item__repeat=None) | ~Q(kind=F("item__campaign__kind")))
    if chosen.get("campaigns"):
        found = found.filter(item__campaign__in=chosen["campaigns"])
    if chosen.get("sources"):
        found = found.filter(source__in=chosen["sources"])
    if chosen.get("until"):
        found = found.filter(at__lte=moment(chosen["until"]))
    if chosen.get("last_label") is not None:
        found = found.filter(pk__lte=chosen["last_label"])
    return found.order_by("pk")


def label_lines(
    project: Project, file: str, filters: Mapping[str, object] | None = None, *, after: str = ""
) -> Iterator[dict[str, object]]:
    """The public lines of one file, streamed: memory does not grow with their number.

    Oldest first, which never changes: `after`, the id of a label, goes on behind it where a download broke off.
    """
    found = labels(project, file, filters)
    if after:
        # Asked now, not when the first line is: an unknown id is an error of the question.
        found = found.filter(pk__gt=_last_sent(project, file, after))
    return _streamed(found)


def lines_for(
    project: Project, name: str, filters: Mapping[str, object] | None = None, *, after: str = ""
) -> Iterator[dict[str, object]]:
    """The public lines that an export of this name is made of: rankings, and for messages then the demonstrations.

    `after` is the id of either.
    """
    if name != SFT:
        return ranking_lines(project, filters, after=after)
    try:
        orders = ranking_lines(project, filters, after=after)
    except Ranking.DoesNotExist:
        # Then it is a demonstration's, or an error.
        return label_lines(project, DEMONSTRATION.file, filters, after=after)
    return chain(orders, label_lines(project, DEMONSTRATION.file, filters))


def frozen_lines_for(folder: Path, name: str) -> Iterator[dict[str, object]]:
    """The same of a frozen snapshot's folder."""
    files = ["rankings"] + ([DEMONSTRATION.file] if name == SFT else [])
    for file in files:
        path = folder / f"{file}.jsonl"
        if file == "rankings" or path.exists():
            yield from (line for _number, line in json_lines.read(path))


def leaves_as(campaign: Campaign, name: str) -> bool:
    """Whether labels of this campaign's kind are part of an export of this name."""
    return campaign.gives_rankings or (name == SFT and campaign.kind == DEMONSTRATION.name)


def _last_sent(project: Project, file: str, key: str) -> int:
    last = (
        labels(project, file, {"surplus": True, "with_gold": True})
        .filter(key=key)
        .values_list("pk", flat=True)
        .first()
    )
    if last is None:
        raise Label.DoesNotExist(f"after: found {key!r}, wanted the id of a label of {project.slug}")
    return last


def _streamed(found: QuerySet[Label]) -> Iterator[dict[str, object]]:
    pks = found.values_list("pk", flat=True).iterator(chunk_size=LABELS_AT_ONCE)
    while batch := list(islice(pks, LABELS_AT_ONCE)):
        yield from lines_of(batch)


@dataclass(frozen=True)
class LabelItem:
    """What a line says about its item. `response_key` empty: the item is a prompt alone."""

    key: str
    prompt_key: str
    matter: Matter
    response_key: str = ""
    policy: str = ""


def lines_of(pks: Sequence[int]) -> Iterator[dict[str, object]]:
    """The lines of some labels, in a fixed number of statements."""
    found = list(Label.objects.filter(pk__in=pks).defer("log", "submission", "body_digest").order_by("pk"))
    people = User.objects.filter(pk__in={label.annotator_id for label in found})
    names = dict(people.values_list("pk", "username"))
    items = items_of({label.item_id for label in found})
    for label in found:
        yield line_of(label, items[label.item_id], names[label.annotator_id])


def items_of(pks: Collection[int]) -> dict[int, LabelItem]:
    """What lines say about these items, in two statements."""
    columns = ("key", "prompt__key", "campaign__asks", "prompt__messages", "prompt__context")
    told = Item.objects.filter(pk__in=pks).values_list("pk", *columns)
    items = {
        pk: LabelItem(key, prompt, Matter(asks, messages, context))
        for pk, key, prompt, asks, messages, context in told
    }
    answer = ("response__key", "response__text", "response__policy__name", "response__provenance")
    for pk, key, text, policy, provenance in ItemResponse.objects.filter(item__in=pks).values_list(
        "item", *answer
    ):
        one = items[pk]
        writer = policy or provenance.get("policy", "")
        items[pk] = replace(one, matter=replace(one.matter, response=text), response_key=key, policy=writer)
    return items


def line_of(label: Label, item: LabelItem, annotator: str) -> dict[str, object]:
    """The one definition of what the lines of all these kinds have in common."""
    matter = item.matter
    line: dict[str, object] = {"id": label.key, "item": item.key, "prompt": matter.messages}
    if matter.context:
        line["context"] = matter.context
    # A demonstration is about the prompt alone, also where it was written beside a ranking of answers.
    about_answer = item.response_key and label.kind != DEMONSTRATION.name
    if about_answer:
        line["response"] = matter.response
    line |= KINDS[label.kind].to_line(label.body, matter)
    line |= {"annotator": annotator, "kind": label.kind, "prompt_id": item.prompt_key}
    if about_answer:
        line["response_id"] = item.response_key
    if about_answer and item.policy:
        line["policy"] = item.policy
    line["source"] = label.source
    if label.seconds is not None:
        line["seconds"] = label.seconds
    if label.surplus:
        line["surplus"] = True
    return {**line, **label.detail}
