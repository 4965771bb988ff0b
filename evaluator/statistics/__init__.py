"""The only home of statistics: intervals, paired tests, corrections, ratings, agreement. NumPy, SciPy, all seeded."""
