"""An answer with what each person marked in it, cut into pieces that a page can show."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from labelplatform.labels.models import Label

SEVERAL = "several"


@dataclass(frozen=True)
class Piece:
    """A part of the text that is marked alike: as one kind, as several, or (empty) not at all."""

    text: str
    kind: str
    # The spans that begin with it, counted from 1.
    numbers: str


@dataclass(frozen=True)
class MarkedText:
    """One person's label, the answer in pieces, and each span with the words of the source it is about."""

    label: Label
    pieces: list[Piece]
    sources: list[tuple[int, str, str]]


def marked_texts(labels: Iterable[Label], answer: str, source: str) -> list[MarkedText]:
    """What each label marks in the answer."""
    found = []
    for label in labels:
        spans = label.body["spans"]
        linked = [(n, one["kind"], _source(one, source)) for n, one in enumerate(spans, 1)]
        found.append(MarkedText(label, pieces(answer, spans), linked))
    return found


def pieces(text: str, spans: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """The text cut where any span begins or ends; put together again it is the text."""
    cuts = sorted({0, len(text), *(one[end] for one in spans for end in ("start", "end"))})
    found = []
    for start, end in pairwise(cuts):
        over = {one["kind"] for one in spans if one["start"] <= start and end <= one["end"]}
        kind = SEVERAL if len(over) > 1 else next(iter(over), "")
        begun = [str(n) for n, one in enumerate(spans, 1) if one["start"] == start]
        found.append(Piece(text[start:end], kind, " ".join(begun)))
    return found


def _source(span: Mapping[str, Any], source: str) -> str:
    return source[span["source_start"] : span["source_end"]] if "source_start" in span else ""
