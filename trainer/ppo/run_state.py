"""The parts of a PPO run that are neither weights nor data, as a checkpoint keeps them."""

from dataclasses import dataclass, field

from trainer.checkpoints import State
from trainer.json_lines import JsonObject
from trainer.ppo.kl_controller import KlController
from trainer.ppo.reward_sources import ProgramSource, WeightedSources
from trainer.ppo.validation import KeepBest


@dataclass
class Before:
    """The responses to the first prompts before anything was learned, and their scores."""

    lines: list[JsonObject] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def state(self) -> State:
        """All of it."""
        return {"lines": self.lines, "scores": self.scores}

    def restore(self, state: State) -> None:
        """Puts all of it back."""
        self.lines, self.scores = state["lines"], state["scores"]


@dataclass
class Curve:
    """The validation metrics so far, one entry a validation."""

    points: list[JsonObject] = field(default_factory=list)

    def state(self) -> State:
        """All of it."""
        return {"points": self.points}

    def restore(self, state: State) -> None:
        """Puts all of it back."""
        self.points[:] = state["points"]


@dataclass(frozen=True)
class Coefficient:
    """The KL coefficient as it was steered to."""

    controller: KlController

    def state(self) -> State:
        """The coefficient."""
        return {"coefficient": self.controller.coefficient}

    def restore(self, state: State) -> None:
        """Puts it back."""
        self.controller.coefficient = state["coefficient"]


@dataclass(frozen=True)
class Kept:
    """The best update so far, its metrics and weights, and the metrics all are measured against."""

    keep: KeepBest

    def state(self) -> State:
        """All of it."""
        keep = self.keep
        return {
            "update": keep.update,
            "metrics": keep.metrics,
            "weights": keep.weights,
            "first": keep.first,
        }

    def restore(self, state: State) -> None:
        """Puts all of it back."""
        keep = self.keep
        keep.update, keep.metrics = state["update"], state["metrics"]
        keep.weights, keep.first = state["weights"], state["first"]


@dataclass(frozen=True)
class Sent:
    """How many responses each program was sent: their ids go on from there."""

    sources: WeightedSources

    def _programs(self) -> list[ProgramSource]:
        return [source for source in self.sources.sources if isinstance(source, ProgramSource)]

    def state(self) -> State:
        """The counts."""
        return {"sent": [program.sent for program in self._programs()]}

    def restore(self, state: State) -> None:
        """Puts them back."""
        for program, count in zip(self._programs(), state["sent"], strict=True):
            program.sent = count
