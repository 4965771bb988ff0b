"""The two sides of benchmarks/bradley_terry.py, each run in a process of its own, and the data both are given."""
