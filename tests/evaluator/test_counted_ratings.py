"""Counted rankings, what is drawn again, weights, threads, tie models: figures that must not move, and that must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluator.statistics.counted_rankings import canonical, count_rankings
from evaluator.statistics.intervals import Interval
from evaluator.statistics.rating_intervals import Resampling, drawn_patterns, held, rate_counted
from evaluator.statistics.rating_models import model_of
from evaluator.statistics.rating_pairs import PolicyRanking, pairs_in_order
from evaluator.statistics.reliability import AnnotatorReliability, Reliabilities, annotator_weights
from tests.evaluator.lines import steady

NAMES = "abcde"


def drawn(
    rankings: int, seed: int, *, size: int = 4, annotators: int = 5, tie_within: float = 0.3
) -> list[PolicyRanking]:
    rng = np.random.default_rng(seed)
    true = np.linspace(-0.8, 0.8, len(NAMES))
    found = []
    for number in range(rankings):
        shown = rng.choice(len(NAMES), size, replace=False)
        worth = true[shown] + rng.gumbel(size=size)
        order = np.argsort(-worth)
        tiers = np.empty(size, dtype=int)
        tiers[order] = np.concatenate([[0], np.cumsum(-np.diff(worth[order]) > tie_within)])
        places = tuple((NAMES[policy], int(tier)) for policy, tier in zip(shown, tiers, strict=True))
        found.append(PolicyRanking(f"k{number}", places, f"ann{number % annotators}"))
    return found


def test_equal_rankings_are_counted_together() -> None:
    rankings = [
        PolicyRanking("1", (("a", 0), ("b", 4)), "ada"),
        PolicyRanking("2", (("b", 2), ("a", 1)), "ada"),
        PolicyRanking("3", (("a", 0), ("b", 1)), "ben"),
        PolicyRanking("4", (("b", 0), ("a", None)), "ben"),
        PolicyRanking("5", (("c", 0), ("c", 1)), "cyd"),
    ]
    counted = count_rankings(rankings)
    assert counted.policies == ("a", "b", "c")
    assert counted.patterns == ((("a", 0), ("b", 1)), (("b", 0), ("a", None)))
    assert counted.annotators == ("ada", "ben")
    assert list(zip(counted.pattern, counted.annotator, counted.times, strict=True)) == [
        (0, 0, 2),
        (0, 1, 1),
        (1, 1, 1),
    ]
    assert counted.total == 4
    assert counted.by_pattern(np.array([1.0, 10.0, 100.0])).tolist() == [11.0, 100.0]


def test_nothing_counted() -> None:
    counted = count_rankings([PolicyRanking("k", (("a", 0), ("a", 1)), "ada")])
    assert (counted.policies, counted.patterns, counted.annotators, counted.total) == (("a",), (), (), 0)


@steady
@given(st.permutations(drawn(12, 1)))
def test_the_order_of_lines_changes_nothing(rankings: list[PolicyRanking]) -> None:
    first, second = count_rankings(rankings), count_rankings(drawn(12, 1))
    assert (first.patterns, first.annotators) == (second.patterns, second.annotators)
    assert np.array_equal(first.times, second.times)


def test_canonical_places() -> None:
    assert canonical((("b", None), ("c", 7), ("a", 7), ("d", 2))) == (
        ("d", 0),
        ("a", 1),
        ("c", 1),
        ("b", None),
    )


@pytest.mark.parametrize("ties", ["davidson", "efron", "half"])
@pytest.mark.parametrize("unit", ["rankings", "annotators"])
def test_threads_change_no_figure(ties: str, unit: str) -> None:
    counted = count_rankings(drawn(150, 2))
    alone = rate_counted(counted, Resampling(3, 24, unit, workers=1), tie_model=ties)
    assert alone == rate_counted(counted, Resampling(3, 24, unit, workers=3), tie_model=ties)
    assert alone.rows[0].low is not None


@pytest.mark.parametrize("ties", ["davidson", "efron", "half"])
def test_the_order_is_found_by_every_model(ties: str) -> None:
    found = rate_counted(count_rankings(drawn(400, 4)), Resampling(resamples=0), tie_model=ties)
    assert [row.policy for row in found.rows] == list("edcba")
    assert found.rows[0].reason == "no interval was asked for"


def test_a_draw_of_rankings_and_of_annotators() -> None:
    counted = count_rankings(drawn(60, 5, annotators=4))
    rng = np.random.default_rng(0)
    once = np.ones(4)
    for _ in range(20):
        assert drawn_patterns(counted, once, rng, "rankings").sum() == 60
        whole = drawn_patterns(counted, once, rng, "annotators")
        assert whole.sum() == 60  # each has 15
    rng = np.random.default_rng(1)
    mean = np.mean(
        [drawn_patterns(counted, np.array([1.0, 2, 1, 1]), rng, "rankings").sum() for _ in range(200)]
    )
    assert mean == pytest.approx(75, abs=1.5)


def test_annotators_are_drawn_whole() -> None:
    """Two annotators who contradict each other: draws of one of them alone are half of all, and cannot be rated."""
    rankings = [
        PolicyRanking(f"{who}{at}", (("a", who), ("b", 1 - who)), f"ann{who}")
        for who in (0, 1)
        for at in range(30)
    ]
    counted = count_rankings(rankings)
    rows = rate_counted(counted, Resampling(0, 100, "annotators")).rows
    assert rows[0].low is None
    assert "resamples have no finite rating" in (rows[0].reason or "")
    assert rate_counted(counted, Resampling(0, 100, "rankings")).rows[0].low is not None


def test_intervals_over_few_annotators_are_widened() -> None:
    counted = count_rankings(drawn(400, 6, annotators=8))
    found = rate_counted(counted, Resampling(0, 60, "annotators"))
    assert found.draws is not None
    from evaluator.statistics.rating_intervals import few_units_factor

    for row in found.rows:
        column = 1000 + 400 / np.log(10) * found.draws.strengths[:, found.draws.policies.index(row.policy)]
        low, high = np.quantile(column, [0.025, 0.975], method="weibull")
        assert row.rating is not None
        assert row.low == pytest.approx(row.rating + few_units_factor(8) * (low - row.rating))
        assert row.high == pytest.approx(row.rating + few_units_factor(8) * (high - row.rating))


def test_weights_are_as_if_an_annotator_had_said_it_so_often() -> None:
    rankings = drawn(80, 7, annotators=2)
    again = [replace_id(one, f"{one.id}-again") for one in rankings if one.annotator == "ann1"]
    weighted = rate_counted(count_rankings(rankings), Resampling(resamples=0), weights={"ann1": 2.0})
    doubled = rate_counted(count_rankings(rankings + again), Resampling(resamples=0))
    assert [row.rating for row in weighted.rows] == pytest.approx(
        [row.rating for row in doubled.rows], abs=1e-3
    )
    assert sum(row.rankings for row in weighted.rows) < sum(row.rankings for row in doubled.rows)


def replace_id(one: PolicyRanking, name: str) -> PolicyRanking:
    return one._replace(id=name)


def test_comparisons_and_rankings_share_one_likelihood() -> None:
    """A comparison more or less moves the ratings of rankings: they are one scale."""
    rankings = drawn(60, 8)
    more = [PolicyRanking(f"c{at}", (("a", 0), ("e", 1)), "ann0") for at in range(40)]
    plain = rate_counted(count_rankings(rankings), Resampling(resamples=0))
    both = rate_counted(count_rankings(rankings + more), Resampling(resamples=0))
    rating = (
        {row.policy: row.rating or 0 for row in plain.rows},
        {row.policy: row.rating or 0 for row in both.rows},
    )
    assert rating[1]["a"] > rating[0]["a"] + 50


def test_rankings_whose_best_never_loses_are_separated() -> None:
    lines = [
        PolicyRanking(f"k{at}", (("a", 0), ("b", 1 + at % 2), ("c", 2 - at % 2)), "ada") for at in range(6)
    ]
    for ties in ("davidson", "efron", "half"):
        found = rate_counted(count_rankings(lines), Resampling(resamples=20), tie_model=ties)
        assert {row.rating for row in found.rows} == {None}
        assert "separated" in found.warnings[0]
        best = found.rows[0]
        assert (best.policy, best.rank_best, best.rank_worst) == ("a", 1, 1)


def test_a_likelihood_that_runs_away_with_its_ties_is_no_rating() -> None:
    """Each pair is decided one way or tied: with the tie parameter the ratings rise for ever."""
    lines = [
        PolicyRanking(
            f"k{at}", (("a", 0), ("b", 0), ("c", 1)) if at % 2 else (("a", 0), ("b", 1), ("c", 1)), "ada"
        )
        for at in range(8)
    ]
    found = rate_counted(count_rankings(lines), Resampling(resamples=20))
    assert {row.rating for row in found.rows} == {None}


def test_other_tie_models_and_units_are_refused() -> None:
    counted = count_rankings(drawn(5, 9))
    pairs = pairs_in_order([], counted.policies)
    with pytest.raises(ValueError, match="wanted one of davidson, efron, half"):
        model_of(pairs, counted.patterns, [0], "rao-kupper")
    with pytest.raises(ValueError, match="wanted one of rankings, annotators"):
        Resampling(unit="pairs")


def test_weights_by_reliability() -> None:
    def reliability(name: str, beta: float | None) -> AnnotatorReliability:
        found = Interval(beta, None, None, 10, "m", None if beta is not None else "few")
        return AnnotatorReliability(name, found, found)

    people = (
        reliability("ada", 1.5),
        reliability("ben", 0.5),
        reliability("cyd", -0.7),
        reliability("dot", None),
    )
    assert annotator_weights(Reliabilities(people, ())) == {"ada": 1.5, "ben": 0.5, "cyd": 0.0}
    assert annotator_weights(Reliabilities((replace(people[2]),), ())) == {}


@pytest.mark.parametrize("ties", ["davidson", "efron", "half"])
def test_a_newcomer_does_not_take_the_others_their_intervals(ties: str) -> None:
    """Three rankings of a newcomer that now and then wins all it is drawn for: no interval for it, one for others."""
    rankings = drawn(300, 10)
    newcomer = [PolicyRanking(f"n{at}", (("z", at % 3 > 0), ("e", at % 3 == 0)), "ann0") for at in range(3)]
    before = rate_counted(count_rankings(rankings), Resampling(0, 80), tie_model=ties)
    after = rate_counted(count_rankings(rankings + newcomer), Resampling(0, 80), tie_model=ties)
    rows = {row.policy: row for row in after.rows}
    assert rows["z"].rating is not None
    assert rows["z"].low is None
    assert "too few rankings" in (rows["z"].reason or "")
    shift = {row.policy: (row.rating or 0) - (rows[row.policy].rating or 0) for row in before.rows}
    assert max(shift.values()) - min(shift.values()) < 15
    for row in before.rows:
        now = rows[row.policy]
        assert now.low is not None
        assert now.high is not None
        assert now.low < (now.rating or 0) < now.high
        assert now.high - now.low == pytest.approx((row.high or 0) - (row.low or 0), rel=0.5)


def test_resamples_are_held_at_the_weighted_mean() -> None:
    point, mass = np.array([0.5, 0.0, -0.5]), np.array([3.0, 1.0, 0.0])
    strengths = np.array([[1.5, 0.0, -9.0], [np.nan, 2.0, 0.0], [np.nan, np.nan, np.nan]])
    found = held(strengths, point, mass)
    assert found[0] == pytest.approx([0.75, -0.75, -9.75])
    assert found[1, 1:] == pytest.approx([0.0, -2.0])
    assert np.isnan(found[1, 0])
    assert np.isnan(found[2]).all()


def test_the_core_is_what_hangs_together_both_ways() -> None:
    wins = [("a", "b"), ("b", "c"), ("c", "a"), ("z", "a"), ("z", "c")]
    counted = count_rankings([PolicyRanking(f"k{x}{y}", ((x, 0), (y, 1)), "ada") for x, y in wins])
    pairs = pairs_in_order(
        [PolicyRanking(str(at), one) for at, one in enumerate(counted.patterns)], counted.policies
    )
    model = model_of(pairs, counted.patterns, range(4), "davidson")
    assert model.core(np.ones(5)) == (0, 1, 2)
    assert model.core(np.zeros(5)) == ()
    part = model.among((0, 1, 2))
    assert part.fit(np.ones(5)).strengths == pytest.approx([0, 0, 0], abs=1e-9)
