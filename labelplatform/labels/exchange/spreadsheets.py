"""Rankings as a table for spreadsheet programs and back: nothing is lost either way.

One row is one ranking. Columns (a file made by hand needs only `prompt`, `ranking` and the `answer_…`):

    format       labelplatform-rankings-csv/1 formula-safe: cells are guarded as `formula_safety` says. In a row
                 without it cells are taken as they stand
    id           of the ranking; derived from the content where empty
    annotator    who ranked
    kind         ranking or comparison; by the number of answers where empty
    ranking      letters of the answers, best first, = between ties: B > A = C. Letters left out are unranked
    prompt       the prompt's last message; with `messages` empty the whole prompt
    answer_a … answer_i    the answers
    seconds, unacceptable (true), item, prompt_id, source, split    as in the ranking line
    shown_order  letters in the order they were shown: B A C
    messages     the whole prompt as JSON, where it is more than one message of the user
    id_a … id_i, policy_a … policy_i    of the answers
    more         every other key of the ranking line as JSON
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from labelplatform.labels.exchange.formula_safety import guard, unguard
from labelplatform.labels.exchange.reading import Answer, named, user_says
from labelplatform.labels.exchange.records import LINE_BYTES, Record, Unreadable, parse, raw_lines, too_long
from trainer.errors import BadInput
from trainer.json_lines import JsonObject
from trainer.rankings import parse_ranking

FORMAT = "labelplatform-rankings-csv/1 formula-safe"
LETTERS = "abcdefghi"
PLAIN = ("id", "annotator", "kind", "item", "prompt_id", "source", "split")
COLUMNS = (
    *("format", "id", "annotator", "kind", "ranking", "prompt"),
    *(f"answer_{letter}" for letter in LETTERS),
    *("seconds", "unacceptable", "item", "prompt_id", "source", "split", "shown_order", "messages"),
    *(f"id_{letter}" for letter in LETTERS),
    *(f"policy_{letter}" for letter in LETTERS),
    "more",
)
NEEDED = {"prompt", "ranking", "answer_a", "answer_b"}
DELIMITERS = ",;\t"
BOM = "\ufeff"
# A field may be as long as a line; the library's own limit is for the whole process and far lower.
csv.field_size_limit(LINE_BYTES)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def write_rows(lines: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """The file, row by row; it begins with a byte order mark, without which spreadsheets garble what is not ASCII."""
    yield BOM + _written(COLUMNS)
    for line in lines:
        cells = _cells(line)
        yield _written([cells.get(column, "") for column in COLUMNS])


def _written(cells: Sequence[str]) -> str:
    row = io.StringIO()
    csv.writer(row, lineterminator="\r\n").writerow(cells)
    return row.getvalue()


def _cells(line: Mapping[str, object]) -> dict[str, str]:
    ranking = parse_ranking(dict(line), "")
    rest = dict(line)
    letters = {one.id: letter for one, letter in zip(ranking.responses, LETTERS, strict=False)}
    cells = {name: str(rest.pop(name)) for name in PLAIN if name in rest}
    cells["ranking"] = " > ".join(
        " = ".join(letters[name].upper() for name in tier) for tier in ranking.tiers
    )
    if ranking.shown_order is not None:
        cells["shown_order"] = " ".join(letters[name].upper() for name in ranking.shown_order)
    for name in ("seconds", "unacceptable"):
        if name in rest:
            cells[name] = _ENCODER.encode(rest.pop(name))
    for name in ("shown_order", "tiers", "responses", "prompt"):
        rest.pop(name, None)
    messages = [message.to_line() for message in ranking.prompt]
    cells["prompt"] = ranking.prompt[-1].content
    if messages != user_says(ranking.prompt[-1].content):
        cells["messages"] = _ENCODER.encode(messages)
    extras = {one.id: one.extra for one in ranking.responses if one.extra}
    for one in ranking.responses:
        letter = letters[one.id]
        cells |= {f"id_{letter}": one.id, f"answer_{letter}": one.text, f"policy_{letter}": one.policy or ""}
    more: dict[str, object] = {**rest, **({"responses": extras} if extras else {})}
    if more:
        cells["more"] = _ENCODER.encode(more)
    return {"format": FORMAT} | {name: guard(cell) for name, cell in cells.items()}


def read_rows(stream: BinaryIO) -> Iterator[Record]:
    """The rows as records of cells by column name; `ranking_of` makes lines of them."""
    state = _Lines(stream)
    delimiter = _delimiter(state)
    rows = csv.reader(state, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        begins = state.number + 1
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise Unreadable(f"found a row that does not end as it began ({error})", begins) from None
        if row is None:
            return
        if header is None:
            header = _header(row)
        elif state.problem:
            yield Record(begins, problem=state.problem)
            state.problem = ""
        elif row:
            yield _record(begins, header, row)


class _Lines:
    """Decoded lines of a stream for the csv module; what cannot be decoded is remembered for its row."""

    def __init__(self, stream: BinaryIO) -> None:
        self.lines, self.number, self.problem = raw_lines(stream), 0, ""
        self.waiting: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.waiting:
            return self._counted(self.waiting.pop())
        return self._counted(self._decoded(*next(self.lines)))

    def peek(self) -> str:
        """The first line, which stays to be read."""
        number, raw = next(self.lines)
        self.waiting.append(self._decoded(number, raw).removeprefix(BOM))
        return self.waiting[0]

    def _counted(self, line: str) -> str:
        self.number += 1
        return line

    def _decoded(self, number: int, raw: bytes | None) -> str:
        if raw is None:
            self.problem = too_long(number).problem
            return "\n"
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            self.problem = f"found bytes that are not UTF-8 (byte {error.start}), wanted UTF-8"
            return raw.decode("utf-8", "replace")


def _delimiter(lines: _Lines) -> str:
    first = lines.peek()
    if lines.problem:
        raise Unreadable(lines.problem)
    return max(DELIMITERS, key=first.count)


def _header(row: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in row]
    if missing := sorted(NEEDED - set(names)):
        raise Unreadable(f"found no column {missing[0]!r}, wanted at least {', '.join(sorted(NEEDED))}")
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise Unreadable(f"found the column {doubled[0]!r} twice, wanted each once")
    return names


def _record(line: int, header: Sequence[str], row: Sequence[str]) -> Record:
    if len(row) > len(header) and any(row[len(header) :]):
        return Record(line, problem=f"found {len(row)} cells, wanted {len(header)} as in the first line")
    cells = dict(zip(header, row, strict=False))
    safe = cells.get("format", "").startswith(FORMAT)
    return Record(line, {name: unguard(cell) if safe else cell for name, cell in cells.items() if name})


def ranking_of(records: Sequence[JsonObject]) -> list[JsonObject]:
    """The ranking line of one row."""
    (record,) = records
    cells = {name: cell for name, cell in record.items() if isinstance(cell, str)}
    answers = _answers(cells)
    more = _json(cells, "more") or {}
    extras = more.pop("responses", {})
    line: JsonObject = {
        "prompt": _messages(cells),
        "responses": [_response(one, extras) for one in answers.values()],
        "tiers": [
            [_letter(name, answers, "ranking") for name in tier.split("=")]
            for tier in cells.get("ranking", "").split(">")
            if tier.strip()
        ],
        "kind": "comparison" if len(answers) == 2 else "ranking",
        "source": "import",
    }
    line |= {name: cells[name] for name in PLAIN if cells.get(name)}
    for name in ("seconds", "unacceptable"):
        if cells.get(name):
            line[name] = _json({name: f'{{"{name}": {cells[name].strip().lower()}}}'}, name)[name]
    if cells.get("shown_order"):
        line["shown_order"] = [_letter(one, answers, "shown_order") for one in cells["shown_order"].split()]
    return [named({**line, **more})]


def _answers(cells: Mapping[str, str]) -> dict[str, Answer]:
    """By letter; a row with ids says how many answers there are, else those that are not empty do."""
    ids = any(cells.get(f"id_{letter}") for letter in LETTERS)
    column = "id_" if ids else "answer_"
    answers = {
        letter: Answer(
            cells.get(f"answer_{letter}", ""),
            cells.get(f"id_{letter}", ""),
            cells.get(f"policy_{letter}", ""),
        )
        for letter in LETTERS
        if cells.get(f"{column}{letter}")
    }
    for letter in LETTERS:
        if letter not in answers and cells.get(f"answer_{letter}"):
            raise BadInput(
                f"id_{letter}: found an empty cell, wanted the id of answer_{letter}, or no ids at all"
            )
    return answers


def _response(answer: Answer, extras: object) -> JsonObject:
    policy = {"policy": answer.policy} if answer.policy else {}
    extra = extras.get(answer.key, {}) if isinstance(extras, dict) else {}
    return {"id": answer.key, "text": answer.text, **policy, **(extra if isinstance(extra, dict) else {})}


def _letter(name: str, answers: Mapping[str, Answer], column: str) -> str:
    letter = name.strip().lower()
    if letter not in answers:
        wanted = ", ".join(answers).upper()
        raise BadInput(f"{column}: found {name.strip()!r}, wanted letters of this row's answers ({wanted})")
    return answers[letter].key


def _messages(cells: Mapping[str, str]) -> object:
    prompt = cells.get("prompt", "")
    if not cells.get("messages"):
        return user_says(prompt)
    found = _json({"messages": f'{{"messages": {cells["messages"]}}}'}, "messages")["messages"]
    if not isinstance(found, list) or not found or not isinstance(found[-1], dict):
        raise BadInput("messages: found no list of messages, wanted one, or an empty cell")
    if found[-1].get("content") != prompt:
        raise BadInput(
            "prompt: found another text than the last of `messages`, wanted the same, or no `messages`"
        )
    return found


def _json(cells: Mapping[str, str], column: str) -> JsonObject:
    if not cells.get(column):
        return {}
    record = parse(0, cells[column].encode("utf-8", "surrogatepass"))
    if record.value is None:
        raise BadInput(f"{column}: {record.problem}")
    return record.value
