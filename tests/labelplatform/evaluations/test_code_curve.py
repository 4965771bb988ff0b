"""pass@k by k as coordinates: scales, intervals, labels that stay apart."""

from __future__ import annotations

import itertools
import re

import pytest

from labelplatform.evaluations import code_curve
from labelplatform.evaluations.code_curve import Measured, Series, draw


def one(name: str, *values: tuple[int, float], spread: float = 0.1, colour: int = 0) -> Series:
    points = tuple(Measured(k, value, value - spread, value + spread) for k, value in values)
    return Series(name, colour, points)


def test_nothing_measured_draws_nothing() -> None:
    assert draw([]) is None
    assert draw([Series("a", 0, ())]) is None


def test_k_stands_by_its_logarithm_and_shares_from_nought_to_one() -> None:
    plot = draw([one("a", (100, 1.0), (1, 0.0), (10, 0.5), spread=0.0)])
    assert plot is not None
    (curve,) = plot.curves
    left, middle, right = (point.x for point in curve.points)
    assert middle - left == pytest.approx(right - middle, abs=0.2)
    assert [point.y for point in curve.points] == [
        plot.bottom,
        (plot.bottom + code_curve.TOP) / 2,
        code_curve.TOP,
    ]
    assert [tick.label for tick in plot.x_ticks] == ["1", "10", "100"]
    assert [tick.label for tick in plot.y_ticks] == ["0", "0.25", "0.5", "0.75", "1"]
    assert plot.y_ticks[0].position > plot.y_ticks[-1].position
    assert curve.path == "M" + " L".join(f"{point.x} {point.y}" for point in curve.points)
    assert plot.left < left < right < plot.right


def test_one_k_stands_in_the_middle() -> None:
    plot = draw([one("a", (10, 0.5))])
    assert plot is not None
    assert plot.curves[0].points[0].x == pytest.approx(plot.middle, abs=0.2)


def test_intervals_are_drawn_from_bound_to_bound_and_beside_each_other() -> None:
    plot = draw([one("a", (1, 0.5)), one("b", (1, 0.5))])
    assert plot is not None
    first, second = (curve.points[0] for curve in plot.curves)
    assert second.x - first.x == code_curve.APART
    low, high = (float(found) for found in re.findall(r"M\S+ (\S+) V(\S+)", first.bar)[0])
    assert high < first.y < low
    assert first.bar.count("H") == 2
    assert first.text == "pass@1 0.500 (0.400 – 0.600)"
    bare = draw([Series("a", 0, (Measured(1, 0.5, None, None),))])
    assert bare is not None
    assert bare.curves[0].points[0].bar == ""


def test_bounds_stay_inside_the_plot() -> None:
    plot = draw([one("a", (1, 0.95), (2, 0.02))])
    assert plot is not None
    ends = [float(y) for point in plot.curves[0].points for y in re.findall(r"(?:M\S+ |V)(\S+)", point.bar)]
    assert min(ends) >= code_curve.TOP
    assert max(ends) <= plot.bottom


def test_labels_stay_apart_and_above_the_bottom_in_the_order_of_their_ends() -> None:
    many = [one(f"model {n}", (1, 0.02 * n)) for n in range(8)]
    plot = draw(many)
    assert plot is not None
    heights = [curve.label_y for curve in plot.curves]
    assert heights == sorted(heights, reverse=True)
    assert min(a - b for a, b in itertools.pairwise(heights)) >= code_curve.LABEL_ROOM - 0.2
    assert max(heights) <= plot.bottom


def test_lines_are_told_apart_without_colour_and_long_names_cut() -> None:
    plot = draw([one("a" * 40, (1, 0.1)), one("b", (1, 0.9), colour=3)])
    assert plot is not None
    assert len({curve.dashes for curve in plot.curves}) == 2
    assert plot.curves[0].label == "a" * 8 + "…" + "a" * 8
    assert plot.curves[1].colour == 3
    assert plot.description == (f"{'a' * 40}: pass@1 0.100 (0.000 – 0.200); b: pass@1 0.900 (0.800 – 1.000)")
