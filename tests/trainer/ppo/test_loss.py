"""The clipped losses, their gradients, and the weights that make micro-batches exact."""

import math

import pytest
import torch
from torch import Tensor

from trainer.ppo.loss import approximate_kl, clip_share, entropies, policy_losses, token_weights, value_losses


def doubles(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("advantage", "ratio", "loss", "gradient"),
    [(1.0, 1.5, -1.2, 0.0), (-1.0, 1.5, 1.5, 1.5), (-1.0, 0.5, 0.8, 0.0), (1.0, 0.5, -0.5, -0.5)],
)
def test_check_34_clipped_policy_loss(advantage: float, ratio: float, loss: float, gradient: float) -> None:
    new = doubles(math.log(ratio) - 2).requires_grad_()
    found = policy_losses(new, doubles(-2), doubles(advantage), 0.2)
    torch.autograd.backward(found.sum())
    assert found.item() == pytest.approx(loss, abs=1e-9)
    assert new.grad is not None
    assert new.grad.item() == pytest.approx(gradient, abs=1e-9)


def test_check_20_equal_policies_have_ratio_one() -> None:
    log_probabilities, weights = doubles(-0.5, -3, -9), doubles(0.25, 0.25, 0.5)
    losses = policy_losses(log_probabilities, log_probabilities, doubles(1, 2, -3), 0.2)
    assert losses.tolist() == [-1.0, -2.0, 3.0]
    assert clip_share(log_probabilities, log_probabilities, weights, 0.2).item() == 0.0
    assert approximate_kl(log_probabilities, log_probabilities, weights).item() == 0.0


@pytest.mark.parametrize(("target", "loss"), [(0.5, 0.125), (1.0, 0.32)])
def test_check_35_clipped_value_loss(target: float, loss: float) -> None:
    assert value_losses(doubles(1), doubles(0), doubles(target), 0.2).item() == pytest.approx(loss, abs=1e-9)


def test_check_35_value_loss_is_clipped_on_both_sides() -> None:
    assert value_losses(doubles(-1), doubles(0), doubles(-1), 0.2).item() == pytest.approx(0.32, abs=1e-9)


def test_check_36_token_mean_against_sequence_mean() -> None:
    losses, mask = torch.tensor([[1.0, 0.0, 0.0], [2.0, 2.0, 2.0]]), torch.tensor([[1.0, 0, 0], [1, 1, 1]])
    assert (token_weights(mask, "token") * losses).sum().item() == pytest.approx(1.75)
    assert (token_weights(mask, "sequence") * losses).sum().item() == pytest.approx(1.5)


@pytest.mark.parametrize("aggregation", ["token", "sequence"])
def test_check_36_micro_batches_add_up_to_the_minibatch(aggregation: str) -> None:
    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([[1.0, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.float64)
    losses = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    weights = token_weights(mask, "token" if aggregation == "token" else "sequence")
    whole = (weights * losses).sum()
    parts = sum(((weights[i] * losses[i]).sum() for i in range(3)), torch.zeros((), dtype=torch.float64))
    assert parts.item() == pytest.approx(whole.item(), abs=1e-12)
    assert weights.sum().item() == pytest.approx(1.0, abs=1e-12)


def test_check_43_metrics_do_not_change_with_the_pads() -> None:
    new, old, mask = doubles(-1, -2).unsqueeze(0), doubles(-1.5, -2).unsqueeze(0), doubles(1, 1).unsqueeze(0)
    padding = torch.zeros(1, 2, dtype=torch.float64)
    wide_new = torch.cat([new, padding - 7], dim=1)
    wide_old, wide_mask = torch.cat([old, padding], dim=1), torch.cat([mask, padding], dim=1)
    narrow, wide = token_weights(mask), token_weights(wide_mask)
    assert clip_share(new, old, narrow, 0.2).item() == clip_share(wide_new, wide_old, wide, 0.2).item() == 0.5
    assert approximate_kl(new, old, narrow).item() == pytest.approx(0.0625, abs=1e-12)
    assert approximate_kl(wide_new, wide_old, wide).item() == pytest.approx(0.0625, abs=1e-12)


def test_entropy_of_known_distributions() -> None:
    assert entropies(torch.zeros(8, dtype=torch.float64)).item() == pytest.approx(math.log(8), abs=1e-12)
    logits = torch.log(doubles(0.9, 0.1))
    assert entropies(logits + 100).item() == pytest.approx(0.3250829734, abs=1e-9)


def test_clip_share_counts_ratios_on_both_sides() -> None:
    new, weights = torch.log(doubles(1.3, 0.7, 1.1, 0.9)), doubles(0.25, 0.25, 0.25, 0.25)
    assert clip_share(new, doubles(0, 0, 0, 0), weights, 0.2).item() == 0.5
