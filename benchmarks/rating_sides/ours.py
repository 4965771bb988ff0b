"""Our side: reads, counts, fits, draws again. Prints one JSON line of wall and CPU seconds and the ratings."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.rating_sides.data import rankings_of_nine
from evaluator.policy_rankings import read_policy_rankings
from evaluator.statistics.counted_rankings import count_rankings
from evaluator.statistics.plackett_luce import choices_of, fit_choices
from evaluator.statistics.rating_intervals import Ratings, Resampling, rate_counted
from evaluator.statistics.ratings import SCALE, curvature, gradient

Result = TypeVar("Result")
SECONDS: dict[str, dict[str, float]] = {}


def timed(name: str, what: Callable[[], Result]) -> Result:
    """What `what` returns; its wall and CPU seconds go to SECONDS."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = what()
    SECONDS[name] = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return found


def points_from_the_optimum(ratings: Ratings) -> float:
    """The Newton step that would still be taken, in rating points: what is left to the optimum, to second order."""
    assert ratings.draws is not None
    draws = ratings.draws
    wins, ties = draws.model.matrices(draws.seen)
    wins, ties = wins + ties / 2, np.zeros_like(ties)
    strengths = draws.point.strengths
    slope = gradient(strengths, -np.inf, wins, ties)[:-1]
    bend = curvature(strengths, -np.inf, wins, ties)[:-1, :-1] + 1.0
    return float(np.abs(np.linalg.solve(bend, slope)).max() * SCALE)


def main() -> None:
    """Everything once, after a warm-up on a few lines that loads what is loaded late."""
    folder = Path(sys.argv[1])
    rankings = timed("read", lambda: read_policy_rankings(folder / "comparisons.jsonl"))
    counted = timed("count", lambda: count_rankings(rankings))
    rate_counted(count_rankings(rankings[:2000]), Resampling(resamples=0), tie_model="half")
    half = timed("fit", lambda: rate_counted(counted, Resampling(resamples=0), tie_model="half"))
    timed("fit_davidson", lambda: rate_counted(counted, Resampling(resamples=0)))
    resampling = Resampling(seed=0, resamples=100, workers=2)
    timed("resamples", lambda: rate_counted(counted, resampling, tie_model="half"))
    nine = rankings_of_nine(5000, 30, seed=1)
    choices = choices_of(nine[:50], 30)
    fit_choices(choices, np.ones(50), start=np.zeros(30 + len(choices.sizes)))

    def fit_nine() -> None:
        found = choices_of(nine, 30)
        fit_choices(found, np.ones(len(nine)), start=np.zeros(30 + len(found.sizes)))

    timed("rankings_of_nine", fit_nine)
    told: dict[str, Any] = {"seconds": SECONDS, "lines": len(rankings), "patterns": len(counted.patterns)}
    told["points_from_optimum"] = points_from_the_optimum(half)
    told["ratings"] = {row.policy: row.rating for row in half.rows}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
