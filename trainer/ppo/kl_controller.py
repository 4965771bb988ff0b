"""The KL coefficient β: fixed, or steered towards a target KL."""

from dataclasses import dataclass

LARGEST_STEP = 0.2


@dataclass
class KlController:
    """Holds the coefficient; `update` moves it. Ziegler et al. 2019, section 2.2.

    Without a target the coefficient stays as it is. `horizon` is counted in episodes. Refuses a negative
    coefficient, a target that is not positive and a horizon below one episode.
    """

    coefficient: float
    target: float | None = None
    horizon: int = 10_000

    def __post_init__(self) -> None:
        if self.coefficient < 0:
            raise ValueError(f"KL coefficient {self.coefficient} is negative; wanted 0 or more")
        if self.target is not None and self.target <= 0:
            raise ValueError(f"KL target {self.target} is not positive; leave it out for a fixed coefficient")
        if self.horizon < 1:
            raise ValueError(f"KL horizon {self.horizon} is below one episode")

    def update(self, kl: float, episodes: int) -> float:
        """The new coefficient: β ·= 1 + clip(KL/target - 1, ±0.2) · n/horizon.

        `kl` is the KL summed over a response, averaged over the responses: a mean per token would make the
        target depend on length.
        """
        if self.target is not None:
            error = min(max(kl / self.target - 1, -LARGEST_STEP), LARGEST_STEP)
            self.coefficient *= 1 + error * episodes / self.horizon
        return self.coefficient
