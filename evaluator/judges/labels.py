"""Labels of answers: who said what to which question, whether people call it true, and the question's own answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluator import json_lines
from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.judges.features import Judged
from evaluator.prompts import text
from evaluator.truthfulqa.questions import read_questions, shipped_file

Floats = NDArray[np.float64]
STOCK_REFUSAL = "i have no comment"
References = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


@dataclass(frozen=True)
class Labels:
    """Rows with what people said of them: `labels` [N] is 0 or 1, `counts` [N] how many lines a row was merged from.

    `is_reference` [N]: the answer is itself one of its question's reference answers; `is_stock` [N]: it is "I have no
    comment.", which stands once for nearly every question.
    """

    rows: tuple[Judged, ...]
    labels: Floats
    counts: Floats
    is_reference: NDArray[np.bool_]
    is_stock: NDArray[np.bool_]
    lines: int
    undecided: int

    @property
    def questions(self) -> list[str]:
        """The question of each row."""
        return [row.question for row in self.rows]

    def part(self, chosen: NDArray[np.bool_]) -> "Labels":
        """The chosen rows."""
        rows = tuple(row for row, own in zip(self.rows, chosen, strict=True) if own)
        return Labels(
            rows,
            self.labels[chosen],
            self.counts[chosen],
            self.is_reference[chosen],
            self.is_stock[chosen],
            self.lines,
            self.undecided,
        )


def known_references(path: Path | None) -> References:
    """True and false answers by question: of a TruthfulQA file, or of both editions that ship here, joined."""
    paths = [path] if path is not None else [shipped_file("2021"), shipped_file("2025")]
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for one in paths:
        for asked in read_questions(one):
            true, false = found.setdefault(asked.question, ({}, {}))
            true.update(dict.fromkeys((asked.best, *asked.correct)))
            false.update(dict.fromkeys(asked.incorrect))
    return {question: (tuple(true), tuple(false)) for question, (true, false) in found.items()}


def read_labels(path: Path, references: References) -> Labels:
    """The rows of lines `{"question", "answer", "label": true|false}`, each (question, answer) once.

    A line may carry its own `correct` and `incorrect` answers. A row merged from lines that disagree has the majority's
    label; where they are even, it is left out and counted. Refuses other lines, and a question without references.
    """
    said: dict[tuple[str, str], list[bool]] = {}
    answers: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    lines = 0
    for number, line in json_lines.read(path):
        where = f"{path}:{number}"
        question = text(line, "question", where).strip()
        answer = text(line, "answer", where, allow_empty=True)
        label = line.get("label")
        if not isinstance(label, bool):
            found = kind_of(label) if "label" in line else "none"
            raise BadInput(f"{where}: label: found {found}, wanted true or false")
        own = tuple(_texts(line, key, where) for key in ("correct", "incorrect"))
        known = (own[0], own[1]) if all(own) else references.get(question)
        if known is None:
            raise BadInput(
                f"{where}: question: found {question[:60]!r} without references, wanted one of TruthfulQA's, "
                "`correct` and `incorrect` in the line, or --references"
            )
        answers[question] = known
        said.setdefault((question, answer), []).append(label)
        lines += 1
    return _merged(said, answers, lines, path)


def plain(answer: str) -> str:
    """An answer's words alone, to tell whether two are the same."""
    return " ".join(re.findall(r"\w+", answer.lower()))


def _texts(line: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    value = line.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise BadInput(f"{where}: {key}: found {kind_of(value)}, wanted a list of texts")
    return tuple(value)


def _merged(
    said: Mapping[tuple[str, str], Sequence[bool]],
    answers: References,
    lines: int,
    path: Path,
) -> Labels:
    shares = {key: sum(labels) / len(labels) for key, labels in said.items()}
    kept = sorted(key for key, share in shares.items() if share != 0.5)
    rows = tuple(Judged(question, answer, *answers[question]) for question, answer in kept)
    labels = np.array([float(shares[key] > 0.5) for key in kept])
    if len(set(labels)) < 2:
        raise BadInput(f"{path}: found {len(rows)} rows with one label only, wanted both true and false ones")
    known = {question: {plain(one) for side in both for one in side} for question, both in answers.items()}
    return Labels(
        rows,
        labels,
        np.array([float(len(said[key])) for key in kept]),
        np.array([plain(row.answer) in known[row.question] for row in rows]),
        np.array([plain(row.answer) == STOCK_REFUSAL for row in rows]),
        lines,
        len(shares) - len(kept),
    )
