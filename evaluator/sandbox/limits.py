"""What one execution may use. Every limit is a number of its own, so that a verdict names the one that was met."""

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Limits of one execution.

    `seconds` bounds the processor time, and also the time it neither computes nor waits for a processor: a loaded
    machine makes neither longer. `wall_seconds` is the generous bound of everything together.
    """

    seconds: float = 3.0
    wall_factor: float = 10.0
    memory_bytes: int = 512 * MEGABYTE
    scratch_bytes: int = 16 * MEGABYTE
    scratch_files: int = 512
    file_bytes: int = 8 * MEGABYTE
    open_files: int = 32
    output_bytes: int = MEGABYTE

    @property
    def wall_seconds(self) -> float:
        """After so many seconds of the wall clock nobody waits any longer."""
        return self.seconds * self.wall_factor
