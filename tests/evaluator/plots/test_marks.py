"""Labels, scales and places of drawings."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as Tree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.figures import Curves, Series
from evaluator.plots.clean_svg import clean
from evaluator.plots.marks import NARROW, WIDE, label, scale_word, spread, svg
from tests.evaluator.drawn import CURVE, MISSING, RATINGS, WIN_RATES
from tests.evaluator.lines import steady


def texts(drawn: str) -> list[str]:
    return [
        "".join(one.itertext()) for one in Tree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_names_numbers_and_references_stand_as_text(width: int) -> None:
    shown = texts(svg(RATINGS, width))
    assert {"ppo", "mean", "Rating"} <= set(shown)
    assert label("<script>alert(1)</script> & $x$ 策略\x01") in shown
    curve = texts(svg(CURVE, width))
    assert {"exact match", "fit", "chance", "breakpoint", "parameters", "score"} <= set(curve)
    assert "1 B" in curve
    matrix = texts(svg(WIN_RATES, width))
    assert {"0.70", "0.30"} <= set(matrix)
    assert matrix.count("a") == 2


def circles(drawn: str) -> list[tuple[float, float]]:
    """Where the dots of whiskers stand."""
    found = re.findall(r'<use xlink:href="#(\w+)" x="([\d.]+)" y="([\d.]+)"', drawn)
    round_marks = set(re.findall(r'<path id="(\w+)" d="M 0 4 ', drawn))
    return [(float(x), float(y)) for name, x, y in found if name in round_marks]


def test_a_whisker_stands_where_its_numbers_are() -> None:
    drawn = svg(RATINGS, WIDE)
    (first, top), (second, below) = circles(drawn)
    assert first > second
    assert top < below
    lines = re.findall(
        r'd="M ([\d.]+) ([\d.]+) \nL ([\d.]+) ([\d.]+) \n" clip-path="[^"]+" style="fill: none; stroke: #01a0',
        drawn,
    )
    bars = [tuple(map(float, one)) for one in lines if one[1] == one[3]]
    (low, _, high, _), _ = bars[:2]
    # 1098 … 1112 … 1126: the point in the middle of its interval, 162 points right of the other one.
    assert first == pytest.approx((low + high) / 2, abs=0.01)
    assert (first - second) / (high - low) == pytest.approx(162 / 28, rel=1e-3)


def test_a_provisional_point_is_hollow() -> None:
    assert svg(RATINGS, WIDE).count("fill: #01a003") == 1


def test_no_marks_no_drawing() -> None:
    with pytest.raises(ValueError, match="has no marks: not enough data"):
        svg(MISSING, WIDE)


def test_curves_leave_a_gap_where_nothing_is_known() -> None:
    plot = CURVE.plot
    gapped = replace(plot.series[0], y=(0.0, math.nan, 0.6))  # type: ignore[union-attr]
    assert "exact match" in svg(replace(CURVE, plot=replace(plot, series=(gapped,))), WIDE)  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("short", "short"), ("a\n b", "a b"), ("\x00", "\ufffd"), ("x" * 31, "x" * 15 + "…" + "x" * 14)],
)
def test_labels_are_one_line_of_bounded_length(text: str, shown: str) -> None:
    assert label(text) == shown


@pytest.mark.parametrize(
    ("value", "word"),
    [(7e7, "70 M"), (2.8e9, "2.8 B"), (1e12, "1 T"), (3e21, "3e+21"), (1500, "1.5 k"), (12, "12")],
)
def test_scales_are_said_as_people_say_them(value: float, word: str) -> None:
    assert scale_word(value) == word


@steady
@given(st.lists(st.floats(-1, 1), max_size=8))
def test_spread_labels_are_apart_in_order_and_no_farther_than_needed(places: list[float]) -> None:
    found = spread(places, gap=0.1)
    ordered = sorted(found)
    assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(ordered))
    assert sorted(range(len(places)), key=lambda at: (places[at], at)) == sorted(
        range(len(places)), key=found.__getitem__
    )
    assert sum(found) == pytest.approx(sum(places), abs=1e-9)
    if all(b - a > 0.1 for a, b in pairwise(sorted(places))):
        assert found == places


def test_numbers_keep_two_decimals_and_ids_the_prefix() -> None:
    text = clean(svg(RATINGS, WIDE), prefix="p", title="t", description="d", standalone=False)
    assert not re.findall(r"\d\.\d{3}", text)
    assert set(re.findall(r'id="(p-\w+|[^"]+)"', text)) == set(re.findall(r'id="(p-\w+)"', text))
    assert "<style" not in text


def test_small_numbers_on_an_axis_keep_their_decimals() -> None:
    """Coordinates are shortened, what is read is not: ticks of 0.0015 would say 0.00."""
    assert isinstance(CURVE.plot, Curves)
    small = Series("exact match", (1e8, 1e9, 1e10), (0.0, 0.002, 0.006))
    drawn = svg(replace(CURVE, plot=replace(CURVE.plot, series=(small,), references=())), WIDE)
    cleaned = clean(drawn, prefix="p", title="t", description="0.12345 of all", standalone=False)
    assert {"0.0015", "0.0030", "0.0060"} <= set(texts(cleaned))
    assert "0.12345 of all" in cleaned
