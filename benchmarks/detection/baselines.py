"""Features of the baselines, each learnt the same way as the detector: length, words, n-grams, ROUGE, embeddings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rouge_score.rouge_scorer import RougeScorer

from evaluator.support.detector import Pair
from evaluator.support.encoder import Encoder, Vectors
from evaluator.support.features import FEATURES, evidence_of, features_of, reading_of
from evaluator.support.sentences import pieces, split_sentences
from evaluator.support.wording import TOKEN

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Approach:
    """One way to score a pair: its features [N, F] and the sign each weight may have (0: any)."""

    features: Floats
    signs: tuple[int, ...]


def approaches(pairs: Sequence[Pair], encoder: Encoder) -> dict[str, Approach]:
    """The detector's features and those of each baseline, rows in the order of the pairs."""
    texts = [
        ([piece.text for piece in pieces(p.context)], [s.text for s in split_sentences(p.response)])
        for p in pairs
    ]
    # Kept whole here, for the baselines read the same vectors; `detect` lets go of what it has read.
    vectors = encoder.encode(text for sides in texts for side in sides for text in side)
    read = {text: reading_of(text, found) for text, found in vectors.items()}
    own = np.array(
        [
            features_of([read[text] for text in said], evidence_of([read[text] for text in given]))
            for given, said in texts
        ]
    )
    length = np.array([_length(pair) for pair in pairs])
    grams = np.array([_gram_shares(pair) for pair in pairs])
    return {
        "detector": Approach(own, tuple(FEATURES.values())),
        "length": Approach(length, (0,) * length.shape[1]),
        "word-overlap": Approach(grams[:, :1], (1,)),
        "n-gram": Approach(grams, (1,) * grams.shape[1]),
        "rouge": Approach(np.array([_rouge(pair) for pair in pairs]), (0,) * 9),
        "embedding": Approach(np.array([_cosines(*sides, vectors) for sides in texts]), (1, 1, 1)),
    }


def _length(pair: Pair) -> list[float]:
    words, sentences = len(TOKEN.findall(pair.response)), len(split_sentences(pair.response))
    return [math.log1p(words), math.log1p(len(pair.response)), math.log1p(sentences)]


def _gram_shares(pair: Pair) -> list[float]:
    """Share of the response's 1-, 2-, 3- and 4-grams that stand in the context."""
    said, given = ([word.lower() for word in TOKEN.findall(side)] for side in (pair.response, pair.context))
    return [_share(_grams(said, size), set(_grams(given, size))) for size in (1, 2, 3, 4)]


def _grams(words: list[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


def _share(grams: list[tuple[str, ...]], held: set[tuple[str, ...]]) -> float:
    return sum(gram in held for gram in grams) / len(grams) if grams else 0.0


def _rouge(pair: Pair) -> list[float]:
    """Precision, recall and F of ROUGE-1, -2 and -L of the response against the context."""
    found = SCORER.score(pair.context, pair.response)
    return [
        value for kind in ROUGE for value in (found[kind].precision, found[kind].recall, found[kind].fmeasure)
    ]


def _cosines(given: list[str], said: list[str], vectors: Mapping[str, Vectors]) -> list[float]:
    """Mean and least best cosine of the response's sentences with the context's, and that of both means."""
    context, response = (np.stack([vectors[text].pooled for text in side]) for side in (given, said))
    best = (response @ context.T).max(axis=1)
    one, other = context.mean(axis=0), response.mean(axis=0)
    whole = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return [float(best.mean()), float(best.min()), float(whole)]


ROUGE = ("rouge1", "rouge2", "rougeL")
SCORER = RougeScorer(list(ROUGE), use_stemmer=True)
