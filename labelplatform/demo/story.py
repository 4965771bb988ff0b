"""What came out, in plain sentences: in the terminal, and on the project's page where people will read it."""

from collections.abc import Callable
from typing import Any

from labelplatform.accounts.services import describe_project
from labelplatform.demo.people import ATLAS, DESCRIPTIONS, Cast
from labelplatform.demo.summary import CLOSED, REFUSED

Figures = dict[str, Any]


def sentences(figures: Figures) -> list[str]:
    """The loop's end in at most four sentences, each with its figures."""
    if figures["outcome"] == REFUSED:
        return [f"The loop was refused before PPO: {figures['reason']}"]
    ppo = figures["ppo"]
    told = [
        f"On {ppo['n']} questions that nothing was trained on, the grade went from {ppo['grade_before']:.3f} to "
        f"{ppo['grade_after']:.3f} (gain {ppo['gain']:+.3f}, 95 % interval {ppo['low']:+.3f} to {ppo['high']:+.3f}; "
        f"always abstaining gives {ppo['always_abstain']}).",
        f"Wrong answers went from {ppo['wrong_before']:.3f} to {ppo['wrong_after']:.3f}, right ones from "
        f"{ppo['right_before']:.3f} to {ppo['right_after']:.3f}, abstentions to {ppo['abstained_after']:.3f}.",
    ]
    if figures["outcome"] != CLOSED:
        told.append(f"{figures['outcome'].capitalize()}: {figures['reason']}.")
    return told


def tell_outcome(cast: Cast, figures: Figures, tell: Callable[[str], None]) -> None:
    """Say it, and write it on the project's page."""
    told = sentences(figures)
    for sentence in told:
        tell(sentence)
    description = "\n\n".join([DESCRIPTIONS[ATLAS], " ".join(told)])
    if cast.atlas.description != description:
        describe_project(project=cast.atlas, description=description, by=cast.researcher)
