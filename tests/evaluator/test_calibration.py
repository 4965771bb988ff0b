"""Calibration, risk and coverage, AUROC: by hand, and by the definition on random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evaluator.statistics.calibration import (
    area_under_risk_coverage,
    auroc,
    brier_score,
    expected_calibration_error,
    reliability_bins,
    resampled_interval,
    resampled_rows,
    risk_coverage,
)
from tests.evaluator.lines import steady

pairs = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), st.integers(0, 1)), min_size=1, max_size=20
)


def arrays(values: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([one for one, _ in values]), np.array([float(one) for _, one in values])


def test_ece_and_brier_by_hand() -> None:
    sure, true = np.array([0.91, 0.95, 0.1, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    bins = reliability_bins(sure, true)
    assert [one.n for one in bins] == [1, 3]
    assert bins[1].confidence == pytest.approx((0.91 + 0.95 + 1.0) / 3)
    assert bins[1].share == pytest.approx(2 / 3)
    assert bins[0].record() == {"confidence": 0.1, "share": 0.0, "n": 1}
    wanted = (3 * abs((0.91 + 0.95 + 1.0) / 3 - 2 / 3) + 0.1) / 4
    assert expected_calibration_error(sure, true) == pytest.approx(wanted)
    both_signs = np.array([0.25, 0.75]), np.array([1.0, 0.0])
    assert expected_calibration_error(*both_signs) == 0.75
    assert brier_score(sure, true) == pytest.approx((0.09**2 + 0.95**2 + 0.01) / 4)


def test_risk_and_coverage_by_hand() -> None:
    sure, wrong = np.array([0.9, 0.5, 0.5, 0.1]), np.array([0.0, 1.0, 0.0, 1.0])
    assert risk_coverage(sure, wrong) == [(0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert area_under_risk_coverage(sure, wrong) == pytest.approx(0.5 * 1 / 3 + 0.25 * 0.5)


@steady
@given(pairs)
def test_equal_confidences_have_no_order(values: list[tuple[float, int]]) -> None:
    curve = risk_coverage(*arrays(values))
    assert curve == risk_coverage(*arrays(values[::-1]))
    coverage, risk = curve[-1]
    assert coverage == 1.0
    assert risk == pytest.approx(float(np.mean([wrong for _, wrong in values])))
    assert [part for part, _ in curve] == sorted({part for part, _ in curve})


@steady
@given(pairs)
def test_auroc_is_that_of_the_field(values: list[tuple[float, int]]) -> None:
    score, true = arrays(values)
    if len(set(true)) < 2:
        assert auroc(score, true) is None
    else:
        assert auroc(score, true) == pytest.approx(float(roc_auc_score(true, score)))


@pytest.mark.parametrize("sure", [[], [1.1], [-0.1], [float("nan")]])
def test_what_is_no_confidence_is_refused(sure: list[float]) -> None:
    with pytest.raises(ValueError, match="confidence"):
        reliability_bins(np.array(sure), np.ones(len(sure)))
    with pytest.raises(ValueError, match="wanted as many"):
        risk_coverage(np.array([]), np.array([]))


def test_whole_clusters_are_drawn_again() -> None:
    clusters = ["a", "b", "a", "c"]
    rows = resampled_rows(clusters, seed=0, name="x", resamples=50)
    again = resampled_rows(clusters, seed=0, name="x", resamples=50)
    assert all((one == other).all() for one, other in zip(rows, again, strict=True))
    for one in rows:
        counts = np.bincount(one, minlength=4)
        assert counts[0] == counts[2]
        assert counts[0] + counts[1] + counts[3] == 3
    assert len({tuple(one) for one in rows}) > 5


def test_intervals_of_resampled_figures() -> None:
    found = resampled_interval(0.5, [0.1, 0.4, 0.6, 0.9], 7)
    assert (found.value, found.n) == (0.5, 7)
    assert found.low is not None
    assert found.high is not None
    assert 0.1 <= found.low < 0.4 < 0.6 < found.high <= 0.9
    assert resampled_interval(None, [0.1], 3, undefined="why").reason == "why"
    lost = resampled_interval(0.5, [None, 0.4], 3)
    assert (lost.low, lost.high, lost.reason) == (None, None, "1 of 2 resamples are not defined")
