"""A task whose best policy is known: a uniform policy is paid for each "a" and charged β for each nat it moves.

The best policy is π*(y) ∝ π₀(y)·exp(score(y)/β), and its J = E[score] - β·KL is β·log E₀[exp(score/β)]: with the
uniform start a sum over the token positions, since a response goes on until its end token or its R-th token.
"""

import itertools
import json
import math
import time
from pathlib import Path

import pytest
import torch

from tests.trainer.reward_model.tiny import tiny_language_model, write_lines
from trainer.cli import main
from trainer.language_models import SamplingSettings, encode_prompt, generate, load_language_model
from trainer.prompts import Message
from trainer.reward_model.model import save_model

VOCABULARY, TOKENS, BETA, COUNTED, FRESH = 35, 8, 0.25, 4, 4096
ENOUGH, CPU_SECONDS = 0.95, 300.0


def objective(reward: float, *, tokens: int, vocabulary: int, beta: float) -> float:
    """β·log E₀[exp(score/β)] of the uniform start, where one token pays `reward` and one ends the response."""
    expected = 1.0
    for _ in range(tokens):
        going_on = (vocabulary - 2 + math.exp(reward / beta)) / vocabulary
        expected = 1 / vocabulary + going_on * expected
    return beta * math.log(expected)


def start(*, tokens: int, vocabulary: int) -> float:
    """E₀[score]: the chance to get to each position, times that of being paid there."""
    alive = [(1 - 1 / vocabulary) ** place for place in range(tokens)]
    return sum(alive) / vocabulary


def test_the_known_optimum_is_that_of_all_responses_taken_one_by_one() -> None:
    vocabulary, tokens, beta = 3, 4, 0.7
    total = mean = 0.0
    for length in range(1, tokens + 1):
        # Token 0 ends a response, token 1 is paid.
        for said in itertools.product((1, 2), repeat=length - 1):
            for last in (0,) if length < tokens else (0, 1, 2):
                score = [*said, last].count(1)
                total += vocabulary**-length * math.exp(score / beta)
                mean += vocabulary**-length * score
    assert objective(1.0, tokens=tokens, vocabulary=vocabulary, beta=beta) == pytest.approx(
        beta * math.log(total)
    )
    assert start(tokens=tokens, vocabulary=vocabulary) == pytest.approx(mean)


def share_of_the_way(folder: Path, seed: int, updates: int) -> tuple[float, float]:
    """(J - J_start) / (J_optimal - J_start) after a run of the verb, and its processor seconds."""
    lm = tiny_language_model(seed, width=32)
    with torch.no_grad():
        lm.model.get_output_embeddings().weight.zero_()
    save_model(lm.model, lm.tokenizer, folder / "policy")
    contents = ["b", "c d", "e f g", "h"]
    prompts = [{"id": one, "prompt": [{"role": "user", "content": one}]} for one in contents]
    write_lines(folder / "prompts.jsonl", prompts)
    told = ("--policy", str(folder / "policy"), "--out", str(folder / "out"), "--seed", str(seed))
    reward = (
        "--reward-function",
        "tests.trainer.ppo.reward_functions:count_a",
        "--kl-coefficient",
        str(BETA),
    )
    size = ("--updates", str(updates), "--episodes", "256", "--minibatch-size", "64", "--epochs", "4")
    rates = (
        "--max-new-tokens",
        str(TOKENS),
        "--learning-rate",
        "3e-3",
        "--baseline-n",
        "0",
        "--threads",
        "1",
    )
    began = time.process_time()
    assert (
        main(["ppo", str(folder / "prompts.jsonl"), *told, *reward, *size, *rates, "--progress", "none"]) == 0
    )
    spent = time.process_time() - began
    first, best = (
        start(tokens=TOKENS, vocabulary=VOCABULARY),
        objective(1.0, tokens=TOKENS, vocabulary=VOCABULARY, beta=BETA),
    )
    return (fresh_objective(folder / "out", contents) - first) / (best - first), spent


def fresh_objective(folder: Path, contents: list[str]) -> float:
    """J of the policy in `folder` on 4,096 samples that training never saw; log π₀ is -log V for every token."""
    lm = load_language_model(folder)
    answers = generate(
        lm,
        [encode_prompt(lm.tokenizer, [Message("user", one)]) for one in contents],
        responses_per_prompt=FRESH // len(contents),
        settings=SamplingSettings(max_new_tokens=TOKENS),
        seed=987_654_321,
        batch_size=1024,
    )
    rows = [one for several in answers for one in several]
    gains = [
        one.response_ids.count(COUNTED)
        - BETA * sum(chance + math.log(VOCABULARY) for chance in one.log_probabilities)
        for one in rows
    ]
    assert len(gains) == FRESH
    return sum(gains) / FRESH


def test_ppo_goes_most_of_the_way_to_the_known_optimum(tmp_path: Path) -> None:
    share, spent = share_of_the_way(tmp_path, seed=0, updates=24)
    print(json.dumps({"share": share, "cpu_seconds": spent}))
    assert 0.85 <= share <= 1.02


@pytest.mark.large
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_ppo_reaches_the_known_optimum(tmp_path: Path, seed: int) -> None:
    share, spent = share_of_the_way(tmp_path, seed=seed, updates=60)
    print(json.dumps({"seed": seed, "share": share, "cpu_seconds": spent}))
    assert ENOUGH <= share <= 1.02
    assert spent < CPU_SECONDS
