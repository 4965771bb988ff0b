"""float16, recomputed layers and what memory a step holds."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.trainer.runs import command, write_world
from tests.trainer.test_training_loop import spec
from tests.trainer.tiny_models import tiny_model
from trainer.cli import main
from trainer.errors import BadInput, TrainingStopped
from trainer.language_models import response_batch, response_log_probabilities
from trainer.recomputing import Recomputing, recomputes
from trainer.reward_model.model import raw_scores, with_new_head
from trainer.reward_model.shared_prompt import PromptGroup
from trainer.training_loop import SavedBytes, Stepper

VERBS = ("pretrain", "sft", "reward-model", "ppo")
GROUPS = [PromptGroup((9, 10, 11), ((12, 13, 1), (14, 1))), PromptGroup((9,), ((15, 16, 17, 1),))]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "more", [("--gradient-checkpointing",), ("--precision", "bfloat16"), ("--precision", "float16")]
)
def test_every_verb_runs_so_and_tells_its_memory(
    verb: str, more: tuple[str, ...], world: Path, tmp_path: Path
) -> None:
    assert main([*command(verb, world), *more, "--out", str(tmp_path / "out")]) == 0
    memory = json.loads((tmp_path / "out" / "outcome.json").read_text("utf-8"))["metrics"]["memory"]
    assert memory["gradient_bytes"] == memory["trainable_weight_bytes"] > 0
    # Two moments a weight, and a step count a parameter.
    assert 2 * memory["trainable_weight_bytes"] < memory["optimiser_bytes"]
    assert memory["optimiser_bytes"] < 2 * memory["trainable_weight_bytes"] + 1000
    assert memory["activation_bytes"] > 0
    assert memory["peak_bytes"] > 10_000_000


def test_recomputed_layers_give_the_same_loss_and_gradient_and_keep_less() -> None:
    found = []
    for recompute in (False, True):
        lm = tiny_model(layers=3)
        batch = response_batch([[9, 10, 11], [12]], [[20, 21, 1], [22, 1]], lm.pad_id)
        recomputing = Recomputing(lm.model) if recompute else None
        saved = SavedBytes(lm.model.parameters())
        with saved:
            if recomputing is None:
                loss = -response_log_probabilities(lm.model, batch).sum()
            else:
                with recomputing.on():
                    assert recomputes(lm.model.model)
                    loss = -response_log_probabilities(lm.model, batch).sum()
        assert not recomputes(lm.model.model)
        loss.backward()  # type: ignore[no-untyped-call]
        grads = [one.grad for one in lm.model.parameters()]
        found.append((loss.detach(), grads, saved.total))
    (plain, grads, kept), (again, regrads, less) = found
    assert torch.equal(plain, again)
    assert all(torch.equal(one, other) for one, other in zip(grads, regrads, strict=True))
    assert less < 0.6 * kept


def test_a_shared_prompt_goes_by_the_tree_where_layers_recompute() -> None:
    model = with_new_head(tiny_model(), seed=0)
    wanted = raw_scores(model, GROUPS, "cache")
    with Recomputing(model.model).on():
        found = raw_scores(model, GROUPS)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
        model.model.config.model_type = "gpt2"
        model.model.model.config.model_type = "gpt2"
        with pytest.raises(BadInput, match="--gradient-checkpointing: found gpt2, wanted llama"):
            raw_scores(model, GROUPS)


def test_a_model_that_cannot_recompute_is_refused() -> None:
    with pytest.raises(BadInput, match="--gradient-checkpointing: found a Linear"):
        Recomputing(nn.Linear(2, 2))


def half_stepper(weight: nn.Parameter) -> Stepper:
    told = spec(precision="float16", learning_rate=0.1, schedule="constant", warmup_share=0)
    return Stepper([weight], told, 10)


def test_an_overflow_under_float16_skips_the_step_and_halves_the_scale() -> None:
    weight = nn.Parameter(torch.ones(2))
    stepper = half_stepper(weight)
    scale = stepper.scaler.get_scale()
    stepper.accumulate((weight * torch.tensor([1e38, 1.0])).sum())
    report = stepper.step()
    assert (weight.tolist(), report.gradient_norm) == ([1.0, 1.0], 0.0)
    assert stepper.scaler.get_scale() == scale / 2
    stepper.accumulate(weight.sum())
    assert stepper.step().gradient_norm == pytest.approx(2**0.5)
    assert weight.tolist() == pytest.approx([0.9, 0.9], abs=1e-4)


def test_a_gradient_that_overflows_at_every_scale_stops_the_run() -> None:
    weight = nn.Parameter(torch.ones(1))
    stepper = half_stepper(weight)

    def steps() -> None:
        for _ in range(40):
            stepper.accumulate((weight - 1).sqrt().sum())
            stepper.step()

    with pytest.raises(TrainingStopped, match="gradient of norm"):
        steps()
    assert stepper.taken < 40


def test_the_loss_scale_is_taken_up_again() -> None:
    one, other = half_stepper(nn.Parameter(torch.ones(2))), half_stepper(nn.Parameter(torch.ones(2)))
    one.accumulate((one.parameters[0] * 1e38).sum())
    one.step()
    other.restore(one.state())
    assert other.scaler.get_scale() == one.scaler.get_scale() == 2.0**15


def test_saved_bytes_are_those_kept_for_the_backward_once_each() -> None:
    weight, inputs = nn.Parameter(torch.ones(4, 4)), torch.ones(3, 4)
    saved = SavedBytes([weight])
    with saved:
        out = (inputs @ weight).exp()
        (out * out).sum()
    # The input of the product, and the result of exp, which the square reads again: 3 x 4 floats each.
    assert saved.total == 2 * 3 * 4 * 4
