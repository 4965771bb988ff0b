"""Ratings of five models from real votes, against reference values that were reckoned elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from evaluator.statistics.agreement import agreement
from evaluator.statistics.chance_corrected import fleiss_kappa
from evaluator.statistics.ranking_labels import RankingLabel
from evaluator.statistics.rating_intervals import rate
from evaluator.statistics.rating_pairs import PolicyRanking
from evaluator.statistics.resampling import Sampling

SHARED_DATA = Path(__file__).parents[2] / "../shared/data"


def votes(rows: list[dict[str, object]]) -> Iterator[PolicyRanking]:
    """PandaLM's votes: 0 a tie, 1 and 2 who won; response1 is of the first policy in cmp_key."""
    for row in rows:
        first, second = str(row["cmp_key"]).split("_")
        for annotator in ("annotator1", "annotator2", "annotator3"):
            tiers = {0: (0, 0), 1: (0, 1), 2: (1, 0)}[int(str(row[annotator]))]
            yield PolicyRanking(f"{row['idx']}/{annotator}", ((first, tiers[0]), (second, tiers[1])))


def labels(rows: list[dict[str, object]]) -> Iterator[RankingLabel]:
    """The same votes as labels of items with two responses."""
    for row in rows:
        for annotator in ("annotator1", "annotator2", "annotator3"):
            tiers = {0: (0, 0), 1: (0, 1), 2: (1, 0)}[int(str(row[annotator]))]
            yield RankingLabel(str(row["idx"]), annotator, ("1", "2"), tiers)


def test_pandalm_agreement_is_the_reference_value() -> None:
    """Fleiss' kappa over (first, second, tie) as labelled, and how often all three say the same.

    The report's kappa also takes each pair the other way round, since which response is called first is arbitrary;
    the reference keeps the order of the file.
    """
    rows = json.loads((SHARED_DATA / "pandalm" / "testset-v1.json").read_text("utf-8"))
    expected = json.loads((SHARED_DATA / "reference_values.json").read_text("utf-8"))["pandalm"]
    told = list(labels(rows))
    counts = np.zeros((len(rows), 3), dtype=np.int64)
    for at, one in enumerate(told):
        counts[at // 3, 1 + np.sign((one.tiers[1] or 0) - (one.tiers[0] or 0))] += 1
    assert fleiss_kappa(counts) == pytest.approx(expected["fleiss_kappa"], abs=1e-9)
    assert (counts.max(axis=1) == 3).mean() == pytest.approx(expected["all_three_agree"], abs=1e-9)
    found = agreement(told, Sampling(resamples=0))
    assert found.items == len(rows)
    # Of three votes all, one or none of the three pairs of annotators agree.
    pairs = (counts * (counts - 1)).sum() / 6 / len(rows)
    assert found.pairwise.value == pytest.approx(pairs, abs=1e-9)


def test_pandalm_ratings_are_the_reference_values() -> None:
    """The data folder stands beside the repository; without it this test fails and names it."""
    file, reference = SHARED_DATA / "pandalm" / "testset-v1.json", SHARED_DATA / "reference_values.json"
    assert file.is_file(), f"{file} is missing: put the shared data folder beside the repository"
    expected = json.loads(reference.read_text("utf-8"))["pandalm"]["bt_elo_zero_mean"]
    ratings = rate(list(votes(json.loads(file.read_text("utf-8")))), seed=0, resamples=20, tie_model="half")
    assert {row.policy: (row.rating or 0) - 1000 for row in ratings.rows} == pytest.approx(expected, abs=1e-5)
