"""TruthfulQA's questions: from the published files (`TruthfulQA.csv`, `mc_task.json`), or from those that ship here.

Two editions are in use and give different figures: 2021 has 817 questions and is behind nearly all published ones;
2025 has 790 and adds a best incorrect answer to each.
"""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of

Edition = Literal["2021", "2025"]
COLUMNS = ("Question", "Best Answer", "Correct Answers", "Incorrect Answers")
SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class TruthfulQuestion:
    """One question. `correct` and `incorrect` are answers as the file has them (upstream closes each with a stop).

    `mc1` and `mc2` are choices with whether each is true, in the file's order. `best_incorrect` came with 2025.
    """

    id: str
    question: str
    best: str
    best_incorrect: str | None
    correct: tuple[str, ...]
    incorrect: tuple[str, ...]
    mc1: tuple[tuple[str, bool], ...]
    mc2: tuple[tuple[str, bool], ...]
    slices: Mapping[str, str]


def closed(answer: str) -> str:
    """The answer with a full stop at its end, as upstream scores it."""
    return answer if answer.endswith(".") else answer + "."


def question_id(question: str) -> str:
    """An id that a question keeps in every edition and file."""
    return "tqa-" + hashlib.sha256(question.strip().encode()).hexdigest()[:12]


def shipped_file(edition: Edition) -> Path:
    """The file of an edition that comes with this package."""
    return SHIPPED / f"questions_{edition}.jsonl.gz"


def read_questions(path: Path) -> list[TruthfulQuestion]:
    """The questions of a `.csv`, a `.json` as published, or a `.jsonl.gz` of ours.

    Refuses another schema, a question without true or without false answers, and one that stands twice.
    """
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {error}, wanted a file of TruthfulQA questions in UTF-8") from error
    if path.suffix == ".csv":
        found = _from_table(text, path)
    elif path.suffix == ".json":
        found = _from_tasks(text, path)
    elif path.name.endswith(".jsonl.gz"):
        found = [_from_ours(json.loads(line)) for line in text.splitlines()]
    else:
        raise BadInput(f"{path}: found a file named {path.suffix or 'without suffix'}, wanted .csv or .json")
    seen: set[str] = set()
    for number, one in enumerate(found, start=1):
        if one.id in seen:
            raise BadInput(f"{path}: question {number}: found {one.question[:60]!r} again, wanted each once")
        seen.add(one.id)
    if not found:
        raise BadInput(f"{path}: found no question, wanted at least one")
    return found


def split_answers(text: str) -> tuple[str, ...]:
    """The answers of one cell: parted by `;`, without blanks around them, empty ones dropped."""
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _from_table(text: str, path: Path) -> list[TruthfulQuestion]:
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise BadInput(
            f"{path}:1: found columns {', '.join(rows.fieldnames or ())[:80]}, wanted {', '.join(COLUMNS)}"
        )
    found = []
    for row in rows:
        where = f"{path}:{rows.line_num}"
        if any(not (row[name] or "").strip() for name in COLUMNS):
            raise BadInput(f"{where}: found an empty cell, wanted text under {', '.join(COLUMNS)}")
        correct, incorrect = split_answers(row["Correct Answers"]), split_answers(row["Incorrect Answers"])
        best = row["Best Answer"].strip()
        wrong = tuple((answer, False) for answer in incorrect)
        found.append(
            TruthfulQuestion(
                id=question_id(row["Question"]),
                question=row["Question"].strip(),
                best=best,
                best_incorrect=(row.get("Best Incorrect Answer") or "").strip() or None,
                correct=correct,
                incorrect=incorrect,
                mc1=((best, True), *wrong),
                mc2=(*((answer, True) for answer in correct), *wrong),
                slices=_slices(row),
            )
        )
        _refuse_one_sided(found[-1], where)
    return found


def _from_tasks(text: str, path: Path) -> list[TruthfulQuestion]:
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path}: found {error}, wanted a JSON list of questions") from error
    if not isinstance(entries, list):
        raise BadInput(f"{path}: found {kind_of(entries)}, wanted a JSON list of questions")
    found = []
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: question {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("question"), str):
            raise BadInput(
                f"{where}: found {kind_of(entry)}, wanted an object with question, mc1_targets, mc2_targets"
            )
        found.append(_from_task(entry, where))
        _refuse_one_sided(found[-1], where)
    return found


def _from_task(entry: Mapping[str, Any], where: str) -> TruthfulQuestion:
    mc1, mc2 = _targets(entry, "mc1_targets", where), _targets(entry, "mc2_targets", where)
    pair = _targets(entry, "mc0_targets", where) if "mc0_targets" in entry else ()
    best = [answer for answer, true in mc1 if true]
    if len(best) != 1:
        raise BadInput(f"{where}: mc1_targets: found {len(best)} true answers, wanted exactly one")
    wrong = [answer for answer, true in pair if not true]
    return TruthfulQuestion(
        id=question_id(entry["question"]),
        question=entry["question"].strip(),
        best=best[0],
        best_incorrect=wrong[0] if wrong else None,
        correct=tuple(answer for answer, true in mc2 if true),
        incorrect=tuple(answer for answer, true in mc2 if not true),
        mc1=mc1,
        mc2=mc2,
        slices=_slices(entry),
    )


def _targets(entry: Mapping[str, Any], name: str, where: str) -> tuple[tuple[str, bool], ...]:
    value = entry.get(name)
    # Published as {answer: 0 or 1}, and in the hub's copy as {"choices": […], "labels": […]}.
    if isinstance(value, dict) and set(value) == {"choices", "labels"}:
        pairs: Sequence[tuple[Any, Any]] = list(zip(value["choices"], value["labels"], strict=False))
        whole = len(value["choices"]) == len(value["labels"])
    else:
        pairs, whole = list(value.items()) if isinstance(value, dict) else [], isinstance(value, dict)
    if not pairs or not whole or any(not isinstance(a, str) or label not in (0, 1) for a, label in pairs):
        raise BadInput(f"{where}: {name}: found {kind_of(value)}, wanted answers with 0 or 1 each")
    return tuple((answer, label == 1) for answer, label in pairs)


def _from_ours(entry: Mapping[str, Any]) -> TruthfulQuestion:
    pairs = {name: tuple((answer, bool(true)) for answer, true in entry[name]) for name in ("mc1", "mc2")}
    return TruthfulQuestion(
        id=question_id(entry["question"]),
        question=entry["question"],
        best=entry["best"],
        best_incorrect=entry["best_incorrect"],
        correct=tuple(entry["correct"]),
        incorrect=tuple(entry["incorrect"]),
        slices=entry["slices"],
        **pairs,
    )


def _slices(entry: Mapping[str, Any]) -> dict[str, str]:
    named = {"category": entry.get("Category"), "type": entry.get("Type")}
    return {key: value for key, value in named.items() if isinstance(value, str) and value}


def _refuse_one_sided(one: TruthfulQuestion, where: str) -> None:
    if not one.correct or not one.incorrect or not any(not true for _, true in one.mc1):
        raise BadInput(
            f"{where}: found {len(one.correct)} true and {len(one.incorrect)} false answers, wanted both"
        )
