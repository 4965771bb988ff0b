"""Paired tests, corrections and the smallest difference, against SciPy and by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluator.statistics.correction import benjamini_hochberg, holm
from evaluator.statistics.intervals import generator
from evaluator.statistics.paired import mcnemar_exact, permutation_test
from evaluator.statistics.power import smallest_difference
from tests.evaluator.lines import steady

shares = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@pytest.mark.parametrize(("lost", "gained"), [(25, 5), (5, 25), (60, 40), (1, 5), (0, 1), (7, 7), (300, 200)])
def test_mcnemar_is_the_two_sided_binomial_test(lost: int, gained: int) -> None:
    expected = stats.binomtest(lost, lost + gained, 0.5).pvalue
    assert mcnemar_exact(lost, gained) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_by_hand() -> None:
    assert mcnemar_exact(1, 5) == pytest.approx(2 * (1 + 6) / 64)
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(3, 3) == 1.0
    with pytest.raises(ValueError, match="not negative"):
        mcnemar_exact(-1, 2)


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([1.0, 1.0, 1.0], 2 / 8),
        ([1.0, -1.0], 1.0),
        ([2.0, 1.0], 2 / 4),
        ([0.5, 0.5, -0.5, 0.0], 1.0),
        ([3.0, 1.0, -1.0], 6 / 8),
        ([0.0, 0.0], 1.0),
        ([-1.0] * 5, 2 / 32),
        ([0.1, 0.2, 0.3, -0.3], 12 / 16),
    ],
)
def test_the_permutation_test_counts_sign_patterns(differences: list[float], p_value: float) -> None:
    result = permutation_test(differences, rng=generator(0))
    assert result.p_value == pytest.approx(p_value)
    assert result.test == "exact-permutation"


def test_sampled_permutations_come_near_the_exact_answer() -> None:
    result = permutation_test([1.0] * 15 + [-1.0] * 5, rng=generator(0), permutations=50_000)
    assert result.p_value == pytest.approx(stats.binomtest(5, 20).pvalue, abs=0.004)
    assert result.test == "sampled-permutation"


def test_a_sampled_p_value_is_never_zero() -> None:
    assert permutation_test([1.0] * 60, rng=generator(0), permutations=1000).p_value == pytest.approx(
        1 / 1001
    )


def test_many_items_are_permuted_in_blocks() -> None:
    differences = [1.0] * 1500 + [-1.0] * 1500
    assert permutation_test(differences, rng=generator(0), permutations=1500).p_value == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_benjamini_hochberg_equals_scipy() -> None:
    p_values = [0.01, 0.04, 0.03, 0.9, 0.2, 0.02]
    assert benjamini_hochberg(p_values) == pytest.approx(list(stats.false_discovery_control(p_values)))
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert benjamini_hochberg([]) == []


@steady
@given(shares)
def test_holm_keeps_the_order_and_lies_between_p_and_bonferroni(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for p, corrected in zip(p_values, adjusted, strict=True):
        assert p <= corrected <= min(1.0, len(p_values) * p) + 1e-12
    by_size = [corrected for _, corrected in sorted(zip(p_values, adjusted, strict=True))]
    assert by_size == sorted(by_size)


@steady
@given(shares)
def test_benjamini_hochberg_never_exceeds_holm(p_values: list[float]) -> None:
    pairs = zip(benjamini_hochberg(p_values), holm(p_values), strict=True)
    assert all(bh <= by_holm + 1e-12 for bh, by_holm in pairs)


@steady
@given(shares, st.randoms(use_true_random=False))
def test_corrections_do_not_depend_on_the_order_asked(p_values: list[float], random: object) -> None:
    shuffled = list(range(len(p_values)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for correct in (holm, benjamini_hochberg):
        straight = correct(p_values)
        turned = correct([p_values[i] for i in shuffled])
        assert turned == pytest.approx([straight[i] for i in shuffled])


def test_the_smallest_difference_is_what_a_t_like_test_could_show() -> None:
    differences = [0.0] * 90 + [1.0] * 10
    error = stats.sem(differences)
    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * error
    assert smallest_difference(differences, [1.0] * 100, level=0.05) == pytest.approx(expected)
    assert smallest_difference(differences, [2.0] * 100, level=0.05) == pytest.approx(expected)


def test_weights_of_the_smallest_difference() -> None:
    mean = 3 / 4
    spread = (1 * (0 - mean)) ** 2 + (3 * (1 - mean)) ** 2
    error = math.sqrt(spread * 2) / 4
    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * error
    assert smallest_difference([0.0, 1.0], [1.0, 3.0], level=0.05) == pytest.approx(expected)


def test_without_spread_there_is_no_smallest_difference() -> None:
    assert smallest_difference([1.0], [1.0], level=0.05) is None
    assert smallest_difference([0.5, 0.5], [1.0, 1.0], level=0.05) is None
