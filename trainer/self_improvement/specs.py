"""What the verb `self-improve` is told."""

import math
from dataclasses import dataclass
from typing import ClassVar

from trainer.shared_specs import ModelSpec, refuse
from trainer.spec_fields import flag


@dataclass(frozen=True, kw_only=True)
class SelfImproveSpec(ModelSpec):
    """Demonstration lines from a model's own majority answers, in four formats."""

    verb: ClassVar[str] = "self-improve"

    questions: str = flag(
        help='prompt lines, with "answer" where it is known', positional=True, metavar="QUESTIONS.jsonl"
    )
    model: str = flag(help="model folder that answers and is improved", metavar="DIR")
    paths: int = flag(32, help="reasoning paths sampled for a question, over all temperatures", minimum=1)
    temperatures: str = flag("0.7,1.2", help="temperatures the paths are shared out to", metavar="T,T")
    examples: str | None = flag(
        None,
        help='worked examples (demonstration lines with "answer"); default: the model\'s own best paths',
        metavar="DEMOS.jsonl",
    )
    shots: int = flag(2, help="examples put before a question", minimum=0)
    marker: str = flag("The answer is", help="words after which a path says its answer")
    confidence: float = flag(
        0.0, help="least share of the paths that a taught answer won", minimum=0, maximum=1
    )
    more_questions: int = flag(0, help="new questions asked of the model in each of the two ways", minimum=0)
    max_new_tokens: int = flag(128, help="most tokens of a path", minimum=1)
    batch_size: int = flag(64, help="paths sampled at one time", minimum=1)
    epochs: int = flag(
        0, help="epochs of sft on what was written, and all measured again (0: write only)", minimum=0
    )
    learning_rate: float = flag(5e-4, help="peak learning rate of that sft", above=0)
    tuning: str = flag("full", help="what learns in that sft, as for the verb sft", metavar="CHOICE")

    def __post_init__(self) -> None:
        """Refuses temperatures that are none, more of them than paths, and words that mark nothing."""
        if self.paths < len(self.by_temperature):
            raise refuse(f"{self.paths} paths", f"one at least for each of temperatures {self.temperatures}")
        if not self.marker.strip():
            raise refuse("an empty marker", "the words before an answer")

    @property
    def by_temperature(self) -> dict[float, int]:
        """How many paths are sampled at each temperature, the first ones taking what is left over."""
        try:
            known = [float(one) for one in self.temperatures.split(",")]
        except ValueError:
            known = []
        if not known or not all(math.isfinite(one) and one > 0 for one in known):
            raise refuse(f"temperatures {self.temperatures!r}", "numbers above 0 parted by commas")
        each, left = divmod(self.paths, len(known))
        shares: dict[float, int] = {}
        for place, one in enumerate(known):
            shares[one] = shares.get(one, 0) + each + (place < left)
        return shares
