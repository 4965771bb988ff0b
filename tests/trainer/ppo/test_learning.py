"""The whole chain learns what is true, from learned scores alone: shortest walks on a graph.

`SHORTEST_PATH_SEED` asks for another world than the suite's own.
"""

import json
import os
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from tests.trainer.reward_model.tiny import read_lines
from tests.trainer.shortest_path import (
    World,
    judged,
    prompt_lines,
    ranking_lines,
    walk_documents,
    write_lines,
)
from trainer.cli import main

SEED = os.environ.get("SHORTEST_PATH_SEED", "0")
SHAPE = ("--layers", "2", "--width", "64", "--heads", "2", "--vocabulary", "300", "--context", "48")
PRETRAINING = ("--steps", "600", "--batch-tokens", "480", "--learning-rate", "4e-3")
PPO = ("--updates", "14", "--episodes", "160", "--responses-per-prompt", "8", "--minibatch-size", "80")
# The reward model's scores spread over ten units: a coefficient of 1 nat is what keeps the policy near walks.
KL = ("--kl-coefficient", "1.0", "--learning-rate", "3e-4")
JUDGE = ("--validation-function", "tests.trainer.shortest_path:judged", "--keep-best", "optimality")


def trainer(*words: str) -> None:
    assert main([*words, "--threads", "1", "--progress", "none"]) == 0


def metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "outcome.json").read_text("utf-8"))["metrics"]
    return found


def sample(folder: Path, model: str, copies: int, seed: str) -> list[dict[str, Any]]:
    """Responses of the model to every start, `copies` of each."""
    out = folder / f"{model}-{seed}.jsonl"
    limits = ("--responses-per-prompt", str(copies), "--max-new-tokens", "12", "--batch-size", "512")
    words = ("sample", str(folder / "prompts.jsonl"), "--model", str(folder / model), "--out", str(out))
    trainer(*words, *limits, "--seed", seed)
    return read_lines(out)


@pytest.mark.timeout(900)
def test_feedback_makes_walks_truly_shorter(tmp_path: Path) -> None:
    world = World(int(SEED))
    walks = write_lines(tmp_path / "walks.jsonl", walk_documents(world, 1000, int(SEED)))
    prompts = write_lines(tmp_path / "prompts.jsonl", prompt_lines(world))
    base, scorer, policy = (str(tmp_path / name) for name in ("base", "scorer", "policy"))
    trainer("pretrain", str(walks), "--out", base, *SHAPE, *PRETRAINING, "--seed", SEED)
    rankings = ranking_lines(world, sample(tmp_path, "base", 90, SEED), per_ranking=6)
    ranked = write_lines(tmp_path / "rankings.jsonl", rankings)
    # A walker may stand still: answering nothing is an answer here.
    rates = ("--empty-responses", "keep", "--epochs", "6", "--patience", "2", "--learning-rate", "2e-3")
    trainer("reward-model", str(ranked), "--model", base, "--out", scorer, *rates, "--seed", SEED)
    told = ("--policy", base, "--reward-model", scorer, "--out", policy, "--max-new-tokens", "12")
    checked = ("--validation", str(prompts), *JUDGE, "--validate-every", "2", "--seed", SEED)
    trainer("ppo", str(prompts), *told, *PPO, *KL, *checked)

    assert metrics(tmp_path / "scorer")["heldout_accuracy"] > 0.8
    learned = metrics(tmp_path / "policy")
    assert learned["score_after"] > learned["score_before"] + 1.0
    assert 0.1 < learned["kl"] < 10.0
    # Fresh responses, sampled with a seed that no stage has seen, paired by start and number.
    before, after = (judged(sample(tmp_path, name, 20, "1234567")) for name in ("base", "policy"))
    gains = [new["optimality"] - old["optimality"] for old, new in zip(before, after, strict=True)]
    margin = 1.96 * stdev(gains) / len(gains) ** 0.5
    assert fmean(gains) - margin > 0.05
