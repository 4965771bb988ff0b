"""Ensembles by seed: what their folder holds, how they score, and how they are resumed."""

import json
import random
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoModelForSequenceClassification

from tests.trainer.reward_model.test_train import ranking_line
from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer.cli import main
from trainer.errors import BadInput
from trainer.progress import ProgressMode
from trainer.reward_model.ensemble import load_members, score_line, train_members
from trainer.reward_model.model import save_model
from trainer.reward_model.train import run
from trainer.specs import RewardModelSpec


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained ensemble of three."""
    folder = tmp_path_factory.mktemp("ensemble")
    lm, drawn = tiny_language_model(), random.Random(0)
    save_model(lm.model, lm.tokenizer, folder / "policy")
    lines = [ranking_line(number, "heldout" if number % 3 == 0 else "train", drawn) for number in range(15)]
    write_lines(folder / "rankings.jsonl", lines)
    assert main([*words(folder, "out"), "--members", "3"]) == 0
    return folder


def words(folder: Path, out: str) -> list[str]:
    told = ["reward-model", str(folder / "rankings.jsonl"), "--model", str(folder / "policy")]
    return [*told, "--out", str(folder / out), "--epochs", "1", "--seed", "7", "--progress", "none"]


def test_members_are_the_single_models_of_seeds_that_follow_each_other(world: Path) -> None:
    members = load_members(world / "out")
    assert len(members) == 3
    assert main([*words(world, "single"), "--seed", "8"]) == 0
    one = (world / "single" / "model.safetensors").read_bytes()
    assert (world / "out" / "members" / "1" / "model.safetensors").read_bytes() == one
    assert (world / "out" / "members" / "0" / "model.safetensors").read_bytes() != one


def test_the_folder_opens_in_other_libraries_as_its_first_member(world: Path) -> None:
    stock = AutoModelForSequenceClassification.from_pretrained(world / "out")
    assert stock.config.num_labels == 1
    weights = [(world / "out" / place / "model.safetensors").read_bytes() for place in (".", "members/0")]
    assert weights[0] == weights[1]


def test_scores_are_means_with_their_spread(world: Path) -> None:
    held = read_lines(world / "out" / "heldout_scores.jsonl")
    line = held[0]
    prompt, told = line["prompt"], {"policy": "p", "seed": 0, "sampling": {}}
    responses = [
        {"id": one["id"], "prompt": prompt, "response": one["text"], **told} for one in line["responses"]
    ]
    where = write_lines(world / "responses.jsonl", responses)
    scoring = ["score", str(where), "--reward-model", str(world / "out"), "--out", str(world / "s.jsonl")]
    done = main([*scoring, "--progress", "none"])
    assert done == 0
    for one in read_lines(world / "s.jsonl"):
        alone = one["member_scores"]
        assert one["score"] == pytest.approx(statistics.fmean(alone))
        assert one["score_deviation"] == pytest.approx(statistics.stdev(alone))
        assert len(set(alone)) == 3
        assert alone == pytest.approx(line["member_scores"][one["id"]], abs=1e-5)
        assert one["score"] == pytest.approx(line["scores"][one["id"]], abs=1e-5)


def test_one_member_tells_its_score_alone() -> None:
    assert score_line([2.0]) == {"score": 2.0}
    assert score_line([1.0, 3.0]) == {"score": 2.0, "score_deviation": 2**0.5, "member_scores": [1.0, 3.0]}


def test_the_outcome_is_that_of_the_mean_score(world: Path) -> None:
    metrics: dict[str, Any] = json.loads((world / "out" / "outcome.json").read_text())["metrics"]
    report = json.loads((world / "out" / "heldout_report.json").read_text())
    groups = {row["group"]: row for row in report["metrics"] if row["name"] == "accuracy"}
    assert metrics["heldout_accuracy"] == groups["all"]["value"]
    assert len(metrics["member_accuracies"]) == 3
    parted = sum(groups[name]["n"] for name in ("members=agree", "members=differ") if name in groups)
    assert parted == groups["all"]["n"] == metrics["heldout_pairs"]


def test_an_ensemble_that_was_stopped_goes_on_with_the_member_it_was_at(world: Path) -> None:
    again, trained = world / "again", list[int]()
    told = {"rankings": str(world / "rankings.jsonl"), "model": str(world / "policy"), "out": str(again)}
    spec = RewardModelSpec.from_json({**told, "members": 3, "seed": 7, "epochs": 1}, "test")

    def stopped(one: RewardModelSpec, mode: ProgressMode) -> None:
        if one.seed == 8 and not one.resume:
            raise KeyboardInterrupt
        before = Path(one.out, "outcome.json").exists()
        run(one, mode)
        trained.append(-one.seed if before else one.seed)

    with pytest.raises(KeyboardInterrupt):
        train_members(spec, "none", stopped)
    assert not (again / "outcome.json").exists()
    with pytest.raises(BadInput, match="wanted a new or empty one"):
        train_members(spec, "none", stopped)
    train_members(replace(spec, resume=True), "none", stopped)
    assert trained == [7, -7, 8, 9]
    for number in range(3):
        weights = [
            (world / name / "members" / str(number) / "model.safetensors").read_bytes()
            for name in ("out", "again")
        ]
        assert weights[0] == weights[1]


def test_members_are_not_trained_by_several_processes(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main([*words(world, "several"), "--members", "2"]) == 2
    assert "found several processes, wanted one" in capsys.readouterr().err


def test_an_ensemble_without_members_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ensemble.json").write_text('{"format": "labelplatform-ensemble/1", "members": []}')
    with pytest.raises(BadInput, match=r"ensemble.json: found no list of members"):
        load_members(tmp_path)


def test_bad_rankings_leave_nothing_of_an_ensemble(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ranking_line(1, "train", random.Random(0))
    line["tiers"] = [["r0", "r1", "r2", "r3"]]
    tied = write_lines(world / "tied.jsonl", [line])
    told = ["reward-model", str(tied), "--model", str(world / "policy"), "--out", str(world / "none")]
    assert main([*told, "--members", "2"]) == 2
    assert "found no pair to learn from" in capsys.readouterr().err
    assert not (world / "none").exists()
