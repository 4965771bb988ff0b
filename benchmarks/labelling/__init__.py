"""Parts of benchmarks/labelling_load.py: the site under load, its annotators, what they saw, and who checks it."""
