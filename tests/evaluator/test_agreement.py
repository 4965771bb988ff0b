"""Agreement on rankings: against the definitions, against SciPy, and where there is none."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, kendalltau, rankdata

from evaluator.statistics.agreement import agreement, item_agreement
from evaluator.statistics.chance_corrected import fleiss_kappa
from evaluator.statistics.ranking_labels import RankingLabel
from evaluator.statistics.resampling import Sampling
from tests.evaluator.lines import steady
from tests.evaluator.ranking_lists import (
    NAMES,
    POINT,
    label,
    label_pairs_of,
    ranking_sets,
    said,
    said_by_both,
    utilities,
)


def test_three_way_and_strict_agreement_by_hand() -> None:
    """Pairs ab, ac, bc. ada: first, first, tie. ben: first, tie, second. They agree on ab, and strictly on it alone."""
    found = agreement([label("i", "ada", "011"), label("i", "ben", "010")], POINT)
    assert (found.pairwise.value, found.strict.value) == (1 / 3, 1.0)
    found = agreement([label("i", "ada", "012"), label("i", "ben", "021")], POINT)
    assert (found.pairwise.value, found.strict.value) == (2 / 3, 2 / 3)
    assert (found.labels, found.annotators, found.items, found.pairwise.n) == (2, 2, 1, 1)


def test_two_unranked_responses_are_unknown_and_below_the_ranked() -> None:
    """ada ranks a alone; ben says a, b, c. Both know ab and ac; bc is ben's alone."""
    found = agreement([label("i", "ada", "0--"), label("i", "ben", "012")], POINT)
    assert (found.pairwise.value, found.strict.value, found.tau_b.value) == (1.0, 1.0, 1.0)
    found = agreement([label("i", "ada", "0--"), label("i", "ben", "102")], POINT)
    assert found.pairwise.value == 0.5


def test_items_are_matched_by_name_not_by_place() -> None:
    """ada's second label and ben's first are of one item: pairing the k-th with the k-th would compare others."""
    labels = [
        label("i", "ada", "01"),
        label("j", "ada", "10"),
        label("j", "ben", "10"),
        label("k", "ben", "01"),
    ]
    found = agreement(labels, POINT)
    assert (found.pairwise.value, found.pairwise.n) == (1.0, 1)


def test_responses_are_matched_by_name_not_by_place() -> None:
    turned = RankingLabel("i", "ben", ("c", "a", "b"), (2, 0, 1))
    assert agreement([label("i", "ada", "012"), turned], POINT).pairwise.value == 1.0
    fewer = RankingLabel("i", "ben", ("c", "a"), (0, 1))
    found = agreement([label("i", "ada", "012"), fewer], POINT)
    assert (found.pairwise.value, found.tau_b.value) == (0.0, -1.0)


def test_only_the_first_label_of_an_annotator_counts() -> None:
    labels = [label("i", "ada", "01"), label("i", "ben", "01"), label("i", "ada", "10")]
    found = agreement(labels, POINT)
    assert (found.pairwise.value, found.labels) == (1.0, 2)


@steady
@given(ranking_sets())
def test_shares_are_what_the_definition_says(labels: list[RankingLabel]) -> None:
    both = said_by_both(labels)
    strict = [(one, two) for one, two in both if "tie" not in (one, two)]
    found = agreement(labels, POINT)
    for figure, pairs in ((found.pairwise, both), (found.strict, strict)):
        wanted = sum(one == two for one, two in pairs) / len(pairs) if pairs else None
        assert figure.value == (pytest.approx(wanted) if pairs else None)
        assert (figure.reason is None) == bool(pairs) or figure.low is None


@steady
@given(ranking_sets(unranked=False))
def test_tau_b_is_scipys_of_the_rank_vectors(labels: list[RankingLabel]) -> None:
    taus = [
        float(kendalltau(np.array(a.tiers), np.array(b.tiers)).statistic) for a, b in label_pairs_of(labels)
    ]
    taus = [tau for tau in taus if not math.isnan(tau)]
    figure = agreement(labels, POINT).tau_b
    assert figure.value == (pytest.approx(np.mean(taus)) if taus else None)


@steady
@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=3, max_size=6))
def test_w_is_friedmans_statistic_on_its_scale(tiers: list[list[int]]) -> None:
    """W = χ² / (m(K - 1)), with Friedman's tie-corrected χ²."""
    labels = [label("i", f"a{at}", one) for at, one in enumerate(tiers)]
    figure = agreement(labels, POINT).concordance
    if all(len(set(one)) == 1 for one in tiers):
        assert figure.value is None
        return
    chi_squared = friedmanchisquare(*np.array(tiers).T).statistic
    assert figure.value == pytest.approx(chi_squared / (len(tiers) * 3))


def test_w_needs_three_annotators_who_rank_everything() -> None:
    two = [label("i", "ada", "012"), label("i", "ben", "012")]
    assert agreement(two, POINT).concordance.value is None
    assert agreement([*two, label("i", "cyd", "0--")], POINT).concordance.value is None
    assert agreement([*two, RankingLabel("i", "cyd", ("a", "b"), (0, 1))], POINT).concordance.value is None
    assert agreement([*two, label("i", "cyd", "01-")], POINT).concordance.value == 1.0
    assert agreement([*two, label("i", "cyd", "210")], POINT).concordance.value == pytest.approx(1 / 9)


@steady
@given(ranking_sets())
def test_kappa_counts_every_pair_both_ways_round(labels: list[RankingLabel]) -> None:
    first: dict[tuple[str, str], RankingLabel] = {}
    for one in labels:
        first.setdefault((one.item, one.annotator), one)
    subjects = []
    for item in {one.item for one in labels}:
        of_item = [one for one in first.values() if one.item == item]
        for a, b in combinations(NAMES[:5], 2):
            for left, right in ((a, b), (b, a)):
                told = [said(one, left, right) for one in of_item]
                subjects.append([told.count(name) for name in ("first", "second", "tie")])
    figure = agreement(labels, POINT).kappa
    wanted = fleiss_kappa(np.array(subjects)) if subjects else None
    assert figure.value == (pytest.approx(wanted) if wanted is not None else None)


def test_kappa_does_not_depend_on_which_response_is_named_first() -> None:
    labels = utilities(20, [1.0, 1.0, 1.0], seed=1, tie=0.3)
    turned = [
        RankingLabel(
            one.item, one.annotator, tuple(NAMES[8 - NAMES.index(r)] for r in one.responses), one.tiers
        )
        for one in labels
    ]
    assert agreement(turned, POINT).kappa.value == pytest.approx(agreement(labels, POINT).kappa.value)


def ordinal_alpha_by_definition(units: list[list[float]]) -> float:
    """Krippendorff (2011), with loops over values and pairs."""
    units = [unit for unit in units if len(unit) > 1]
    values = sorted({value for unit in units for value in unit})
    o = dict.fromkeys(((c, k) for c in values for k in values), 0.0)
    for unit in units:
        for i, c in enumerate(unit):
            for j, k in enumerate(unit):
                if i != j:
                    o[c, k] += 1 / (len(unit) - 1)
    n = {c: sum(o[c, k] for k in values) for c in values}

    def distance(c: float, k: float) -> float:
        low, high = min(c, k), max(c, k)
        return (sum(n[g] for g in values if low <= g <= high) - (n[c] + n[k]) / 2) ** 2

    observed = sum(o[c, k] * distance(c, k) for c in values for k in values)
    expected = sum(n[c] * n[k] * distance(c, k) for c in values for k in values)
    return 1 - (sum(n.values()) - 1) * observed / expected


def test_alpha_takes_ranks_within_items_from_0_to_1() -> None:
    """Two items of unequal K; cyd leaves two of one unranked, whose ranks are then missing."""
    rows = {"i": ["0123", "0132", "0-0-"], "j": ["01", "10", "00"], "k": ["021", "012", "011"]}
    labels = [
        label(item, who, tiers)
        for item, all_of in rows.items()
        for who, tiers in zip("xyz", all_of, strict=True)
    ]
    units: dict[tuple[str, str], list[float]] = {}
    for one in labels:
        tiers = [math.inf if tier is None else tier for tier in one.tiers]
        for response, tier, rank in zip(one.responses, tiers, rankdata(tiers), strict=True):
            if not (math.isinf(tier) and tiers.count(math.inf) > 1):
                units.setdefault((one.item, response), []).append((rank - 1) / (len(tiers) - 1))
    wanted = ordinal_alpha_by_definition(list(units.values()))
    assert agreement(labels, POINT).alpha.value == pytest.approx(wanted)


def test_unrelated_rankings_of_mixed_length_agree_by_chance_only() -> None:
    labels = [
        one
        for size in (2, 5, 9)
        for one in (
            RankingLabel(f"{size}-{one.item}", one.annotator, one.responses, one.tiers)
            for one in utilities(300, [0.0, 0.0, 0.0], seed=size, size=size)
        )
    ]
    found = agreement(labels, POINT)
    assert found.alpha.value == pytest.approx(0, abs=0.03)
    assert found.kappa.value == pytest.approx(0, abs=0.03)
    assert found.tau_b.value == pytest.approx(0, abs=0.03)
    assert found.concordance.value == pytest.approx(1 / 3, abs=0.03)


def test_too_few_items_give_a_reason_and_no_figure() -> None:
    labels = [label(f"i{at}", who, "01") for at in range(3) for who in ("ada", "ben")]
    found = agreement([*labels, label("alone", "ada", "01")])
    assert found.pairwise.value is None
    assert found.pairwise.reason == "not enough data: 3 items with two annotators, wanted 10"
    assert found.concordance.reason == (
        "not enough data: 0 items with three annotators who rank every response, wanted 10"
    )
    for figure in (found.strict, found.tau_b, found.alpha, found.kappa):
        assert figure.value is None
        assert str(figure.reason).startswith("not enough data: 3 items")
    assert agreement([]).pairwise.reason == "not enough data: 0 items with two annotators, wanted 10"


def test_ten_items_are_enough() -> None:
    labels = [label(f"i{at}", who, "01" if at % 2 else "10") for at in range(10) for who in ("ada", "ben")]
    found = agreement(labels)
    assert (found.pairwise.value, found.tau_b.value, found.alpha.value, found.kappa.value) == (1, 1, 1, 1)
    assert found.pairwise.method == "wilson"
    assert found.alpha.reason == "the same in every resample: no spread between prompts"


def test_intervals_hold_the_point_and_come_again_with_the_seed() -> None:
    labels = utilities(60, [2.0, 1.0, 0.5], seed=3, tie=0.2)
    one, two = (
        agreement(labels, Sampling(seed=4, resamples=300)),
        agreement(labels, Sampling(seed=4, resamples=300)),
    )
    assert one == two
    for figure in (one.pairwise, one.strict, one.tau_b, one.concordance, one.alpha, one.kappa):
        assert figure.value is not None
        assert figure.low is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high
        assert figure.n == 60
    assert agreement(labels, Sampling(seed=5, resamples=300)).alpha.low != one.alpha.low


def test_items_of_one_prompt_are_drawn_together() -> None:
    """Ten copies of each of twelve items are twelve prompts: the interval must not shrink with the copies."""
    once = utilities(12, [1.0, 1.0], seed=5, per_item=2)
    copies = [
        RankingLabel(f"{one.item}-{copy}", one.annotator, one.responses, one.tiers, prompt=one.item)
        for one in once
        for copy in range(10)
    ]
    apart = [RankingLabel(one.item, one.annotator, one.responses, one.tiers) for one in copies]
    small, large, wrong = (
        agreement(labels, Sampling(resamples=500)).pairwise for labels in (once, copies, apart)
    )

    def width(figure: object) -> float:
        return figure.high - figure.low  # type: ignore[attr-defined]

    assert large.value == pytest.approx(small.value)
    assert width(large) == pytest.approx(width(small), rel=0.25)
    assert width(wrong) < width(small) / 2


def test_each_item_has_its_own_figures() -> None:
    labels = [
        *(label("i", who, "012") for who in ("ada", "ben", "cyd")),
        label("j", "ada", "01"),
        label("j", "ben", "10"),
        label("k", "ada", "00"),
        label("k", "ben", "00"),
        label("l", "ada", "01"),
    ]
    i, j, k, alone = item_agreement(labels)
    assert (i.item, i.labels, i.pairwise, i.strict, i.tau_b, i.concordance) == ("i", 3, 1.0, 1.0, 1.0, 1.0)
    assert (j.pairwise, j.strict, j.tau_b, j.concordance) == (0.0, 0.0, -1.0, None)
    assert (k.pairwise, k.strict, k.tau_b) == (1.0, None, None)
    assert (alone.labels, alone.pairwise, alone.tau_b) == (1, None, None)
    assert item_agreement([]) == []
