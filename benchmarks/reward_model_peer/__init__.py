"""The sides of `benchmarks/reward_model_vs_pairs.py`: ours, TRL's, the environment of the latter, and their world."""
