"""Each annotator's figures: others, gold, themselves, places, lengths."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from evaluator.statistics.annotators import (
    AnnotatorQuality,
    annotator_quality,
    first_wins,
    gold_agreement,
    length_preference,
    position_slope,
    self_consistency,
)
from evaluator.statistics.ranking_labels import RankingLabel
from evaluator.statistics.resampling import Sampling
from tests.evaluator.ranking_lists import NAMES, POINT, label, utilities


def quality(
    labels: list[RankingLabel], gold: list[RankingLabel] | None = None
) -> dict[str, AnnotatorQuality]:
    return {one.annotator: one for one in annotator_quality(labels, gold=gold or [], sampling=POINT)}


def test_agreement_with_others_counts_only_pairs_with_this_annotator() -> None:
    """On i all three agree but cyd on one of three pairs; j is ben's and cyd's."""
    labels = [label("i", "ada", "012"), label("i", "ben", "012"), label("i", "cyd", "021")]
    labels += [label("j", "ben", "01"), label("j", "cyd", "00")]
    found = quality(labels)
    assert list(found) == ["ada", "ben", "cyd"]
    assert (found["ada"].agreement.value, found["ada"].agreement.n) == (5 / 6, 1)
    assert (found["ben"].agreement.value, found["ben"].agreement.n) == (5 / 7, 2)
    assert (found["cyd"].agreement.value, found["cyd"].strict.value) == (4 / 7, 4 / 6)
    assert found["ada"].tau_b.value == pytest.approx((1 + 1 / 3) / 2)
    assert found["ada"].labels == 1


def test_too_few_items_with_others_give_a_reason() -> None:
    labels = [label("i", "ada", "01"), label("i", "ben", "01"), label("j", "ada", "01")]
    ada = annotator_quality(labels)[0]
    assert ada.agreement.reason == "not enough data: 1 item that another annotator labelled too, wanted 10"
    assert ada.gold.reason == "not enough data: 0 gold items, wanted 5"
    assert ada.consistency.reason == "not enough data: 0 items labelled twice, wanted 5"
    assert ada.position_slope.reason == "not enough data: 0 items with an order shown, wanted 10"
    assert ada.first_wins.reason == "not enough data: 0 items with an order shown and one winner, wanted 10"
    assert ada.length_preference.value is None
    assert ada.first_wins_by_chance is None
    assert annotator_quality([]) == []


def on_five_items(tiers: str, **more: object) -> list[RankingLabel]:
    return [label(f"g{at}", "ada", tiers, **more) for at in range(5)]


@pytest.mark.parametrize(
    ("given", "gold", "value"),
    [
        ("012", "012", 1.0),
        ("021", "012", 2 / 3),
        ("001", "012", 2 / 3),
        ("0--", "012", 2 / 3),
        ("012", "011", 1.0),
    ],
)
def test_gold_asks_for_the_pairs_it_orders_strictly(given: str, gold: str, value: float) -> None:
    """A tie or two unranked responses where gold orders them are not right; gold's own ties ask for nothing."""
    right = {one.item: one for one in on_five_items(gold)}
    assert gold_agreement(on_five_items(given), right, POINT).value == pytest.approx(value)


def test_gold_of_items_not_labelled_does_not_count() -> None:
    right = {one.item: one for one in on_five_items("012")}
    assert gold_agreement([*on_five_items("012")[:4], label("other", "ada", "012")], right).n == 4
    assert quality(on_five_items("012"), on_five_items("210"))["ada"].gold.value == 0.0


def test_consistency_compares_an_annotator_with_their_later_label() -> None:
    again = [(one, label(one.item, "ada", "021", shown=("b", "a", "c"))) for one in on_five_items("012")]
    assert self_consistency(again, POINT).value == 2 / 3
    found = quality([label for pair in again for label in pair])["ada"]
    assert (found.consistency.value, found.labels, found.repeats) == (2 / 3, 5, 5)


def test_a_repeat_in_the_same_order_is_no_check() -> None:
    order = ("c", "b", "a")
    same = [(one, one) for one in on_five_items("012", shown=order)]
    assert self_consistency(same, POINT).n == 0
    turned = [(one, label(one.item, "ada", "012", shown=("a", "b", "c"))) for one, _ in same]
    assert self_consistency(turned, POINT).value == 1.0


def shuffled(tiers_by_place: str, seed: int, items: int = 12) -> list[RankingLabel]:
    """Labels that give the response at place p the p-th tier."""
    rng = np.random.default_rng(seed)
    found = []
    for item in range(items):
        shown = tuple(str(one) for one in rng.permutation(list(NAMES[: len(tiers_by_place)])))
        tiers = [int(tiers_by_place[shown.index(name)]) for name in sorted(shown)]
        found.append(label(f"i{item}", "ada", tiers, shown=shown))
    return found


def test_position_slope_by_hand() -> None:
    assert position_slope(shuffled("0123", 0), POINT).value == pytest.approx(1.0)
    assert position_slope(shuffled("3210", 0), POINT).value == pytest.approx(-1.0)
    ranks, places = [0, 2, 1, 3], [0, 1, 2, 3]
    assert position_slope(shuffled("0213", 0), POINT).value == pytest.approx(linregress(places, ranks).slope)
    tied = [1 / 3, 1 / 3, 1 / 3, 1]
    found = position_slope(shuffled("0001", 0), POINT)
    assert found.value == pytest.approx(linregress(np.array(places) / 3, tied).slope)


def test_a_response_without_a_rank_is_left_out_of_the_slope() -> None:
    labels = [label(f"i{at}", "ada", "01--", shown=("c", "b", "a", "d")) for at in range(12)]
    assert position_slope(labels, POINT).value == pytest.approx(-1.0)
    assert position_slope([label("i", "ada", "0---", shown=("a", "b", "c", "d"))], POINT).value is None


def test_position_slope_of_an_honest_annotator_holds_zero() -> None:
    rng = np.random.default_rng(5)
    labels = []
    for at in range(200):
        shown = tuple(str(one) for one in rng.permutation(list("abcde")))
        labels.append(label(f"i{at}", "ada", [int(one) for one in rng.permutation(5)], shown=shown))
    found = position_slope(labels, Sampling(resamples=400))
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert found.high - found.low < 0.3


def test_first_wins_counts_items_with_one_winner() -> None:
    labels = [
        label("won", "ada", "01", shown=("a", "b")),
        label("lost", "ada", "012", shown=("b", "a", "c")),
        label("tied best", "ada", "001", shown=("a", "b", "c")),
        label("no order", "ada", "01"),
        label("unacceptable", "ada", "--", shown=("a", "b")),
        label("rest unranked", "ada", "-0-", shown=("b", "a", "c")),
    ]
    found = first_wins(labels, POINT)
    assert (found.value, found.n, found.method) == (2 / 3, 3, "clopper-pearson")
    assert quality(labels)["ada"].first_wins_by_chance == pytest.approx((1 / 2 + 1 / 3 + 1 / 3) / 3)


def test_length_preference_by_hand() -> None:
    """The longer of two, of twice the length, always wins: the whole range of ranks per doubling."""
    longer = [label(f"i{at}", "ada", "01", words=(20, 10)) for at in range(10)]
    assert length_preference(longer, POINT).value == pytest.approx(1.0)
    shorter = [label(f"i{at}", "ada", "10", words=(40, 10)) for at in range(10)]
    assert length_preference(shorter, POINT).value == pytest.approx(-0.5)
    equal = [label(f"i{at}", "ada", "10", words=(10, 10)) for at in range(10)]
    assert (
        length_preference(equal).reason
        == "not enough data: 0 items of responses of unequal length, wanted 10"
    )
    empty = [label(f"i{at}", "ada", "01", words=(2, 0)) for at in range(10)]
    assert length_preference(empty, POINT).value == pytest.approx(1.0)


def test_the_better_of_three_annotators_agrees_more() -> None:
    found = {one.annotator: one for one in annotator_quality(utilities(80, [3.0, 3.0, 0.0], seed=6))}
    good, bad = found["a0"].agreement, found["a2"].agreement
    assert good.low is not None
    assert bad.high is not None
    assert bad.high < good.low


def test_figures_of_one_annotator_do_not_depend_on_the_others_names() -> None:
    labels = utilities(30, [1.0, 1.0], seed=7, per_item=2)
    renamed = [
        RankingLabel(one.item, "z" if one.annotator == "a1" else "a0", one.responses, one.tiers)
        for one in labels
    ]
    assert annotator_quality(renamed)[0] == annotator_quality(labels)[0]
