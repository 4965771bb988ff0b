"""How large Atlas is and what each of its runs is told: one place for the platform's demo and for the command line.

Every number was set by a reason and measured on several seeds (docs of the benchmark print them again); none by picking a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labelplatform.demo.atlas import Size

RESPONSES_PER_PROMPT = 6
GATE_ACCURACY = 0.70
LARGEST_LOSS_OF_RIGHT = 0.05
ALWAYS_ABSTAIN = 0.5
VALIDATION_FUNCTION = "evaluator.metrics.closed_book:grades"
Settings = dict[str, Any]


def _pretrain() -> Settings:
    return {
        "layers": 4,
        "width": 128,
        "heads": 4,
        "vocabulary": 2048,
        "context": 64,
        "steps": 400,
        "batch_tokens": 2048,
    }


def _sft() -> Settings:
    return {"epochs": 3, "batch_size": 32, "learning_rate": 3e-4}


def _sample() -> Settings:
    return {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 16}


def _reward_model() -> Settings:
    # The held-out loss is lowest after three or four epochs; later ones learn the training cities by heart.
    return {"epochs": 5, "patience": 2, "rankings_per_step": 16, "learning_rate": 3e-4}


def _ppo() -> Settings:
    return {
        "updates": 45,
        "episodes": 128,
        "minibatch_size": 64,
        "epochs": 2,
        "learning_rate": 1.5e-4,
        "kl_coefficient": 0.1,
        "max_new_tokens": 16,
        "value_model": "separate",
        "value_coefficient": 0.5,
        "pretraining_coefficient": 1.0,
        "pretraining_tokens": 1024,
        "validate_every": 5,
        "validation_function": VALIDATION_FUNCTION,
        "keep_best": "grade",
        "keep_bound": f"right:{LARGEST_LOSS_OF_RIGHT}",
    }


@dataclass(frozen=True)
class Recipe:
    """The world's size and the settings of each verb; the seed is added by who runs it."""

    size: Size = Size()
    pretrain: Mapping[str, Any] = field(default_factory=_pretrain)
    sft: Mapping[str, Any] = field(default_factory=_sft)
    sample: Mapping[str, Any] = field(default_factory=_sample)
    reward_model: Mapping[str, Any] = field(default_factory=_reward_model)
    ppo: Mapping[str, Any] = field(default_factory=_ppo)


FULL = Recipe()
