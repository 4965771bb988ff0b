"""Several reward models as one pessimistic score, and the run that a watch ends."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev

import pytest

from tests.trainer.ppo.test_reward_sources import lines
from tests.trainer.ppo.test_train import FUNCTIONS, metrics, ppo, world
from tests.trainer.reward_model.tiny import read_lines, tiny_language_model
from trainer.json_lines import JsonObject
from trainer.ppo import overoptimisation
from trainer.ppo.reward_sources import EnsembleSource, WeightedSources, groups_of, open_sources
from trainer.reward_model.ensemble import load_members, member_scores, write_heads
from trainer.reward_model.heads import mean_of, separated, with_heads
from trainer.reward_model.model import save_reward_model, with_new_head
from trainer.specs import PpoSpec

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


def heads_in(folder: Path) -> Path:
    """A folder with an ensemble of three heads that nobody trained."""
    members = separated(with_heads(with_new_head(tiny_language_model(4), seed=1), 3, seed=2))
    save_reward_model(mean_of(members), folder)
    write_heads(members, folder)
    return folder


@pytest.mark.parametrize(
    ("more", "of_members"),
    [((), fmean), (("--reward-ensemble", "worst"), min), (("--reward-ensemble", "lower-bound"), None)],
)
def test_the_folder_of_an_ensemble_rewards_by_all_its_members(
    world: Path, more: tuple[str, ...], of_members: Callable[[list[float]], float] | None
) -> None:
    folder = heads_in(world / "heads")
    told = ("--reward-model", str(folder), *more)
    assert ppo(world, "out", "--updates", "1", "--baseline-n", "0", reward=told) == 0
    curve = read_lines(world / "out" / "progress.jsonl")[0]
    means = [curve[f"score_model_member_{number}"] for number in (1, 2, 3)]
    assert len(set(means)) == 3
    assert curve["score_disagreement"] > 0
    if of_members is fmean:
        assert curve["score"] == pytest.approx(fmean(means), abs=1e-5)
    else:
        assert curve["score"] < fmean(means) - 1e-6
    asked, members = lines("a b", "c", "d e"), load_members(folder)
    source = open_sources(ppo_spec(folder, *more), ExitStack()).sources[0]
    each = zip(*member_scores(members, groups_of(asked, members[0], "x")), strict=True)
    wanted = [(of_members or (lambda row: fmean(row) - pstdev(row)))(list(row)) for row in each]
    assert source.scores(asked) == pytest.approx(wanted, abs=1e-5)


def ppo_spec(folder: Path, *more: str) -> PpoSpec:
    told: dict[str, object] = {"prompts": "p", "policy": "p", "out": "o", "reward_model": str(folder)}
    if more:
        told["reward_ensemble"] = more[1]
    return PpoSpec.from_json(told, "test")


def test_a_held_out_ensemble_judges_by_its_mean(world: Path) -> None:
    folder = heads_in(world / "heads")
    spec = PpoSpec.from_json(
        {"prompts": "p", "policy": "p", "out": "o", "reward_function": f"{FUNCTIONS}:letters",
         "heldout_reward_model": str(folder)},
        "test",
    )  # fmt: skip
    heldout = open_sources(spec, ExitStack()).heldout
    assert heldout is not None
    asked = lines("a b", "c")
    members = load_members(folder)
    columns = member_scores(members, groups_of(asked, members[0], "x"))
    assert heldout.scores(asked) == pytest.approx(
        [fmean(row) for row in zip(*columns, strict=True)], abs=1e-6
    )


def test_an_ensemble_of_one_model_is_refused(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ("--reward-model", str(world / "reward-model"), "--reward-ensemble", "worst")
    assert ppo(world, "out", reward=told) == 2
    assert "found 1 reward model, wanted 2 or more, or the folder of an ensemble" in capsys.readouterr().err
    assert not (world / "out").exists()
