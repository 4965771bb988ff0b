"""Support of a response as entailment: how a text is cut into premises, and how an NLI model's grid becomes a score.

SummaC-ZS (Laban et al. 2022) and the chunk-max of AlignScore (Zha et al. 2023) and MiniCheck (Tang et al. 2024).
Sentences are `sentences.split_sentences`, where SummaC asks NLTK's punkt, which needs a download.
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evaluator.support.sentences import split_sentences

Floats = NDArray[np.float64]
Granularity = Literal["document", "paragraph", "sentence", "2sents", "mixed"]
Operation = Literal["max", "mean", "min"]
OPERATIONS: dict[str, Callable[..., Floats]] = {"max": np.max, "mean": np.mean, "min": np.min}
MOST_CHARACTERS_DROPPED = 10  # SummaC drops pieces of at most so many
MOST_PREMISES = 100  # SummaC reads no more pieces of a text
CHUNK_WORDS = 350  # AlignScore's chunks, ended at sentences


def summac_pieces(text: str, granularity: Granularity) -> list[str]:
    """The pieces SummaC cuts a text into; those of at most ten characters are dropped (a document is never)."""
    if granularity == "document":
        return [text]
    sentences = [one.text for one in split_sentences(text) if len(one.text) > MOST_CHARACTERS_DROPPED]
    if granularity == "sentence":
        return sentences
    if granularity == "2sents":
        return [" ".join(sentences[start : start + 2]) for start in range(len(sentences))]
    parted = [part.strip() for part in text.split("\n\n" if "\n\n" in text else "\n")]
    paragraphs = [part for part in parted if len(part) > MOST_CHARACTERS_DROPPED]
    return paragraphs if granularity == "paragraph" else [*sentences, *paragraphs]


def chunks(text: str, words: int = CHUNK_WORDS) -> list[str]:
    """The sentences of a text joined to chunks of at most `words` words; a longer sentence is a chunk of its own."""
    found: list[list[str]] = []
    size = 0
    for sentence in split_sentences(text):
        own = len(sentence.text.split())
        if not found or size + own > words:
            found.append([])
            size = 0
        found[-1].append(sentence.text)
        size += own
    return [" ".join(chunk) for chunk in found]


def summac_sentence_scores(
    entailed: Floats, contradicted: Floats, *, op1: Operation = "max", use: str = "ec"
) -> Floats:
    """The score of each hypothesis, [S] from two grids [D, S] of premises by hypotheses.

    op1 over the premises of both grids: e_j and c_j; then e_j - c_j (use "ec"), e_j ("e") or 1 - c_j ("c").
    """
    e, c = (OPERATIONS[op1](grid, axis=0) for grid in (entailed, contradicted))
    if use == "ec":
        return np.asarray(e - c)
    return np.asarray(e if use == "e" else 1.0 - c)


def summac_zs(
    entailed: Floats,
    contradicted: Floats,
    *,
    op1: Operation = "max",
    op2: Operation = "mean",
    use: str = "ec",
) -> float:
    """SummaC-ZS of two grids [D, S]: op2 over the hypotheses' scores; grids without a cell are zeros(1, 1)."""
    if not entailed.size:
        entailed = contradicted = np.zeros((1, 1))
    return float(OPERATIONS[op2](summac_sentence_scores(entailed, contradicted, op1=op1, use=use)))


def chunk_max(entailed: Floats) -> Floats:
    """AlignScore's and MiniCheck's score of each sentence, [S]: its best entailment by a chunk, of a grid [D, S]."""
    return np.asarray(entailed.max(axis=0))


def grid(values: Sequence[float], premises: int, hypotheses: int) -> Floats:
    """A grid [D, S] of values that run over the hypotheses of each premise in turn."""
    return np.array(values, dtype=np.float64).reshape(premises, hypotheses)
