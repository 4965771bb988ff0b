"""What every reader of a foreign format shares: the line it makes, and how it says that there is none."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from trainer.errors import BadInput
from trainer.json_lines import JsonObject, kind_of

ANSWER_MOST = 9
LANGUAGES = ("language", "lang")


class NothingToTake(Exception):
    """A record that is well-formed and holds no ranking; the text says why. It is left out, not refused."""


@dataclass(frozen=True)
class Format:
    """One format: its name in addresses and commands, its title for people, and how records become ranking lines.

    `convert` is given one record, or several neighbours of which `group` says the same; it raises BadInput or
    NothingToTake. A line without "annotator" was given by nobody the file names.
    """

    name: str
    title: str | Promise
    convert: Callable[[Sequence[JsonObject]], list[JsonObject]]
    group: Callable[[JsonObject], object] | None = None


@dataclass(frozen=True)
class Answer:
    """One answer before it has a place in a line; without an id it is named by its text."""

    text: str
    id: str = ""
    policy: str = ""

    @property
    def key(self) -> str:
        """The id that ranking lines use: blind, for "chosen" in an id would tell people what to choose."""
        return self.id or hashlib.sha256(self.text.encode()).hexdigest()[:16]


def user_says(text: str) -> list[JsonObject]:
    """A prompt of one message."""
    return [{"role": "user", "content": text}]


def ranking(
    prompt: object,
    tiers: Sequence[Sequence[Answer]],
    *,
    unranked: Sequence[Answer] = (),
    told: Mapping[str, object],
) -> JsonObject:
    """A ranking line; `told` overrides and adds keys. Its id is a digest of all of it unless told.

    The answers stand in the order of their ids, which says nothing about who was preferred.
    """
    ranked = [answer for tier in tiers for answer in tier]
    answers = {answer.key: answer for answer in (*ranked, *unranked)}
    if len(answers) < len(ranked) + len(unranked):
        raise NothingToTake("two of the answers are the same: nothing is preferred")
    if not 2 <= len(answers) <= ANSWER_MOST:
        raise NothingToTake(f"{len(answers)} answers: a ranking has 2 to {ANSWER_MOST}")
    line: JsonObject = {
        "prompt": prompt,
        "responses": [
            {"id": key, "text": one.text, **({"policy": one.policy} if one.policy else {})}
            for key, one in sorted(answers.items())
        ],
        "tiers": [[answer.key for answer in tier] for tier in tiers],
        "kind": "comparison" if len(answers) == 2 else "ranking",
        "source": "import",
    }
    return named({**line, **told})


def named(line: JsonObject) -> JsonObject:
    """The line with an id: a digest of its content where it has none, so that the same content is the same line."""
    if "id" in line:
        return line
    told = repr([line.get(key) for key in ("prompt", "responses", "tiers", "annotator")])
    return {"id": f"import-{hashlib.sha256(told.encode()).hexdigest()[:24]}", **line}


def origin(format_name: str, record: Mapping[str, object], known: Sequence[str]) -> JsonObject:
    """The keys of a record that have no place of their own in a ranking line (scores, sources), kept together.

    One key of our own instead of theirs beside ours: a foreign "source" or "split" means something else.
    """
    rest = {key: record[key] for key in record if key not in (*known, *LANGUAGES)}
    language = next((record[key] for key in LANGUAGES if isinstance(record.get(key), str)), None)
    told: JsonObject = {"imported": {"format": format_name, **rest}}
    return {**told, "language": language} if language else told


def single(records: Sequence[JsonObject]) -> JsonObject:
    """The one record of a format whose records stand alone."""
    (record,) = records
    return record


def wanted_text(record: Mapping[str, object], key: str) -> str:
    """The text under `key`, which may be empty; BadInput for anything else."""
    value = record.get(key)
    if not isinstance(value, str):
        raise BadInput(f"{key}: found {kind_of(value) if key in record else 'nothing'}, wanted text")
    return value


def text_or_number(value: object) -> str:
    """An id as other houses give it: text or a whole number; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)
