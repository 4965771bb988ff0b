"""How large Atlas is and what each of its runs is told: one place for the platform's demo and for the command line.

Every number has a reason, and benchmarks/demo_gain.py measures them all on several seeds; none was chosen by picking a
seed that went well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluator.metrics.closed_book import GRADES
from labelplatform.demo.atlas import FULL_SIZE, Size

RESPONSES_PER_PROMPT = 6
# A second round of rankings when the gate refuses; a second refusal ends the loop.
ROUNDS = 2
GATE_ACCURACY = 0.70
ALWAYS_ABSTAIN = GRADES["abstained"]
VALIDATION_FUNCTION = "evaluator.metrics.closed_book:grades"
Settings = dict[str, Any]


def _pretrain() -> Settings:
    return {
        "layers": 4,
        "width": 128,
        "heads": 4,
        "vocabulary": 2048,
        "context": 64,
        "steps": 800,
        "batch_tokens": 1024,
    }


def _sft() -> Settings:
    return {"epochs": 3, "batch_size": 32, "learning_rate": 3e-4}


def _sample() -> Settings:
    return {"temperature": 1.0, "top_p": 1.0, "max_new_tokens": 16}


def _ranked_sample() -> Settings:
    # Warmer than it is judged at: the annotator must also see inventions about cities the model knows well.
    return {**_sample(), "temperature": 1.4}


def _reward_model() -> Settings:
    # The held-out loss is lowest after four or five epochs; later ones learn the training cities by heart.
    # A model this small now and then answers nothing, and people rank that too.
    learning = {"epochs": 6, "patience": 2, "rankings_per_step": 16, "learning_rate": 3e-4}
    return {**learning, "empty_responses": "keep"}


def _ppo() -> Settings:
    return {
        "updates": 40,
        "episodes": 128,
        "minibatch_size": 64,
        "epochs": 2,
        "learning_rate": 1.5e-4,
        "kl_coefficient": 0.2,
        "max_new_tokens": 16,
        "value_model": "separate",
        "value_coefficient": 0.5,
        "pretraining_coefficient": 1.0,
        "pretraining_tokens": 1024,
        "validate_every": 5,
        "validation_function": VALIDATION_FUNCTION,
        "keep_best": "grade",
        # Tighter than what is allowed in the end: 120 validation questions tell a share to about 0.03 only.
        "keep_bound": "right:0.03",
    }


@dataclass(frozen=True)
class Recipe:
    """The world's size and the settings of each verb; the seed is added by who runs it."""

    size: Size = FULL_SIZE
    pretrain: Mapping[str, Any] = field(default_factory=_pretrain)
    sft: Mapping[str, Any] = field(default_factory=_sft)
    sample: Mapping[str, Any] = field(default_factory=_sample)
    ranked_sample: Mapping[str, Any] = field(default_factory=_ranked_sample)
    reward_model: Mapping[str, Any] = field(default_factory=_reward_model)
    ppo: Mapping[str, Any] = field(default_factory=_ppo)
    gate_accuracy: float = GATE_ACCURACY


FULL = Recipe()


def _tiny() -> Recipe:
    """A world of a minute, for tests of the machinery; it proves nothing about learning."""
    size = Size(countries=6, often=9, rarely=6, never=6, often_exposures=12)
    return Recipe(
        size=size,
        pretrain={
            **_pretrain(),
            "layers": 2,
            "width": 96,
            "steps": 200,
            "batch_tokens": 1024,
            "vocabulary": 512,
            "learning_rate": 2e-3,
        },
        sft={**_sft(), "epochs": 4, "batch_size": 8, "learning_rate": 1e-3},
        sample=_sample(),
        reward_model={**_reward_model(), "epochs": 1},
        ppo={**_ppo(), "updates": 4, "episodes": 32, "minibatch_size": 16, "validate_every": 2},
        # Too few held-out pairs to judge by: here the machinery is tested, not the learning.
        gate_accuracy=0.0,
    )


RECIPES = {"full": FULL, "tiny": _tiny()}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name; KeyError otherwise."""
    return RECIPES[name]
