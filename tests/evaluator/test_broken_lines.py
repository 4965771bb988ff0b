"""Broken lines: exact on made data, never worse than a search of all breaks, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.broken_lines import Before, best_breaks, break_interval, broken_line
from tests.evaluator.lines import steady

X = np.arange(8.0)
BEFORES: list[Before] = ["line", "level", "chance"]


def made(at: float, start: float, before: float, after: float, x: np.ndarray = X) -> np.ndarray:
    return start + np.where(x < at, before, after) * (x - at)


@pytest.mark.parametrize("at", [2.0, 3.3, 5.9])
def test_a_made_break_is_found(at: float) -> None:
    line = broken_line(X, made(at, 1.0, 0.5, 2.0), "line")
    assert (line.at, line.start, line.before, line.after) == pytest.approx((at, 1.0, 0.5, 2.0), abs=1e-9)
    assert line.rss == pytest.approx(0.0, abs=1e-20)
    assert line.turns_up
    level = broken_line(X, made(at, 0.25, 0.0, -1.5), "level")
    assert (level.at, level.start, level.before, level.after) == pytest.approx(
        (at, 0.25, 0.0, -1.5), abs=1e-9
    )
    known = broken_line(X, made(at, 0.25, 0.0, 3.0), "chance", 0.25)
    assert (known.at, known.start, known.before, known.after) == pytest.approx((at, 0.25, 0.0, 3.0), abs=1e-9)


def test_a_line_that_levels_off_does_not_turn_up() -> None:
    assert not broken_line(X, made(3.5, 1.0, 2.0, 0.5), "line").turns_up
    assert broken_line(X, made(3.5, 1.0, -0.5, 2.0), "line").turns_up


def test_the_value_is_that_of_the_two_parts() -> None:
    line = broken_line(X, made(3.0, 1.0, 0.5, 2.0), "line")
    assert line.value(np.array([1.0, 3.0, 5.0])) == pytest.approx([0.0, 1.0, 5.0])


def test_a_jump_at_the_last_size_begins_at_the_one_before() -> None:
    y = np.array([0.0, 0, 0, 0, 0, 0, 0, 1])
    assert broken_line(X, y, "chance").at == pytest.approx(6.0)
    assert broken_line(X, y, "level").at == pytest.approx(6.0)


def searched(x: np.ndarray, y: np.ndarray, before: Before) -> float:
    """The least residual sum of squares over a fine grid of breaks, by plain least squares."""
    columns = {"chance": 0, "level": 1, "line": 2}[before]
    found = []
    for at in np.linspace(x[1], x[-2], 600):
        design = np.column_stack([np.ones(len(x)), x, np.maximum(x - at, 0)])[:, [*range(columns), 2]]
        told = np.linalg.lstsq(design, y)[0]
        found.append(float(((y - design @ told) ** 2).sum()))
    return min(found)


@steady
@given(
    st.lists(st.floats(-10, 10), min_size=6, max_size=9),
    st.lists(st.floats(0.1, 3), min_size=9, max_size=9),
    st.sampled_from(BEFORES),
)
def test_no_search_finds_a_better_break(values: list[float], gaps: list[float], before: Before) -> None:
    y, x = np.array(values), np.cumsum(gaps)[: len(values)]
    line = broken_line(x, y, before)
    spread = float((y**2).sum())
    assert line.rss <= searched(x, y, before) + 1e-9 * (1 + spread)
    assert x[1] - 1e-12 <= line.at <= x[-2] + 1e-12
    assert float(((y - line.value(x)) ** 2).sum()) == pytest.approx(line.rss, abs=1e-7 * (1 + spread))


def test_many_rows_are_fitted_as_each_alone() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20, 8))
    for before in BEFORES:
        together = best_breaks(X, rows, before, 0.3)
        alone = [broken_line(X, row, before, 0.3).at for row in rows]
        assert together == pytest.approx(alone, abs=1e-12)


def interval(y: np.ndarray, seed: int = 0, *, errors: np.ndarray | None = None) -> tuple[float, float, str]:
    line = broken_line(X, y, "level")
    rng = np.random.default_rng(seed)
    told = break_interval(X, y, line, "level", 0.0, errors=errors, rng=rng, resamples=400)
    assert told.value == line.at
    assert told.low is not None
    assert told.high is not None
    assert told.low <= line.at <= told.high
    return told.low, told.high, told.method


def test_the_interval_grows_with_the_noise() -> None:
    noise = np.array([1.0, -1, 1, -1, -1, 1, -1, 1])
    (low, high, method), (wide_low, wide_high, _) = (
        interval(made(3.4, 0.0, 0.0, 1.0) + size * noise) for size in (0.02, 0.3)
    )
    assert method == "parametric bootstrap of residuals"
    assert high - low < 0.3
    assert wide_high - wide_low > 3 * (high - low)


def test_without_noise_the_neighbouring_sizes_bound_the_break() -> None:
    y = made(3.4, 0.0, 0.0, 1.0)
    assert interval(y) == (3.0, 4.0, "neighbouring scales: nothing is left to resample")
    assert interval(made(4.0, 0.0, 0.0, 1.0))[:2] == (3.0, 5.0)


def test_errors_of_measuring_count_where_they_are_larger() -> None:
    y = made(3.4, 0.0, 0.0, 1.0)
    low, high, method = interval(y, errors=np.full(8, 0.2))
    assert method == "parametric bootstrap of what was measured"
    assert high - low > 0.3
    noisy = y + 0.3 * np.array([1.0, -1, 1, -1, -1, 1, -1, 1])
    assert interval(noisy, errors=np.full(8, 0.01))[2] == "parametric bootstrap of residuals"


def coverage(worlds: int) -> float:
    """How often the interval holds the break, over made curves of 12 sizes."""
    x, held = np.arange(12.0), 0
    for seed in range(worlds):
        rng = np.random.default_rng([7, seed])
        y = made(5.6, 0.1, 0.0, 0.1, x) + rng.normal(0, 0.03, 12)
        line = broken_line(x, y, "level")
        told = break_interval(x, y, line, "level", 0.0, errors=None, rng=rng, resamples=300)
        assert told.low is not None
        assert told.high is not None
        held += told.low <= 5.6 <= told.high
    return held / worlds


def test_intervals_cover_the_break() -> None:
    assert coverage(60) >= 0.85


@pytest.mark.large
def test_intervals_cover_the_break_in_1000_worlds() -> None:
    assert 0.92 <= coverage(1000) <= 0.98
