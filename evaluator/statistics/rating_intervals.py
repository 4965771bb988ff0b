"""A leaderboard's figures:
ratings with intervals and rank ranges by resampling rankings, and null with a reason else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.intervals import CONFIDENCE, generator
from evaluator.statistics.rating_pairs import (
    PolicyRanking,
    RankedPairs,
    components,
    is_separated,
    pairs_of,
    reachable,
)
from evaluator.statistics.ratings import CENTRE, SCALE, Fit, fit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PolicyRating:
    """One row: rating and 95 % bounds on the Elo scale, or None with a reason; the ranks the data leave open.

    `rankings` counts the rankings it takes part in, `wins`, `losses` and `ties` its pairs.
    """

    policy: str
    rating: float | None
    low: float | None
    high: float | None
    rank_best: int | None
    rank_worst: int | None
    rankings: int
    wins: int
    losses: int
    ties: int
    reason: str | None = None


@dataclass(frozen=True)
class Ratings:
    """All rows, best first (unrated ones last, by name), the tie parameter ν, and warnings in plain words."""

    rows: tuple[PolicyRating, ...]
    tie_parameter: float | None
    rankings: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Resampled:
    strengths: Floats  # [kept resamples, policies of the group]
    asked: int


def rate(
    rankings: Sequence[PolicyRanking], *, seed: int, resamples: int = 200, tie_model: str = "davidson"
) -> Ratings:
    """Ratings of every policy named, the same for any order of `rankings`.

    Only the group of connected policies with the most rankings is rated: between groups a number would mean nothing.
    Where no finite maximum exists (some policies never lose to the others) the whole group gets None and rank ranges.
    Bounds are the 2.5 and 97.5 percentiles over resamples of whole rankings, mean rating of the group 1000 each time.
    """
    pairs = pairs_of(rankings)
    wins, ties = pairs.counts()
    groups = components(wins, ties)
    rated, warnings = _group_to_rate(groups, pairs)
    if rated is None:
        rows = [_unrated(pairs, index, _apart(pairs, groups, index)) for index in range(len(pairs.policies))]
        return Ratings(tuple(rows), None, pairs.rankings, tuple(warnings))
    grid = np.ix_(rated, rated)
    outside = [index for index in range(len(pairs.policies)) if index not in rated]
    rows = [_unrated(pairs, index, _apart(pairs, groups, index)) for index in outside]
    if is_separated(wins[grid], ties[grid], ties_modelled=tie_model == "davidson"):
        names = ", ".join(pairs.policies[index] for index in rated)
        warnings.append(f"perfectly separated: no finite rating explains the rankings of {names}")
        rows = _separated_rows(pairs, rated, reachable((wins[grid] + ties[grid]) > 0)) + rows
        return Ratings(tuple(rows), None, pairs.rankings, tuple(warnings))
    point = fit(wins[grid], ties[grid], tie_model=tie_model)
    resampled = _resample(pairs, rated, point, tie_model=tie_model, seed=seed, resamples=resamples)
    table = sorted(
        _rated_rows(pairs, rated, point, resampled), key=lambda row: (-(row.rating or 0), row.policy)
    )
    tie_parameter = math.exp(point.log_tie) if tie_model == "davidson" else None
    return Ratings((*table, *rows), tie_parameter, pairs.rankings, tuple(warnings))


def _group_to_rate(groups: list[list[int]], pairs: RankedPairs) -> tuple[list[int] | None, list[str]]:
    """The connected group with the most rankings (None when two have as many, or there is no pair), and warnings."""
    if not len(pairs.ranking):
        return None, ["no ranking holds two different policies"]
    if len(groups) == 1:
        return groups[0], []
    names = ["{" + ", ".join(pairs.policies[index] for index in group) + "}" for group in groups]
    warnings = [f"disconnected: no chain of rankings leads between {' and '.join(names)}"]
    sizes = [len(set(pairs.ranking[np.isin(pairs.better, group)].tolist())) for group in groups]
    largest = max(sizes)
    return (groups[sizes.index(largest)] if sizes.count(largest) == 1 else None), warnings


def _apart(pairs: RankedPairs, groups: list[list[int]], index: int) -> str:
    own = next(group for group in groups if index in group)
    if len(own) == 1:
        return "in no ranking together with another policy of the leaderboard"
    return (
        "not connected by rankings with the other policies: its rating would have no common scale with theirs"
    )


def _pair_counts(pairs: RankedPairs, index: int) -> tuple[int, int, int, int]:
    """Rankings, wins, losses and ties of one policy."""
    ahead, behind = pairs.better == index, pairs.worse == index
    rankings = len(set(pairs.ranking[ahead | behind].tolist()))
    wins, losses = int((ahead & ~pairs.tied).sum()), int((behind & ~pairs.tied).sum())
    return rankings, wins, losses, int(((ahead | behind) & pairs.tied).sum())


def _unrated(
    pairs: RankedPairs, index: int, reason: str, ranks: tuple[int, int] | None = None
) -> PolicyRating:
    best, worst = ranks if ranks is not None else (None, None)
    counts = _pair_counts(pairs, index)
    return PolicyRating(pairs.policies[index], None, None, None, best, worst, *counts, reason=reason)


def _separated_rows(pairs: RankedPairs, rated: list[int], paths: NDArray[np.bool_]) -> list[PolicyRating]:
    """Rank ranges from who certainly stands above whom: a path of wins or ties one way and none back."""
    above = paths & ~paths.T
    rows = []
    for position, index in enumerate(rated):
        best, worst = 1 + int(above[:, position].sum()), len(rated) - int(above[position].sum())
        reason = "perfectly separated rankings: some policies never lose to the others, ratings would run to infinity"
        rows.append(_unrated(pairs, index, reason, (best, worst)))
    return sorted(rows, key=lambda row: (row.rank_best, row.rank_worst, row.policy))


def _resample(
    pairs: RankedPairs, rated: list[int], point: Fit, *, tie_model: str, seed: int, resamples: int
) -> _Resampled:
    """Fits on resamples of whole rankings; those that come out disconnected or separated are counted, not fitted."""
    rng = generator(seed, "leaderboard", tie_model)
    grid, count = np.ix_(rated, rated), len(pairs.rankings)
    kept = []
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, count, size=count), minlength=count).astype(np.float64)
        wins, ties = (matrix[grid] for matrix in pairs.counts(times))
        if not is_separated(wins, ties, ties_modelled=tie_model == "davidson"):
            kept.append(fit(wins, ties, tie_model=tie_model, start=point).strengths)
    return _Resampled(np.array(kept).reshape(len(kept), len(rated)), resamples)


def _rated_rows(
    pairs: RankedPairs, rated: list[int], point: Fit, resampled: _Resampled
) -> list[PolicyRating]:
    tail = (1 - CONFIDENCE) / 2
    lost = resampled.asked - len(resampled.strengths)
    reason = None
    if lost > tail * resampled.asked:
        reason = (
            f"{lost} of {resampled.asked} resamples have no finite rating: too few rankings for an interval"
        )
    best, worst = _rank_ranges(resampled, len(rated), 1 - tail)
    rows = []
    for position, index in enumerate(rated):
        rating = float(point.ratings()[position])
        low: float | None = None
        high: float | None = None
        if reason is None:
            column = CENTRE + SCALE * resampled.strengths[:, position]
            low = min(rating, float(np.quantile(column, tail)))
            high = max(rating, float(np.quantile(column, 1 - tail)))
        counts = _pair_counts(pairs, index)
        ranks = int(best[position]), int(worst[position])
        rows.append(PolicyRating(pairs.policies[index], rating, low, high, *ranks, *counts, reason=reason))
    return rows


def _rank_ranges(
    resampled: _Resampled, size: int, sure: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Best and worst rank of each policy: another stands above it for certain when it does in 97.5 % of all resamples.

    Differences are taken within a resample, so that what moves both ratings together does not blur their order;
    resamples without a fit count as evidence for nobody.
    """
    strengths = resampled.strengths
    above = np.zeros((size, size))
    for position in range(size):
        above[:, position] = (strengths > strengths[:, position : position + 1]).sum(axis=0)
    certain = above >= sure * resampled.asked
    return 1 + certain.sum(axis=0), size - certain.sum(axis=1)
