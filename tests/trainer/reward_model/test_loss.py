"""Every figure is a literal computed by hand or by an independent program, never by the code under test."""

import itertools
import math

import pytest
import torch

from trainer.reward_model.loss import (
    PairTable,
    best_of_loss,
    centering_penalty,
    mean_over_rankings,
    pair_accuracy,
    pair_losses,
    pairwise_loss,
    plackett_luce_loss,
)


def table(*pairs: tuple[int, int, int], margin: float = 0.0, target: float = 1.0) -> PairTable:
    """Pairs (chosen, rejected, ranking)."""
    chosen, rejected, ranking = (torch.tensor(column) for column in zip(*pairs, strict=True))
    count = len(pairs)
    return PairTable(chosen, rejected, torch.full((count,), margin), torch.full((count,), target), ranking)


def ordered(count: int, ranking: int = 0, start: int = 0) -> list[tuple[int, int, int]]:
    return [(a + start, b + start, ranking) for a, b in itertools.combinations(range(count), 2)]


def doubles(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_check_01_loss_of_a_ranking_and_its_gradient() -> None:
    scores = doubles(2, 1, 0, -1).requires_grad_()
    loss = pairwise_loss(scores, table(*ordered(4)))
    torch.autograd.backward(loss)
    assert loss.item() == pytest.approx(0.2070380727, abs=1e-9)
    assert scores.grad is not None
    assert scores.grad.tolist() == pytest.approx(
        [-0.0725950361, -0.0198671537, 0.0198671537, 0.0725950361], abs=1e-9
    )


@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_check_01_equal_scores_cost_log_two_whatever_the_number(count: int) -> None:
    assert pairwise_loss(torch.zeros(count), table(*ordered(count))).item() == pytest.approx(
        0.6931471806, abs=1e-6
    )


def test_check_01_a_ranking_of_nine_weighs_as_much_as_a_pair() -> None:
    scores = torch.cat([torch.zeros(9, dtype=torch.float64), doubles(1, 0)])
    loss = pairwise_loss(scores, table(*ordered(9), *ordered(2, ranking=1, start=9)))
    assert loss.item() == pytest.approx((0.6931471806 + 0.3132616875) / 2, abs=1e-9)


def test_a_ranking_number_without_pairs_is_not_counted() -> None:
    losses = mean_over_rankings(doubles(1, 3), torch.tensor([0, 2]))
    assert losses.item() == 2.0


def test_a_batch_without_pairs_is_refused() -> None:
    with pytest.raises(ValueError, match="without one pair"):
        mean_over_rankings(torch.empty(0), torch.empty(0, dtype=torch.long))


def test_check_04_ties_aim_at_one_half() -> None:
    tied = table((0, 1, 0), target=0.5)
    assert pairwise_loss(doubles(0, 0), tied).item() == pytest.approx(0.6931471806, abs=1e-9)
    assert pairwise_loss(doubles(1, 0), tied).item() == pytest.approx(0.8132616875, abs=1e-9)
    scores = doubles(0.3, 0.3).requires_grad_()
    torch.autograd.backward(pairwise_loss(scores, tied))
    assert scores.grad is not None
    assert scores.grad.tolist() == [0.0, 0.0]


def test_check_04_a_tie_of_scores_counts_one_half() -> None:
    assert pair_accuracy(torch.zeros(7)).item() == 0.5
    assert pair_accuracy(doubles(1, -1, 0, 2)).item() == 0.625


def test_check_05_margin_shifts_the_difference() -> None:
    assert pairwise_loss(doubles(1, 0), table((0, 1, 0), margin=1.0)).item() == pytest.approx(
        0.6931471806, abs=1e-9
    )
    easier = pairwise_loss(doubles(1, 0), table((0, 1, 0), margin=-1.0)).item()
    assert easier == pytest.approx(0.1269280110, abs=1e-9)


def test_check_06_soft_labels_weigh_both_directions() -> None:
    assert pairwise_loss(doubles(1, 0), table((0, 1, 0), target=0.8)).item() == pytest.approx(
        0.5132616875, abs=1e-6
    )


@pytest.mark.parametrize(
    ("scores", "expected"), [((2, 1, 0), 0.7208676520), ((2, 1, 0, -1), 1.1610573505), ((1, 0), 0.3132616875)]
)
def test_check_07_plackett_luce(scores: tuple[float, ...], expected: float) -> None:
    order = [[index] for index in range(len(scores))]
    assert plackett_luce_loss(doubles(*scores), order).item() == pytest.approx(expected, abs=1e-9)


def test_plackett_luce_reads_the_tiers_not_the_positions() -> None:
    assert plackett_luce_loss(doubles(0, 2, 1), [[1], [2], [0]]).item() == pytest.approx(
        0.7208676520, abs=1e-9
    )


def test_plackett_luce_ties_are_each_chosen_from_the_whole_tier() -> None:
    everyone, lower = math.log(math.e**2 + math.e + 1), 0.0
    expected = (everyone - 2) + (everyone - 1) + lower
    assert plackett_luce_loss(doubles(2, 1, 0), [[0, 1], [2]]).item() == pytest.approx(expected, abs=1e-9)


def test_plackett_luce_unranked_responses_lose_to_all_and_beat_none() -> None:
    assert plackett_luce_loss(doubles(2, 1, 0), [[0], [1]], below=[2]).item() == pytest.approx(
        0.7208676520, abs=1e-9
    )


def test_plackett_luce_refuses_a_single_response() -> None:
    with pytest.raises(ValueError, match="no order"):
        plackett_luce_loss(doubles(1), [[0]])


def test_check_08_best_of_softmax() -> None:
    assert best_of_loss(doubles(1, 0, 0, 0), 0).item() == pytest.approx(0.7436683806, abs=1e-9)
    assert best_of_loss(doubles(0, 0, 1, 0), 2).item() == pytest.approx(0.7436683806, abs=1e-9)


@pytest.mark.parametrize("gap", [100.0, 1000.0])
def test_check_09_large_differences_stay_finite(gap: float) -> None:
    scores = torch.tensor([-gap, 0.0], requires_grad=True)
    loss = pairwise_loss(scores, table((0, 1, 0)))
    torch.autograd.backward(loss)
    assert loss.item() == gap
    assert scores.grad is not None
    assert scores.grad.tolist() == [-1.0, 1.0]


def test_check_15_centering_penalty() -> None:
    scores, pairs = doubles(2, 1), table((0, 1, 0))
    loss = pairwise_loss(scores, pairs) + 0.01 * centering_penalty(scores, pairs)
    assert loss.item() == pytest.approx(0.4032616875, abs=1e-9)


def test_pair_losses_keep_one_value_a_pair() -> None:
    losses = pair_losses(doubles(0, 1), doubles(0, 1), doubles(1, 0.5))
    assert losses.tolist() == pytest.approx([0.6931471806, 0.6931471806], abs=1e-9)
