"""Literal figures for KL estimators, the end rule and where the score lands."""

import pytest
import torch
from torch import Tensor

from trainer.ppo.rewards import KlEstimator, clip_scores, scores_without_end, token_kl, token_rewards


def doubles(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_check_21_kl_of_equal_models_is_zero() -> None:
    log_probabilities = doubles(-0.1, -3, -20)
    for estimator in ("k1", "k2", "k3"):
        assert token_kl(log_probabilities, log_probabilities, estimator).abs().max().item() == 0.0


@pytest.mark.parametrize(("estimator", "expected"), [("k1", 0.5), ("k2", 0.125), ("k3", 0.1065306597)])
def test_check_27_kl_estimators(estimator: KlEstimator, expected: float) -> None:
    assert token_kl(doubles(-1), doubles(-1.5), estimator).item() == pytest.approx(expected, abs=1e-9)


def test_check_27_kl_of_a_token_is_bounded() -> None:
    assert token_kl(doubles(0), doubles(-15)).item() == 10.0
    assert token_kl(doubles(-15), doubles(0)).item() == -10.0


def test_check_26_per_token_kl_and_the_score_at_the_end() -> None:
    kl = torch.tensor([[0.1, 0.2, 0.3]], dtype=torch.float64)
    rewards = token_rewards(doubles(2), kl, torch.ones(1, 3, dtype=torch.float64), 0.1)
    assert rewards[0].tolist() == pytest.approx([-0.01, -0.02, 1.97], abs=1e-12)


def test_check_25_the_score_lands_on_the_last_real_token_of_each_response() -> None:
    mask = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    rewards = token_rewards(torch.tensor([1.0, 2.0, 3.0]), torch.full((3, 3), 9.0), mask, 0.0)
    assert rewards.tolist() == [[0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 3.0]]


def test_pads_earn_nothing_whatever_their_kl() -> None:
    rewards = token_rewards(
        torch.tensor([0.0]), torch.full((1, 3), 5.0), torch.tensor([[1.0, 1.0, 0.0]]), 1.0
    )
    assert rewards.tolist() == [[-5.0, -5.0, 0.0]]


def test_a_response_without_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="without one token"):
        token_rewards(torch.tensor([1.0]), torch.zeros(1, 2), torch.zeros(1, 2), 0.1)


def test_check_24_missing_end_sets_or_subtracts() -> None:
    scores, finished = doubles(3, 3), torch.tensor([True, False])
    assert scores_without_end(scores, finished, "set", -1.0).tolist() == [3.0, -1.0]
    assert scores_without_end(scores, finished, "subtract", 0.5).tolist() == [3.0, 2.5]
    assert scores_without_end(scores, finished, "keep", -1.0).tolist() == [3.0, 3.0]


def test_check_30_scores_are_clipped_before_the_kl() -> None:
    assert clip_scores(doubles(12, -12, 3), 10.0).tolist() == [10.0, -10.0, 3.0]
    assert clip_scores(doubles(12), None).tolist() == [12.0]
