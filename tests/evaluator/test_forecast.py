"""When the work is done: exact small numbers, properties, and intervals that keep what they promise."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from evaluator.statistics.forecast import Forecast, dispersion, forecast, people_wanted, verdict

COUNTS = st.lists(st.integers(0, 60), min_size=3, max_size=14).filter(lambda counts: sum(counts) >= 10)


def test_steady_days_by_hand() -> None:
    found = forecast([10, 10, 10, 10], 100)
    assert (found.days, found.per_day, found.seen_days, found.done) == (10, 10, 4, 40)
    # t = 3.1824: (100 - 10.128·10/4) T² - (2000 + 101.28) T + 10000 = 0
    assert found.low == pytest.approx(6.067, abs=2e-3)
    assert found.high == pytest.approx(22.07, abs=2e-2)


def test_uneven_days_widen_the_interval_by_their_dispersion() -> None:
    counts = [0, 20, 0, 20, 10]
    assert dispersion(counts) == pytest.approx(10)
    assert dispersion([10, 10, 11]) == 1
    found, steady = forecast(counts, 500), forecast([10] * 5, 500)
    assert found.days == steady.days == 50
    assert found.low is not None
    assert steady.low is not None
    assert found.low < steady.low
    assert steady.high is not None
    assert found.high is None or found.high > steady.high


def test_both_bounds_solve_the_equation_of_the_module() -> None:
    counts, remaining = [9, 14, 11, 8, 12, 10, 7], 300
    found = forecast(counts, remaining, confidence=0.9)
    rate, spread = sum(counts) / 7, dispersion(counts)
    quantile = float(student.ppf(0.95, 6))
    assert found.high is not None
    assert found.low is not None
    for bound in (found.low, found.high):
        chance = quantile**2 * spread * rate * (bound + bound**2 / 7)
        assert (rate * bound - remaining) ** 2 == pytest.approx(chance)


def test_a_pace_that_may_be_none_has_no_latest_day() -> None:
    found = forecast([30, 0, 0, 0], 100)
    assert found.high is None
    assert found.low is not None
    assert found.days is not None
    assert 0 < found.low < found.days


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([], "0 whole days, wanted 3"),
        ([50, 50], "2 whole days, wanted 3"),
        ([3, 3, 3], "9 done in 3 days, wanted 10"),
        ([0, 0, 0], "0 done in 3 days, wanted 10"),
    ],
)
def test_too_little_is_told_and_nothing_is_guessed(counts: list[int], told: str) -> None:
    found = forecast(counts, 5)
    assert (found.days, found.low, found.high, found.reason) == (None, None, None, f"not enough data: {told}")
    assert verdict(found, 10) is None


def test_nothing_remaining_is_done_now() -> None:
    found = forecast([], 0)
    assert (found.days, found.low, found.high, found.reason) == (0, 0, 0, "")
    assert verdict(found, 0) == "meets"


@pytest.mark.parametrize(("counts", "remaining"), [([1, -1, 20], 5), ([20, 20, 20], -1)])
def test_negative_numbers_are_refused(counts: list[int], remaining: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        forecast(counts, remaining)


@given(COUNTS, st.integers(1, 10**6))
def test_the_point_lies_between_its_bounds_and_more_work_takes_longer(
    counts: list[int], remaining: int
) -> None:
    found, more = forecast(counts, remaining), forecast(counts, remaining + 1)
    assert found.days is not None
    assert found.low is not None
    assert more.low is not None
    assert 0 < found.low < found.days < (found.high or inf)
    assert found.low < more.low
    assert forecast(counts[::-1], remaining).days == pytest.approx(found.days)
    assert (found.high is None) == (more.high is None)


@given(COUNTS, st.integers(1, 1000), st.floats(0.1, 400))
def test_the_verdict_follows_the_bounds(counts: list[int], remaining: int, left: float) -> None:
    found = forecast(counts, remaining)
    assert found.low is not None
    wanted = "misses" if found.low > left else "meets" if (found.high or inf) <= left else "open"
    assert verdict(found, left) == wanted


def test_how_many_people_would_do() -> None:
    found = forecast([10] * 5, 100)
    assert people_wanted(found, people=2, remaining=100, days_left=10) == 2
    assert people_wanted(found, people=2, remaining=100, days_left=9.9) == 3
    assert people_wanted(found, people=2, remaining=100, days_left=1) == 20
    assert people_wanted(found, people=2, remaining=100, days_left=1000) == 1
    assert people_wanted(found, people=2, remaining=0, days_left=1) == 0
    assert people_wanted(found, people=2, remaining=100, days_left=0) is None
    assert people_wanted(found, people=0, remaining=100, days_left=5) is None
    assert people_wanted(Forecast(None, None, None, None, 0, 0), people=2, remaining=9, days_left=5) is None


@pytest.mark.parametrize("spread", [1.0, 4.0])
def test_the_interval_holds_the_true_day_as_often_as_it_says(spread: float) -> None:
    """Days of a true rate, Poisson or four times as uneven; the work is done in the middle of a day of its own."""
    rng, rate, remaining, times = np.random.default_rng(11), 12.0, 150, 3000

    def days(size: tuple[int, int]) -> np.ndarray:
        if spread == 1:
            return rng.poisson(rate, size)
        return rng.negative_binomial(rate / (spread - 1), 1 / spread, size)

    seen, future = days((times, 10)), days((times, 200)).cumsum(axis=1)
    last = (future < remaining).sum(axis=1)
    before = np.where(last > 0, future[np.arange(times), last - 1], 0)
    there = future[np.arange(times), last]
    truth = last + (remaining - before) / (there - before)
    found = [forecast(list(map(int, row)), remaining) for row in seen]
    held = [
        (one.low or 0) <= day <= (inf if one.high is None else one.high)
        for one, day in zip(found, truth, strict=True)
    ]
    assert 0.93 <= float(np.mean(held)) <= 0.99
