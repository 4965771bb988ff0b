"""The watch over a reward model that is being optimised: does what it praises still please a second judge?

Gao, Schulman and Hilton 2023: under optimisation the trained-on score goes on rising with the KL while the true one
turns. A held-out reward model (another seed, or half of the labels) stands in for the true one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# Standard errors by which the held-out score must have fallen: the best of many windows is high by luck too.
ALARM_ERRORS = 5.0


@dataclass(frozen=True)
class WatchedUpdate:
    """Mean and variance of both scores over one update's episodes, and the KL a response by then."""

    update: int
    kl: float
    episodes: int
    trained: float
    heldout: float
    heldout_variance: float


@dataclass(frozen=True)
class _Window:
    trained: float
    heldout: float
    error: float


@dataclass
class OverOptimisationWatch:
    """Keeps every update's scores; raises its alarm once and for all.

    `window` updates are taken together, since the scores of one are noisy.
    """

    window: int = 5
    seen: list[WatchedUpdate] = field(default_factory=list)
    alarm_update: int | None = None
    alarm_kl: float | None = None

    def tell(self, one: WatchedUpdate) -> dict[str, float]:
        """Figures for the curves: heldout_fall (from its best window, in standard errors), trained_rise (since
        then) and overoptimised (1 from the alarm on).

        The alarm: the held-out score has fallen from its best window by more than five standard errors of the
        difference, while the trained-on score has risen since.
        """
        self.seen.append(one)
        fall, rise = self._parted()
        if self.alarm_update is None and fall > ALARM_ERRORS and rise > 0:
            self.alarm_update, self.alarm_kl = one.update, one.kl
        raised = self.alarm_update is not None
        return {"heldout_fall": fall, "trained_rise": rise, "overoptimised": float(raised)}

    def _parted(self) -> tuple[float, float]:
        """How far the held-out score is below its best window, and the trained-on one above its own there."""
        ends = range(self.window, len(self.seen) + 1)
        windows = [_window(self.seen[end - self.window : end]) for end in ends]
        if len(windows) < 2:
            return 0.0, 0.0
        best, now = max(windows[:-1], key=lambda one: one.heldout), windows[-1]
        error = math.hypot(best.error, now.error)
        fall = best.heldout - now.heldout
        return fall / error if error > 0 else 0.0, now.trained - best.trained

    def outcome(self) -> dict[str, float | None]:
        """What the run's outcome says of the alarm: its update and KL, null without one."""
        return {"overoptimised_at": self.alarm_update, "overoptimised_kl": self.alarm_kl}

    def state(self) -> dict[str, Any]:
        """All it knows, as JSON."""
        return asdict(self)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes up what `state` gave."""
        self.window = state["window"]
        self.seen = [WatchedUpdate(**one) for one in state["seen"]]
        self.alarm_update, self.alarm_kl = state["alarm_update"], state["alarm_kl"]


def watched(
    watch: OverOptimisationWatch, update: int, figures: Mapping[str, float], episodes: int
) -> dict[str, float]:
    """What the watch says of an update's figures; nothing where no held-out model scored it."""
    if "score_heldout" not in figures:
        return {}
    one = WatchedUpdate(
        update=update,
        kl=figures["kl"],
        episodes=episodes,
        trained=figures["score"],
        heldout=figures["score_heldout"],
        heldout_variance=figures["score_heldout_variance"],
    )
    return watch.tell(one)


def _window(updates: Sequence[WatchedUpdate]) -> _Window:
    count = len(updates)
    variance = sum(one.heldout_variance / one.episodes for one in updates) / count**2
    return _Window(
        trained=sum(one.trained for one in updates) / count,
        heldout=sum(one.heldout for one in updates) / count,
        error=math.sqrt(variance),
    )
