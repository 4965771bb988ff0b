"""An answer as numbers: its wording alone (blind), or beside the true and false answers of its question."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from evaluator.judges.wording import (
    WORDING_NAMES,
    common_order,
    negates,
    overlap,
    share_of_both,
    spoken,
    trigrams,
    wording,
)

Floats = NDArray[np.float64]
Form = Literal["blind", "with-references"]
LIKENESSES = ("answer", "answer with question", "words", "new words", "order of words", "letters")
SIDE_NAMES = (
    *(f"{name}, {kind}" for name in LIKENESSES for kind in ("highest", "best three", "mean")),
    "negates like the nearest",
    "negates like the one of most shared words",
    "share that negates alike",
    "nearest that negates alike",
    "most shared words that negates alike",
    "share with the same first word",
)
FEATURE_NAMES = (
    *(f"true: {name}" for name in SIDE_NAMES),
    *(f"false: {name}" for name in SIDE_NAMES),
    *(f"true less false: {name}" for name in SIDE_NAMES),
    *WORDING_NAMES,
    "nearness to the question",
)
BLIND_COUNT = len(WORDING_NAMES) + 1


class Embeds(Protocol):
    """What turns texts into rows of length 1."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """[N, width] of N texts."""
        ...


@dataclass(frozen=True)
class Judged:
    """A question, an answer to it, and the question's true and false answers (unused by blind judges)."""

    question: str
    answer: str
    correct: tuple[str, ...]
    incorrect: tuple[str, ...]


@dataclass(frozen=True)
class Features:
    """N answers: `table` [N, len(FEATURE_NAMES)], or [N, BLIND_COUNT] blind; `vectors` [N, 2 width]: the answer's
    embedding beside that of question and answer together.
    """

    table: Floats
    vectors: Floats


def features_of(rows: Sequence[Judged], form: Form, embedder: Embeds) -> Features:
    """The features of each row; `with-references` refuses (ValueError) a row without true or without false answers."""
    texts = {row.answer for row in rows} | {_together(row.question, row.answer) for row in rows}
    texts |= {row.question for row in rows}
    if form == "with-references":
        texts |= {one for row in rows for one in _both_ways(row)}
    ordered = sorted(texts)
    place = {text: number for number, text in enumerate(ordered)}
    vectors = embedder.embed(ordered)

    def look(text: str) -> Floats:
        found: Floats = vectors[place[text]]
        return found

    table = np.array([_row(row, form, look) for row in rows])
    own = np.array(
        [np.concatenate([look(row.answer), look(_together(row.question, row.answer))]) for row in rows]
    )
    return Features(table, own)


def bare(reference: str) -> str:
    """A reference without its full stop: half the files close answers with one, half do not."""
    return reference.strip().rstrip(".")


def _both_ways(row: Judged) -> list[str]:
    references = [bare(one) for one in (*row.correct, *row.incorrect)]
    return references + [_together(row.question, one) for one in references]


def _together(question: str, answer: str) -> str:
    return f"{question} {answer}"


def _row(row: Judged, form: Form, look: Callable[[str], Floats]) -> list[float]:
    blind = [*wording(row.question, row.answer), float(look(row.question) @ look(row.answer))]
    if form == "blind":
        return blind
    if not row.correct or not row.incorrect:
        raise ValueError(f"no references of {row.question[:60]!r}: a judge with references needs both kinds")
    true = np.array(_side(row, row.correct, look))
    false = np.array(_side(row, row.incorrect, look))
    return [*true, *false, *(true - false), *blind]


def _side(row: Judged, references: Sequence[str], look: Callable[[str], Floats]) -> list[float]:
    """The figures of SIDE_NAMES."""
    said, asked = spoken(row.answer), set(spoken(row.question))
    new, letters = [word for word in said if word not in asked], trigrams(said)
    own, whole = look(row.answer), look(_together(row.question, row.answer))
    texts = [bare(one) for one in references]
    theirs = [spoken(text) for text in texts]
    near = [float(whole @ look(_together(row.question, text))) for text in texts]
    shared = [overlap(said, their) for their in theirs]
    likenesses = [
        [float(own @ look(text)) for text in texts],
        near,
        shared,
        [overlap(new, [word for word in their if word not in asked]) for their in theirs],
        [common_order(said, their) for their in theirs],
        [share_of_both(letters, trigrams(their)) for their in theirs],
    ]
    alike = [negates(said) == negates(their) for their in theirs]
    first = [bool(said and their and said[0] == their[0]) for their in theirs]
    return [
        *(figure for values in likenesses for figure in _levels(values)),
        float(alike[int(np.argmax(near))]),
        float(alike[int(np.argmax(shared))]),
        float(np.mean(alike)),
        max((value for value, same in zip(near, alike, strict=True) if same), default=-1.0),
        max((value for value, same in zip(shared, alike, strict=True) if same), default=-1.0),
        float(np.mean(first)),
    ]


def _levels(values: Sequence[float]) -> tuple[float, float, float]:
    ordered = sorted(values, reverse=True)
    return ordered[0], float(np.mean(ordered[:3])), float(np.mean(ordered))
