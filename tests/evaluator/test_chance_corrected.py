"""Krippendorff's alpha and Fleiss' kappa against the published examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.chance_corrected import (
    Level,
    RatingLabel,
    fleiss_kappa,
    fleiss_kappa_figure,
    krippendorff_alpha,
    rating_alpha,
)
from evaluator.statistics.resampling import Sampling
from tests.evaluator.lines import steady
from tests.evaluator.ranking_lists import POINT

# Krippendorff (2011), section C: four observers, twelve units, values missing ("." here).
OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
# Fleiss (1971), table 1: 30 patients, six psychiatrists, five diagnoses.
DIAGNOSES = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012
51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""


def published() -> tuple[list[int], list[float]]:
    cells = [(unit, float(value)) for row in OBSERVERS for unit, value in enumerate(row) if value != "."]
    return [unit for unit, _ in cells], [value for _, value in cells]


def alpha(units: list[int], values: list[float], level: Level, sampling: Sampling = POINT) -> float | None:
    return krippendorff_alpha(np.array(units), np.array(values), level=level, n=1, sampling=sampling).value


def table() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.array([[int(one) for one in row] for row in DIAGNOSES.split()], dtype=np.int64)


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_example(level: Level, value: float) -> None:
    units, values = published()
    assert alpha(units, values, level) == pytest.approx(value, abs=0.0005)


def test_alpha_by_hand() -> None:
    """Two units, (1, 2) and (2, 2): o_12 = 1 each way, o_22 = 2; nominal 1 - 3·2 / (2·1·3) = 0."""
    assert alpha([0, 0, 1, 1], [1, 2, 2, 2], "nominal") == pytest.approx(0)
    assert alpha([0, 0, 1, 1], [1, 1, 2, 2], "nominal") == 1.0
    assert alpha([0, 0, 1, 1], [1, 2, 1, 2], "nominal") == pytest.approx(-0.5)


@steady
@given(
    st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=6),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_is_what_the_definition_says(units: list[list[int]], level: Level) -> None:
    """Observed: mean distance within units, each unit of m as m values; expected: mean over all pairs of values."""
    kept = [unit for unit in units if len(unit) > 1]
    pooled = sorted(value for unit in kept for value in unit)

    def distance(c: int, k: int) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return float((c - k) ** 2)
        between = sum(min(c, k) <= g <= max(c, k) for g in pooled)
        return (between - (pooled.count(c) + pooled.count(k)) / 2) ** 2

    def mean(values: list[int]) -> float:
        pairs = [(i, j) for i in range(len(values)) for j in range(len(values)) if i != j]
        return sum(distance(values[i], values[j]) for i, j in pairs) / len(pairs)

    found = alpha(
        [at for at, unit in enumerate(units) for _ in unit],
        [value for unit in units for value in unit],
        level,
    )
    if len(set(pooled)) < 2:
        assert found is None
        return
    observed = sum(len(unit) * mean(unit) for unit in kept) / len(pooled)
    assert found == pytest.approx(1 - observed / mean(pooled))


def test_alpha_says_why_it_is_not_defined() -> None:
    told = {"level": "ordinal", "n": 2, "sampling": POINT}
    same = krippendorff_alpha(np.array([0, 0, 1, 1]), np.full(4, 3.0), **told)  # type: ignore[arg-type]
    assert (same.value, same.reason) == (None, "all values are equal: alpha is not defined")
    alone = krippendorff_alpha(np.array([0, 1]), np.array([1.0, 2.0]), **told)  # type: ignore[arg-type]
    assert (alone.value, alone.reason) == (None, "no two values of one unit")
    with pytest.raises(ValueError, match="wanted one of nominal, ordinal, interval"):
        alpha([0, 0], [1, 2], "ratio")  # type: ignore[arg-type]


def test_kappa_of_fleiss_example() -> None:
    counts = table()
    assert counts.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(counts) == pytest.approx(0.430, abs=0.0005)


def test_kappa_by_hand_with_unequal_numbers_of_raters() -> None:
    """P = (1 + 1/3) / 2; p = 4/5, 1/5; P_e = 17/25."""
    assert fleiss_kappa(np.array([[2, 0], [2, 1]])) == pytest.approx((2 / 3 - 0.68) / (1 - 0.68))
    assert fleiss_kappa(np.array([[2, 0], [2, 1], [0, 1], [0, 0]])) == fleiss_kappa(
        np.array([[2, 0], [2, 1]])
    )
    assert fleiss_kappa(np.array([[2, 0], [3, 0]])) is None
    assert fleiss_kappa(np.array([[1, 0]])) is None


def test_kappas_interval_draws_whole_clusters() -> None:
    counts = table()
    told = Sampling(resamples=400)
    subjects = fleiss_kappa_figure(counts, cluster=np.arange(30), n=30, sampling=told)
    twice = np.repeat(np.arange(30), 2)
    doubled = fleiss_kappa_figure(counts[twice], cluster=twice, n=30, sampling=told)
    assert (subjects.value, subjects.low, subjects.high) == pytest.approx(
        (doubled.value, doubled.low, doubled.high)
    )
    assert subjects.low is not None
    assert subjects.high is not None
    assert 0.3 < subjects.low < 0.43 < subjects.high < 0.6


def test_alphas_interval_draws_whole_clusters() -> None:
    units, values = published()
    told = {"level": "interval", "n": 12, "sampling": Sampling(resamples=400)}
    once = krippendorff_alpha(np.array(units), np.array(values), **told)  # type: ignore[arg-type]
    twice = krippendorff_alpha(
        np.array(units + [unit + 12 for unit in units]),
        np.array(values * 2),
        cluster=np.array(units * 2),
        **told,  # type: ignore[arg-type]
    )
    assert once.low is not None
    assert twice.low == pytest.approx(once.low, abs=0.02)


def ratings(items: int, spread: float) -> list[RatingLabel]:
    rng = np.random.default_rng(0)
    found = []
    for item in range(items):
        for response in "ab":
            right = rng.integers(2, 7)
            for who in ("ada", "ben", "cyd"):
                value = float(np.clip(right + np.round(rng.normal(0, spread)), 1, 7))
                found.append(RatingLabel(f"i{item}", response, who, value))
    return found


def test_ratings_agree_by_response() -> None:
    exact = rating_alpha(ratings(20, 0.0))
    assert (exact.value, exact.n) == (1.0, 20)
    noisy = rating_alpha(ratings(20, 1.0))
    assert noisy.value is not None
    assert noisy.low is not None
    assert 0.4 < noisy.low < noisy.value < 0.9
    worse = rating_alpha(ratings(20, 3.0))
    assert worse.value is not None
    assert worse.value < noisy.low
    assert rating_alpha(ratings(20, 1.0), level="nominal").value != noisy.value


def test_ratings_count_once_an_annotator_and_need_two() -> None:
    kept = ratings(10, 1.0)
    again = [
        RatingLabel(one.item, one.response, one.annotator, 1.0 if one.annotator == "ada" else 7.0)
        for one in kept
    ]
    assert rating_alpha(kept + again) == rating_alpha(kept)
    alone = [one for one in ratings(10, 1.0) if one.annotator == "ada"]
    assert rating_alpha(alone).reason == "not enough data: 0 items rated by two annotators, wanted 10"
    assert rating_alpha([]).value is None


def test_ratings_of_one_prompt_are_drawn_together() -> None:
    rows = ratings(12, 1.0)
    copies = [
        RatingLabel(f"{one.item}-{copy}", one.response, one.annotator, one.value, prompt=one.item)
        for one in rows
        for copy in range(9)
    ]
    small, large = rating_alpha(rows), rating_alpha(copies)
    assert None not in (small.low, small.high, large.low, large.high)
    assert large.high - large.low == pytest.approx(small.high - small.low, rel=0.25)  # type: ignore[operator]
