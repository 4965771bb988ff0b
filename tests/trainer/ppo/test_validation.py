"""Which checkpoint is kept."""

import pytest
import torch

from tests.trainer.reward_model.tiny import tiny_language_model
from trainer.errors import BadInput
from trainer.ppo.policy import Policy
from trainer.ppo.validation import KeepBest, mean_metrics, parse_bound


def test_the_best_eligible_checkpoint_is_kept_and_the_earlier_of_equals() -> None:
    policy = Policy(tiny_language_model())
    keep = KeepBest("grade", ("right", 0.05))
    assert keep.offer(0, {"grade": 0.4, "right": 0.30}, policy)
    assert not keep.offer(5, {"grade": 0.9, "right": 0.24}, policy)
    assert keep.offer(10, {"grade": 0.5, "right": 0.25}, policy)
    kept = keep.weights["value_head.weight"].clone()
    with torch.no_grad():
        policy.value_head.weight.add_(1.0)
    assert not keep.offer(15, {"grade": 0.5, "right": 0.40}, policy)
    assert keep.update == 10
    assert torch.equal(keep.weights["value_head.weight"], kept)


def test_without_a_bound_only_the_metric_counts() -> None:
    policy = Policy(tiny_language_model())
    keep = KeepBest("grade")
    keep.offer(0, {"grade": 0.4, "right": 0.3}, policy)
    assert keep.offer(1, {"grade": 0.41, "right": 0.0}, policy)


def test_metrics_that_nobody_measures_are_refused() -> None:
    with pytest.raises(BadInput, match="found 'grades', wanted one of grade, right"):
        KeepBest("grades").offer(0, {"grade": 0.4, "right": 0.3}, Policy(tiny_language_model()))
    with pytest.raises(BadInput, match="found 'left'"):
        KeepBest("grade", ("left", 0.1)).offer(0, {"grade": 0.4}, Policy(tiny_language_model()))


@pytest.mark.parametrize("told", ["right", ":0.1", "right:much", "right:-0.1", "right:nan"])
def test_bounds_that_say_nothing_are_refused(told: str) -> None:
    with pytest.raises(BadInput, match="wanted METRIC:LOSS"):
        parse_bound(told)


def test_bounds_are_read() -> None:
    assert parse_bound("right:0.05") == ("right", 0.05)
    assert parse_bound(None) is None


def test_metrics_are_means_over_the_responses() -> None:
    assert mean_metrics([{"right": 1.0}, {"right": 0.0}, {"right": 0}], 3, "f") == {
        "right": pytest.approx(1 / 3)
    }


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([{"right": 1.0}], "found 1 results for 2"),
        ([{"right": 1.0}, {"left": 1.0}], "the same metrics"),
        ([{"right": 1.0}, 3], "the same metrics"),
        ([{"right": 1.0}, {"right": float("nan")}], "finite number"),
    ],
)
def test_results_that_are_no_metrics_are_refused(found: list[object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        mean_metrics(found, 2, "module:name")
