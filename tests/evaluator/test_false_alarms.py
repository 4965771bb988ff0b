"""The family-wise error of a comparison is what it says."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from evaluator.comparison import compare
from evaluator.specs import CompareSpec
from tests.evaluator.lines import Line, write_report


def null_report(folder: Path, seed: int) -> Path:
    """80 items right with probability 0.7, in eight overlapping slices."""
    rng = random.Random(seed)
    samples: list[Line] = [
        {
            "id": f"q{i}",
            "slices": {f"s{k}": str(i % (k + 2)) for k in range(3)},
            "scores": {"x": int(rng.random() < 0.7)},
        }
        for i in range(80)
    ]
    return write_report(folder, samples)


def false_alarms(folder: Path, comparisons: int) -> int:
    alarms = 0
    for number in range(comparisons):
        baseline = null_report(folder / f"b{number}", 2 * number)
        candidate = null_report(folder / f"c{number}", 2 * number + 1)
        spec = CompareSpec(baseline, candidate, folder / "out", resamples=100, permutations=1000)
        alarms += compare(spec).extra["verdict"] in ("regression", "improvement")
    return alarms


def test_false_alarms_stay_at_the_level(tmp_path: Path) -> None:
    """Level 5 % and its chance limit: 10 or more of 100 would happen once in 35 times at 5 %."""
    assert false_alarms(tmp_path, 100) <= 9


@pytest.mark.large
def test_false_alarms_stay_at_the_level_over_1000(tmp_path: Path) -> None:
    assert false_alarms(tmp_path, 1000) <= 65
