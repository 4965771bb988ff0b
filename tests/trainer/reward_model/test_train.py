"""The verb, through its command line, on a model of a few thousand weights."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer.cli import main
from trainer.reward_model.heldout import Heldout
from trainer.reward_model.model import load_reward_model, save_model, scores_of, with_new_head
from trainer.reward_model.train import Kept

LETTERS = "abcdefgh"


def ranking_line(number: int, split: str, drawn: random.Random, count: int = 4) -> dict[str, object]:
    """Responses that say "a" more often are better: easily learned."""
    names = [f"r{place}" for place in range(count)]
    texts = {name: " ".join(drawn.choice(LETTERS) for _ in range(3)) for name in names}
    worth = {name: texts[name].count("a") for name in names}
    levels = sorted(set(worth.values()), reverse=True)
    return {
        "id": f"ranking-{number}",
        "prompt": [{"role": "user", "content": drawn.choice(LETTERS)}],
        "prompt_id": f"prompt-{number}",
        "responses": [{"id": name, "text": texts[name]} for name in names],
        "tiers": [[name for name in names if worth[name] == level] for level in levels],
        "annotator": "ada",
        "kind": "ranking",
        "split": split,
        "flags": {name: ["some" if worth[name] else "none"] for name in names},
    }


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    lm = tiny_language_model()
    folder = tmp_path / "policy"
    save_model(lm.model, lm.tokenizer, folder)
    return folder


@pytest.fixture
def rankings(tmp_path: Path) -> Path:
    drawn = random.Random(0)
    lines = [ranking_line(number, "heldout" if number % 4 == 0 else "train", drawn) for number in range(48)]
    return write_lines(tmp_path / "rankings.jsonl", lines)


def train(rankings: Path, policy: Path, out: Path, *more: str) -> dict[str, Any]:
    words = ["reward-model", str(rankings), "--model", str(policy), "--out", str(out), "--threads", "1"]
    assert main([*words, "--learning-rate", "3e-3", "--epochs", "6", "--progress", "none", *more]) == 0
    metrics: dict[str, Any] = json.loads((out / "outcome.json").read_text())["metrics"]
    return metrics


def test_it_learns_the_order_of_held_out_rankings(rankings: Path, policy: Path, tmp_path: Path) -> None:
    metrics = train(rankings, policy, tmp_path / "out")
    assert metrics["heldout_accuracy"] > 0.8
    assert metrics["score_by_flag"]["some"] > metrics["score_by_flag"]["none"]
    assert (metrics["heldout_rankings"], metrics["score_bias_from"]) == (12, "best tier")


def test_check_13_the_best_tier_scores_zero_on_average_after_reload(
    rankings: Path, policy: Path, tmp_path: Path
) -> None:
    metrics = train(rankings, policy, tmp_path / "out")
    written = read_lines(tmp_path / "out" / "heldout_scores.jsonl")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["score_bias"] == metrics["score_bias"]
    lines = read_lines(rankings)
    responses = [
        {
            "id": line["id"],
            "prompt": line["prompt"],
            "response": response["text"],
            "policy": "p",
            "seed": 0,
            "sampling": {},
            "best": response["id"] in line["tiers"][0] and line["split"] == "train",
            "heldout": line["split"] == "heldout",
            "name": response["id"],
        }
        for line in lines
        for response in line["responses"]
    ]
    where = write_lines(tmp_path / "responses.jsonl", responses)
    out = tmp_path / "scores.jsonl"
    words = ["score", str(where), "--reward-model", str(tmp_path / "out"), "--out", str(out)]
    assert main([*words, "--batch-size", "7", "--progress", "none"]) == 0
    scored = read_lines(out)
    best = [line["score"] for line in scored if line["best"]]
    assert abs(sum(best) / len(best)) < 1e-5
    known = {(line["id"], name): score for line in written for name, score in line["scores"].items()}
    again = {(line["id"], line["name"]): line["score"] for line in scored if line["heldout"]}
    assert again == pytest.approx(known, abs=1e-5)


def test_demonstrations_score_zero_on_average(rankings: Path, policy: Path, tmp_path: Path) -> None:
    prompt = [{"role": "user", "content": "a"}]
    shown = [
        {"id": f"d{number}", "prompt": prompt, "response": text, "annotator": "ben"}
        for number, text in enumerate(("a a", "b", "h g f e"))
    ]
    demonstrations = write_lines(tmp_path / "demos.jsonl", shown)
    metrics = train(rankings, policy, tmp_path / "out", "--demonstrations", str(demonstrations))
    assert metrics["score_bias_from"] == "demonstrations"
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    ours = load_reward_model(tmp_path / "out")
    raw = []
    for line in shown:
        text = f"{line['response']}"
        ids = ours.tokenizer(f"<|user|>a<|end|><|assistant|>{text}<|end|>", add_special_tokens=False)[
            "input_ids"
        ]
        raw.append(stock(input_ids=torch.tensor([ids])).logits.item())
    assert sum(raw) / 3 + ours.bias == pytest.approx(0.0, abs=1e-5)


def test_check_44_two_runs_are_equal_bit_for_bit_and_another_seed_is_not(
    rankings: Path, policy: Path, tmp_path: Path
) -> None:
    for name, seed in (("one", "5"), ("two", "5"), ("other", "6")):
        train(rankings, policy, tmp_path / name, "--seed", seed, "--epochs", "2")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two", "other")]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_micro_batches_change_nothing_that_matters(rankings: Path, policy: Path, tmp_path: Path) -> None:
    whole = train(rankings, policy, tmp_path / "whole", "--epochs", "1")
    parts = train(rankings, policy, tmp_path / "parts", "--epochs", "1", "--batch-tokens", "30")
    assert parts["heldout_loss"] == pytest.approx(whole["heldout_loss"], abs=1e-4)


@pytest.mark.parametrize("loss", ["plackett-luce", "best-of"])
def test_every_loss_trains(rankings: Path, policy: Path, tmp_path: Path, loss: str) -> None:
    assert train(rankings, policy, tmp_path / "out", "--loss", loss)["heldout_accuracy"] > 0.7


def test_rankings_that_all_tie_are_refused_and_nothing_is_written(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ranking_line(1, "train", random.Random(0))
    line["tiers"] = [["r0", "r1", "r2", "r3"]]
    tied = write_lines(tmp_path / "tied.jsonl", [line])
    out = tmp_path / "out"
    assert main(["reward-model", str(tied), "--model", str(policy), "--out", str(out)]) == 2
    assert "found no pair to learn from in 1 training rankings" in capsys.readouterr().err
    assert not out.exists()


def test_a_response_beyond_the_context_is_refused(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ranking_line(1, "train", random.Random(0))
    line["responses"] = [{"id": f"r{place}", "text": "a " * (place + 70)} for place in range(4)]
    line["tiers"] = [["r0"], ["r1"]]
    long = write_lines(tmp_path / "long.jsonl", [line])
    assert main(["reward-model", str(long), "--model", str(policy), "--out", str(tmp_path / "out")]) == 2
    assert "ranking ranking-1: found 78 tokens" in capsys.readouterr().err


def test_scoring_with_a_policy_is_refused(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {
        "id": "x",
        "prompt": [{"role": "user", "content": "a"}],
        "response": "b",
        "policy": "p",
        "seed": 0,
    }
    responses = write_lines(tmp_path / "r.jsonl", [{**line, "sampling": {}}])
    words = ["score", str(responses), "--reward-model", str(policy), "--out", str(tmp_path / "s.jsonl")]
    assert main(words) == 2
    assert "wanted a reward model" in capsys.readouterr().err


def test_the_epoch_of_the_lowest_held_out_loss_is_kept() -> None:
    model, kept = with_new_head(tiny_language_model(), seed=0), Kept()
    assert kept.offer(1, Heldout(0.6, 0.5, 10), model)
    assert kept.offer(2, Heldout(0.5, 0.4, 10), model)
    assert not kept.offer(3, Heldout(0.9, 0.4, 10), model)
    assert kept.epoch == 2
    before = kept.weights["score.weight"].clone()
    model.head.weight.data.add_(1.0)
    assert torch.equal(kept.weights["score.weight"], before)


def test_without_held_out_rankings_the_last_epoch_is_kept() -> None:
    model, kept = with_new_head(tiny_language_model(), seed=0), Kept()
    assert kept.offer(1, Heldout(None, None, 0), model)
    assert kept.offer(2, Heldout(None, None, 0), model)
    assert scores_of(model, []) == []
