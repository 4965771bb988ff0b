"""What is said of one submission."""

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["pass", "fail", "timeout", "unjudged", "refused"]
VERDICTS = ("pass", "fail", "timeout", "unjudged", "refused")


@dataclass(frozen=True)
class Judgement:
    """One verdict with its reason, and what it cost.

    `call` shows the last call before the verdict; `attempt` names what looks like a forged pass (`own-equality`,
    `ended-in-call`, `broke-protocol`); `wall_only` says that a time-out came from waiting alone, `retried` that it
    was run once more for that. `box` names the tier and layers it ran under.
    """

    verdict: Verdict
    reason: str
    calls: int = 0
    call: str = ""
    attempt: str | None = None
    wall_only: bool = False
    retried: bool = False
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    box: dict[str, object] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The judgement as JSON values; optional keys only where they say something."""
        said = {"call": self.call or None, "attempt": self.attempt, "wall_only": self.wall_only or None}
        said["retried"] = self.retried or None
        cost = {"cpu_seconds": round(self.cpu_seconds, 4), "wall_seconds": round(self.wall_seconds, 4)}
        known = {key: value for key, value in said.items() if value is not None}
        found = {"verdict": self.verdict, "reason": self.reason, "calls": self.calls}
        return {**found, **known, **cost, "box": self.box}
