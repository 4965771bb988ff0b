"""Figures about confidence: calibration (ECE, Brier), and what is wrong among the answers one would keep (AURC)."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from evaluator.report_files import Metric
from evaluator.specs import RunSpec
from evaluator.statistics.calibration import (
    area_under_risk_coverage,
    brier_score,
    expected_calibration_error,
    reliability_bins,
    resampled_interval,
    resampled_rows,
    risk_coverage,
)

Floats = NDArray[np.float64]
RESAMPLES = 500  # each resample sorts all items; the bounds move in the third digit only with more
MOST_POINTS = 200


def confidence_findings(
    confidence: Mapping[str, float], right: Mapping[str, float], spec: RunSpec, stated: str
) -> tuple[list[Metric], dict[str, object]]:
    """Metrics ece, brier and aurc, and the report's `calibration` and `risk_coverage`, of the items in `confidence`.

    `right` is 1, 0 or between; `stated` says what the confidence is. Without an item the metrics are None.
    """
    ids = sorted(confidence)
    names = ("ece", "brier", "aurc")
    if not ids:
        none = [
            Metric(name, None, None, None, 0, reason="no item stated a confidence", better="lower")
            for name in names
        ]
        return none, {"confidence": stated}
    sure = np.array([confidence[one] for one in ids])
    true = np.array([right[one] for one in ids])
    figures: dict[str, Callable[[Floats, Floats], float]] = {
        "ece": expected_calibration_error,
        "brier": brier_score,
        "aurc": lambda told, came: area_under_risk_coverage(told, 1 - came),
    }
    rows = resampled_rows(ids, seed=spec.seed, name="confidence", resamples=min(RESAMPLES, spec.resamples))
    metrics = []
    for name, figure in figures.items():
        drawn = [figure(sure[own], true[own]) for own in rows]
        found = resampled_interval(figure(sure, true), drawn, len(ids))
        bounds = (found.value, found.low, found.high, found.n)
        metrics.append(Metric(name, *bounds, None, found.reason, found.method, "lower"))
    curve = risk_coverage(sure, 1 - true)
    step = max(1, len(curve) // MOST_POINTS)
    # The last point, everything answered, always stands.
    points = [*curve[:-1:step], curve[-1]]
    return metrics, {
        "confidence": stated,
        "calibration": [one.record() for one in reliability_bins(sure, true)],
        "risk_coverage": [{"coverage": coverage, "risk": risk} for coverage, risk in points],
    }
