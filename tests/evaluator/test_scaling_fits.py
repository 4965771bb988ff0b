"""Fits of metrics over scale: AICc by hand, made curves found again, no credit for following noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator.statistics.scaling_fits import MODELS, Fit, aicc, akaike_weights, fewest_scales, fits
from tests.evaluator.lines import steady

X = np.linspace(6, 11, 11)


def by_model(x: np.ndarray, y: np.ndarray, **more: float | None) -> dict[str, Fit]:
    return {one.model: one for one in fits(x, y, **more)}  # type: ignore[arg-type]


def noisy(y: np.ndarray, size: float = 0.01, seed: int = 0) -> np.ndarray:
    return y + np.random.default_rng(seed).normal(0, size, len(y))


def test_aicc_by_hand() -> None:
    assert aicc(7.0, 7, 3) == pytest.approx(6 + 24 / 3)
    assert aicc(7 * math.e, 7, 3) == pytest.approx(7 + 6 + 24 / 3)
    # A variance of 4 that is known to be there: 7·ln 4 + 7/4 - 7 + 14.
    assert aicc(7.0, 7, 3, 4.0) == pytest.approx(7 * math.log(4) + 7 / 4 - 7 + 14)
    with pytest.raises(ValueError, match="4 points are too few for 3 parameters; wanted 5"):
        aicc(1.0, 4, 3)


def test_parameters_are_counted_with_the_variance() -> None:
    y = noisy(0.1 * X)
    assert [one.k for one in fits(X, y)] == [2, 3, 4, 5, 5, 4]
    assert [one.k for one in fits(X, y, chance=0.5)] == [2, 3, 3, 4, 5, 3]
    assert (fewest_scales(None), fewest_scales(0.25)) == (6, 5)


def test_too_few_sizes_have_a_reason() -> None:
    found = by_model(X[:5], noisy(0.1 * X[:5]))
    assert found["linear"].aicc is not None
    assert found["piecewise"].aicc is None
    assert found["piecewise"].reason == "not enough sizes: 5, wanted 7 for 5 parameters"
    assert found["flat-then-linear"].reason == "not enough sizes: 5, wanted 6 for 4 parameters"


def test_the_line_is_ordinary_least_squares() -> None:
    y = noisy(0.3 + 0.1 * X)
    linear = by_model(X, y)["linear"]
    slope, level = np.polyfit(X, y, 1)
    assert (linear.parameters["slope"], linear.parameters["level"]) == pytest.approx((slope, level))
    rss = float(((y - level - slope * X) ** 2).sum())
    assert linear.rss == pytest.approx(rss)
    assert linear.aicc == pytest.approx(11 * math.log(rss / 11) + 6 + 24 / 7)
    assert linear.value(np.array([0.0])) == pytest.approx([level])
    flat = by_model(X, y)["flat"]
    assert flat.value(X[:2]) == pytest.approx([y.mean()] * 2)


def test_a_made_logistic_is_found() -> None:
    y = 0.2 + 0.6 / (1 + np.exp(-3.0 * (X - 8.7)))
    for chance in (None, 0.2):
        found = by_model(X, y, chance=chance)["logistic"]
        told = [found.parameters[name] for name in ("floor", "height", "middle", "slope", "decades")]
        assert told == pytest.approx([0.2, 0.6, 8.7, 3.0, math.log(81) / 3], abs=1e-5)
        assert found.value(X) == pytest.approx(y, abs=1e-6)
        assert found.aicc == min(one.aicc for one in fits(X, y, chance=chance) if one.aicc is not None)


def test_a_logistic_is_sharp_only_if_it_rises_within_a_decade_from_a_floor_seen() -> None:
    def sharp(middle: float, slope: float) -> bool:
        return by_model(X, 0.5 / (1 + np.exp(-slope * (X - middle))))["logistic"].sharp

    assert sharp(8.7, 5.0)
    assert not sharp(8.7, 4.0)
    assert not sharp(6.7, 5.0)
    assert not by_model(X, 1 - 0.5 / (1 + np.exp(-4.0 * (X - 8.7))))["logistic"].sharp


@pytest.mark.parametrize("exponent", [0.83, 0.1, -0.4])
def test_a_made_power_law_is_found(exponent: float) -> None:
    y = 0.2 + 0.5 * 10 ** (exponent * (X - 11))
    found = by_model(X, y)["power"]
    told = [found.parameters[name] for name in ("floor", "factor", "exponent", "origin")]
    assert told == pytest.approx([0.2, 0.5, exponent, 11.0], rel=1e-3, abs=1e-4)
    assert found.value(X) == pytest.approx(y, abs=1e-6)
    assert not found.sharp


def test_a_power_law_is_no_faster_than_the_scale_and_leaves_the_known_chance() -> None:
    assert by_model(X, 10 ** (3.0 * (X - 11)))["power"].parameters["exponent"] == pytest.approx(1.0)
    y = 0.25 + 0.5 * 10 ** (0.6 * (X - 11))
    found = by_model(X, y, chance=0.25)["power"]
    assert (found.parameters["floor"], found.parameters["exponent"]) == (0.25, pytest.approx(0.6, abs=1e-5))
    falls = by_model(X, 0.25 + 10 ** (-0.4 * (X - 6)), chance=0.25)["power"]
    assert falls.parameters["exponent"] > 0


def test_a_falling_logistic_is_found_too() -> None:
    found = by_model(X, 1 - 0.5 / (1 + np.exp(-5.0 * (X - 8.7))))["logistic"]
    assert (found.parameters["height"], found.parameters["middle"]) == pytest.approx((-0.5, 8.7), abs=1e-5)
    assert found.sharp


def test_broken_lines_are_sharp_where_they_turn_up() -> None:
    up, down = np.maximum(X - 8.2, 0), np.minimum(X - 8.2, 0)
    assert by_model(X, noisy(up))["piecewise"].sharp
    assert not by_model(X, noisy(down))["piecewise"].sharp
    assert by_model(X, noisy(up))["flat-then-linear"].parameters["break"] == pytest.approx(8.2, abs=0.1)


def test_what_is_best_is_what_was_made() -> None:
    def best(y: np.ndarray, **more: float | None) -> str:
        return min(
            (one for one in fits(X, y, **more) if one.aicc is not None), key=lambda one: one.aicc or 0
        ).model  # type: ignore[arg-type]

    assert best(noisy(0.1 * X)) == "linear"
    assert best(0.1 * X) == "linear"
    assert best(noisy(np.maximum(X - 8.2, 0))) == "flat-then-linear"
    assert best(noisy(0.25 + np.maximum(X - 8.2, 0)), chance=0.25) == "flat-then-linear"
    assert best(noisy(0.1 * X + np.maximum(X - 8.2, 0))) == "piecewise"
    assert best(noisy(0 * X)) == "flat"


def test_noise_of_measuring_is_not_followed() -> None:
    y = noisy(0.1 * X, 0.05, seed=1)
    free, known = by_model(X, y), by_model(X, y, variance=0.2**2)
    gap = [one["linear"].aicc - one["piecewise"].aicc for one in (free, known)]  # type: ignore[operator]
    assert gap[1] < gap[0]
    # Both fit below the noise: the difference in parameters decides, 2·2 and the small-sample terms 60/5 and 24/7.
    rss = known["linear"].rss - known["piecewise"].rss  # type: ignore[operator]
    assert gap[1] == pytest.approx(rss / 0.04 - 4 - 60 / 5 + 24 / 7)


def test_equal_values_have_no_fits() -> None:
    assert {one.reason for one in fits(X, np.full(11, 0.5))} == {"all values are equal"}


@pytest.mark.parametrize("x", [[2.0, 1.0, 3.0], [1.0, 2.0, math.nan], [1.0, 2.0]])
def test_x_must_rise_and_fit(x: list[float]) -> None:
    with pytest.raises(ValueError, match="x in rising order"):
        fits(np.array(x), np.array([1.0, 2.0, 3.0]))


def test_akaike_weights_by_hand() -> None:
    found = [Fit("flat", 2, 1.0, 10.0), Fit("linear", 3, 1.0, 12.0), Fit("logistic", 5, None, None, "few")]
    first = 1 / (1 + math.exp(-1))
    assert akaike_weights(found) == [pytest.approx(first), pytest.approx(1 - first), None]
    assert akaike_weights(found[2:]) == [None]


@settings(steady, max_examples=15)
@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8), st.floats(0.1, 50), st.floats(-5, 5))
def test_units_of_the_metric_change_no_comparison(values: list[float], size: float, shift: float) -> None:
    """BLEU in 0 … 100 and in 0 … 1 have the same differences of AICc for the curves that are linear fits."""
    y = noisy(np.array(values), 0.1)
    models = ("flat", "linear", "power", "piecewise", "flat-then-linear")
    first, second = (by_model(X[:8], one) for one in (y, size * y + shift))
    base = [one["linear"].aicc or 0.0 for one in (first, second)]
    for model in models:
        told = [(one[model].aicc or 0.0) - zero for one, zero in zip((first, second), base, strict=True)]
        assert told[0] == pytest.approx(told[1], abs=1e-6)


def test_models_stand_in_their_order() -> None:
    assert tuple(one.model for one in fits(X, noisy(0.1 * X))) == MODELS
