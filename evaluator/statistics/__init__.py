"""The only home of statistics: intervals, paired tests, corrections, ratings. NumPy and SciPy only, all seeded."""
