"""Ensembles by heads: one trunk, a resample for each head, a folder that any library opens as their mean."""

import json
import random
import statistics
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification

from tests.trainer.reward_model.test_batches import encoded, ranking, spec
from tests.trainer.reward_model.test_train import ranking_line
from tests.trainer.reward_model.tiny import ragged_groups, read_lines, tiny_language_model, write_lines
from tests.trainer.runs import result, run_apart
from trainer.cli import main
from trainer.errors import BadInput
from trainer.parallel import Processes
from trainer.reward_model import train as reward_training
from trainer.reward_model.batches import EncodedRanking, batch_loss
from trainer.reward_model.ensemble import load_members, member_scores, write_heads
from trainer.reward_model.heads import (
    heads_loss,
    mean_of,
    resampled,
    scores_of_heads,
    separated,
    share_a_trunk,
    with_heads,
)
from trainer.reward_model.model import (
    RewardModel,
    load_reward_model,
    raw_scores,
    save_model,
    save_reward_model,
    scores_of,
    with_bias,
    with_new_head,
)

HEADS = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ensemble of three heads, trained."""
    folder = tmp_path_factory.mktemp("heads")
    lm, drawn = tiny_language_model(), random.Random(0)
    save_model(lm.model, lm.tokenizer, folder / "policy")
    lines = [ranking_line(number, "heldout" if number % 3 == 0 else "train", drawn) for number in range(18)]
    write_lines(folder / "rankings.jsonl", lines)
    assert main([*words(folder, "out"), "--learning-rate", "3e-3"]) == 0
    return folder


def words(folder: Path, out: str) -> list[str]:
    told = [
        "reward-model",
        str(folder / "rankings.jsonl"),
        "--model",
        str(folder / "policy"),
        "--epochs",
        "2",
    ]
    more = [
        "--members",
        str(HEADS),
        "--ensemble",
        "heads",
        "--seed",
        "7",
        "--progress",
        "none",
        "--threads",
        "1",
    ]
    return [*told, *more, "--out", str(folder / out)]


def several() -> RewardModel:
    return with_heads(with_new_head(tiny_language_model(), seed=99), HEADS, seed=4)


def test_each_head_begins_as_that_of_a_single_model_of_its_seed() -> None:
    model = several()
    for number, member in enumerate(separated(model)):
        single = with_new_head(tiny_language_model(), seed=4 + number)
        assert torch.equal(member.head.weight, single.head.weight)
        assert scores_of(member, ragged_groups()) == scores_of(single, ragged_groups())
    assert raw_scores(model, ragged_groups()).shape == (8, HEADS)


def test_members_share_their_trunk_and_one_pass_gives_the_scores_of_all() -> None:
    members = separated(several())
    assert share_a_trunk(members)
    assert not share_a_trunk((members[0], with_new_head(tiny_language_model(), seed=1)))
    shifted = [with_bias(member, 0.5 * number, "x") for number, member in enumerate(members)]
    groups = ragged_groups()
    found = scores_of_heads(shifted, groups, batch_tokens=12)
    alone = [[score for own in scores_of(one, groups, batch_tokens=12) for score in own] for one in shifted]
    assert found == alone
    assert len({tuple(own) for own in found}) == HEADS
    for own, wanted in zip(member_scores(shifted, groups), alone, strict=True):
        assert own == pytest.approx(wanted, abs=1e-6)


def test_the_mean_head_scores_the_mean() -> None:
    members = [with_bias(one, 1.0 + number, "x") for number, one in enumerate(separated(several()))]
    groups = ragged_groups()
    mean = [score for own in scores_of(mean_of(members), groups) for score in own]
    each = [[score for own in scores_of(one, groups) for score in own] for one in members]
    assert mean == pytest.approx([statistics.fmean(row) for row in zip(*each, strict=True)], abs=1e-5)
    assert mean_of(members).bias == 2.0


def prompts_of(*names: str) -> list[EncodedRanking]:
    lines = encoded(*[ranking("a", "b", of="ab")] * len(names))
    return [
        replace(one, ranking=replace(one.ranking, prompt_id=name))
        for one, name in zip(lines, names, strict=True)
    ]


def test_each_head_draws_prompts_of_its_own_with_replacement() -> None:
    names = [f"p{number // 2}" for number in range(40)]
    found = resampled(prompts_of(*names), HEADS, seed=3)
    by_head = list(zip(*(one.head_weights for one in found), strict=True))
    for number, weights in enumerate(by_head):
        # Both rankings of a prompt are drawn together, as often as the generator says.
        drawn = Counter(
            torch.randint(20, (20,), generator=torch.Generator().manual_seed(3 + number)).tolist()
        )
        assert list(weights) == pytest.approx([drawn[place // 2] for place in range(40)])
        assert sum(weights) == pytest.approx(40)
        assert 0.0 in weights
    assert len(set(by_head)) == HEADS
    assert resampled(prompts_of(*names), HEADS, seed=3) == found


def test_a_ranking_drawn_twice_weighs_twice_its_own_weight() -> None:
    lines = prompts_of("p", "q", "r", "s")
    heavy = [replace(lines[0], weight=3.0), *lines[1:]]
    for number in range(HEADS):
        drawn = Counter(torch.randint(4, (4,), generator=torch.Generator().manual_seed(5 + number)).tolist())
        counted = [drawn[0] * 3.0, *(float(drawn[place]) for place in range(1, 4))]
        wanted = [4 * one / sum(counted) for one in counted]
        found = [one.head_weights[number] for one in resampled(heavy, HEADS, seed=5)]
        assert found == pytest.approx(wanted)


def test_the_loss_is_the_mean_of_the_heads_losses_under_their_own_weights() -> None:
    one, other = encoded(ranking("a", "b", of="ab"), ranking("b", "a", of="ab"))
    both = [replace(one, head_weights=(2.0, 0.5)), replace(other, head_weights=(0.0, 1.0))]
    scores = torch.tensor([[1.0, 0.2], [0.0, 0.9], [0.3, -1.0], [0.1, 0.4]])
    alone = [[batch_loss(scores[:2, m], [one], spec()).item() for m in (0, 1)],
             [batch_loss(scores[2:, m], [other], spec()).item() for m in (0, 1)]]  # fmt: skip
    first, second = (2 * alone[0][0] + 0 * alone[1][0]) / 2, (0.5 * alone[0][1] + alone[1][1]) / 2
    assert heads_loss(scores, both, spec()).item() == pytest.approx((first + second) / 2, abs=1e-6)


def test_other_libraries_open_the_mean_and_each_member(world: Path) -> None:
    stock = AutoModelForSequenceClassification.from_pretrained(world / "out").eval()
    heads = load_file(world / "out" / "heads.safetensors")["weight"]
    assert stock.config.num_labels == 1
    assert torch.allclose(stock.score.weight[0], heads.mean(dim=0), atol=1e-6)
    told = json.loads((world / "out" / "ensemble.json").read_text("utf-8"))
    members = load_members(world / "out")
    assert len(members) == len(told["score_biases"]) == HEADS
    group = ragged_groups(counts=(1,))[0]
    ids = torch.tensor([[*group.prompt, *group.responses[0]]])
    for number, member in enumerate(members):
        with torch.no_grad():
            stock.score.weight[0] = heads[number]
            raw = stock(input_ids=ids).logits.item()
        assert scores_of(member, [group])[0][0] == pytest.approx(raw + told["score_biases"][number], abs=1e-5)
    assert len({member.bias for member in members}) == HEADS


def test_scores_are_means_with_their_spread(world: Path) -> None:
    line = read_lines(world / "out" / "heldout_scores.jsonl")[0]
    told = {"policy": "p", "seed": 0, "sampling": {}, "prompt": line["prompt"]}
    responses = [{"id": one["id"], "response": one["text"], **told} for one in line["responses"]]
    where = write_lines(world / "responses.jsonl", responses)
    scoring = ["score", str(where), "--reward-model", str(world / "out"), "--out", str(world / "s.jsonl")]
    assert main([*scoring, "--progress", "none"]) == 0
    mean = load_reward_model(world / "out")
    for one in read_lines(world / "s.jsonl"):
        alone = one["member_scores"]
        assert len(set(alone)) == HEADS
        assert one["score"] == pytest.approx(statistics.fmean(alone))
        assert one["score_deviation"] == pytest.approx(statistics.stdev(alone))
        assert alone == pytest.approx(line["member_scores"][one["id"]], abs=1e-5)
        assert one["score"] == pytest.approx(line["scores"][one["id"]], abs=1e-5)
    # The plain model of the folder, bias included, is that mean.
    assert mean.bias == pytest.approx(statistics.fmean(one.bias for one in load_members(world / "out")))


def test_the_best_tier_scores_zero_on_average_for_every_member(world: Path) -> None:
    scored = {}
    lines = [line for line in read_lines(world / "rankings.jsonl") if line["split"] == "train"]
    best = [
        (line["prompt"], one["text"])
        for line in lines
        for one in line["responses"]
        if one["id"] in line["tiers"][0]
    ]
    told = {"policy": "p", "seed": 0, "sampling": {}}
    asked = [{"id": "x", "prompt": prompt, "response": text, **told} for prompt, text in best]
    where = write_lines(world / "best.jsonl", asked)
    scoring = ["score", str(where), "--reward-model", str(world / "out"), "--out", str(world / "b.jsonl")]
    assert main([*scoring, "--progress", "none"]) == 0
    for number in range(HEADS):
        scored[number] = statistics.fmean(
            one["member_scores"][number] for one in read_lines(world / "b.jsonl")
        )
    assert scored == pytest.approx(dict.fromkeys(range(HEADS), 0.0), abs=1e-5)


def test_the_outcome_is_that_of_the_mean_score(world: Path) -> None:
    metrics: dict[str, Any] = json.loads((world / "out" / "outcome.json").read_text("utf-8"))["metrics"]
    report = json.loads((world / "out" / "heldout_report.json").read_text("utf-8"))
    groups = {row["group"]: row for row in report["metrics"] if row["name"] == "accuracy"}
    assert metrics["heldout_accuracy"] == groups["all"]["value"]
    assert len(metrics["member_accuracies"]) == HEADS
    parted = sum(groups[name]["n"] for name in ("members=agree", "members=differ") if name in groups)
    assert parted == groups["all"]["n"] == metrics["heldout_pairs"]
    single = sum(one.numel() for one in tiny_language_model().model.get_decoder().parameters())
    assert metrics["parameters"] == single + HEADS * 16


def test_heads_that_were_killed_go_on_bit_for_bit(world: Path, tmp_path: Path) -> None:
    told = [
        *words(world, "-")[:-2],
        "--checkpoint-every",
        "1",
        "--rankings-per-step",
        "4",
        "--resume",
        "--out",
    ]
    assert run_apart([*told, str(tmp_path / "whole")]) == 0
    assert run_apart([*told, str(tmp_path / "killed")], "training.stepped@3=kill") == -9
    assert run_apart([*told, str(tmp_path / "killed")]) == 0
    assert result(tmp_path / "killed") == result(tmp_path / "whole")


def test_adapters_are_merged_under_all_heads(world: Path, tmp_path: Path) -> None:
    told = [*words(world, "-")[:-2], "--tuning", "lora:2", "--out", str(tmp_path / "out")]
    assert main(told) == 0
    members = load_members(tmp_path / "out")
    line = read_lines(tmp_path / "out" / "heldout_scores.jsonl")[0]
    first = line["responses"][0]["id"]
    assert len(members) == HEADS
    assert len(set(line["member_scores"][first])) == HEADS
    assert (tmp_path / "out" / "adapter" / "adapter_model.safetensors").is_file()


def test_gain_and_bias_are_each_heads_own(world: Path, tmp_path: Path) -> None:
    told = [*words(world, "-")[:-2], "--normalise", "gain-and-bias", "--out", str(tmp_path / "out")]
    assert main(told) == 0
    heads = load_file(tmp_path / "out" / "heads.safetensors")["weight"]
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert torch.allclose(stock.score.weight[0], heads.mean(dim=0), atol=1e-6)


def test_an_ensemble_of_one_head_is_refused(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = words(world, "one")
    told[told.index("--members") + 1] = "1"
    assert main(told) == 2
    assert "found an ensemble of heads with 1 member, wanted --members 2 or more" in capsys.readouterr().err


def broken(folder: Path, **changes: object) -> Path:
    model = several()
    members = separated(model)
    save_reward_model(mean_of(members), folder)
    write_heads(members, folder)
    path = folder / "ensemble.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")
    return folder


@pytest.mark.parametrize("biases", [[], None, ["0"], [True, False, True]])
def test_biases_that_are_none_are_refused(biases: object, tmp_path: Path) -> None:
    assert len(load_members(broken(tmp_path))) == HEADS
    with pytest.raises(BadInput, match=r"score_biases: found .*, wanted a list of one number a head"):
        load_members(broken(tmp_path, score_biases=biases))


def test_heads_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"found a weight of shape \(3, 16\), wanted \(2, 16\)"):
        load_members(broken(tmp_path, score_biases=[0.0, 0.0]))
    save_file({"other": torch.zeros(1)}, tmp_path / "heads.safetensors")
    with pytest.raises(BadInput, match=r"heads.safetensors: found no weight"):
        load_members(tmp_path)
    (tmp_path / "heads.safetensors").unlink()
    with pytest.raises(BadInput, match="wanted the ensemble's heads"):
        load_members(tmp_path)


def test_held_out_figures_on_the_way_are_of_the_mean() -> None:
    model, groups = several(), ragged_groups()
    each = [[score for own in scores_of(one, groups) for score in own] for one in separated(model)]
    found = [score for own in scores_of(model, groups) for score in own]
    assert found == pytest.approx([statistics.fmean(row) for row in zip(*each, strict=True)], abs=1e-5)


def test_the_estimate_counts_every_head(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["estimate", str(world / "out" / "spec.json")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"]["trainable"] == found["took"]["trainable_parameters"]


def test_heads_are_not_trained_by_several_processes(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two = Processes()
    two.count = 2
    monkeypatch.setattr(reward_training, "open_processes", lambda told: (two, told))
    assert main([*words(world, "-")[:-2], "--out", str(tmp_path / "out")]) == 2
    assert "--ensemble heads: found several processes, wanted one" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
