"""Metrics of a response against references, by the field's libraries; nothing here needs the network.

Each function takes predictions and, for each of them, at least one reference, and gives figures by name. The
`evaluate.Metric` modules in `evaluator/evaluate_modules` are thin wrappers of these; our own code calls these.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from evaluator.errors import BadInput

References = Sequence[Sequence[str]]
ARTICLE = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
ROUGE_KINDS = ("rouge1", "rouge2", "rougeL", "rougeLsum")


def squad_words(text: str) -> list[str]:
    """The words of an answer as SQuAD's script compares them: lower case, no ASCII punctuation, no articles."""
    return ARTICLE.sub(" ", text.lower().translate(PUNCTUATION)).split()


def exact_match(predictions: Sequence[str], references: References) -> dict[str, float]:
    """Share of predictions equal to a reference after SQuAD's normalisation (Rajpurkar et al. 2016), 0 … 1."""
    _refuse_unequal(predictions, references)
    return {
        "exact_match": _mean(
            best(_same, said, known) for said, known in zip(predictions, references, strict=True)
        )
    }


def token_f1(predictions: Sequence[str], references: References) -> dict[str, float]:
    """Mean over predictions of the best F1 of shared words with a reference (Rajpurkar et al. 2016), 0 … 1."""
    _refuse_unequal(predictions, references)
    return {
        "f1": _mean(best(pair_f1, said, known) for said, known in zip(predictions, references, strict=True))
    }


def rouge(
    predictions: Sequence[str],
    references: References,
    *,
    kinds: Sequence[str] = ROUGE_KINDS,
    stemmer: bool = False,
) -> dict[str, float]:
    """Mean F of each kind of ROUGE (Lin 2004) as rouge-score reckons it, the best reference counting, 0 … 1."""
    from rouge_score.rouge_scorer import RougeScorer  # here: it brings NLTK along

    _refuse_unequal(predictions, references)
    scorer = RougeScorer(list(kinds), use_stemmer=stemmer)
    found = [
        scorer.score_multi(list(known), said) for said, known in zip(predictions, references, strict=True)
    ]
    return {kind: _mean(one[kind].fmeasure for one in found) for kind in kinds}


def bleu(predictions: Sequence[str], references: References) -> dict[str, float]:
    """Corpus BLEU (Papineni et al. 2002) as sacreBLEU reckons it (13a, exponential smoothing), 0 … 100."""
    from sacrebleu.metrics.bleu import BLEU

    return {"bleu": float(BLEU().corpus_score(list(predictions), _columns(predictions, references)).score)}


def chrf(predictions: Sequence[str], references: References) -> dict[str, float]:
    """Corpus chrF2 (Popović 2015) as sacreBLEU reckons it: character 6-grams, no word n-grams, 0 … 100."""
    from sacrebleu.metrics.chrf import CHRF

    return {"chrf": float(CHRF().corpus_score(list(predictions), _columns(predictions, references)).score)}


def meteor(predictions: Sequence[str], references: References) -> dict[str, float]:
    """Mean METEOR (Banerjee and Lavie 2005) by exact and stemmed matches only, as NLTK reckons it, 0 … 1.

    Its third kind of match, synonyms, needs WordNet, which must be downloaded: the figure is named apart.
    """
    from nltk.translate.meteor_score import meteor_score

    _refuse_unequal(predictions, references)
    values = [
        meteor_score([one.split() for one in known], said.split(), wordnet=NoSynonyms())
        for said, known in zip(predictions, references, strict=True)
    ]
    return {"meteor_exact_stem": _mean(values)}


class NoSynonyms:
    """Stands where METEOR asks WordNet: no word has a synonym."""

    def synsets(self, _word: str) -> list[object]:
        """No synonym sets."""
        return []


def pair_f1(prediction: str, reference: str) -> float:
    """F1 of the words two answers share, counted as often as both have them; two empty answers agree."""
    said, known = squad_words(prediction), squad_words(reference)
    if not said or not known:
        return float(said == known)
    shared = sum((Counter(said) & Counter(known)).values())
    return 2 * shared / (len(said) + len(known))


def best(figure: Callable[[str, str], float], prediction: str, references: Sequence[str]) -> float:
    """The highest figure of a prediction with one of its references."""
    return max(figure(prediction, reference) for reference in references)


def _same(prediction: str, reference: str) -> float:
    return float(squad_words(prediction) == squad_words(reference))


def _mean(values: Iterable[float]) -> float:
    told = [float(value) for value in values]
    return sum(told) / len(told)


def _columns(predictions: Sequence[str], references: References) -> Any:
    """References as sacreBLEU wants them: the first of each prediction, the second of each (None: it has none), …"""
    _refuse_unequal(predictions, references)
    most = max(len(known) for known in references)
    return [[known[place] if place < len(known) else None for known in references] for place in range(most)]


def _refuse_unequal(predictions: Sequence[str], references: References) -> None:
    if not predictions or len(predictions) != len(references):
        raise BadInput(
            f"found {len(predictions)} predictions and {len(references)} lists of references, wanted as many"
        )
    if not all(references):
        raise BadInput("found a prediction without a reference, wanted at least one each")
