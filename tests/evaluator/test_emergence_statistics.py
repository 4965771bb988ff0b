"""BIG-bench's figures by hand, shapes of made curves, and permutation tests that hold their level."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.correction import holm
from evaluator.statistics.emergence import Curve, breakthroughness, linearity, shaped
from evaluator.statistics.scale_permutation import permutation_tests, smallest_p_step_down, trend_figures
from tests.evaluator.lines import steady

SCALES = tuple(float(10**x) for x in np.linspace(7, 11, 9))
X = np.log10(SCALES)


def curve(
    values: Sequence[float], name: str = "c", scales: tuple[float, ...] = SCALES, **more: object
) -> Curve:
    return Curve(name, scales, tuple(map(float, values)), **more)  # type: ignore[arg-type]


def hinge(at: float = 9.2, size: float = 0.005, seed: int = 0) -> np.ndarray:
    return 0.3 * np.maximum(X - at, 0) + np.random.default_rng(seed).normal(0, size, len(X))


def line(size: float = 0.005, seed: int = 0) -> np.ndarray:
    return 0.1 * X + np.random.default_rng(seed).normal(0, size, len(X))


def plain(values: Sequence[float], **more: object) -> Curve:
    """The values at 1, 2, 3 … of scale."""
    return curve(values, scales=tuple(float(at) for at in range(1, len(values) + 1)), **more)


@pytest.mark.parametrize(
    ("values", "linear", "sudden"),
    [
        ([0, 1, 3, 3.5], 3.5 / 3 / math.sqrt(5.25 / 3), 3.5),
        ([0, 1, 3], 1.5 / math.sqrt(2.5), 3 / math.sqrt(2.5)),
        ([3, 1, 0], -1.5 / math.sqrt(2.5), -3 / math.sqrt(2.5)),
        ([0, 1, 2, 3, 4], 1, 4),
        ([0, 0.5, 0, 0.25], 0.5 / 3 / math.sqrt(0.5625 / 3), 1.0),
    ],
)
def test_big_bench_figures_by_hand(values: list[float], linear: float, sudden: float) -> None:
    told = plain(values)
    assert linearity(told).value == pytest.approx(linear, abs=1e-12)
    assert breakthroughness(told).value == pytest.approx(sudden, abs=1e-12)


def test_what_is_not_defined_has_its_reason() -> None:
    assert linearity(plain([0.5])).reason == "not enough sizes: 1, wanted 2"
    assert linearity(plain([0.5, 0.5, 0.5])).value == 0.0
    assert (
        breakthroughness(plain([0.5, 0.5, 0.5])).reason == "all values are equal: nothing changes with scale"
    )
    jump = [0.0, 0.0, 0.0, 0.0, 1.0]
    assert linearity(plain(jump)).value == pytest.approx(0.5)
    assert breakthroughness(plain(jump)).value is None
    assert (
        breakthroughness(plain(jump)).reason == "half of the steps or more change nothing: their median is 0"
    )


@steady
@given(
    st.lists(st.integers(-50, 50), min_size=3, max_size=9, unique=True), st.floats(0.1, 10), st.floats(-5, 5)
)
def test_big_bench_figures_know_no_unit(values: list[int], size: float, shift: float) -> None:
    moved = [size * value + shift for value in values]
    assert linearity(plain(moved)).value == pytest.approx(linearity(plain(values)).value)
    assert breakthroughness(plain(moved)).value == pytest.approx(breakthroughness(plain(values)).value)
    turned = [-value for value in values]
    assert linearity(plain(turned)).value == pytest.approx(-(linearity(plain(values)).value or 0))


def test_errors_of_measuring_give_an_interval() -> None:
    bare = linearity(plain([0, 1, 3, 3.5]), resamples=200)
    assert (bare.low, bare.reason) == (None, "no interval: the errors of its points are not known")
    for figure in (linearity, breakthroughness):
        small, large = (
            figure(plain([0, 1, 3, 3.5], errors=(size,) * 4), resamples=200) for size in (0.01, 0.1)
        )
        assert small.low is not None
        assert small.high is not None
        assert small.low <= (small.value or 0) <= small.high
        assert (large.high or 0) - (large.low or 0) > 3 * (small.high - small.low)


def test_models_of_one_scale_are_one_size() -> None:
    """Two models of each of five sizes: ten points, but a break is told by sizes."""
    scales = tuple(sorted(SCALES[:5] * 2))
    found = shaped(
        curve([0, 0.01, 0, 0.02, 0.01, 0.02, 0.3, 0.31, 0.6, 0.62], scales=scales), seed=0, resamples=100
    )
    assert found.at.reason == "not enough sizes: 5, wanted 6 to tell a break from a gradual change"
    six = tuple(sorted(SCALES[:6] * 2))
    values = [0, 0.01, 0, 0.02, 0.01, 0.02, 0.01, 0, 0.3, 0.31, 0.6, 0.62]
    found = shaped(curve(values, scales=six), seed=0, resamples=100)
    assert found.shape == "sharp"
    assert SCALES[2] < (found.at.value or 0) < SCALES[4]
    assert (
        permutation_tests(
            [curve([0.1, 0.2, 0.3, 0.4], scales=tuple(sorted(SCALES[:2] * 2)))], seed=0, permutations=1000
        )[0].reason
        == "not enough sizes: 2, wanted 3"
    )


def shape_of(values: Sequence[float], **more: object) -> str:
    return shaped(curve(values, **more), seed=0, resamples=100).shape


def test_shapes_of_made_curves() -> None:
    assert shape_of(hinge()) == "sharp"
    assert shape_of(line()) == "gradual"
    assert shape_of(-hinge()) == "sharp"
    levels_off = np.minimum(X - 9.2, 0) + hinge(20)
    assert shape_of(levels_off) == "gradual"
    broad = 1 / (1 + np.exp(-1.5 * (X - 9.5)))
    assert shape_of(broad) == "gradual"
    assert shape_of(1 / (1 + np.exp(-12 * (X - 9.6)))) == "sharp"
    assert shape_of([0.5] * 9) == "gradual"


def test_the_break_is_told_in_scale_with_its_interval() -> None:
    found = shaped(curve(hinge()), seed=0, resamples=500)
    assert found.at.value == pytest.approx(10**9.2, rel=0.15)
    assert found.at.low is not None
    assert found.at.high is not None
    assert 10**8.5 < found.at.low < (found.at.value or 0) < found.at.high < 10**10
    assert found.bend is not None
    assert found.bend.model == "flat-then-linear"
    assert found.gradual is not None
    assert found.sharp is not None
    assert found.advantage == pytest.approx((found.gradual.aicc or 0) - (found.sharp.aicc or 0))
    again = shaped(curve(hinge()), seed=0, resamples=500)
    assert again.at == found.at
    assert shaped(curve(hinge()), seed=1, resamples=500).at != found.at


def test_a_gradual_curve_has_no_break_and_says_why() -> None:
    found = shaped(curve(line()), seed=0, resamples=100)
    assert found.at.value is None
    assert found.at.reason is not None
    pattern = (
        r"no break is supported: AICc of .* is (lower|higher) by [0-9.]+ than of linear, wanted lower by 2"
    )
    assert re.fullmatch(pattern, found.at.reason)


def test_few_sizes_are_not_judged() -> None:
    five = SCALES[:5]
    found = shaped(curve(hinge()[:5], scales=five), seed=0, resamples=100)
    assert found.shape == "not-enough-sizes"
    assert found.at.reason == "not enough sizes: 5, wanted 6 to tell a break from a gradual change"
    known = shaped(curve([0.25, 0.26, 0.24, 0.5, 0.8], scales=five, chance=0.25), seed=0, resamples=100)
    assert known.shape != "not-enough-sizes"
    assert shaped(curve(hinge()[:6], scales=SCALES[:6]), seed=0, resamples=100).shape != "not-enough-sizes"


def test_noise_of_measuring_forbids_a_break() -> None:
    bent = line(0.0) + 0.02 * np.maximum(X - 9.2, 0) + np.random.default_rng(3).normal(0, 0.0005, 9)
    assert shape_of(bent) == "sharp"
    assert shape_of(bent, errors=(0.05,) * 9) == "gradual"


def test_the_figure_of_a_trend_is_the_best_of_all_beginnings() -> None:
    x = np.array([0.0, 1, 2, 3])
    assert trend_figures(x, np.array([[1.0, 2, 3, 4], [0, 0, 0, 1], [0, 0, 1, 2]])) == pytest.approx(
        [1, 1, 1]
    )
    y = np.array([2.0, 0, 1, 5])
    best = max(float(np.corrcoef(np.maximum(x - at, 0), y)[0, 1] ** 2) for at in (0, 1, 2))
    assert trend_figures(x, y[None, :]) == pytest.approx([best])


def test_p_is_the_share_of_orders_that_do_as_well() -> None:
    """Of the 24 orders of four values the exact share, which sampled orders approach."""
    values = (0.0, 0.2, 0.1, 0.9)
    scales = (1e6, 1e7, 1e8, 1e9)
    x = np.log10(scales)
    every = trend_figures(x, np.array(list(itertools.permutations(values))))
    exact = float((every >= trend_figures(x, np.array([values]))[0] - 1e-9).mean())
    (found,) = permutation_tests([curve(values, scales=scales)], seed=0, permutations=20_000)
    assert found.p_value == pytest.approx(exact, abs=0.012)
    assert found.adjusted == found.p_value


def test_p_is_never_nothing() -> None:
    (found,) = permutation_tests([curve(hinge())], seed=0, permutations=1000)
    assert found.p_value == pytest.approx(1 / 1001, abs=2 / 1001)
    assert (found.p_value or 0) >= 1 / 1001


def test_what_cannot_be_tested_says_why() -> None:
    found = permutation_tests(
        [curve([0.1, 0.2], scales=SCALES[:2]), curve([0.5] * 9), curve(hinge())], seed=0, permutations=1000
    )
    assert [one.reason for one in found] == ["not enough sizes: 2, wanted 3", "all values are equal", None]
    assert permutation_tests([], seed=0, permutations=1000) == []


def test_step_down_by_hand() -> None:
    """Three curves, three permutations. p: 1/4, 2/4, 4/4; smallest p of the columns as below."""
    figures = np.array([[9.0, 1, 2, 3], [5, 6, 1, 2], [0, 4, 5, 6]])
    p_values, adjusted = smallest_p_step_down(figures)
    assert p_values.tolist() == [0.25, 0.5, 1.0]
    # Columns of p: [.25 1 .75 .5], [.5 .25 1 .75], [1 .75 .5 .25]. Smallest of all three: .25 .25 .5 .25, so 3 of 4
    # are as small as .25. Of the second and third: .5 .25 .5 .25, all of them as small as .5.
    assert adjusted.tolist() == [0.75, 1.0, 1.0]


def test_curves_that_say_the_same_pay_once_and_others_as_by_holm() -> None:
    same = [curve(hinge(), name) for name in "abcd"]
    found = permutation_tests(same, seed=0, permutations=2000)
    assert {one.adjusted for one in found} == {found[0].p_value}
    rng = np.random.default_rng(5)
    apart = [
        curve(rng.normal(size=9) + 0.8 * X, str(at), tuple(scale * (1 + at / 7) for scale in SCALES))
        for at in range(4)
    ]
    tests = permutation_tests(apart, seed=0, permutations=4000)
    by_holm = holm([one.p_value or 1.0 for one in tests])
    for one, bound in zip(tests, by_holm, strict=True):
        assert one.p_value is not None
        assert one.adjusted is not None
        assert one.p_value <= one.adjusted <= bound + 0.02


@steady
@given(st.integers(1, 5), st.integers(0, 1000))
def test_adjusted_p_never_falls_below_p_and_keeps_the_order(count: int, seed: int) -> None:
    p_values, adjusted = smallest_p_step_down(np.random.default_rng(seed).normal(size=(count, 40)))
    assert (adjusted >= p_values - 1e-12).all()
    assert (adjusted <= 1).all()
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def false_alarms(worlds: int, permutations: int = 299) -> int:
    """In how many of the worlds any curve of six is told to have a trend, where scales are dealt at random.

    Three tasks, each with a sharp and a smooth metric of the same outputs, and two families of other sizes.
    """
    other = tuple(scale * 1.7 for scale in SCALES[:7])
    alarms = 0
    for world in range(worlds):
        rng = np.random.default_rng([11, world])
        curves = []
        for place, scales in enumerate((SCALES, SCALES, other)):
            x = np.log10(scales)
            order = rng.permutation(len(x))
            smooth = (1 / (1 + np.exp(-2 * (x - 9))))[order] + rng.normal(0, 0.01, len(x))
            curves += [curve(smooth, f"{place} smooth", scales), curve(smooth**8, f"{place} sharp", scales)]
        tests = permutation_tests(curves, seed=world, permutations=permutations)
        alarms += any((one.adjusted or 1.0) <= 0.05 for one in tests)
    return alarms


def test_false_alarms_stay_at_the_level() -> None:
    """5 % of 200 and its chance limit: 17 or more would happen once in 35 times at 5 %."""
    assert false_alarms(200) <= 16


@pytest.mark.large
def test_false_alarms_stay_at_the_level_over_1000_permutations() -> None:
    assert false_alarms(1000) <= 65
