"""An encoder of known vectors: each word has a direction of its own, so that cosines are reckoned by hand."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from evaluator.support.encoder import Encoder, Vectors

DIRECTIONS = 512


class WordEncoder(Encoder):
    """Each word's token is the unit vector of that word; a sentence is the mean of its words. Needs no model."""

    def __init__(self) -> None:
        self.encoded = 0
        self.seen: list[str] = []
        self._places: dict[str, int] = {}

    def encode(self, texts: Iterable[str]) -> dict[str, Vectors]:
        distinct = list(dict.fromkeys(texts))
        self.encoded += len(distinct)
        self.seen += distinct
        return {text: self._vectors(text) for text in distinct}

    def _vectors(self, text: str) -> Vectors:
        words = text.lower().replace(".", "").replace("?", "").split()
        tokens = np.zeros((len(words), DIRECTIONS), dtype=np.float32)
        for row, word in enumerate(words):
            tokens[row, self._places.setdefault(word, len(self._places)) % DIRECTIONS] = 1
        pooled = tokens.mean(axis=0) if words else np.zeros(DIRECTIONS, dtype=np.float32)
        return Vectors(pooled / max(float(np.linalg.norm(pooled)), 1e-9), tokens)
