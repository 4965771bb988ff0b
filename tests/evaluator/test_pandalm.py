"""Ratings of five models from real votes, against reference values that were reckoned elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluator.statistics.rating_intervals import rate
from evaluator.statistics.rating_pairs import PolicyRanking

SHARED_DATA = Path(__file__).parents[2] / "../shared/data"


def votes(rows: list[dict[str, object]]) -> Iterator[PolicyRanking]:
    """PandaLM's votes: 0 a tie, 1 and 2 who won; response1 is of the first policy in cmp_key."""
    for row in rows:
        first, second = str(row["cmp_key"]).split("_")
        for annotator in ("annotator1", "annotator2", "annotator3"):
            tiers = {0: (0, 0), 1: (0, 1), 2: (1, 0)}[int(str(row[annotator]))]
            yield PolicyRanking(f"{row['idx']}/{annotator}", ((first, tiers[0]), (second, tiers[1])))


def test_pandalm_ratings_are_the_reference_values() -> None:
    """The data folder stands beside the repository; without it this test fails and names it."""
    file, reference = SHARED_DATA / "pandalm" / "testset-v1.json", SHARED_DATA / "reference_values.json"
    assert file.is_file(), f"{file} is missing: put the shared data folder beside the repository"
    expected = json.loads(reference.read_text("utf-8"))["pandalm"]["bt_elo_zero_mean"]
    ratings = rate(list(votes(json.loads(file.read_text("utf-8")))), seed=0, resamples=20, tie_model="half")
    assert {row.policy: (row.rating or 0) - 1000 for row in ratings.rows} == pytest.approx(expected, abs=1e-5)
