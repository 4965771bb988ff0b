"""Several reward models as one pessimistic score, and the run that a watch ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.trainer.ppo.test_reward_sources import lines
from tests.trainer.ppo.test_train import FUNCTIONS, metrics, ppo, world
from tests.trainer.reward_model.tiny import read_lines, tiny_language_model
from trainer.json_lines import JsonObject
from trainer.ppo import overoptimisation
from trainer.ppo.reward_sources import EnsembleSource, WeightedSources
from trainer.reward_model.model import save_reward_model, with_new_head

__all__ = ["world"]


@dataclass
class Fixed:
    """The same scores for whatever comes."""

    name: str
    given: list[float]

    def scores(self, asked: Sequence[JsonObject]) -> list[float]:
        assert len(asked) == len(self.given)
        return self.given


def ensemble(form: str, penalty: float = 1.0) -> EnsembleSource:
    members = [Fixed("model_1", [1.0, 4.0]), Fixed("model_2", [3.0, 4.0]), Fixed("model_3", [2.0, -2.0])]
    return EnsembleSource("ensemble", [*members], form, penalty)


def test_the_lower_bound_takes_the_deviation_from_the_mean() -> None:
    # Deviations over n: sqrt(2/3) and sqrt(8).
    found = ensemble("lower-bound", 0.5).scores(lines("a", "b"))
    assert found == pytest.approx([2 - 0.5 * 0.8164965809, 2 - 0.5 * 2.8284271247])
    assert ensemble("lower-bound", 0.0).scores(lines("a", "b")) == [2.0, 2.0]


def test_the_worst_is_the_lowest_of_each_response() -> None:
    assert ensemble("worst").scores(lines("a", "b")) == [1.0, -2.0]


def test_members_and_their_disagreement_have_curves() -> None:
    total, means = WeightedSources([ensemble("worst"), Fixed("program", [1.0, 1.0])], [1.0, 2.0]).scores(
        lines("a", "b")
    )
    assert total == [3.0, 0.0]
    assert means == pytest.approx(
        {
            "score_ensemble": -0.5,
            "score_model_1": 2.5,
            "score_model_2": 3.5,
            "score_model_3": 0.0,
            "score_disagreement": (0.8164965809 + 2.8284271247) / 2,
            "score_program": 1.0,
        }
    )


@pytest.mark.parametrize("form", ["lower-bound", "worst"])
def test_a_run_is_paid_by_its_ensemble(world: Path, form: str) -> None:
    save_reward_model(with_new_head(tiny_language_model(5), seed=2), world / "other")
    reward = ("--reward-model", f"{world / 'reward-model'},{world / 'other'}", "--reward-ensemble", form)
    assert ppo(world, "out", "--updates", "1", "--baseline-n", "0", reward=reward) == 0
    line = read_lines(world / "out" / "progress.jsonl")[0]
    mean = (line["score_model_1"] + line["score_model_2"]) / 2
    # Of two models, mean less one deviation is the lower one.
    assert line["score"] == pytest.approx(mean - line["score_disagreement"], abs=1e-5)


def test_a_watch_that_may_end_the_run_ends_it(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overoptimisation, "ALARM_ERRORS", -1e9)
    told = ("--heldout-reward-model", str(world / "reward-model"), "--watch-window", "1", "--updates", "9")
    reward = ("--reward-function", f"{FUNCTIONS}:letters")
    assert ppo(world, "on", *told, "--baseline-n", "0", reward=reward) == 0
    assert ppo(world, "off", *told, "--watch-stop", "--baseline-n", "0", reward=reward) == 0
    on, off = metrics(world, "on"), metrics(world, "off")
    assert on["updates"] == 9
    assert on["overoptimised_at"] == off["overoptimised_at"] == off["updates"] < 9
    assert off["overoptimised_kl"] is not None
    curve = read_lines(world / "off" / "progress.jsonl")
    assert [line["overoptimised"] for line in curve] == [0.0] * (len(curve) - 1) + [1.0]


def test_the_curves_split_time_and_tokens(world: Path) -> None:
    assert ppo(world, "out", "--updates", "1", "--baseline-n", "0") == 0
    line = read_lines(world / "out" / "progress.jsonl")[0]
    tokens = line["response_tokens"] * 16
    for part in ("generate", "score", "learn"):
        assert line[f"tokens_per_second_{part}"] == pytest.approx(tokens / line[f"seconds_{part}"])
    told = {"score", "reward", "kl", "entropy", "clip_share", "value_error", "approximate_kl", "finished"}
    assert told <= set(line)
