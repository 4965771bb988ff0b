"""Fitting a judge's parts on labelled answers, second-level numbers from models that have not seen the question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evaluator.judges.features import Features
from evaluator.judges.judge import Parts
from evaluator.judges.models import Linear, Words, fit_linear, fit_trees, fit_words
from evaluator.statistics.intervals import generator

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
FOLDS = 5
FREE = 1e6  # the calibration's two numbers are not held back


@dataclass(frozen=True)
class Examples:
    """What is learnt from: features, answers, labels [N] of 0 and 1, weights [N], the question of each row."""

    features: Features
    texts: tuple[str, ...]
    labels: Floats
    weights: Floats
    questions: tuple[str, ...]

    def part(self, chosen: Bools) -> "Examples":
        """The chosen rows."""
        places = np.flatnonzero(chosen)
        return Examples(
            Features(self.features.table[places], self.features.vectors[places]),
            tuple(self.texts[place] for place in places),
            self.labels[places],
            self.weights[places],
            tuple(self.questions[place] for place in places),
        )


def split_questions(questions: Sequence[str], parts: int, *, seed: int, name: str) -> Ints:
    """Which of `parts` each row belongs to: a question's rows stay together, parts have as many questions."""
    known = sorted(set(questions))
    order = generator(seed, name).permutation(len(known))
    part = {known[int(number)]: place % parts for place, number in enumerate(order)}
    return np.array([part[question] for question in questions])


def fit_parts(examples: Examples, *, seed: int, calibrate_on: Bools) -> Parts:
    """The judge's parts. Rows of `calibrate_on` [N] teach the calibration, by logits from folds without their question.

    Rows that are reference answers are easy and are not what is judged later: calibrated on them, a judge is too sure.
    """
    folds = split_questions(examples.questions, FOLDS, seed=seed, name="folds")
    level = _out_of_fold_level(examples, folds)
    table = np.column_stack([examples.features.table, level])
    logits = np.zeros(len(folds))
    for fold in range(FOLDS):
        own, rest = folds == fold, folds != fold
        trees = fit_trees(table[rest], examples.labels[rest], seed=seed, weights=examples.weights[rest])
        logits[own] = trees.logits(table[own])
    calibration = fit_linear(
        logits[calibrate_on, None], examples.labels[calibrate_on], strength=FREE, scaled=False
    )
    words, vectors = _first_level(examples)
    trees = fit_trees(table, examples.labels, seed=seed, weights=examples.weights)
    found = Parts(words, vectors, trees)
    return replace(found, slope=float(calibration.weights[0]), shift=calibration.bias)


def stacked_logits(parts: Parts, examples: Examples) -> Floats:
    """Calibrated logits [N] of rows whose features are made already."""
    words = parts.words.logits(examples.texts)
    vectors = parts.vectors.logits(examples.features.vectors)
    table = np.column_stack([examples.features.table, words, vectors])
    return parts.slope * parts.trees.logits(table) + parts.shift


def _first_level(examples: Examples) -> tuple[Words, Linear]:
    words = fit_words(examples.texts, examples.labels, weights=examples.weights)
    vectors = fit_linear(
        examples.features.vectors,
        examples.labels,
        strength=1.0,
        weights=examples.weights,
        scaled=False,
    )
    return words, vectors


def _out_of_fold_level(examples: Examples, folds: Ints) -> Floats:
    """[N, 2]: what words and vectors say of each row, learnt without its question."""
    level = np.zeros((len(folds), 2))
    for fold in range(FOLDS):
        own, rest = examples.part(folds == fold), examples.part(folds != fold)
        words, vectors = _first_level(rest)
        level[folds == fold, 0] = words.logits(own.texts)
        level[folds == fold, 1] = vectors.logits(own.features.vectors)
    return level
