"""A weight on a ranking line scales the loss of that ranking, and nothing else."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.trainer.builders import ranking_line
from tests.trainer.reward_model.test_batches import encoded, ranking, spec
from tests.trainer.reward_model.test_soft_labels import by
from tests.trainer.reward_model.test_train import policy, train
from tests.trainer.reward_model.test_train import ranking_line as learned_line
from tests.trainer.reward_model.tiny import read_lines, write_lines
from trainer.cli import main
from trainer.errors import BadInput
from trainer.rankings import Ranking, parse_ranking, to_line
from trainer.reward_model import train as reward_training
from trainer.reward_model.batches import (
    batch_loss,
    effective_number,
    pair_table,
    weighted_evenly,
    with_mean_weight_one,
)
from trainer.reward_model.soft_labels import merge_annotators

__all__ = ["policy"]

# Four responses scored 2, 1, 0, -1 and ranked so; two scored 1, 0.
OF_FOUR, OF_TWO = 0.2070380727, 0.3132616875
SCORES = torch.tensor([2.0, 1, 0, -1, 1, 0])


def weighted(one: Ranking, weight: float) -> Ranking:
    return replace(one, weight=weight)


def test_each_ranking_counts_as_its_weight_says() -> None:
    two = encoded(weighted(ranking("a", "b", "c", "d"), 3.0), weighted(ranking("a", "b", of="ab"), 0.5))
    loss = batch_loss(SCORES, two, spec()).item()
    assert loss == pytest.approx((3 * OF_FOUR + 0.5 * OF_TWO) / 2, abs=1e-6)


def test_every_pair_of_a_ranking_has_its_weight_and_a_line_without_one_has_one() -> None:
    two = encoded(weighted(ranking("a", "bc", of="abc"), 3.0), ranking("a", "b", of="ab"))
    table = pair_table(two, spec(tie_weight=0.5))
    assert table.scale is not None
    assert table.scale.tolist() == [3.0, 3.0, 3.0, 1.0]
    assert table.weight is not None
    assert table.weight.tolist() == [1.0, 1.0, 0.5, 1.0]


def test_the_gradient_is_that_of_the_weighted_losses() -> None:
    two = encoded(weighted(ranking("a", "b", of="ab"), 4.0), ranking("a", "b", of="ab"))
    scores = torch.zeros(4, requires_grad=True)
    torch.autograd.backward(batch_loss(scores, two, spec()))
    assert scores.grad is not None
    # d/dr of -log sigmoid(r) at 0 is -1/2; a mean over two rankings.
    assert scores.grad.tolist() == pytest.approx([-1.0, 1.0, -0.25, 0.25])


@pytest.mark.parametrize(
    ("loss", "of_three", "of_two"),
    [("plackett-luce", 0.7208676520, OF_TWO), ("best-of", 0.4076059644, OF_TWO)],
)
def test_the_other_losses_too(loss: str, of_three: float, of_two: float) -> None:
    # Scores 1, 0, 2 of a, b, c, of which c is best: log(e² + e + 1) - 2 is what best-of costs.
    two = encoded(weighted(ranking("c", "a", "b", of="abc"), 5.0), weighted(ranking("a", "b", of="ab"), 0.25))
    found = batch_loss(torch.tensor([1.0, 0, 2, 1, 0]), two, spec(loss=loss)).item()
    assert found == pytest.approx((5 * of_three + 0.25 * of_two) / 2, abs=1e-6)


def test_what_keeps_scores_near_zero_is_weighted_alike() -> None:
    one = encoded(weighted(ranking("a", "b", of="ab"), 2.0))
    found = batch_loss(torch.tensor([2.0, 1.0]), one, spec(centering=0.01)).item()
    assert found == pytest.approx(2 * 0.4032616875, abs=1e-6)


def test_weights_of_what_is_trained_on_have_mean_one() -> None:
    three = encoded(*(weighted(ranking("a", "b", of="ab"), one) for one in (2.0, 6.0, 1.0)))
    assert [one.weight for one in with_mean_weight_one(three)] == pytest.approx([2 / 3, 2.0, 1 / 3])
    even = encoded(ranking("a", "b", of="ab"), ranking("b", "a", of="ab"))
    assert [one.weight for one in with_mean_weight_one(even)] == [1.0, 1.0]
    large = encoded(*(weighted(ranking("a", "b", of="ab"), 1.5e308) for _ in range(3)))
    assert [one.weight for one in with_mean_weight_one(large)] == [1.0] * 3


def test_held_out_rankings_count_alike() -> None:
    two = encoded(weighted(ranking("a", "b", of="ab"), 9.0), ranking("a", "b", of="ab"))
    assert [one.weight for one in weighted_evenly(two)] == [1.0, 1.0]


def test_how_many_rankings_weights_leave() -> None:
    weights = (1.0, 1.0, 1.0, 5.0)
    assert effective_number(encoded(*(weighted(ranking("a", "b", of="ab"), one) for one in weights))) == (
        pytest.approx(64 / 28)
    )


def test_annotators_of_one_item_vote_with_their_weight() -> None:
    lines = encoded(
        weighted(by("ada", "a", "b", "c", of="abc"), 3.0), weighted(by("ben", "b", "a", "c", of="abc"), 0.5)
    )
    merged = merge_annotators(lines, 0.0)
    assert merged[0].weight == pytest.approx(1.75)
    assert merged[0].targets == pytest.approx((3 / 3.5, 1.0, 1.0))
    scores = [0.3, -0.2, 0.9]
    apart = batch_loss(torch.tensor(scores * 2), lines, spec()).item()
    assert batch_loss(torch.tensor(scores), merged, spec()).item() == pytest.approx(apart, abs=1e-6)


def test_a_tie_votes_with_its_weight_too() -> None:
    lines = encoded(weighted(by("ada", "a", "b"), 3.0), by("ben", "ab"))
    assert merge_annotators(lines, 0.5)[0].targets == pytest.approx((3.25 / 3.5,))


def test_a_line_keeps_its_weight_as_it_was_written() -> None:
    line = ranking_line(weight=3)
    assert parse_ranking(line, "here:1").weight == 3
    assert to_line(parse_ranking(line, "here:1")) == line
    assert "weight" not in to_line(parse_ranking(ranking_line(), "here:1"))


@pytest.mark.parametrize("value", [0, -1.5, "2", True, None, [1]])
def test_weights_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(BadInput, match=r"here:1: weight: found .*, wanted a number above 0"):
        parse_ranking(ranking_line(weight=value), "here:1")


def lines_of(weights: dict[str, float]) -> list[dict[str, object]]:
    drawn = random.Random(0)
    lines = [learned_line(number, "heldout" if number % 4 == 0 else "train", drawn) for number in range(12)]
    return [
        {**line, "weight": weights[str(line["split"])] * (1 + number % 2)}
        for number, line in enumerate(lines)
    ]


def taught_weights() -> dict[str, float]:
    weights = {}
    for number, line in enumerate(lines_of({"train": 1.0, "heldout": 1.0})):
        tiers = line["tiers"]
        assert isinstance(tiers, list)
        if line["split"] == "train" and len(tiers) > 1:
            weights[str(line["id"])] = 1.0 + number % 2
    return weights


def test_a_common_factor_changes_nothing_and_held_out_weights_are_not_read(
    policy: Path, tmp_path: Path
) -> None:
    found = []
    for name, weights in (("one", {"train": 1.0, "heldout": 1.0}), ("two", {"train": 4.0, "heldout": 64.0})):
        rankings = write_lines(tmp_path / f"{name}.jsonl", lines_of(weights))
        metrics = train(rankings, policy, tmp_path / name, "--epochs", "1")
        weights_file = (tmp_path / name / "model.safetensors").read_bytes()
        found.append(
            (weights_file, metrics["heldout_loss"], metrics["effective_rankings"], metrics["rankings"])
        )
    assert found[0] == found[1]
    # Rankings whose responses all tie teach nothing and are not counted.
    weights = taught_weights()
    wanted = sum(weights.values()) ** 2 / sum(one**2 for one in weights.values())
    assert found[0][2:] == (pytest.approx(wanted), len(weights))


def test_weights_reach_the_steps_of_training(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, float] = {}
    taken = reward_training._step

    def step(model: object, stepper: object, rankings: list[object], told: object) -> object:
        seen.update({one.ranking.id: one.weight for one in rankings})  # type: ignore[attr-defined]
        return taken(model, stepper, rankings, told)  # type: ignore[arg-type]

    monkeypatch.setattr(reward_training, "_step", step)
    rankings = write_lines(tmp_path / "rankings.jsonl", lines_of({"train": 3.0, "heldout": 1.0}))
    train(rankings, policy, tmp_path / "out", "--epochs", "1")
    weights = taught_weights()
    mean = sum(weights.values()) / len(weights)
    assert seen == pytest.approx({name: one / mean for name, one in weights.items()})
    scored = read_lines(tmp_path / "out" / "heldout_scores.jsonl")
    assert {line["weight"] for line in scored} <= {1.0, 2.0}


def test_a_refused_weight_leaves_nothing(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "rankings.jsonl"
    source.write_text(json.dumps(ranking_line(weight=0)) + "\n", "utf-8")
    words = ["reward-model", str(source), "--model", str(policy), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "rankings.jsonl:1: weight: found a number 0, wanted a number above 0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
