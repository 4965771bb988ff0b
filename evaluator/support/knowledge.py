"""A knowledge corpus: passages looked up by their words (BM25), by their meaning (embeddings), or by both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput
from evaluator.prompts import placed_lines, text
from evaluator.support.encoder import Encoder
from evaluator.support.sentences import pieces
from evaluator.support.word_search import WordSearch

Retrieval = Literal["both", "bm25", "embedding"]
PASSAGES = 5  # as FActScore shows its judge
FUSION = 60  # of reciprocal ranks (Cormack et al. 2009)


@dataclass(frozen=True)
class Passage:
    """One text of the corpus, with its title before it where there is one."""

    id: str
    text: str


def read_knowledge(path: Path) -> list[Passage]:
    """The passages of a file of `{"id","text","title"?}` lines. Refuses an empty file and an id that stands twice."""
    found: dict[str, Passage] = {}
    for where, line in placed_lines(path):
        name = text(line, "id", where)
        if name in found:
            raise BadInput(f"{where}: id: found {name!r} again, wanted unique ids")
        title = f"{text(line, 'title', where)}\n" if "title" in line else ""
        found[name] = Passage(name, title + text(line, "text", where))
    if not found:
        raise BadInput(f"{path}: found no line, wanted at least one passage with id and text")
    return list(found.values())


class Knowledge:
    """The corpus made ready. `look_up` gives the best passages for each claim, best first."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder, how: Retrieval) -> None:
        self._passages = list(passages)
        self._encoder = encoder
        self._how = how
        if how != "embedding":
            self._words = WordSearch([passage.text for passage in passages])
        if how != "bm25":
            self._vectors = _vectors([passage.text for passage in passages], encoder)

    def look_up(self, claims: Sequence[str]) -> list[list[Passage]]:
        """The best passages of each claim, at most five. By both: reciprocal ranks of the two orders are added."""
        if not claims:
            return []
        orders = []
        if self._how != "embedding":
            orders.append([self._words.best(claim) for claim in claims])
        if self._how != "bm25":
            close = _vectors(claims, self._encoder) @ self._vectors.T
            orders.append([list(np.argsort(-row, kind="stable")) for row in close])
        return [[self._passages[place] for place in _fused(ranks)] for ranks in zip(*orders, strict=True)]


def _vectors(texts: Sequence[str], encoder: Encoder) -> NDArray[np.float64]:
    """The mean of each text's sentence vectors at length 1, [N, H]."""
    parts = [[piece.text for piece in pieces(text)] or [text] for text in texts]
    vectors = encoder.encode(text for part in parts for text in part)
    means = np.stack([np.mean([vectors[text].pooled for text in part], axis=0) for part in parts])
    return np.asarray(
        means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), dtype=np.float64
    )


def _fused(orders: Sequence[Sequence[int]]) -> list[int]:
    scores: dict[int, float] = {}
    for order in orders:
        for rank, place in enumerate(order, start=1):
            scores[int(place)] = scores.get(int(place), 0.0) + 1 / (FUSION + rank)
    return sorted(scores, key=lambda place: (-scores[place], place))[:PASSAGES]
