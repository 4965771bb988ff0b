"""What an import would do with each line of a file. Reads, and writes nothing."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from labelplatform.accounts.models import Project
from labelplatform.labels.exchange.formats import Reading
from labelplatform.labels.exchange.named_models import model_named
from labelplatform.labels.exchange.similar_prompts import beginning
from labelplatform.labels.services.known_labels import KnownLabels, content
from labelplatform.labels.services.recording import check_columns
from labelplatform.prompts.lines import LineRefused
from trainer.errors import BadInput
from trainer.rankings import Ranking as RankingLine
from trainer.rankings import parse_ranking

BATCH = 400
ROWS_SHOWN = 200
EXCERPT = 120


class Status(StrEnum):
    """What becomes of a line."""

    NEW = "new"
    THERE = "there"
    LEFT_OUT = "left-out"
    REFUSED = "refused"


class Note(StrEnum):
    """What a person should know about a line that is taken or left out, with a detail beside it."""

    REPEATS = "repeats"
    SIMILAR = "similar"
    NAMES_MODEL = "names-model"
    DISAGREES = "disagrees"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Wishes:
    """How to read a file: its format (empty: found out), and whether to leave out what is flagged."""

    format: str = ""
    leave_out_similar: bool = False
    leave_out_named: bool = False


@dataclass(frozen=True)
class Row:
    """One line of the dry run."""

    number: int
    status: Status
    line: RankingLine | None = None
    refusal: str = ""
    notes: tuple[tuple[Note, str], ...] = ()

    @property
    def identity(self) -> str:
        """The label's id; empty where the line could not be read."""
        return "" if self.line is None else self.line.id

    @property
    def annotator(self) -> str:
        """Who gave the label."""
        return "" if self.line is None else self.line.annotator

    @property
    def excerpt(self) -> str:
        """The beginning of the prompt's last message."""
        return "" if self.line is None else self.line.prompt[-1].content[:EXCERPT]

    @property
    def order(self) -> str:
        """The order in numbers of the line's responses: 2 > 1 = 3."""
        if self.line is None:
            return ""
        place = {one.id: str(number) for number, one in enumerate(self.line.responses, 1)}
        return " > ".join(" = ".join(place[name] for name in tier) for tier in self.line.tiers)


@dataclass
class Preview:
    """The dry run as far as it is kept: all counts, the first rows, the first rows that want a look."""

    counts: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)
    flagged: list[Row] = field(default_factory=list)
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, rows: Iterable[Row]) -> None:
        """Count these rows and keep some to be shown."""
        for row in rows:
            self.counts[row.status] += 1
            self.noted.update({note for note, _detail in row.notes})
            self._digest.update(f"{row.number} {row.status} {row.identity}\n".encode())
            if len(self.rows) < ROWS_SHOWN:
                self.rows.append(row)
            elif row.notes and len(self.flagged) < ROWS_SHOWN:
                self.flagged.append(row)
            if row.status is Status.REFUSED and len(self.refused) < ROWS_SHOWN:
                self.refused.append(row)

    def refuse(self, errors: Iterable[tuple[int, str]]) -> None:
        """Lines that storing refused although the look at them had not."""
        self.add(Row(number, Status.REFUSED, refusal=reason) for number, reason in errors)

    @property
    def total(self) -> int:
        """How many lines were looked at."""
        return self.counts.total()

    @property
    def promise(self) -> str:
        """A digest of what becomes of every line: an import that would do otherwise is refused."""
        return self._digest.hexdigest()


class LabelsRefused(Exception):
    """Nothing was imported: lines are refused, or the labels here are no longer those of the dry run (`changed`)."""

    def __init__(self, preview: Preview, *, changed: bool = False) -> None:
        self.preview, self.changed = preview, changed
        shown = "; ".join(f"line {row.number}: {row.refusal}" for row in preview.refused[:5])
        super().__init__(shown or "the labels here have changed since the dry run")


class Examiner:
    """Looks at the lines of one file in order, a batch at a time."""

    def __init__(self, project: Project, target: str, wishes: Wishes) -> None:
        self.known, self.wishes = KnownLabels(project, target), wishes
        self.ids: dict[str, tuple[int, int]] = {}
        self.alike: dict[str, tuple[str, int]] = {}
        self.beginnings: dict[str, tuple[str, int]] = {}

    def batches(self, readings: Iterator[Reading]) -> Iterator[list[Row]]:
        """The rows of all readings; memory holds one batch and some bytes for each line before it."""
        while batch := list(islice(readings, BATCH)):
            checked = [(reading, *_parsed(reading)) for reading in batch]
            self.known.look_up([line for _reading, line, _refusal in checked if line is not None])
            yield [self._row(reading, line, refusal) for reading, line, refusal in checked]

    def _row(self, reading: Reading, line: RankingLine | None, refusal: str) -> Row:
        if reading.left_out:
            return Row(reading.number, Status.LEFT_OUT, notes=((Note.NOTHING, reading.left_out),))
        if line is None:
            return Row(reading.number, Status.REFUSED, refusal=refusal)
        row = Row(reading.number, Status.NEW, line)
        return self._repeated(row, reading) or self._judged(
            replace(row, notes=self._notes(line, row.number)), reading
        )

    def _repeated(self, row: Row, reading: Reading) -> Row | None:
        """A line whose id was seen: folded where it says the same, refused where it does not."""
        line = row.line
        assert line is not None
        said = content(line, anonymous=reading.anonymous)
        if line.id in self.ids:
            first, before = self.ids[line.id]
            if said == before:
                return replace(row, status=Status.THERE, notes=((Note.REPEATS, str(first)),))
            return _refused(row, f"id: {line.id!r} stands in line {first} already, with another content")
        alike = unicodedata.normalize("NFKC", line.id).casefold()
        other, first = self.alike.setdefault(alike, (line.id, row.number))
        if other != line.id:
            reason = f"id: {line.id!r} differs from {other!r} of line {first} by case or Unicode form alone"
            return _refused(row, f"{reason}, wanted ids that people can tell apart")
        self.ids[line.id] = (row.number, said)
        stored = self.known.stored.get(line.id)
        if stored is None:
            return None
        if said in stored:
            return replace(row, status=Status.THERE)
        return _refused(row, f"id: {line.id!r} is recorded in this project already, with another content")

    def _notes(self, line: RankingLine, number: int) -> tuple[tuple[Note, str], ...]:
        notes = []
        start = beginning([message.to_line() for message in line.prompt])
        prompt, first = self.beginnings.setdefault(start, (line.prompt_key, number))
        if prompt != line.prompt_key:
            notes.append((Note.SIMILAR, str(first)))
        if named := next(filter(None, (model_named(one.text) for one in line.responses)), ""):
            notes.append((Note.NAMES_MODEL, named))
        return tuple(notes)

    def _judged(self, row: Row, reading: Reading) -> Row:
        """A line seen for the first time: left out by wish, refused where it contradicts what is known, or taken."""
        line, names = row.line, {note for note, _detail in row.notes}
        assert line is not None
        similar = self.wishes.leave_out_similar and Note.SIMILAR in names
        if similar or (self.wishes.leave_out_named and Note.NAMES_MODEL in names):
            return replace(row, status=Status.LEFT_OUT)
        if conflict := self.known.conflict(line):
            return _refused(row, conflict)
        if self.known.has_ranked(line, line.annotator):
            if not reading.anonymous:
                return _refused(row, f"annotator: {line.annotator!r} has ranked this item already")
            line = self._somebody_else(line)
            row = replace(row, line=line, notes=(*row.notes, (Note.DISAGREES, line.annotator)))
        self.known.learn(line)
        return row

    def _somebody_else(self, line: RankingLine) -> RankingLine:
        """The line by a name of its own: nobody is named, and one person orders the same answers once."""
        number = 2
        while self.known.has_ranked(line, f"{line.annotator}-{number}"):
            number += 1
        return replace(line, annotator=f"{line.annotator}-{number}")


def _parsed(reading: Reading) -> tuple[RankingLine | None, str]:
    if reading.line is None:
        return None, reading.refusal
    try:
        line = parse_ranking(reading.line, "")
        check_columns(line)
        _refuse_look_alikes([one.id for one in line.responses])
    except (BadInput, LineRefused) as error:
        return None, str(error).removeprefix(": ")
    return line, ""


def _refuse_look_alikes(ids: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for name in ids:
        other = seen.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
        if other != name:
            raise LineRefused(
                f"responses: the ids {other!r} and {name!r} differ by case or Unicode form alone"
            )


def _refused(row: Row, reason: str) -> Row:
    return replace(row, status=Status.REFUSED, refusal=reason)
