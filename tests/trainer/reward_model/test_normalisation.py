"""Where the zero of scores lies, and what does not move with it."""

import json
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.trainer.reward_model.test_train import ranking_line
from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer.cli import main
from trainer.prompts import parse_messages
from trainer.reward_model.model import encode_group, load_reward_model, save_model, scores_of
from trainer.reward_model.normalisation import gain_and_bias


@pytest.mark.parametrize(
    ("old", "new", "expected"), [((3, 2), (0, 1), (0.5, -1.5)), ((0, 1), (2, 3), (3.0, 2.0))]
)
def test_check_14_gain_and_bias(
    old: tuple[float, float], new: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert gain_and_bias(*old, *new) == expected


def test_check_14_scores_that_do_not_vary_have_no_gain() -> None:
    with pytest.raises(ValueError, match="some that vary"):
        gain_and_bias(3.0, 0.0, 0.0, 1.0)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A policy and rankings."""
    lm, drawn = tiny_language_model(), random.Random(0)
    save_model(lm.model, lm.tokenizer, tmp_path / "policy")
    lines = [ranking_line(number, "heldout" if number % 4 == 0 else "train", drawn) for number in range(16)]
    write_lines(tmp_path / "rankings.jsonl", lines)
    return tmp_path


def train(world: Path, name: str, *more: str) -> dict[str, Any]:
    words = ["reward-model", str(world / "rankings.jsonl"), "--model", str(world / "policy")]
    words += ["--out", str(world / name), "--epochs", "2", "--learning-rate", "3e-3", "--progress", "none"]
    assert main([*words, *more]) == 0
    metrics: dict[str, Any] = json.loads((world / name / "outcome.json").read_text())["metrics"]
    return metrics


def demonstrations(world: Path) -> Path:
    lines = [
        {"id": name, "prompt": [{"role": "user", "content": "a b"}], "response": text, "annotator": "ben"}
        for name, text in (("one", "a c"), ("two", "d"), ("three", "h g f"))
    ]
    return write_lines(world / "demonstrations.jsonl", lines)


def test_check_13_demonstrations_score_zero_on_average_after_save_and_reload(world: Path) -> None:
    shown = demonstrations(world)
    train(world, "out", "--demonstrations", str(shown))
    responses = [{**line, "policy": "ben", "seed": 0, "sampling": {}} for line in read_lines(shown)]
    where = write_lines(world / "responses.jsonl", responses)
    words = ["score", str(where), "--reward-model", str(world / "out"), "--out", str(world / "scores.jsonl")]
    assert main([*words, "--progress", "none"]) == 0
    scores = [line["score"] for line in read_lines(world / "scores.jsonl")]
    assert abs(statistics.fmean(scores)) < 1e-6
    config = json.loads((world / "out" / "config.json").read_text())
    assert config["score_bias_from"] == "demonstrations"
    stock = AutoModelForSequenceClassification.from_pretrained(world / "out")
    ours = load_reward_model(world / "out")
    for line, score in zip(read_lines(shown), scores, strict=True):
        prompt = parse_messages(line["prompt"], "here")
        group = encode_group(ours, prompt, [line["response"]], "here")
        logit = stock(input_ids=torch.tensor([[*group.prompt, *group.responses[0]]])).logits.item()
        assert score - logit == pytest.approx(config["score_bias"], abs=1e-6)


def test_check_13_the_bias_changes_neither_an_order_nor_the_loss(world: Path) -> None:
    shown = demonstrations(world)
    found = [
        train(world, name, *more)
        for name, more in (
            ("none", ("--normalise", "none")),
            ("best", ()),
            ("demos", ("--demonstrations", str(shown))),
        )
    ]
    assert [one["score_bias_from"] for one in found] == ["nothing", "best tier", "demonstrations"]
    assert found[0]["score_bias"] == 0.0
    assert len({one["score_bias"] for one in found}) == 3
    assert len({one["heldout_loss"] for one in found}) == 1
    assert len({one["heldout_accuracy"] for one in found}) == 1
    weights = {(world / name / "model.safetensors").read_bytes() for name in ("none", "best", "demos")}
    assert len(weights) == 1


def test_check_14_training_responses_get_mean_zero_and_variance_one(world: Path) -> None:
    train(world, "plain", "--normalise", "none")
    metrics = train(world, "out", "--normalise", "gain-and-bias")
    model, before = load_reward_model(world / "out"), load_reward_model(world / "plain")
    groups = [
        encode_group(
            model, parse_messages(line["prompt"], "here"), [one["text"] for one in line["responses"]], "here"
        )
        for line in read_lines(world / "rankings.jsonl")
        if line["split"] == "train"
    ]
    scores = [score for own in scores_of(model, groups) for score in own]
    raw = [score for own in scores_of(before, groups) for score in own]
    assert statistics.fmean(scores) == pytest.approx(0.0, abs=1e-6)
    assert statistics.pstdev(scores) == pytest.approx(1.0, abs=1e-6)
    gain = 1 / statistics.pstdev(raw)
    assert metrics["score_bias_from"] == f"training responses, gain {gain:.6g}"
    assert metrics["score_bias"] == pytest.approx(-gain * statistics.fmean(raw), abs=1e-5)
    assert torch.allclose(model.head.weight, gain * before.head.weight, atol=1e-6)
