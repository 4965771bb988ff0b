"""The small models a judge is made of, as plain numbers: they are fitted with scikit-learn and run without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluator.judges.wording import word_runs

Floats = NDArray[np.float64]
FEWEST_ANSWERS = 3  # a run of words counts when as many answers have it


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + e^-x), without overflow on either side."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))


@dataclass(frozen=True)
class Linear:
    """A logistic model of standardised columns: logit = ((x - mean) / scale) · weights + bias."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def logits(self, table: Floats) -> Floats:
        """[N] of a table [N, F]."""
        return np.asarray(((table - self.mean) / self.scale) @ self.weights + self.bias)


def fit_linear(
    table: Floats, labels: Floats, *, strength: float, weights: Floats | None = None, scaled: bool = True
) -> Linear:
    """Logistic regression with ridge penalty; `strength` is C, large is free."""
    from sklearn.linear_model import LogisticRegression

    mean = table.mean(axis=0) if scaled else np.zeros(table.shape[1])
    scale = table.std(axis=0) if scaled else np.ones(table.shape[1])
    scale = np.where(scale > 0, scale, 1.0)
    model = LogisticRegression(C=strength, max_iter=2000)
    model.fit((table - mean) / scale, labels > 0.5, sample_weight=weights)
    return Linear(mean, scale, model.coef_[0].astype(np.float64), float(model.intercept_[0]))


@dataclass(frozen=True)
class Words:
    """A logistic model of TF-IDF runs of one to three words: (1 + ln tf) · idf, rows of length 1."""

    runs: Mapping[str, int]
    idf: Floats
    weights: Floats
    bias: float

    def logits(self, texts: Sequence[str]) -> Floats:
        """[N] of N texts; runs it never met are not counted in the length either."""
        return np.array([self._logit(text) for text in texts])

    def _logit(self, text: str) -> float:
        counts: dict[int, int] = {}
        for run in word_runs(text):
            if run in self.runs:
                counts[self.runs[run]] = counts.get(self.runs[run], 0) + 1
        if not counts:
            return self.bias
        places = np.fromiter(counts, dtype=np.int64)
        mass = (1 + np.log(np.fromiter(counts.values(), dtype=np.float64))) * self.idf[places]
        return float(mass @ self.weights[places] / np.sqrt(mass @ mass)) + self.bias


def fit_words(texts: Sequence[str], labels: Floats, *, weights: Floats | None = None) -> Words:
    """The model of `texts`; runs that fewer than three of them have are left out."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    fewest = min(FEWEST_ANSWERS, max(1, len(texts) // 20))
    vectorizer = TfidfVectorizer(analyzer=word_runs, min_df=fewest, sublinear_tf=True)
    model = LogisticRegression(C=3.0, max_iter=2000)
    model.fit(vectorizer.fit_transform(texts), labels > 0.5, sample_weight=weights)
    runs = {str(run): int(place) for run, place in vectorizer.vocabulary_.items()}
    return Words(
        runs,
        np.asarray(vectorizer.idf_, dtype=np.float64),
        model.coef_[0].astype(np.float64),
        float(model.intercept_[0]),
    )


@dataclass(frozen=True)
class Trees:
    """Gradient-boosted trees (Friedman 2001): logit = base + Σ leaf values. Node arrays lie one tree after another.

    At a node that is no leaf a row goes left when its `feature` is at most `threshold`; children count from the tree's
    own start.
    """

    base: float
    starts: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    leaf: NDArray[np.bool_]
    value: Floats

    def logits(self, table: Floats) -> Floats:
        """[N] of a table [N, F]."""
        found = np.full(len(table), self.base)
        rows = np.arange(len(table))
        for start in self.starts:
            node = np.full(len(table), start)
            while not self.leaf[node].all():
                goes_left = table[rows, self.feature[node]] <= self.threshold[node]
                child = start + np.where(goes_left, self.left[node], self.right[node])
                node = np.where(self.leaf[node], node, child)
            found += self.value[node]
        return found


def fit_trees(table: Floats, labels: Floats, *, seed: int, weights: Floats | None = None) -> Trees:
    """200 trees of 15 leaves, learning rate 0.05; the plain form is checked against scikit-learn's logits."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=min(30, max(1, len(table) // 20)),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    model.fit(table, labels > 0.5, sample_weight=weights)
    found = _plain(model)
    if not np.allclose(found.logits(table), model.decision_function(table), atol=1e-6):
        raise AssertionError("the trees as plain numbers decide otherwise than scikit-learn's")
    return found


def _plain(model: Any) -> Trees:
    nodes = [part[0].nodes for part in model._predictors]
    starts = np.cumsum([0, *(len(tree) for tree in nodes[:-1])])
    every = np.concatenate(nodes)
    return Trees(
        base=float(np.ravel(model._baseline_prediction)[0]),
        starts=starts.astype(np.int64),
        feature=every["feature_idx"].astype(np.int64),
        threshold=every["num_threshold"].astype(np.float64),
        left=every["left"].astype(np.int64),
        right=every["right"].astype(np.int64),
        leaf=every["is_leaf"].astype(np.bool_),
        value=every["value"].astype(np.float64),
    )
