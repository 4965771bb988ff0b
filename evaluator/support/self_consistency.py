"""Self-consistency: what a model invents, it tells otherwise when asked again (SelfCheckGPT, Manakul et al. 2023).

Each form scores the sentences of a response against samples of the same model, high where they disagree. Words are
`wording.TOKEN`'s where SelfCheck asks spaCy.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.errors import BadInput
from evaluator.support.encoder import Encoder
from evaluator.support.nli import NliModel
from evaluator.support.sentences import split_sentences
from evaluator.support.wording import TOKEN

Floats = NDArray[np.float64]
Told = Callable[[int, int], None]
START = "<s>"


@dataclass(frozen=True)
class Sampled:
    """A response and further samples of the same prompt."""

    response: str
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Inconsistency:
    """The score of the whole response and of each of its sentences; figures of other aggregations by name."""

    value: float
    sentences: tuple[tuple[str, float], ...]
    more: dict[str, float]


def by_ngrams(sampled: Sampled, *, size: int = 1) -> Inconsistency:
    """-log p of the response's n-grams, p = count / all n-grams of the response and the samples (k = 0).

    A sentence's score is the mean over its n-grams, the whole's the mean over all of them; `max` is the mean over
    sentences of the rarest n-gram's. Sentences are padded with n-1 marks on the left. Not bounded above.
    """
    told = [sentence.text for sentence in split_sentences(sampled.response)]
    own = [_ngrams(text, size) for text in told]
    counts = Counter(gram for grams in own for gram in grams)
    for sample in sampled.samples:
        counts.update(gram for one in split_sentences(sample) for gram in _ngrams(one.text, size))
    total = sum(counts.values())
    rarity = [np.array([-np.log(counts[gram] / total) for gram in grams]) for grams in own]
    spoken = [one for one in rarity if len(one)]
    if not spoken:
        return Inconsistency(0.0, tuple((text, 0.0) for text in told), {"max": 0.0})
    each = tuple(
        (text, float(one.mean()) if len(one) else 0.0) for text, one in zip(told, rarity, strict=True)
    )
    most = float(np.mean([one.max() for one in spoken]))
    return Inconsistency(float(np.concatenate(spoken).mean()), each, {"max": most})


def by_entailment(many: Sequence[Sampled], model: NliModel, told: Told) -> list[Inconsistency]:
    """Mean over samples of P(contradiction) of (sentence, sample), over entailment and contradiction alone.

    All pairs of all responses run in batches. Refuses a model that tells no contradiction.
    """
    if model.columns[1] is None:
        raise BadInput(
            "--scorer: found a model of two labels, wanted one that tells entailment from contradiction"
        )
    parts = [[one.text for one in split_sentences(sampled.response)] for sampled in many]
    pairs = [
        (sentence, sample)
        for sentences, sampled in zip(parts, many, strict=True)
        for sentence in sentences
        for sample in sampled.samples
    ]
    rows = model.probabilities(pairs, told=told)
    against = rows[:, 1] / np.maximum(rows[:, 0] + rows[:, 1], 1e-300)
    found, start = [], 0
    for sentences, sampled in zip(parts, many, strict=True):
        size = len(sentences) * len(sampled.samples)
        own = against[start : start + size].reshape(len(sentences), len(sampled.samples)).mean(axis=1)
        found.append(_mean_of(sentences, own))
        start += size
    return found


def by_embeddings(many: Sequence[Sampled], encoder: Encoder) -> list[Inconsistency]:
    """1 - mean over samples of the best cosine of the sentence with a sentence of the sample (in BERTScore's place)."""
    parts = [[one.text for one in split_sentences(sampled.response)] for sampled in many]
    others = [
        [[one.text for one in split_sentences(sample)] for sample in sampled.samples] for sampled in many
    ]
    texts = [text for sentences in parts for text in sentences]
    texts += [text for samples in others for sample in samples for text in sample]
    vectors = encoder.encode(texts)
    found = []
    for sentences, samples in zip(parts, others, strict=True):
        said = np.stack([vectors[text].pooled for text in sentences]).astype(np.float64)
        best = [
            (said @ np.stack([vectors[text].pooled for text in sample]).astype(np.float64).T).max(axis=1)
            for sample in samples
            if sample
        ]
        # A sample that says nothing agrees with nothing.
        agreement = sum(best, np.zeros(len(sentences))) / len(samples)
        found.append(_mean_of(sentences, 1 - agreement))
    return found


def _ngrams(text: str, size: int) -> list[tuple[str, ...]]:
    words = [START] * (size - 1) + [word.lower() for word in TOKEN.findall(text)]
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


def _mean_of(sentences: Sequence[str], values: Floats) -> Inconsistency:
    each = tuple((text, float(value)) for text, value in zip(sentences, values, strict=True))
    return Inconsistency(float(values.mean()), each, {"max": float(values.max())})
