"""Seeds of rollouts: one an update, and one a process where processes sample on their own."""

# A prime beyond any sensible seed: ranks of one run never meet those of the next seed.
RANK_STEP = 100_003
UPDATE_STEP = 1_000_003


def rank_seed(seed: int, rank: int) -> int:
    """seed + rank·100003 (Ziegler et al. 2019), so that no two processes sample the same responses."""
    return seed + rank * RANK_STEP


def rollout_seed(seed: int, update: int, *, rank: int = 0) -> int:
    """The seed of the responses of update number `update` (from 0).

    Processes that learn from shares of one rollout all sample it as rank 0 does: how many there are changes nothing.
    """
    return rank_seed(seed, rank) * UPDATE_STEP + update + 1
