"""The logistic model: the optimum, the signs, the weights of sets and classes."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.support import fitting
from evaluator.support.fitting import balanced_weights, fit_logistic, sigmoid

ONES = np.ones(200)


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(200, 2)) * [1.0, 5.0] + [3.0, 0.0]
    labels = (rng.random(200) < sigmoid(2 * (features[:, 0] - 3) - 0.2 * features[:, 1])).astype(float)
    return features, labels


def test_without_a_ridge_the_likelihood_is_at_its_top() -> None:
    features, labels = made()
    model = fit_logistic(features, labels, ONES, [0, 0], ridge=0.0)
    error = model.probabilities(features) - labels
    assert abs(error.mean()) < 1e-5
    assert np.abs(features.T @ error / len(error)).max() < 1e-4
    assert model.weights[0] > 0 > model.weights[1]


def test_signs_hold_weights_back() -> None:
    features, labels = made()
    assert fit_logistic(features, labels, ONES, [1, 1]).weights[1] == 0.0
    assert fit_logistic(features, labels, ONES, [-1, -1]).weights[0] == 0.0


def test_the_ridge_shares_work_and_calibration_undoes_its_shrinking() -> None:
    features, labels = made()
    twins = np.column_stack([features[:, 0], features[:, 0] * 2])
    model = fit_logistic(twins, labels, ONES, [1, 1])
    assert model.weights[0] == pytest.approx(model.weights[1], rel=1e-4)
    logits = model.logits(twins)
    error = model.probabilities(twins) - labels
    assert abs(error.mean()) < 1e-4
    assert abs((logits * error).mean()) < 1e-4  # no stretch of the log-odds would fit better
    strong = fit_logistic(twins, labels, ONES, [1, 1], ridge=10.0)
    assert strong.probabilities(twins) == pytest.approx(model.probabilities(twins), abs=5e-3)


def test_the_ridge_is_at_its_optimum() -> None:
    features, labels = made()
    free = [(-np.inf, np.inf)] * 2
    point = fitting._minimise(features, labels, ONES, free, 0.5)
    error = sigmoid(features @ point[:-1] + point[-1]) - labels
    assert features.T @ error / len(error) + 0.5 * point[:-1] == pytest.approx(np.zeros(2), abs=1e-5)


def test_weights_of_rows_count() -> None:
    features, labels = made()
    heavy = np.where(labels == 1, 3.0, 1.0)
    model = fit_logistic(features, labels, heavy, [0, 0], ridge=0.0)
    assert abs((heavy * (model.probabilities(features) - labels)).mean()) < 1e-4


def test_shares_are_labels() -> None:
    half = fit_logistic(
        np.array([[0.0], [1.0]] * 50), np.array([0.25, 0.75] * 50), np.ones(100), [1], ridge=0.0
    )
    assert half.probabilities(np.array([[0.0], [1.0]])) == pytest.approx([0.25, 0.75], abs=1e-3)


def test_a_feature_that_never_varies_is_harmless() -> None:
    features, labels = made()
    model = fit_logistic(np.column_stack([features, ONES]), labels, ONES, [0, 0, 1])
    assert np.isfinite(model.probabilities(np.column_stack([features, ONES * 2]))).all()


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to tell apart"):
        fit_logistic(np.zeros((3, 1)), np.ones(3), np.ones(3), [1])


def test_sets_and_classes_count_the_same() -> None:
    labels = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
    found = balanced_weights(labels, ["a", "a", "a", "a", "b", "b"])
    assert found.sum() == pytest.approx(6)
    assert found[0] == pytest.approx(found[1:4].sum())
    assert found[4:].sum() == pytest.approx(found[0])


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1000.0, 0.0, 1000.0])) == pytest.approx([0.0, 0.5, 1.0])
