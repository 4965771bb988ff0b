"""Our PPO beside TRL's: the peer's environment, its run, ours, and what both learned."""
