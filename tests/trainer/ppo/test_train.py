"""The verb, through its command line, on a model of a few thousand weights."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer.cli import main
from trainer.ppo import train, update
from trainer.ppo.policy import frozen_copy
from trainer.reward_model.model import save_model, save_reward_model, with_new_head

FUNCTIONS = "tests.trainer.ppo.reward_functions"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    lm = tiny_language_model()
    save_model(lm.model, lm.tokenizer, tmp_path / "policy")
    save_reward_model(with_new_head(tiny_language_model(4), seed=1), tmp_path / "reward-model")
    prompts = [{"id": name, "prompt": [{"role": "user", "content": name}]} for name in "abcdefgh"]
    write_lines(tmp_path / "prompts.jsonl", prompts)
    (tmp_path / "text.txt").write_text("a b c d e f g h i j\n\nk l m n o p q r s t\n", "utf-8")
    return tmp_path


def ppo(world: Path, out: str, *more: str, reward: tuple[str, ...] = ()) -> int:
    told = reward or ("--reward-function", f"{FUNCTIONS}:letters")
    words = [
        "ppo",
        str(world / "prompts.jsonl"),
        "--policy",
        str(world / "policy"),
        "--out",
        str(world / out),
    ]
    small = ["--updates", "3", "--episodes", "16", "--responses-per-prompt", "2", "--minibatch-size", "8"]
    settings = ["--max-new-tokens", "4", "--learning-rate", "3e-3", "--threads", "1", "--progress", "none"]
    return main([*words, *told, *small, *settings, *more])


def metrics(world: Path, out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((world / out / "outcome.json").read_text())["metrics"]
    return found


def test_it_learns_what_is_rewarded_and_writes_a_policy(world: Path) -> None:
    assert ppo(world, "out", "--updates", "25", "--episodes", "32", "--learning-rate", "1e-2") == 0
    found = metrics(world, "out")
    assert found["score_after"] > found["score_before"] + 0.5
    assert 0 < found["kl"] < 40
    AutoModelForCausalLM.from_pretrained(world / "out")
    assert set(load_file(world / "out" / "value_head.safetensors")) == {
        "value_head.weight",
        "value_head.bias",
    }
    samples = read_lines(world / "out" / "samples.jsonl")
    assert [line["id"] for line in samples] == list("abcdefgh")
    assert sum(line["score_after"] for line in samples) / 8 == pytest.approx(found["score_after"])
    curve = read_lines(world / "out" / "progress.jsonl")
    assert len(curve) == 25
    told = {"score", "kl", "reward", "loss_policy", "loss_value", "entropy", "clip_share", "seconds_learn"}
    assert told <= set(curve[0])
    assert abs(curve[0]["kl"]) < 1e-6


def test_check_44_two_runs_are_equal_bit_for_bit_and_another_seed_is_not(world: Path) -> None:
    more = ("--pretraining-text", str(world / "text.txt"), "--pretraining-coefficient", "0.5")
    for name, seed in (("one", "3"), ("two", "3"), ("other", "4")):
        assert ppo(world, name, "--seed", seed, *more) == 0
    weights = [(world / name / "model.safetensors").read_bytes() for name in ("one", "two", "other")]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_validation_keeps_the_best_checkpoint(world: Path) -> None:
    judge = ("--validation", str(world / "prompts.jsonl"), "--validation-function", f"{FUNCTIONS}:judged")
    # Responses that grow are the metric to keep by, those that say "a" the one rewarded: a bound of 0 on the
    # first lets only update 0 or an equal one stand.
    keep = ("--keep-best", "says_a", "--keep-bound", "words:0", "--validate-every", "2")
    assert ppo(world, "out", "--updates", "5", *judge, *keep) == 0
    found = metrics(world, "out")
    curve = found["validation"]
    assert [point["update"] for point in curve] == [0, 2, 4, 5]
    able = [point for point in curve if point["words"] >= curve[0]["words"] - 1e-9]
    best = max(able, key=lambda point: (point["says_a"], -point["update"]))
    assert found["kept_update"] == best["update"]
    steps = {line["step"]: line for line in read_lines(world / "out" / "progress.jsonl")}
    assert steps[0]["validation_says_a"] == curve[0]["says_a"]
    assert "validation_says_a" not in steps[1]


def test_a_checkpoint_that_is_never_bettered_leaves_the_weights_of_update_zero(world: Path) -> None:
    judge = ("--validation", str(world / "prompts.jsonl"), "--validation-function", f"{FUNCTIONS}:judged")
    assert ppo(world, "out", "--updates", "0", *judge, "--keep-best", "says_a") == 0
    before = load_file(world / "policy" / "model.safetensors")
    after = load_file(world / "out" / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert metrics(world, "out")["kl"] == 0.0


@pytest.mark.parametrize("value", ["shared", "separate"])
def test_reward_models_and_value_models(world: Path, value: str) -> None:
    reward = ("--reward-model", str(world / "reward-model"))
    assert ppo(world, "out", "--value-model", value, "--kl-target", "1", reward=reward) == 0
    assert metrics(world, "out")["kl_coefficient"] != 0.05
    saved = load_file(world / "out" / "value_head.safetensors")
    assert any(name.startswith("value_trunk") for name in saved) == (value == "separate")


def test_sources_can_be_added_up_and_are_shown_apart(world: Path) -> None:
    both = ("--reward-model", str(world / "reward-model"), "--reward-function", f"{FUNCTIONS}:letters")
    assert ppo(world, "out", "--reward-weights", "0.5", "2", reward=both) == 0
    line = read_lines(world / "out" / "progress.jsonl")[0]
    assert line["score"] == pytest.approx(0.5 * line["score_model"] + 2 * line["score_function"], abs=1e-5)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--keep-bound", "words:much", "--validation", "x", "--validation-function", "y:z"), "METRIC:LOSS"),
        (("--minibatch-size", "7"), "minibatch-size 7, wanted a multiple of responses-per-prompt 2"),
        (("--reward-weights", "1", "2"), "2 reward-weights for 1 sources"),
        (("--reward-ensemble", "worst"), "reward-ensemble worst with 0 reward models, wanted 2 or more"),
        (("--watch-stop",), "watch-stop alone, wanted heldout-reward-model"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    world: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    assert ppo(world, "out", *more) == 2
    assert message in capsys.readouterr().err
    assert not (world / "out").exists()


def test_check_21_a_reference_that_is_not_the_policy_stops_the_first_update(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "reference_of", lambda *_: frozen_copy(tiny_language_model(9).model))
    assert ppo(world, "out") == 1
    assert "before anything was learned, wanted 0: policy and reference" in capsys.readouterr().err


def test_check_28_the_coefficient_follows_the_kl_of_each_update(world: Path) -> None:
    told = ("--kl-target", "0.01", "--kl-horizon", "160", "--learning-rate", "1e-2", "--baseline-n", "0")
    assert ppo(world, "out", *told) == 0
    curve = read_lines(world / "out" / "progress.jsonl")
    wanted = 0.05
    for line in curve:
        assert line["kl_coefficient"] == pytest.approx(wanted)
        wanted *= 1 + max(min(line["kl"] / 0.01 - 1, 0.2), -0.2) * 16 / 160
    assert curve[2]["kl_coefficient"] != curve[1]["kl_coefficient"]


def test_check_39_the_form_of_adam_is_a_choice(world: Path) -> None:
    for form in ("pytorch", "tensorflow"):
        assert ppo(world, form, "--updates", "1", "--adam-form", form, "--baseline-n", "0") == 0
    ours, theirs = (load_file(world / form / "model.safetensors") for form in ("pytorch", "tensorflow"))
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_run_that_stops_leaves_its_batch(
    world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(update, "RATIO_TOLERANCE", {"float32": -1.0})
    assert ppo(world, "out") == 1
    assert "update 1: found a ratio" in capsys.readouterr().err
    lines = read_lines(world / "out" / "stopped_rollout.jsonl")
    assert len(lines) == 8
    for line in lines:
        for name in ("old", "values", "advantages", "returns"):
            assert len(line[name]) == len(line["responses"]) == 2
        assert all(len(row) >= len(said) for row, said in zip(line["old"], line["responses"], strict=True))
    assert not (world / "out" / "model.safetensors").exists()
