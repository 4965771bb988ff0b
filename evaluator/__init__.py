"""Measures language models: suites, metrics with intervals, comparisons, leaderboards. `python -m evaluator --help`."""
