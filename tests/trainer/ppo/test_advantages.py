"""Literal figures of the papers' equations."""

import pytest
import torch
from torch import Tensor

from trainer.ppo.advantages import generalised_advantages, masked_mean, whiten
from trainer.ppo.rewards import token_rewards


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


def test_check_31_advantages_and_returns() -> None:
    advantages, returns = generalised_advantages(
        row(0, 0, 1), row(0.5, 0.5, 0.5), row(1, 1, 1), discount=1.0, smoothing=0.95
    )
    assert advantages[0].tolist() == pytest.approx([0.45125, 0.475, 0.5], abs=1e-12)
    assert returns[0].tolist() == pytest.approx([0.95125, 0.975, 1.0], abs=1e-12)


def test_check_31_what_stands_on_the_pads_changes_nothing() -> None:
    advantages, returns = generalised_advantages(
        row(0, 0, 1, 9, 9), row(0.5, 0.5, 0.5, 7, 7), row(1, 1, 1, 0, 0), discount=1.0, smoothing=0.95
    )
    assert advantages[0].tolist() == pytest.approx([0.45125, 0.475, 0.5, 0, 0], abs=1e-12)
    assert returns[0].tolist() == pytest.approx([0.95125, 0.975, 1.0, 0, 0], abs=1e-12)


def test_check_31_smoothing_one_gives_the_reward_to_go() -> None:
    returns = generalised_advantages(
        row(1, 2, 4), row(3, -1, 0.5), row(1, 1, 1), discount=1.0, smoothing=1.0
    )[1]
    assert returns[0].tolist() == pytest.approx([7, 6, 4], abs=1e-12)


def test_discount_reaches_values_and_advantages() -> None:
    advantages = generalised_advantages(row(0, 1), row(0, 0.5), row(1, 1), discount=0.5, smoothing=0.5)[0]
    assert advantages[0].tolist() == pytest.approx([0.25 + 0.25 * 0.5, 0.5], abs=1e-12)


def test_smoothing_zero_gives_the_one_step_surprise() -> None:
    advantages = generalised_advantages(row(1, 0), row(2, 3), row(1, 1), discount=0.9, smoothing=0.0)[0]
    assert advantages[0].tolist() == pytest.approx([1 + 0.9 * 3 - 2, -3], abs=1e-12)


def test_responses_do_not_leak_into_each_other() -> None:
    rewards = torch.tensor([[0.0, 1.0], [5.0, 0.0]])
    mask = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    advantages = generalised_advantages(rewards, torch.zeros(2, 2), mask, discount=1.0, smoothing=0.5)[0]
    assert advantages.tolist() == [[0.5, 1.0], [5.0, 0.0]]


def test_check_25_the_end_token_earns_the_score_itself() -> None:
    mask = row(1, 1, 0)
    rewards = token_rewards(torch.tensor([1.0]).double(), row(0, 0, 0), mask, 0.1)
    advantages = generalised_advantages(rewards, row(0, 0, 0), mask, discount=1.0, smoothing=0.95)[0]
    assert advantages[0].tolist() == pytest.approx([0.95, 1.0, 0.0], abs=1e-12)


def test_check_29_reward_whitening_keeps_the_mean() -> None:
    whitened = whiten(row(1, 2, 3), row(1, 1, 1), shift_mean=False)
    assert whitened[0].tolist() == pytest.approx([0.7752551286, 2, 3.2247448714], abs=1e-6)


def test_check_32_returns_use_the_advantages_before_whitening() -> None:
    mask = row(1, 1, 1)
    advantages, returns = generalised_advantages(
        row(0, 0, 1), row(0.5, 0.5, 0.5), mask, discount=1.0, smoothing=0.95
    )
    whitened = whiten(advantages, mask)
    assert returns[0].tolist() == pytest.approx([0.95125, 0.975, 1.0], abs=1e-12)
    assert whitened.sum().item() == pytest.approx(0, abs=1e-6)


def test_check_33_whitening_sees_real_tokens_only() -> None:
    whitened = whiten(row(1, 2, 3, 100), row(1, 1, 1, 0))
    assert whitened[0].tolist() == pytest.approx([-1.2247448, 0, 1.2247448, 0], abs=1e-6)


def test_whitening_equal_values_stays_finite() -> None:
    assert whiten(row(2, 2), row(1, 1))[0].tolist() == [0.0, 0.0]


def test_check_43_a_masked_mean_does_not_change_with_the_pads() -> None:
    assert masked_mean(row(1, 2, 3), row(1, 1, 1)).item() == 2.0
    assert masked_mean(row(1, 2, 3, -1, -1, -1), row(1, 1, 1, 0, 0, 0)).item() == 2.0
