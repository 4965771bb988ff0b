"""Points: each size's means by task and metric, with chance, kind and bounds, as the emergence format wants them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from evaluator.report_files import Metric
from labelplatform.ladders.points import COLUMNS, Point, as_csv, points_of, points_of_curves
from tests.labelplatform.ladders.building import string_report

TOLD: dict[str, Any] = {"family": "small", "model": "1x16", "scale": 5000.0}


def by_name(points: list[Point]) -> dict[tuple[str, str], Point]:
    return {(point.task, point.metric): point for point in points}


def test_one_report_is_its_own_figures() -> None:
    points = by_name(list(points_of([string_report(0.4)], **TOLD)))
    assert len(points) == 6
    point = points["copy", "exact_match"]
    assert [point.value, point.low, point.high, point.n] == pytest.approx([0.2, 0.1, 0.3, 10])
    assert (point.family, point.model, point.scale) == ("small", "1x16", 5000.0)
    assert (point.kind, point.chance, point.direction) == ("sharp", 0.0, "higher")
    smooth = points["add", "edit_similarity"]
    assert (smooth.kind, smooth.value, smooth.chance) == ("smooth", 0.4, 0.1)
    assert (points["add", "log_probability"].kind, points["add", "log_probability"].chance) == (
        "smooth",
        -2.8,
    )


def test_seeds_are_averaged_and_their_spread_widens_the_bounds() -> None:
    points = by_name(list(points_of([string_report(0.2), string_report(0.6)], **TOLD)))
    point = points["copy", "edit_similarity"]
    assert [point.value, point.n] == pytest.approx([0.4, 10])
    # Each seed's half-width 0.1 is 1.96 errors of 0.05102; the seeds' variance is 0.08, over two of them 0.04.
    half = 1.959964 * (0.0510213**2 + 0.04) ** 0.5
    assert point.low == pytest.approx(0.4 - half, abs=1e-6)
    assert point.high == pytest.approx(0.4 + half, abs=1e-6)


def test_what_a_seed_has_not_measured_has_no_point() -> None:
    whole = string_report(0.4)
    lost = [
        replace(metric, value=None, low=None, high=None, reason="nothing measured")
        if (metric.group, metric.name) == ("task=copy", "log_probability")
        else metric
        for metric in whole.metrics
    ]
    points = by_name(list(points_of([whole, replace(whole, metrics=lost)], **TOLD)))
    assert ("copy", "log_probability") not in points
    assert len(points) == 5
    fewer = [metric for metric in whole.metrics if metric.group != "task=add"]
    assert len(list(points_of([whole, replace(whole, metrics=fewer)], **TOLD))) == 3


def test_a_seed_without_an_interval_leaves_none() -> None:
    whole = string_report(0.4)
    bare = replace(whole, metrics=[replace(metric, low=None, high=None) for metric in whole.metrics])
    for point in points_of([whole, bare], **TOLD):
        assert (point.low, point.high) == (None, None)


def test_other_groups_and_figures_are_no_points() -> None:
    more = [
        Metric("exact_match", 0.5, None, None, 4, "contaminated=yes", better="higher"),
        Metric("contaminated", 0.0, None, None, 4, better="lower"),
    ]
    report = string_report(0.4)
    assert len(list(points_of([replace(report, metrics=[*report.metrics, *more])], **TOLD))) == 6


def test_the_file_has_the_columns_of_the_format() -> None:
    text = as_csv(points_of([string_report(0.4)], **TOLD))
    assert text.splitlines()[0] == "task,metric,family,model,scale,value,n,chance,kind,direction,low,high"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 6
    assert rows[0]["scale"] == "5000.0"
    assert tuple(rows[0]) == COLUMNS
    bare = Point("t", "m", "f", "s", 1.0, 0.5, 3, None, "smooth", "higher", None, None)
    assert as_csv([bare]).splitlines()[1] == "t,m,f,s,1.0,0.5,3,,smooth,higher,,"


LINES: list[dict[str, object]] = [
    {"step": 0, "steps": 4, "seconds": 0.0, "loss": 9.0},
    {"step": 2, "steps": 4, "seconds": 0.5, "loss": 3.0, "heldout_accuracy": 0.25, "note": "x", "warm": True},
    {"step": 1, "steps": 4, "seconds": 0.2, "loss": 5.0},
    {"step": 2, "steps": 4, "seconds": 0.9, "loss": 2.5},
]


def test_a_runs_curves_are_points_by_step() -> None:
    points = list(points_of_curves(LINES, "run"))
    assert [(point.metric, point.scale, point.value) for point in points] == [
        ("loss", 1.0, 5.0),
        ("heldout_accuracy", 2.0, 0.25),
        ("loss", 2.0, 2.5),
    ]
    assert [(point.kind, point.direction) for point in points[:2]] == [
        ("smooth", "lower"),
        ("sharp", "higher"),
    ]
    assert {(point.task, point.family, point.n, point.chance) for point in points} == {
        ("training", "run", None, None)
    }
    assert points[0].model == "step 1"


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, 2e-17, 0.3), (1.0, 0.7, 1 - 1e-16)])
def test_a_bound_that_misses_its_value_by_rounding_is_the_value(
    value: float, low: float, high: float
) -> None:
    """Wilson's lower bound of nothing right of ten is 2e-17, and no reader takes a value outside its bounds."""
    metrics = [Metric("exact_match", value, low, high, 10, "task=copy", better="higher")]
    (point,) = points_of([replace(string_report(0.4), metrics=metrics)], **TOLD)
    assert point.low is not None
    assert point.high is not None
    assert point.low <= point.value <= point.high
    assert {point.low, point.high} == ({0.0, 0.3} if value == 0 else {0.7, 1.0})
