"""Ranking lines in the formats that trainers of other houses read. The same for a database and a frozen snapshot.

trl-preference      {"prompt": text, "chosen": text, "rejected": text, "margin"?, "ranking"}: one line for each pair of
                    answers in different tiers. Ties give none; unranked answers are below all ranked ones and mutually
                    unknown. A prompt of several messages is written as a transcript: use trl-conversational for those
trl-conversational  the same with lists of messages
trl-unpaired        {"prompt": text, "completion": text, "label"}: the best tier is true, the worst false (unranked
                    answers are the worst); what lies between says neither, and one tier alone says nothing. Of a
                    ranking whose answers are all unacceptable every answer is false
sft                 {"messages": […]}: the prompt with each answer of the best tier; then the demonstrations likewise
`ranking` is the id of the ranking a line comes from, `demonstration` that of the demonstration.

Rankings marked "all unacceptable" are kept, or left out when asked; as examples to imitate (sft) one must ask for them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from labelplatform.labels.exchange.spreadsheets import write_rows
from labelplatform.prompts.transcripts import prompt_text
from trainer.json_lines import JsonObject
from trainer.prompts import parse_demonstration
from trainer.rankings import Ranking, pairs, parse_ranking, to_line

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
KEEP, LEAVE_OUT = "keep", "leave-out"
# The format that demonstrations leave in as well.
SFT = "sft"


@dataclass(frozen=True)
class Export:
    """One format that labels leave in: its name, its title, its file's ending, and what becomes of a ranking."""

    name: str
    title: str | Promise
    suffix: str
    convert: Callable[[Ranking], Iterable[JsonObject]]
    unacceptable: str = KEEP


def preference_lines(ranking: Ranking) -> Iterator[JsonObject]:
    """A text pair for each two answers in different tiers."""
    for pair, margin in _pairs(ranking):
        chosen, rejected = pair
        told = {"prompt": prompt_text(ranking.prompt), "chosen": chosen, "rejected": rejected}
        yield {**told, **margin, "ranking": ranking.id}


def conversational_lines(ranking: Ranking) -> Iterator[JsonObject]:
    """A pair of messages for each two answers in different tiers."""
    prompt = [message.to_line() for message in ranking.prompt]
    for pair, margin in _pairs(ranking):
        chosen, rejected = ([{"role": "assistant", "content": text}] for text in pair)
        yield {"prompt": prompt, "chosen": chosen, "rejected": rejected, **margin, "ranking": ranking.id}


def _pairs(ranking: Ranking) -> Iterator[tuple[tuple[str, str], JsonObject]]:
    texts = [response.text for response in ranking.responses]
    for pair in pairs(ranking):
        margin: JsonObject = {} if ranking.margins is None else {"margin": pair.margin}
        yield (texts[pair.chosen], texts[pair.rejected]), margin


def unpaired_lines(ranking: Ranking) -> Iterator[JsonObject]:
    """One line for each answer of the best and of the worst tier."""
    groups = [list(tier) for tier in ranking.tiers]
    placed = {name for tier in groups for name in tier}
    unranked = [response.id for response in ranking.responses if response.id not in placed]
    groups += [unranked] if unranked else []
    texts = {response.id: response.text for response in ranking.responses}
    if ranking.unacceptable:
        labels = [(name, False) for name in texts]
    elif len(groups) < 2:
        labels = []
    else:
        labels = [(name, True) for name in groups[0]] + [(name, False) for name in groups[-1]]
    for name, label in labels:
        told = {"prompt": prompt_text(ranking.prompt), "completion": texts[name], "label": label}
        yield {**told, "ranking": ranking.id}


def sft_lines(ranking: Ranking) -> Iterator[JsonObject]:
    """The prompt with each answer of the best tier, as messages."""
    texts = {response.id: response.text for response in ranking.responses}
    for name in ranking.tiers[0] if ranking.tiers else ():
        messages = [message.to_line() for message in ranking.prompt]
        answer = {"role": "assistant", "content": texts[name]}
        yield {"messages": [*messages, answer], "ranking": ranking.id}


def demonstration_messages(line: Mapping[str, object]) -> JsonObject:
    """A demonstration line as messages: the prompt with the answer that a person wrote."""
    told = parse_demonstration(dict(line), str(line.get("id")))
    answer = {"role": "assistant", "content": told.response}
    return {"messages": [*(message.to_line() for message in told.prompt), answer], "demonstration": told.id}


def _itself(ranking: Ranking) -> Iterator[JsonObject]:
    yield to_line(ranking)


RANKINGS = Export("rankings", _("Ranking lines (JSON Lines)"), "jsonl", _itself)
CSV = Export("csv", _("Table for spreadsheets (CSV)"), "csv", _itself)
EXPORTS = {
    one.name: one
    for one in (
        RANKINGS,
        CSV,
        Export("trl-preference", _("TRL preference pairs"), "jsonl", preference_lines),
        Export(
            "trl-conversational", _("TRL preference pairs, conversational"), "jsonl", conversational_lines
        ),
        Export("trl-unpaired", _("TRL unpaired preference"), "jsonl", unpaired_lines),
        Export(SFT, _("Messages for supervised fine-tuning"), "jsonl", sft_lines, LEAVE_OUT),
    )
}


def file_name(export: Export, unacceptable: str = "") -> str:
    """The end of the file's name: the format, how cells are guarded, what became of unacceptable rankings."""
    guarded = "-formula-safe" if export is CSV else ""
    left_out = (unacceptable or export.unacceptable) == LEAVE_OUT
    return f"{export.name}{guarded}{'-without-unacceptable' if left_out else ''}.{export.suffix}"


def encoded(lines: Iterable[Mapping[str, object]], export: Export) -> Iterator[str]:
    """The file in pieces, one a line or row."""
    if export is CSV:
        return write_rows(lines)
    return (f"{_ENCODER.encode(line)}\n" for line in lines)


def kept(
    lines: Iterable[Mapping[str, object]], export: Export, unacceptable: str
) -> Iterator[Mapping[str, object]]:
    """The lines without those marked "all unacceptable", where they are to be left out."""
    leave_out = (unacceptable or export.unacceptable) == LEAVE_OUT
    return (line for line in lines if not (leave_out and line.get("unacceptable")))


def converted(
    lines: Iterable[Mapping[str, object]], export: Export, unacceptable: str = ""
) -> Iterator[Mapping[str, object]]:
    """What the format makes of ranking lines; ranking lines themselves go through untouched, byte for byte."""
    for line in kept(lines, export, unacceptable):
        if export in (RANKINGS, CSV):
            yield line
        elif export.name == SFT and "tiers" not in line:
            yield demonstration_messages(line)
        else:
            yield from export.convert(parse_ranking(dict(line), str(line.get("id"))))
