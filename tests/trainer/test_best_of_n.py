"""The baseline of every PPO run: the best of N by the reward model."""

from pathlib import Path

import pytest

from tests.trainer.reward_model.tiny import read_lines, tiny_language_model, write_lines
from trainer.cli import main
from trainer.ppo.baseline import kl_of_best_of
from trainer.reward_model.model import save_model, save_reward_model, with_bias, with_new_head


def best_of(folder: Path, n: int) -> list[dict[str, object]]:
    out = folder / f"best-of-{n}.jsonl"
    models = ("--policy", str(folder / "policy"), "--reward-model", str(folder / "reward-model"))
    told = ("--n", str(n), "--max-new-tokens", "4", "--seed", "3", "--progress", "none")
    assert main(["best-of-n", str(folder / "prompts.jsonl"), *models, "--out", str(out), *told]) == 0
    return read_lines(out)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    lm = tiny_language_model()
    save_model(lm.model, lm.tokenizer, tmp_path / "policy")
    reward_model = with_bias(with_new_head(tiny_language_model(4), seed=1), 3.0, "demonstrations")
    save_reward_model(reward_model, tmp_path / "reward-model")
    prompts = [{"id": name, "prompt": [{"role": "user", "content": name}], "kept": 1} for name in "abc"]
    write_lines(tmp_path / "prompts.jsonl", prompts)
    return tmp_path


def test_the_response_of_the_highest_score_is_written(world: Path) -> None:
    lines = best_of(world, 8)
    assert [(line["id"], line["kept"]) for line in lines] == [("a", 1), ("b", 1), ("c", 1)]
    for line in lines:
        scores = line["scores"]
        assert isinstance(scores, list)
        assert len(scores) == 8
        assert line["score"] == max(scores)
    assert [line["policy"] for line in lines] == ["policy-best-of-8"] * 3


def test_scores_are_those_of_the_verb_score(world: Path) -> None:
    chosen = best_of(world, 8)
    out = world / "scored.jsonl"
    told = ("--reward-model", str(world / "reward-model"), "--out", str(out), "--progress", "none")
    assert main(["score", str(world / "best-of-8.jsonl"), *told]) == 0
    again = [line["score"] for line in read_lines(out)]
    assert again == pytest.approx([line["score"] for line in chosen], abs=1e-5)


def test_more_responses_never_score_lower(world: Path) -> None:
    # Response r of a prompt is drawn from seed, prompt and r alone: the best of 8 is among those of 2 or above.
    few, many = best_of(world, 2), best_of(world, 8)
    for one, other in zip(few, many, strict=True):
        assert isinstance(one["score"], float)
        assert isinstance(other["score"], float)
        assert other["score"] >= one["score"] - 1e-5


@pytest.mark.parametrize(("n", "nats"), [(1, 0.0), (2, 0.1931471806), (16, 1.8350887222)])
def test_the_kl_that_selection_costs(n: int, nats: float) -> None:
    assert kl_of_best_of(n) == pytest.approx(nats, abs=1e-9)
