"""Several annotators of one item: one batch element whose pairs aim at the share who say so."""

import pytest
import torch

from tests.trainer.reward_model.test_batches import encoded, ranking, spec
from trainer.errors import BadInput
from trainer.rankings import Ranking
from trainer.reward_model.batches import batch_loss, pair_differences, pair_table
from trainer.reward_model.soft_labels import merge_annotators


def by(annotator: str, *tiers: str, of: str = "ab") -> Ranking:
    told = vars(ranking(*tiers, of=of))
    return Ranking(**{**told, "id": annotator, "annotator": annotator, "item": "one item"})


def test_check_06_four_of_five_annotators_make_a_target_of_four_fifths() -> None:
    five = encoded(*[by(f"ada{n}", "a", "b") for n in range(4)], by("ben", "b", "a"))
    merged = merge_annotators(five, 0.0)
    table = pair_table(merged, spec())
    assert (len(merged), table.chosen.tolist(), table.rejected.tolist()) == (1, [0], [1])
    assert table.target.tolist() == pytest.approx([0.8])
    # p = 0.8, d = 1
    loss = batch_loss(torch.tensor([1.0, 0.0]), merged, spec()).item()
    assert loss == pytest.approx(0.5132616875, abs=1e-6)


def test_the_chosen_response_is_that_of_most_whatever_the_order_of_the_lines_and_responses() -> None:
    three = encoded(by("ada", "a", "b"), by("ben", "b", "a", of="ba"), by("rosa", "b", "a"))
    merged = merge_annotators(three, 0.0)
    assert [(pair.chosen, pair.rejected) for pair in merged[0].pairs] == [(1, 0)]
    assert merged[0].targets == pytest.approx((2 / 3,))


def test_the_mean_of_the_lines_own_losses_is_the_loss_of_the_merged_one() -> None:
    lines = encoded(by("ada", "a", "b", "c", of="abc"), by("ben", "b", "a", "c", of="abc"))
    scores = [0.3, -0.2, 0.9]
    apart = batch_loss(torch.tensor(scores * 2), lines, spec()).item()
    merged = batch_loss(torch.tensor(scores), merge_annotators(lines, 0.0), spec()).item()
    assert merged == pytest.approx(apart, abs=1e-6)


def test_ties_are_votes_of_their_weight_for_both_sides() -> None:
    lines = encoded(by("ada", "a", "b"), by("ben", "ab"))
    assert merge_annotators(lines, 0.0)[0].targets == (1.0,)
    assert merge_annotators(lines, 1.0)[0].targets == pytest.approx((0.75,))
    assert merge_annotators(lines, 0.5)[0].targets == pytest.approx((1.25 / 1.5,))
    assert merge_annotators(lines, 1.0)[0].ties == ()


def test_an_even_split_has_target_one_half_and_no_better_response() -> None:
    merged = merge_annotators(encoded(by("ada", "a", "b"), by("ben", "b", "a")), 0.0)[0]
    assert merged.targets == (0.5,)
    assert pair_differences([1.0, 0.0], merged) == []


def test_other_items_and_lone_rankings_stay_as_they_are() -> None:
    other = Ranking(**{**vars(by("ben", "b", "a")), "item": "another"})
    lines = encoded(by("ada", "a", "b"), other, by("rosa", "c", "d", of="cd"))
    assert merge_annotators(lines, 1.0) == lines


def test_soft_labels_belong_to_the_pairwise_loss_without_margins() -> None:
    assert spec(soft_labels=True).soft_labels
    for told in ({"loss": "plackett-luce"}, {"use_margins": True}):
        with pytest.raises(BadInput, match="soft labels"):
            spec(soft_labels=True, **told)
