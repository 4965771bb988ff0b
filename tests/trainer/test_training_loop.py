"""The training loop: rates by the formula, clipped steps, layers that stay, losses that stop a run."""

import math

import pytest
import torch
from torch import nn

from trainer.errors import BadInput, TrainingStopped
from trainer.specs import SftSpec
from trainer.training_loop import Stepper, learning_rate_at, prepare


def spec(**changes: object) -> SftSpec:
    return SftSpec.from_json({"demonstrations": "d", "model": "m", "out": "o", **changes}, "-")


def test_linear_decay_is_by_the_share_done() -> None:
    rates = [learning_rate_at(step, 4, peak=1.0, schedule="linear") for step in range(4)]
    assert rates == [1.0, 0.75, 0.5, 0.25]


def test_cosine_decay_is_half_in_the_middle() -> None:
    rates = [learning_rate_at(step, 4, peak=2.0, schedule="cosine") for step in range(4)]
    wanted = [2.0, 1 + math.sqrt(0.5), 1.0, 1 - math.sqrt(0.5)]
    assert rates == pytest.approx(wanted, abs=1e-12)


def test_warmup_rises_then_the_decay_begins_at_the_peak() -> None:
    rates = [learning_rate_at(step, 8, peak=1.0, schedule="linear", warmup_share=0.4) for step in range(8)]
    assert rates == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1.0, 0.8, 0.6, 0.4, 0.2])
    assert learning_rate_at(7, 8, peak=1.0, schedule="constant", warmup_share=0.4) == 1.0


def test_first_step_is_pytorchs_adam_form() -> None:
    weight = nn.Parameter(torch.zeros(1))
    stepper = Stepper(
        [weight], spec(learning_rate=1.0, adam_eps=1e-5, schedule="constant", warmup_share=0), 1
    )
    stepper.accumulate((weight * 1e-6).sum())
    stepper.step()
    assert float(weight.detach()) == pytest.approx(-0.0909090909, abs=1e-6)


def test_weight_decay_is_on_matrices_only() -> None:
    matrix, vector = nn.Parameter(torch.ones(1, 1)), nn.Parameter(torch.ones(1))
    told = spec(learning_rate=0.1, weight_decay=0.5, schedule="constant", warmup_share=0)
    stepper = Stepper([matrix, vector], told, 1)
    stepper.accumulate((matrix * 0).sum() + (vector * 0).sum())
    stepper.step()
    assert float(matrix.detach()) == pytest.approx(0.95)
    assert float(vector.detach()) == 1.0


def test_gradient_is_clipped_before_the_step() -> None:
    weight = nn.Parameter(torch.zeros(2))
    stepper = Stepper([weight], spec(clip_norm=1.0), 10)
    stepper.accumulate((weight * torch.tensor([3e6, 4e6])).sum())
    assert stepper.step().gradient_norm == pytest.approx(5e6)
    first = stepper.optimiser.state[weight]["exp_avg"]
    assert first.tolist() == pytest.approx([0.1 * 0.6, 0.1 * 0.8], rel=1e-4)


def test_accumulated_losses_are_one_step() -> None:
    def moved(parts: int) -> list[float]:
        weight = nn.Parameter(torch.tensor([1.0, -2.0]))
        stepper = Stepper([weight], spec(), 3)
        for _ in range(parts):
            stepper.accumulate((weight**2).sum() / parts)
        stepper.step()
        assert stepper.taken == 1
        assert weight.grad is None
        return list(weight.tolist())

    assert moved(1) == pytest.approx(moved(8), abs=1e-7)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_run(value: float) -> None:
    weight = nn.Parameter(torch.zeros(1))
    stepper = Stepper([weight], spec(), 3)
    with pytest.raises(
        TrainingStopped, match=r"step 1: found a loss of (nan|inf), .*--learning-rate below 0\.0005"
    ):
        stepper.accumulate((weight + value).sum())


def test_a_gradient_that_is_not_finite_stops_the_run() -> None:
    weight = nn.Parameter(torch.zeros(1))
    stepper = Stepper([weight], spec(), 3)
    stepper.accumulate(weight.sqrt().sum())
    with pytest.raises(TrainingStopped, match="gradient of norm"):
        stepper.step()
    assert float(weight.detach()) == 0.0


def test_prepare_seeds_everything() -> None:
    first, second = prepare(spec(seed=3)), None
    drawn = (torch.rand(2), torch.rand(2, generator=first))
    second = prepare(spec(seed=3))
    again = (torch.rand(2), torch.rand(2, generator=second))
    assert all(torch.equal(one, other) for one, other in zip(drawn, again, strict=True))
    prepare(spec(seed=4))
    assert not torch.equal(torch.rand(2), drawn[0])


def test_prepare_refuses_a_device_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="--device: found 'tpu'"):
        prepare(spec(device="tpu"))
