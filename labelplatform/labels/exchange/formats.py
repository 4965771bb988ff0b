"""The formats that are read, how one is told from another, and a file's records as ranking lines."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from labelplatform.labels.exchange import (
    argilla,
    conversation_trees,
    label_studio,
    preferences,
    spreadsheets,
)
from labelplatform.labels.exchange.reading import Format, NothingToTake, single
from labelplatform.labels.exchange.records import (
    CHUNK_BYTES,
    Record,
    Unreadable,
    read_json,
    refuse_packed,
)
from trainer.errors import BadInput
from trainer.json_lines import JsonObject

# One prompt's neighbouring records are held together: as many answers as a ranking never has are no prompt's.
GROUP_MOST = 100

RANKINGS = Format("rankings", _("Ranking lines (JSON Lines)"), lambda records: [single(records)])
CSV = Format("csv", _("Table for spreadsheets (CSV)"), spreadsheets.ranking_of)
TRANSCRIPTS = Format("hh-rlhf", _("hh-rlhf transcripts"), preferences.read_transcripts)
PAIRS = Format("trl-preference", _("TRL preference"), preferences.read_pairs)
UNPAIRED = Format(
    "trl-unpaired", _("TRL unpaired preference"), preferences.read_unpaired, preferences.same_prompt
)
TREES = Format("openassistant", _("OpenAssistant trees"), conversation_trees.read_trees)
MESSAGES = Format(
    "openassistant-messages",
    _("OpenAssistant messages"),
    conversation_trees.read_messages,
    conversation_trees.same_tree,
)
LABEL_STUDIO = Format("label-studio", _("Label Studio (JSON export)"), label_studio.read_tasks)
ARGILLA = Format("argilla", _("Argilla records (JSON)"), argilla.read_answers)
FORMATS = {
    one.name: one
    for one in (
        RANKINGS,
        CSV,
        TRANSCRIPTS,
        PAIRS,
        UNPAIRED,
        TREES,
        MESSAGES,
        LABEL_STUDIO,
        ARGILLA,
    )
}


@dataclass(frozen=True)
class Reading:
    """What one record came to: a ranking line, or why it was left out, or why it cannot be taken.

    `anonymous`: the file names nobody who ranked, and the line's annotator is the name of the format.
    """

    number: int
    line: JsonObject | None = None
    anonymous: bool = False
    left_out: str = ""
    refusal: str = ""


def detect(stream: BinaryIO) -> Format:
    """Which format a file is in, by its first record. Refuses packed files and what looks like none of them."""
    head = stream.read(CHUNK_BYTES)
    stream.seek(0)
    refuse_packed(head)
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first not in (b"[", b"{"):
        return _table(head)
    record = next(iter(read_json(stream)), None)
    stream.seek(0)
    if record is None:
        raise Unreadable("found no record, wanted at least one")
    # A first line that cannot be read says nothing about the format; its own refusal comes with the reading.
    return RANKINGS if record.value is None else _of(record.value)


def _table(head: bytes) -> Format:
    names = head.split(b"\n", 1)[0].lower()
    if b"prompt" in names and b"ranking" in names:
        return CSV
    if b"\0" in head:
        raise Unreadable("found a binary file or UTF-16, wanted a text file in UTF-8")
    raise Unreadable(
        "found neither JSON nor a table whose first line names prompt, ranking, answer_a and answer_b, wanted one of "
        "the formats of this page"
    )


def _of(record: JsonObject) -> Format:
    keys = set(record)
    if "tiers" in keys or {"responses", "annotator"} <= keys:
        return RANKINGS
    if {"chosen", "rejected"} <= keys:
        chosen = record["chosen"]
        return TRANSCRIPTS if isinstance(chosen, str) and preferences.TURN.match(chosen) else PAIRS
    if {"completion", "label"} <= keys:
        return UNPAIRED
    if "message_tree_id" in keys and isinstance(record.get("prompt"), dict):
        return TREES
    if {"message_id", "text", "role"} <= keys:
        return TREES if "replies" in keys else MESSAGES
    if {"data", "annotations"} <= keys:
        return LABEL_STUDIO
    if "fields" in keys:
        return ARGILLA
    raise Unreadable(
        f"found a first record with the keys {', '.join(sorted(keys)[:8])}, wanted one of the formats of this page"
    )


def read(stream: BinaryIO, format_name: str = "") -> Iterator[Reading]:
    """Each record of the file as ranking lines, lazily, in order; the format is found out unless it is named.

    Never raises for what stands in the file: what cannot be read is a refused reading with its line.
    """
    try:
        chosen = _chosen(stream, format_name)
        records = spreadsheets.read_rows(stream) if chosen is CSV else read_json(stream)
        nothing = True
        for reading in _readings(chosen, records):
            nothing = False
            yield reading
        if nothing:
            raise Unreadable("found no record, wanted at least one")
    except Unreadable as error:
        yield Reading(error.line, refusal=str(error))


def _chosen(stream: BinaryIO, format_name: str) -> Format:
    if not format_name:
        return detect(stream)
    refuse_packed(stream.read(CHUNK_BYTES))
    stream.seek(0)
    return FORMATS[format_name]


def _readings(chosen: Format, records: Iterator[Record]) -> Iterator[Reading]:
    if chosen.group is None:
        for record in records:
            yield from _converted(chosen, [record])
        return
    group = chosen.group
    for _same, neighbours in groupby(
        records, key=lambda one: (one.line if one.problem else 0, _common(group, one))
    ):
        together: list[Record] = []
        for record in neighbours:
            if len(together) < GROUP_MOST:
                together.append(record)
            else:
                yield Reading(record.line, refusal=f"found more than {GROUP_MOST} neighbours, wanted fewer")
        yield from _converted(chosen, together)


def _common(group: Callable[[JsonObject], object], record: Record) -> object:
    return None if record.value is None else group(record.value)


def _converted(chosen: Format, records: Sequence[Record]) -> Iterator[Reading]:
    first, values = records[0], [record.value for record in records if record.value is not None]
    if first.value is None:
        yield Reading(first.line, refusal=first.problem)
        return
    try:
        for line in chosen.convert(values):
            # Our own lines must name who ranked; their absence is a fault of the file.
            anonymous = chosen is not RANKINGS and "annotator" not in line
            yield Reading(first.line, {**line, "annotator": chosen.name} if anonymous else line, anonymous)
    except NothingToTake as nothing:
        yield Reading(first.line, left_out=str(nothing))
    except BadInput as error:
        yield Reading(first.line, refusal=str(error).removeprefix(": "))
