"""May PPO begin? Only with a reward model that can tell right from wrong on rankings it never saw.

A reward model that merely likes abstaining teaches abstaining: one such was met while the recipe was made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelplatform.demo.recipe import GATE_ACCURACY

RIGHT, WRONG = "correct", "hallucination"


@dataclass(frozen=True)
class Gate:
    """The decision and, when it is no, its reason in one sentence."""

    passed: bool
    reason: str


def judge_reward_model(metrics: Mapping[str, Any], wanted_accuracy: float = GATE_ACCURACY) -> Gate:
    """Reads a reward model's held-out accuracy over non-tied pairs and its mean scores by flag."""
    if wanted_accuracy <= 0:
        return Gate(True, "this recipe asks for no accuracy")
    accuracy, scores = metrics.get("heldout_accuracy"), metrics.get("score_by_flag") or {}
    if accuracy is None or scores.get(RIGHT) is None or scores.get(WRONG) is None:
        return Gate(
            False, "The held-out rankings do not hold both right and wrong answers: nothing to judge by."
        )
    if accuracy < wanted_accuracy:
        found = f"{accuracy:.3f}, wanted at least {wanted_accuracy:.2f}"
        return Gate(False, f"The reward model orders too few held-out pairs as the annotator did: {found}.")
    if scores[RIGHT] <= scores[WRONG]:
        found = f"right answers {scores[RIGHT]:.3f}, wrong ones {scores[WRONG]:.3f}"
        return Gate(False, f"The reward model does not score right answers above wrong ones: {found}.")
    return Gate(
        True, f"held-out accuracy {accuracy:.3f}, right {scores[RIGHT]:.2f} above wrong {scores[WRONG]:.2f}"
    )
