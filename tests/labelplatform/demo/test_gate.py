"""PPO begins only with a reward model that can tell right from wrong on rankings it never saw."""

from typing import Any

import pytest

from labelplatform.demo.gate import judge_reward_model
from labelplatform.demo.recipe import FULL, GATE_ACCURACY

GOOD: dict[str, Any] = {
    "heldout_accuracy": 0.8,
    "score_by_flag": {"correct": 0.5, "abstains": 0.9, "hallucination": -0.5},
}


def scores(correct: float | None, hallucination: float | None) -> dict[str, Any]:
    return {**GOOD, "score_by_flag": {"correct": correct, "hallucination": hallucination}}


def test_a_reward_model_that_orders_well_passes() -> None:
    assert judge_reward_model(GOOD, GATE_ACCURACY).passed
    assert FULL.gate_accuracy == GATE_ACCURACY == 0.70


def test_the_wanted_accuracy_itself_is_enough() -> None:
    assert judge_reward_model({**GOOD, "heldout_accuracy": 0.70}, GATE_ACCURACY).passed


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({**GOOD, "heldout_accuracy": 0.699}, "0.699, wanted at least 0.70"),
        (scores(0.1, 0.1), "right answers 0.100, wrong ones 0.100"),
        (scores(-0.2, 0.1), "right answers -0.200, wrong ones 0.100"),
        (scores(None, 0.1), "nothing to judge by"),
        (scores(0.1, None), "nothing to judge by"),
        ({**GOOD, "heldout_accuracy": None}, "nothing to judge by"),
        ({}, "nothing to judge by"),
    ],
)
def test_what_it_cannot_tell_is_refused_with_the_reason(metrics: dict[str, Any], reason: str) -> None:
    decision = judge_reward_model(metrics, GATE_ACCURACY)
    assert not decision.passed
    assert reason in decision.reason


def test_a_model_that_merely_likes_abstaining_is_refused() -> None:
    liking = {
        "heldout_accuracy": 0.72,
        "score_by_flag": {"correct": -0.9, "abstains": 2.0, "hallucination": -0.8},
    }
    assert not judge_reward_model(liking, GATE_ACCURACY).passed
