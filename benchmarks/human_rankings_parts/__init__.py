"""The parts of `benchmarks/human_rankings.py`: real rankings, frozen features of a language model, a head on them."""
