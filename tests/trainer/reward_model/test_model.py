"""Scores do not depend on company, padding or library."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification

from tests.trainer.reward_model.tiny import ragged_groups, tiny_language_model
from trainer.errors import BadInput
from trainer.prompts import Message
from trainer.reward_model.model import (
    RewardModel,
    encode_group,
    initialise_head,
    load_reward_model,
    raw_scores,
    save_model,
    save_reward_model,
    scores_of,
    token_budget_spans,
    with_bias,
    with_new_head,
)


def reward_model() -> RewardModel:
    return with_new_head(tiny_language_model(), seed=3)


def test_check_10_head_has_standard_deviation_one_over_root_of_width_plus_one() -> None:
    head = nn.Linear(128, 1)
    draws = []
    generator = torch.Generator().manual_seed(0)
    for _ in range(800):
        initialise_head(head, generator)
        draws.append(head.weight.detach().clone())
    assert torch.cat(draws).std().item() == pytest.approx(0.0880451, rel=0.05)
    assert head.bias.item() == 0.0


def test_check_11_pads_on_either_side_change_no_reward_of_stock_transformers() -> None:
    model, groups = reward_model(), ragged_groups(counts=(2, 3))
    ours = raw_scores(model, groups).tolist()
    rows = [(*group.prompt, *response) for group in groups for response in group.responses]
    for pads in (0, 7, 31):
        for row, expected in zip(rows, ours, strict=True):
            right = torch.tensor([[*row, *([0] * pads)]])
            mask = (right != 0).long()
            stock = model.model(input_ids=right, attention_mask=mask).logits.item()
            assert stock == pytest.approx(expected, abs=1e-5)
            left, seen = right.roll(pads, 1), mask.roll(pads, 1)
            places = (seen.cumsum(1) - seen).clamp(min=0)
            stock = model.model(input_ids=left, attention_mask=seen, position_ids=places).logits.item()
            assert stock == pytest.approx(expected, abs=1e-5)


def test_check_12_rewards_do_not_depend_on_batch_mates() -> None:
    model, groups = reward_model(), ragged_groups(7, counts=(1,) * 9)
    together = scores_of(model, groups)
    for group, score in zip(groups, together, strict=True):
        assert scores_of(model, [group])[0] == pytest.approx(score, abs=1e-5)


def test_both_ways_give_equal_scores() -> None:
    model, groups = reward_model(), ragged_groups(5)
    torch.testing.assert_close(
        raw_scores(model, groups, "cache"), raw_scores(model, groups, "tree"), atol=1e-5, rtol=0
    )


def test_check_13_other_libraries_read_scores_that_differ_by_the_bias_alone(tmp_path: Path) -> None:
    model, groups = reward_model(), ragged_groups()
    save_reward_model(with_bias(model, 2.5, "demonstrations"), tmp_path)
    ours = load_reward_model(tmp_path)
    assert (ours.bias, ours.bias_from) == (2.5, "demonstrations")
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    for group, scores in zip(groups, scores_of(ours, groups), strict=True):
        for response, score in zip(group.responses, scores, strict=True):
            logits = stock(input_ids=torch.tensor([[*group.prompt, *response]])).logits
            assert logits.shape == (1, 1)
            assert score - logits.item() == pytest.approx(2.5, abs=1e-5)


def test_check_16_two_forwards_are_equal_even_when_the_config_asks_for_dropout() -> None:
    lm = tiny_language_model()
    lm.model.config.attention_dropout = 0.5
    model, groups = with_new_head(lm, seed=0), ragged_groups()
    assert raw_scores(model, groups).tolist() == raw_scores(model, groups).tolist()


def test_the_head_is_drawn_by_the_seed() -> None:
    lm = tiny_language_model()
    first, again, other = (with_new_head(lm, seed=seed).head.weight for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_responses_end_with_the_end_token_and_the_context_is_kept() -> None:
    model = with_new_head(tiny_language_model(context=8), seed=0)
    group = encode_group(model, [Message("user", "a b")], ["c", "d e"], "x.jsonl:1")
    assert [response[-1] for response in group.responses] == [1, 1]
    assert [len(response) for response in group.responses] == [2, 3]
    with pytest.raises(BadInput, match=r"x.jsonl:1: found 9 tokens .* at most 8"):
        encode_group(model, [Message("user", "a b")], ["c d e"], "x.jsonl:1")


def test_a_model_that_writes_is_refused_as_reward_model(tmp_path: Path) -> None:
    lm = tiny_language_model()
    save_model(lm.model, lm.tokenizer, tmp_path)
    with pytest.raises(BadInput, match=r"LlamaForCausalLM.*wanted a reward model"):
        load_reward_model(tmp_path)


def test_a_pad_token_that_ends_responses_is_refused(tmp_path: Path) -> None:
    model = reward_model()
    save_reward_model(model, tmp_path)
    model.model.config.pad_token_id = 1
    model.model.config.save_pretrained(tmp_path)
    with pytest.raises(BadInput, match="pad token 1 and end token 1"):
        load_reward_model(tmp_path)


def test_saving_leaves_no_half_written_file(tmp_path: Path) -> None:
    save_reward_model(replace(reward_model(), bias=1.0), tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert (tmp_path / "model.safetensors").is_file()


def test_token_budget_never_splits_a_group() -> None:
    assert list(token_budget_spans([4, 4, 4, 20, 1, 1], 8)) == [(0, 2), (2, 3), (3, 4), (4, 6)]
    assert list(token_budget_spans([], 8)) == []
