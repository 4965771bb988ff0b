"""Log-probabilities of responses: padding and batch mates change nothing."""

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from tests.trainer.tiny_models import tiny_model
from trainer.language_models import (
    ResponseBatch,
    left_pad,
    positions,
    response_batch,
    response_log_probabilities,
    right_pad,
    token_log_probabilities,
)

PROMPTS = [[9, 10, 11], [12], [13, 14, 15, 16, 17, 18, 19]]
RESPONSES = [[20, 21, 1], [22, 1], [23, 24, 25, 26, 27]]


def test_check_22_positions_start_at_the_first_real_token() -> None:
    mask = torch.tensor([[False, False, True, True, True], [True, True, True, True, True]])
    assert positions(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]]


def test_padding_stands_on_the_side_it_should() -> None:
    left, left_mask = left_pad([[5, 6], [7]], 0)
    right, right_mask = right_pad([[5, 6], [7]], 0)
    assert left.tolist() == [[5, 6], [0, 7]]
    assert left_mask.tolist() == [[True, True], [False, True]]
    assert right.tolist() == [[5, 6], [7, 0]]
    assert right_mask.tolist() == [[True, True], [True, False]]


def test_response_log_probabilities_equal_one_plain_forward_a_row() -> None:
    model = tiny_model().model
    with torch.no_grad():
        found = response_log_probabilities(model, response_batch(PROMPTS, RESPONSES, 0), temperature=0.5)
        for row, prompt, response in zip(found, PROMPTS, RESPONSES, strict=True):
            logits = model(input_ids=torch.tensor([prompt + response])).logits[0]
            chances = torch.log_softmax(logits / 0.5, dim=-1)
            for place, token in enumerate(response):
                assert float(row[place]) == pytest.approx(
                    float(chances[len(prompt) - 1 + place, token]), abs=1e-5
                )
            assert row[len(response) :].tolist() == [0.0] * (5 - len(response))


def test_learned_positions_do_not_see_padding() -> None:
    # Rotary positions forgive a shift of the whole row; positions looked up in a table do not.
    torch.manual_seed(0)
    shape = GPT2Config(
        vocab_size=40, n_positions=64, n_embd=16, n_layer=2, n_head=2, attn_implementation="sdpa"
    )
    model = GPT2LMHeadModel(shape).eval()
    with torch.no_grad():
        model.transformer.wpe.weight.normal_()
        together = response_log_probabilities(model, response_batch(PROMPTS, RESPONSES, 0))
        alone = response_log_probabilities(model, response_batch(PROMPTS[1:2], RESPONSES[1:2], 0))
    torch.testing.assert_close(together[1:2, :2], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("pads", [1, 5, 31])
def test_check_22_left_padding_changes_no_log_probability(pads: int) -> None:
    model = tiny_model().model
    plain = response_batch(PROMPTS, RESPONSES, 0)
    front = torch.full((3, pads), 3)
    hidden = torch.zeros((3, pads), dtype=torch.bool)
    padded = ResponseBatch(
        torch.cat([front, plain.prompt_ids], 1),
        torch.cat([hidden, plain.prompt_mask], 1),
        torch.cat([plain.response_ids, front], 1),
        torch.cat([plain.response_mask, hidden], 1),
    )
    with torch.no_grad():
        wanted = response_log_probabilities(model, plain)
        found = response_log_probabilities(model, padded)
    torch.testing.assert_close(found[:, :5], wanted, atol=1e-5, rtol=0)
    assert not found[:, 5:].any()


def test_response_log_probabilities_do_not_see_batch_mates() -> None:
    model = tiny_model().model
    with torch.no_grad():
        together = response_log_probabilities(model, response_batch(PROMPTS, RESPONSES, 0))
        alone = response_log_probabilities(model, response_batch(PROMPTS[1:2], RESPONSES[1:2], 0))
    torch.testing.assert_close(together[1:2, :2], alone, atol=1e-5, rtol=0)


def test_token_log_probabilities_of_huge_logits_stay_finite() -> None:
    found = token_log_probabilities(torch.tensor([[1000.0, 0.0]]), torch.tensor([1]))
    assert float(found) == -1000.0


def test_response_batch_refuses_what_does_not_pair_up() -> None:
    with pytest.raises(ValueError, match="one each, none empty"):
        response_batch([[1]], [[1], [2]], 0)
    with pytest.raises(ValueError, match="none empty"):
        response_batch([[1]], [[]], 0)
