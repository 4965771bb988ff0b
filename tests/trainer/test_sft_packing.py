"""Packing changes the cost and nothing else: no demonstration sees another, no token is run twice."""

import math

import pytest
import torch
from torch import Tensor

from tests.trainer.tiny_models import tiny_model
from trainer.language_models import LanguageModel, encode_prompt, encode_response
from trainer.prompts import Message
from trainer.sft import Lesson, response_loss

LESSONS = [
    Lesson([9, 10, 11], [20, 21, 1]),
    Lesson([12], [22, 1]),
    Lesson([13, 14, 15, 16], [23, 24, 25, 26, 27, 28, 1]),
    Lesson([17, 18], [1]),
]


def gradients(lm: LanguageModel, lessons: list[Lesson], *, packing: bool) -> tuple[float, list[Tensor]]:
    lm.model.zero_grad()
    loss = response_loss(lm, lessons, packing=packing)
    torch.autograd.backward(loss)
    grads = [weight.grad.clone() for weight in lm.model.parameters() if weight.grad is not None]
    return loss.item(), grads


def test_loss_and_gradient_are_those_of_padded_batches() -> None:
    lm = tiny_model()
    packed, padded = (gradients(lm, LESSONS, packing=packing) for packing in (True, False))
    assert packed[0] == pytest.approx(padded[0], rel=1e-6)
    for ours, theirs in zip(packed[1], padded[1], strict=True):
        assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


def test_a_model_that_knows_nothing_pays_log_v_a_response_token() -> None:
    lm = tiny_model()
    with torch.no_grad():
        lm.model.get_output_embeddings().weight.zero_()
        loss = response_loss(lm, LESSONS).item()
    assert loss == pytest.approx(13 * math.log(len(lm.tokenizer)), rel=1e-6)


def test_no_demonstration_sees_another() -> None:
    """The gradient of one lesson's loss on the embeddings of tokens that only the other has is exactly zero."""
    lm = tiny_model()
    apart = response_loss(lm, LESSONS[:1]) + response_loss(lm, LESSONS[2:3])
    together = response_loss(lm, [LESSONS[0], LESSONS[2]])
    assert together.item() == pytest.approx(apart.item(), rel=1e-6)
    changed = [LESSONS[0], Lesson([30, 31, 32, 33], [34, 35, 36, 37, 38, 39, 1])]
    first = response_loss(lm, [LESSONS[0], LESSONS[2]]).item() - response_loss(lm, LESSONS[2:3]).item()
    again = response_loss(lm, changed).item() - response_loss(lm, changed[1:]).item()
    assert first == pytest.approx(again, abs=1e-4)


def test_every_token_is_run_once_and_no_pad() -> None:
    lm = tiny_model()
    seen: list[int] = []
    lm.model.get_decoder().embed_tokens.register_forward_pre_hook(
        lambda _, given: seen.append(given[0].numel())
    )
    response_loss(lm, LESSONS)
    response_loss(lm, LESSONS, packing=False)
    # 10 prompt and 13 response tokens; four rows of 4 + 7 when padded.
    assert seen == [23, 44]


def test_the_template_stands_before_the_response_and_pays_no_loss() -> None:
    """Of a whole conversation only the answer and its end are predicted."""
    lm = tiny_model()
    prompt = encode_prompt(lm.tokenizer, [Message("user", "Where is Lima?")])
    response = encode_response(lm.tokenizer, "In Peru.", lm.end_id)
    ids = torch.tensor([[*prompt, *response]])
    with torch.no_grad():
        chances = torch.log_softmax(lm.model(input_ids=ids).logits[0], dim=-1)
        wanted = -sum(float(chances[len(prompt) + place - 1, token]) for place, token in enumerate(response))
        assert float(response_loss(lm, [Lesson(prompt, response)])) == pytest.approx(wanted, rel=1e-5)
    assert response[-1] == lm.end_id
