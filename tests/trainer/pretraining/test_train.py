"""Pretraining's loss and model."""

import pytest
import torch

from tests.trainer.tiny_models import tiny_model, tiny_tokenizer
from trainer.pretraining.train import heldout_loss, new_model, next_token_loss
from trainer.specs import PretrainSpec

SPEC = PretrainSpec(texts=("-",), out="-", steps=1, layers=3, width=24, heads=4, context=32)


def test_next_token_loss_is_the_mean_over_counted_targets() -> None:
    model = tiny_model().model
    inputs, targets = torch.tensor([[5, 6, 7], [8, 9, 10]]), torch.tensor([[6, 7, 8], [9, -100, -100]])
    with torch.no_grad():
        chances = torch.log_softmax(model(input_ids=inputs).logits, dim=-1)
        wanted = (
            -sum(chances[row, place, targets[row, place]] for row, place in [(0, 0), (0, 1), (0, 2), (1, 0)])
            / 4
        )
        assert float(next_token_loss(model, inputs, targets)) == pytest.approx(float(wanted), abs=1e-5)


def test_heldout_loss_weighs_by_tokens() -> None:
    model = tiny_model().model
    inputs = torch.randint(5, 200, (17, 8), generator=torch.Generator().manual_seed(0))
    targets = inputs.roll(-1, dims=1)
    targets[16, 1:] = -100
    with torch.no_grad():
        wanted = float(next_token_loss(model, inputs, targets))
    assert heldout_loss(model, (inputs, targets)) == pytest.approx(wanted, abs=1e-5)


def test_a_fresh_model_knows_nothing() -> None:
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    model = new_model(SPEC, tokenizer)
    inputs = torch.randint(5, len(tokenizer), (8, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        loss = float(next_token_loss(model, inputs, inputs.roll(-1, dims=1)))
    assert loss == pytest.approx(torch.tensor(float(len(tokenizer))).log().item(), abs=0.05)
    assert model.config.pad_token_id != model.config.eos_token_id
    assert model.config.max_position_embeddings == 32
    assert len(model.get_decoder().layers) == 3
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
