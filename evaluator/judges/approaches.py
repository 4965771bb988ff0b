"""Approaches to judging, simple ones first, fitted on the same rows: the table that says what each part adds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.judges.features import BLIND_COUNT, FEATURE_NAMES, Features, Form
from evaluator.judges.fitting import Examples, fit_parts, stacked_logits
from evaluator.judges.models import fit_linear, fit_trees, fit_words, sigmoid

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LENGTH, OVERLAP, JUDGE = "length", "word overlap", "judge"
OVERLAP_COLUMNS = [
    place
    for place, name in enumerate(FEATURE_NAMES)
    if name.startswith(("true: ", "false: "))
    and name.split(": ")[1].split(",")[0] in {"words", "new words", "order of words"}
]


@dataclass(frozen=True)
class Approach:
    """A way to judge: probabilities [M] of test rows, by what it learns from training rows.

    `learn` takes training rows, which of them teach a calibration, test rows and a seed.
    """

    form: Form
    name: str
    learn: Callable[[Examples, Bools, Examples, int], Floats]


def _columns(places: list[int]) -> Callable[[Examples, Bools, Examples, int], Floats]:
    def learn(train: Examples, _calibrate: Bools, test: Examples, seed: int) -> Floats:
        table = train.features.table[:, places]
        trees = fit_trees(table, train.labels, seed=seed, weights=train.weights)
        return sigmoid(trees.logits(test.features.table[:, places]))

    return learn


def _words(train: Examples, _calibrate: Bools, test: Examples, _seed: int) -> Floats:
    model = fit_words(train.texts, train.labels, weights=train.weights)
    return sigmoid(model.logits(test.texts))


def _embeddings(train: Examples, _calibrate: Bools, test: Examples, _seed: int) -> Floats:
    model = fit_linear(
        train.features.vectors, train.labels, strength=1.0, weights=train.weights, scaled=False
    )
    return sigmoid(model.logits(test.features.vectors))


def _likeness(train: Examples, _calibrate: Bools, test: Examples, _seed: int) -> Floats:
    model = fit_linear(train.features.table, train.labels, strength=0.1, weights=train.weights)
    return sigmoid(model.logits(test.features.table))


def _judge(train: Examples, calibrate: Bools, test: Examples, seed: int) -> Floats:
    return sigmoid(stacked_logits(fit_parts(train, seed=seed, calibrate_on=calibrate), test))


def blind(examples: Examples) -> Examples:
    """The same rows without anything that references say."""
    features = Features(examples.features.table[:, -BLIND_COUNT:], examples.features.vectors)
    return Examples(features, examples.texts, examples.labels, examples.weights, examples.questions)


ALL_COLUMNS, BLIND_COLUMNS = list(range(len(FEATURE_NAMES))), list(range(BLIND_COUNT))
APPROACHES = (
    Approach("blind", LENGTH, _columns([0])),
    Approach("blind", "wording, trees", _columns(BLIND_COLUMNS)),
    Approach("blind", "runs of words, linear", _words),
    Approach("blind", "embeddings, linear", _embeddings),
    Approach("blind", JUDGE, _judge),
    Approach("with-references", OVERLAP, _columns(OVERLAP_COLUMNS)),
    Approach("with-references", "likeness, linear", _likeness),
    Approach("with-references", "likeness, trees", _columns(ALL_COLUMNS)),
    Approach("with-references", JUDGE, _judge),
)


def probabilities(
    train: Examples, calibrate: Bools, test: Examples, *, seed: int
) -> Mapping[tuple[Form, str], Floats]:
    """What each approach, learnt on `train`, says of each row of `test`."""
    found: dict[tuple[Form, str], Floats] = {}
    for one in APPROACHES:
        sides = (blind(train), blind(test)) if one.form == "blind" else (train, test)
        found[one.form, one.name] = one.learn(sides[0], calibrate, sides[1], seed)
    return found
