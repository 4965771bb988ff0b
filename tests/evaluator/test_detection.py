"""AUROC, AUPRC, balanced accuracy: by hand, against scikit-learn, weighted as if rows stood several times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from evaluator.statistics.detection import (
    Labelled,
    auprc,
    auroc,
    balanced_accuracy,
    best_threshold,
    interval_of,
    resampled_weights,
)
from evaluator.statistics.intervals import generator
from tests.evaluator.lines import steady

SCORES = np.array([0.1, 0.4, 0.4, 0.8])
LABELS = np.array([0.0, 1.0, 0.0, 1.0])
rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=30)


def test_by_hand() -> None:
    assert float(auroc(SCORES, LABELS)) == pytest.approx(3.5 / 4)
    # From the top: 0.8 (1 of 1), then 0.4 twice (2 of 3 right, recall 1).
    assert float(auprc(SCORES, LABELS)) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    called = np.where(SCORES >= 0.4, 1.0, 0.0)
    assert float(balanced_accuracy(called, LABELS)) == pytest.approx((1 + 0.5) / 2)


@steady
@given(rows)
def test_equal_to_scikit_learn_and_weights_are_repeats(told: list[tuple[int, int, int]]) -> None:
    scores, labels, times = (np.array(column, dtype=float) for column in zip(*told, strict=True))
    again = np.repeat(np.arange(len(told)), times.astype(int))
    for own, theirs in ((auroc, metrics.roc_auc_score), (auprc, metrics.average_precision_score)):
        found = float(own(scores, labels, times))
        if len(set(labels[again])) == 2:
            assert found == pytest.approx(theirs(labels[again], scores[again]))
    both = auroc(scores, labels, np.stack([times, np.ones(len(told))]))
    assert both.shape == (2,)
    assert both[0] == pytest.approx(float(auroc(scores, labels, times)), nan_ok=True)
    called = np.where(scores >= 2, 1.0, 0.0)
    if len(set(labels)) == 2:
        wanted = metrics.balanced_accuracy_score(labels, called)
        assert float(balanced_accuracy(called, labels)) == pytest.approx(wanted)


def test_one_class_is_not_defined() -> None:
    assert np.isnan(auroc(SCORES, np.ones(4)))
    assert np.isnan(auprc(SCORES, np.zeros(4)))
    found = interval_of(
        lambda w: auroc(SCORES, np.ones(4), w), Labelled(np.ones(4), "abcd", ["s"] * 4), rng=generator(0)
    )
    assert (found.value, found.reason) == (None, "one class has no row")


def test_best_threshold_lies_between_scores() -> None:
    assert best_threshold(np.array([0.1, 0.2, 0.6, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])) == pytest.approx(
        0.4
    )
    assert best_threshold(np.array([0.5, 0.1]), np.array([0.0, 1.0])) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="no threshold"):
        best_threshold(SCORES, np.ones(4))


def test_clusters_are_drawn_whole_and_inside_their_stratum() -> None:
    labelled = Labelled(np.array([1.0, 0, 1, 0, 1, 0]), ["x", "x", "y", "x", "z", "z"], list("aaabbb"))
    weights = resampled_weights(labelled, rng=generator(1), resamples=200)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 0] + weights[:, 2] == 2).all()
    assert (weights[:, 3] + weights[:, 4] == 2).all()
    assert not (weights[:, 0] == weights[:, 3]).all()
    assert (weights[:, 4] == weights[:, 5]).all()


def test_interval_covers_what_it_should() -> None:
    """Of 40 samples of one law, the 95 % interval holds its AUROC about as often as it says."""
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        labels = np.array([0.0, 1.0] * 40)
        scores = rng.normal(size=80) + labels
        found = interval_of(
            lambda w, s=scores, y=labels: auroc(s, y, w),  # type: ignore[misc]
            Labelled(labels, [str(n) for n in range(80)], ["s"] * 80),
            rng=generator(seed),
            resamples=400,
        )
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.7602 <= found.high  # Φ(1/√2)
    assert held >= 34


def test_bounds_are_those_of_ninety_five_percent() -> None:
    """Of a mean they stand 1.96 standard errors away, as the normal law has it."""
    scores = np.random.default_rng(0).normal(size=400)
    found = interval_of(
        lambda w: (w * scores).sum(axis=-1) / w.sum(axis=-1),
        Labelled(np.array([0.0, 1.0] * 200), [str(n) for n in range(400)], ["s"] * 400),
        rng=generator(1),
        resamples=4000,
    )
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * scores.std() / 20, rel=0.06)


def test_few_defined_resamples_give_no_bounds() -> None:
    labelled = Labelled(np.array([1.0, 0.0]), ["x", "y"], ["s", "s"])
    found = interval_of(
        lambda w: auroc(np.array([1.0, 0.0]), labelled.positive, w), labelled, rng=generator(0)
    )
    assert (found.value, found.low) == (1.0, None)
    assert "not defined" in (found.reason or "")


@pytest.mark.parametrize("labels", [np.array([0.5]), np.array([0.0, 1.0])])
def test_bad_labels_are_refused(labels: np.ndarray) -> None:
    with pytest.raises(ValueError):
        Labelled(labels, ["x"], ["s"])
