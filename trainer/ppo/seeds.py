"""One seed a process: those of a run that spans several must not sample the same responses."""

import os

# A prime beyond any sensible seed: neighbours of one run never meet those of the next seed.
RANK_STEP = 100_003


def rank_seed(seed: int, rank: int | None = None) -> int:
    """seed + rank·100003 (Ziegler et al. 2019). `rank`: that of this process (RANK), 0 alone."""
    own = int(os.environ.get("RANK", "0")) if rank is None else rank
    return seed + own * RANK_STEP
