"""Whole rankings, every pair of them, and what each loss reads."""

from itertools import combinations

import pytest
import torch
from torch import Tensor

from tests.trainer.reward_model.tiny import tiny_language_model
from trainer.prompts import Message
from trainer.rankings import RankedResponse, Ranking
from trainer.reward_model.batches import (
    EncodedRanking,
    batch_loss,
    encode_rankings,
    epoch_steps,
    pair_differences,
    pair_table,
    teaches,
)
from trainer.reward_model.model import RewardModel, raw_scores, with_new_head
from trainer.specs import RewardModelSpec


def spec(**told: object) -> RewardModelSpec:
    return RewardModelSpec.from_json({"out": "o", "rankings": "r", "model": "m", **told}, "test")


def ranking(*tiers: str, of: str = "abcd", margins: tuple[float, ...] | None = None) -> Ranking:
    return Ranking(
        id="one",
        prompt=(Message("user", "a b c"),),
        responses=tuple(RankedResponse(name, f"{name} {name}") for name in of),
        tiers=tuple(tuple(tier) for tier in tiers),
        annotator="ada",
        kind="ranking",
        margins=margins,
    )


def reward_model() -> RewardModel:
    return with_new_head(tiny_language_model(), seed=1)


def encoded(*rankings: Ranking) -> list[EncodedRanking]:
    return encode_rankings(reward_model(), rankings, "rankings.jsonl")


def test_check_02_k_responses_cost_k_passes_and_the_gradient_of_all_pairs() -> None:
    letters = "abcdefghi"
    model = reward_model()
    one = encode_rankings(model, [ranking(*letters, of=letters)], "x")
    tokens: list[int] = []
    model.model.base_model.embed_tokens.register_forward_pre_hook(
        lambda _, given: tokens.append(given[0].numel())
    )
    torch.autograd.backward(batch_loss(raw_scores(model, [one[0].group]), one, spec()))
    shared = sum(tokens)
    found = gradient(model)
    rows = [[*one[0].group.prompt, *response] for response in one[0].group.responses]
    losses = [
        -torch.nn.functional.logsigmoid(score(model, rows[better]) - score(model, rows[worse]))
        for better, worse in combinations(range(9), 2)
    ]
    torch.autograd.backward(torch.stack(losses).mean())
    assert shared == 6 + 9 * 3
    assert sum(tokens) - shared == 72 * 9
    assert (gradient(model) - found).norm() < 1e-5 * found.norm()


def score(model: RewardModel, row: list[int]) -> Tensor:
    logits: Tensor = model.model(input_ids=torch.tensor([row])).logits[0, 0]
    return logits


def gradient(model: RewardModel) -> Tensor:
    parts = [part.grad.flatten() for part in model.model.parameters() if part.grad is not None]
    for part in model.model.parameters():
        part.grad = None
    return torch.cat(parts)


def test_check_03_a_ranking_is_never_split_over_steps() -> None:
    steps = list(epoch_steps([9, 9, 9], 2, torch.Generator().manual_seed(0)))
    assert [len(step) for step in steps] == [2, 1]
    assert sorted(steps[0] + steps[1]) == [0, 1, 2]


def test_an_epoch_uses_every_ranking_once_and_each_epoch_in_another_order() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = [1 + place % 7 for place in range(101)]
    first, second = list(epoch_steps(tokens, 4, generator)), list(epoch_steps(tokens, 4, generator))
    assert sorted(place for step in first for place in step) == list(range(101))
    assert [len(step) for step in first] == [4] * 25 + [1]
    assert first != second
    assert list(epoch_steps(tokens, 4, torch.Generator().manual_seed(0))) == first


def test_steps_hold_rankings_of_like_length() -> None:
    tokens = [1, 100] * 16
    for step in epoch_steps(tokens, 4, torch.Generator().manual_seed(3)):
        assert len({tokens[place] for place in step}) == 1


def test_all_decided_pairs_point_at_the_right_responses() -> None:
    table = pair_table(encoded(ranking("b", "ad", of="abcd"), ranking("a", "b", of="ab")), spec())
    pairs = list(zip(table.chosen.tolist(), table.rejected.tolist(), table.ranking.tolist(), strict=True))
    # b beats a and d, all three beat c, which was left unranked; the second ranking starts at place 4.
    assert sorted(pairs) == [(0, 2, 0), (1, 0, 0), (1, 2, 0), (1, 3, 0), (3, 2, 0), (4, 5, 1)]
    assert table.target.tolist() == [1.0] * 6
    assert table.margin.tolist() == [0.0] * 6


def test_margins_and_ties_come_in_when_asked_for() -> None:
    marked = encoded(ranking("a", "bc", margins=(2.0,), of="abc"))
    with_margins = pair_table(marked, spec(use_margins=True))
    assert with_margins.margin.tolist() == [2.0, 2.0]
    with_ties = pair_table(marked, spec(tie_weight=0.5))
    assert with_ties.target.tolist() == [1.0, 1.0, 0.5]
    assert (with_ties.chosen.tolist()[2], with_ties.rejected.tolist()[2]) == (1, 2)


def test_check_04_the_weight_of_ties_is_the_spec_s() -> None:
    marked = encoded(ranking("a", "bc", of="abc"))
    scores = torch.tensor([1.0, 0.0, 0.0])
    loss = batch_loss(scores, marked, spec(tie_weight=0.5)).item()
    assert loss == pytest.approx((0.3132616875 * 2 + 0.5 * 0.6931471806) / 2.5, abs=1e-6)


def test_check_01_a_batch_is_the_mean_of_its_rankings() -> None:
    two = encoded(ranking("a", "b", "c", "d"), ranking("b", "a", of="ab"))
    loss = batch_loss(torch.tensor([2.0, 1, 0, -1, 1, 0]), two, spec()).item()
    assert loss == pytest.approx((0.2070380727 + 1.3132616875) / 2, abs=1e-6)


def test_check_07_plackett_luce_of_a_batch() -> None:
    two = encoded(ranking("c", "a", "b", of="abc"), ranking("a", "b", of="ab"))
    loss = batch_loss(torch.tensor([1.0, 0, 2, 1, 0]), two, spec(loss="plackett-luce")).item()
    assert loss == pytest.approx((0.7208676520 + 0.3132616875) / 2, abs=1e-6)


def test_check_08_best_of_reads_the_first_tier() -> None:
    one = encoded(ranking("c", "abd"))
    loss = batch_loss(torch.tensor([0.0, 0, 1, 0]), one, spec(loss="best-of")).item()
    assert loss == pytest.approx(0.7436683806, abs=1e-6)


def test_check_15_centering_is_added_by_its_coefficient() -> None:
    one = encoded(ranking("a", "b", of="ab"))
    assert batch_loss(torch.tensor([2.0, 1.0]), one, spec(centering=0.01)).item() == pytest.approx(
        0.4032616875, abs=1e-6
    )


def test_what_teaches_depends_on_the_loss() -> None:
    decided, tied, shared = encoded(ranking("a", "bcd"), ranking("abcd"), ranking("ab", "cd"))
    assert [teaches(one, spec()) for one in (decided, tied, shared)] == [True, False, True]
    assert teaches(tied, spec(tie_weight=1.0))
    assert [teaches(one, spec(loss="best-of")) for one in (decided, tied, shared)] == [True, False, False]


def test_differences_are_better_less_worse() -> None:
    one = encoded(ranking("b", "a", of="ab"))[0]
    assert pair_differences([1.0, 4.0], one) == [3.0]
