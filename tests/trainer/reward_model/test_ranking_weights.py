"""What a ranking weighs: from its line to the loss, and nothing where all weigh the same."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.reward_model.test_batches import encoded, ranking, spec
from tests.trainer.reward_model.test_train import ranking_line, train
from tests.trainer.reward_model.tiny import tiny_language_model, write_lines
from trainer.cli import main
from trainer.errors import BadInput
from trainer.reward_model.batches import EncodedRanking, batch_loss
from trainer.reward_model.model import save_model
from trainer.reward_model.ranking_weights import relative, weight_of, with_weights
from trainer.reward_model.soft_labels import merge_annotators

SCORES = torch.tensor([0.3, -1.0, 2.0, 0.5, 1.5, -0.2, 0.1, 0.9], dtype=torch.float64)
LOSSES: list[dict[str, object]] = [
    {},
    {"centering": 0.3},
    {"tie_weight": 0.5},
    {"loss": "plackett-luce"},
    {"loss": "best-of"},
]


def two(first: float, second: float) -> list[EncodedRanking]:
    rankings = encoded(ranking("a", "bc", "d"), ranking("d", "c", "b", "a"))
    return [replace(one, weight=weight) for one, weight in zip(rankings, (first, second), strict=True)]


@pytest.mark.parametrize("told", LOSSES)
def test_the_loss_is_the_mean_of_weight_times_loss(told: dict[str, object]) -> None:
    one, other = two(1.0, 1.0)
    alone = [batch_loss(SCORES[:4], [one], spec(**told)), batch_loss(SCORES[4:], [other], spec(**told))]
    found = batch_loss(SCORES, two(0.5, 1.5), spec(**told))
    assert float(found) == pytest.approx(float(0.5 * alone[0] + 1.5 * alone[1]) / 2, rel=1e-6)


@pytest.mark.parametrize("told", LOSSES)
def test_a_weight_of_two_is_the_ranking_twice(told: dict[str, object]) -> None:
    one, other = two(1.0, 1.0)
    twice = batch_loss(torch.cat([SCORES[:4], SCORES]), [one, one, other], spec(**told))
    weighted = batch_loss(SCORES, relative(two(2.0, 1.0)), spec(**told))
    assert float(weighted) == pytest.approx(float(twice), rel=1e-6)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9))
def test_relative_weights_have_mean_1_and_keep_their_ratios(weights: list[float]) -> None:
    one = encoded(ranking("a", "b"))[0]
    found = [each.weight for each in relative([replace(one, weight=weight) for weight in weights])]
    assert sum(found) / len(found) == pytest.approx(1)
    assert found[0] * weights[-1] == pytest.approx(found[-1] * weights[0])


def test_equal_weights_are_1_exactly() -> None:
    one = encoded(ranking("a", "b"))[0]
    assert [each.weight for each in relative([replace(one, weight=0.1)] * 3)] == [1.0] * 3


def test_a_line_without_a_weight_weighs_1() -> None:
    lines = [ranking("a", "b"), replace(ranking("a", "b"), extra={"weight": 0.25})]
    assert [weight_of(one, "x") for one in lines] == [1.0, 0.25]
    assert [one.weight for one in with_weights(encoded(*lines), "x")] == [1.0, 0.25]


@pytest.mark.parametrize("weight", [0, -0.5, float("nan"), float("inf"), "2", None, True])
def test_what_is_no_weight_is_refused(weight: object) -> None:
    one = replace(ranking("a", "b"), extra={"weight": weight})
    with pytest.raises(BadInput, match=r"r\.jsonl: ranking one: weight: found .*, wanted a number above 0"):
        weight_of(one, "r.jsonl")


def test_merged_annotators_weigh_as_much_as_they_do_on_average() -> None:
    first, second = encoded(ranking("a", "b", of="ab"), ranking("b", "a", of="ab"))
    (merged,) = merge_annotators([replace(first, weight=1.0), replace(second, weight=0.5)], 0.0)
    assert merged.weight == 0.75


def files(tmp_path: Path, *weights: Any) -> tuple[Path, Path]:
    lm, policy = tiny_language_model(), tmp_path / "policy"
    save_model(lm.model, lm.tokenizer, policy)
    drawn = random.Random(0)
    lines = [ranking_line(number, "heldout" if number % 4 == 0 else "train", drawn) for number in range(16)]
    told = [
        {**line, **({"weight": weight} if weight else {})}
        for line, weight in zip(lines, weights * 8, strict=False)
    ]
    return write_lines(tmp_path / "rankings.jsonl", told), policy


def weights_of(out: Path) -> bytes:
    return (out / "model.safetensors").read_bytes()


def test_the_verb_learns_by_the_weights_of_the_lines(tmp_path: Path) -> None:
    found = {}
    for name, weights in {"none": (None, None), "same": (0.3, 0.3), "other": (0.01, 1.0)}.items():
        (tmp_path / name).mkdir()
        rankings, policy = files(tmp_path / name, *weights)
        train(rankings, policy, tmp_path / name / "out", "--epochs", "1")
        found[name] = weights_of(tmp_path / name / "out")
    assert found["none"] == found["same"] != found["other"]


def test_the_verb_refuses_a_weight_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rankings, policy = files(tmp_path, None, -1)
    words = ["reward-model", str(rankings), "--model", str(policy), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "ranking-1: weight: found a number -1, wanted a number above 0" in told
    assert not (tmp_path / "out").exists()
    assert json.loads(rankings.read_text().splitlines()[1])["weight"] == -1
