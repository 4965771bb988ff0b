"""Best of n: its scores by counting all subsets, its KL by the formula, and its place beside a run of PPO."""

import json
from itertools import combinations
from pathlib import Path
from statistics import fmean

import pytest

from tests.trainer.ppo.test_train import metrics, ppo, world
from trainer.ppo.baseline import BestOf, best_of_curve, score_at_kl

__all__ = ["world"]


def test_the_best_of_n_is_the_mean_over_all_subsets() -> None:
    scores = [[0.5, -1.0, 2.0, 0.25], [3.0, 1.0, -2.0, 0.0]]
    heldout = [[1.0, 2.0, -4.0, 0.5], [0.0, 7.0, 1.0, 3.0]]
    curve = best_of_curve(scores, heldout)
    assert [one.n for one in curve] == [1, 2, 4]
    for one in curve:
        chosen = [
            max(subset, key=own.__getitem__) for own in scores for subset in combinations(range(4), one.n)
        ]
        per_prompt = len(chosen) // 2
        places = [(0 if number < per_prompt else 1, place) for number, place in enumerate(chosen)]
        assert one.score == pytest.approx(fmean(scores[row][place] for row, place in places))
        assert one.heldout == pytest.approx(fmean(heldout[row][place] for row, place in places))
    assert [one.kl for one in curve] == pytest.approx([0.0, 0.1931471806, 0.6362943611], abs=1e-9)


def test_responses_that_are_no_power_of_two_are_all_used() -> None:
    (one, two, four) = best_of_curve([[1.0, 2.0, 3.0, 4.0, 5.0]])
    assert one.score == pytest.approx(3.0)
    assert two.score == pytest.approx(4.0)
    assert four.score == pytest.approx(4.8)
    assert one.heldout is None


def test_the_score_at_a_kl_lies_on_the_line_between_two_n() -> None:
    curve = [BestOf(1, 0.0, 1.0), BestOf(2, 0.2, 2.0), BestOf(4, 0.6, 4.0)]
    assert score_at_kl(curve, 0.0) == 1.0
    assert score_at_kl(curve, 0.1) == pytest.approx(1.5)
    assert score_at_kl(curve, 0.4) == pytest.approx(3.0)
    assert score_at_kl(curve, 0.61) is None
    assert score_at_kl(curve[:1], 0.0) is None


def test_every_run_is_compared_with_best_of_n(world: Path) -> None:
    assert ppo(world, "out", "--baseline-n", "4") == 0
    found = metrics(world, "out")
    told = found["baseline"]
    assert told["prompts"] == 8
    assert told["ppo"] == {"kl": found["kl"], "score": pytest.approx(found["score_after"])}
    assert [one["n"] for one in told["best_of_n"]] == [1, 2, 4]
    rising = [one["score"] for one in told["best_of_n"]]
    assert rising == sorted(rising)
    assert rising[0] < rising[-1]


def test_the_baseline_is_the_start_and_not_what_was_learned(world: Path) -> None:
    still, moved = ("--updates", "0"), ("--updates", "8", "--learning-rate", "1e-2")
    assert ppo(world, "still", "--baseline-n", "4", *still) == 0
    assert ppo(world, "moved", "--baseline-n", "4", *moved) == 0
    before, after = (metrics(world, name) for name in ("still", "moved"))
    assert after["baseline"]["best_of_n"] == before["baseline"]["best_of_n"]
    assert before["baseline"]["at_equal_kl"] == before["baseline"]["best_of_n"][0]["score"]
    assert after["kl"] > 0.1


def test_a_run_can_do_without_its_baseline(world: Path) -> None:
    assert ppo(world, "out", "--baseline-n", "0") == 0
    assert metrics(world, "out")["baseline"] is None


def test_the_held_out_judge_reads_the_baseline_too_and_watches_the_run(world: Path) -> None:
    more = ("--heldout-reward-model", str(world / "reward-model"), "--watch-window", "1", "--baseline-n", "2")
    assert ppo(world, "out", *more) == 0
    found = metrics(world, "out")
    assert all(one["heldout"] is not None for one in found["baseline"]["best_of_n"])
    lines = [json.loads(line) for line in (world / "out" / "progress.jsonl").read_text("utf-8").splitlines()]
    assert {"score_heldout", "heldout_fall", "trained_rise", "overoptimised"} <= set(lines[-1])
