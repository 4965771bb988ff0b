"""What a passage shares with a text, as eight numbers: the detector's features.

A passage is a sentence or several; the context is the text that should support it. No feature counts: a long answer
and a short one that keep to the text look alike, since detectors that learn length do not transfer to other texts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from evaluator.support.encoder import Vectors
from evaluator.support.wording import Wording, wording_of

Floats = NDArray[np.float64]
# Each feature, and whether more of it speaks for support (1) or against it (-1).
FEATURES = {
    "word_share": 1,  # content words whose stem stands in the context
    "pair_share": 1,  # neighbouring words that are neighbours in the context
    "token_match": 1,  # mean over tokens of the best cosine with a token of the context
    "weakest_tokens": 1,  # the same over the quarter of the tokens that is matched worst
    "names_missing": -1,  # share of the capitalised names that the context lacks
    "numbers_missing": -1,  # share of the numbers that the context lacks
    "speaks": -1,  # share of I, you and we: no text supports what is said of the speakers
    "asks": -1,  # share of the sentences that ask: a question claims nothing
}
WEAKEST = 4  # one token of so many is among the weakest


@dataclass(frozen=True)
class Reading:
    """One sentence as read: its words and its vectors."""

    wording: Wording
    vectors: Vectors


@dataclass(frozen=True)
class Evidence:
    """A context made ready for many passages: its stems, neighbours and numbers, and its tokens' vectors [T, H]."""

    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    numbers: frozenset[str]
    tokens: NDArray[np.float32]


def reading_of(text: str, vectors: Vectors) -> Reading:
    """The sentence `text`, read."""
    return Reading(wording_of(text), vectors)


def evidence_of(readings: Sequence[Reading]) -> Evidence:
    """The context of these sentences. Refuses none (ValueError)."""
    if not readings:
        raise ValueError("a context of no sentence supports nothing")
    stems = [stem for reading in readings for stem in reading.wording.stems]
    return Evidence(
        stems=frozenset(stems),
        pairs=frozenset(pairwise(stems)),
        numbers=frozenset(_numbers(readings)),
        tokens=np.concatenate([reading.vectors.tokens for reading in readings]),
    )


def features_of(passage: Sequence[Reading], evidence: Evidence) -> Floats:
    """The features of a passage against its context, [8] in the order of FEATURES. Refuses no sentence (ValueError)."""
    if not passage:
        raise ValueError("a passage of no sentence claims nothing")
    return np.array(
        [*_shared_words(passage, evidence), *_matches(passage, evidence), *_marks(passage, evidence)]
    )


def _shared_words(passage: Sequence[Reading], evidence: Evidence) -> tuple[float, float]:
    """Shares of content words and of neighbouring words; all words count where no word has content."""
    stems = [stem for reading in passage for stem in reading.wording.stems]
    marks = [mark for reading in passage for mark in reading.wording.content]
    content = [stem for stem, mark in zip(stems, marks, strict=True) if mark] or stems
    pairs = list(pairwise(stems))
    return (
        sum(stem in evidence.stems for stem in content) / max(len(content), 1),
        # One word has no neighbour: it is then judged by itself.
        sum(pair in evidence.pairs for pair in pairs) / len(pairs)
        if pairs
        else float(bool(stems) and stems[0] in evidence.stems),
    )


def _matches(passage: Sequence[Reading], evidence: Evidence) -> tuple[float, float]:
    """Mean best cosine over all tokens, and over the weakest quarter of them (greedy matching of BERTScore)."""
    tokens = np.concatenate([reading.vectors.tokens for reading in passage])
    if not len(tokens) or not len(evidence.tokens):
        return 0.0, 0.0
    best = np.sort((tokens @ evidence.tokens.T).max(axis=1).astype(np.float64))
    return float(best.mean()), float(best[: max(1, len(best) // WEAKEST)].mean())


def _marks(passage: Sequence[Reading], evidence: Evidence) -> tuple[float, float, float, float]:
    """Shares of missing names and numbers, of words that speak of the speakers, and of questions."""
    names = {name for reading in passage for name in reading.wording.names}
    numbers = set(_numbers(passage))
    words = sum(len(reading.wording.stems) for reading in passage)
    return (
        len(names - evidence.stems) / max(len(names), 1),
        len(numbers - evidence.numbers) / max(len(numbers), 1),
        sum(reading.wording.speakers for reading in passage) / max(words, 1),
        sum(reading.wording.asks for reading in passage) / len(passage),
    )


def _numbers(readings: Sequence[Reading]) -> Iterator[str]:
    return (number for reading in readings for number in reading.wording.numbers)
