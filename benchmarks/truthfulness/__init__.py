"""The two sides of `truthfulness_vs_lm_eval.py`, each a process of its own that prints one line of JSON."""
