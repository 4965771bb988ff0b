"""The only home of statistics: intervals, paired tests, corrections, ratings, agreement. NumPy and SciPy only, all seeded."""
