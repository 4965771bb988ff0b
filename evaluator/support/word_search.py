"""Texts looked up by their words (BM25: Robertson; Lucene's form), for passages before a question and for facts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluator.support.wording import wording_of


class WordSearch:
    """Texts made ready. `content_only` leaves function words out: a question is full of them, a claim is not."""

    def __init__(self, texts: Sequence[str], *, content_only: bool = False) -> None:
        self._content_only = content_only
        stems = [self._stems(text) for text in texts]
        self._index: Any = None
        if any(stems):
            import bm25s  # here: not every run looks words up

            self._index = bm25s.BM25()
            self._index.index(stems, show_progress=False)

    def best(self, query: str) -> list[int]:
        """Places of the texts that share a word with the query, best first; of equal ones the earlier."""
        stems = self._stems(query)
        if not stems or self._index is None:
            return []
        scores = self._index.get_scores(stems)
        return [int(place) for place in np.argsort(-scores, kind="stable") if scores[place] > 0]

    def _stems(self, text: str) -> list[str]:
        found = wording_of(text)
        told = zip(found.stems, found.content, strict=True)
        return [stem for stem, content in told if content or not self._content_only]
