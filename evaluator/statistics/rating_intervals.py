"""A leaderboard's figures: ratings with intervals and rank ranges by resampling rankings or annotators, or reasons.

Pairs of one ranking hang together, and so do the rankings of one annotator: what is drawn again is a whole ranking, or
an annotator with all of theirs, never a pair.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from evaluator.statistics.counted_rankings import CountedRankings, count_rankings
from evaluator.statistics.intervals import CONFIDENCE, generator
from evaluator.statistics.rating_models import Model, model_of
from evaluator.statistics.rating_pairs import (
    PolicyRanking,
    RankedPairs,
    components,
    pairs_in_order,
    reachable,
)
from evaluator.statistics.ratings import CENTRE, SCALE, Fit
from evaluator.statistics.resampling import NOT_ASKED

Floats = NDArray[np.float64]
UNITS = ("rankings", "annotators")
FEWEST_ANNOTATORS = 20


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
class Draws:
    """The rated policies with the fit behind their ratings, and their strengths in each resample, [B, R].

    NaN where a resample has no finite rating for a policy. `seen` counts the rankings of each pattern,
    [M], whatever their annotators weigh.
    """

    policies: tuple[str, ...]
    point: Fit
    strengths: Floats
    model: Model
    seen: Floats
    only_comparisons: bool


@dataclass(frozen=True)
class Ratings:
    """All rows, best first (unrated ones last, by name), the tie parameter ν, and warnings in plain words."""

    rows: tuple[PolicyRating, ...]
    tie_parameter: float | None
    warnings: tuple[str, ...]
    draws: Draws | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Resampling:
    """What is drawn again (`unit`), how often, from which seed, on how many threads (changes no figure)."""

    seed: int = 0
    resamples: int = 200
    unit: str = "rankings"
    workers: int = 1

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"unit {self.unit!r}: wanted one of {', '.join(UNITS)}")


def rate(
    rankings: Sequence[PolicyRanking], *, seed: int, resamples: int = 200, tie_model: str = "davidson"
) -> Ratings:
    """Ratings of every policy named, the same for any order of `rankings`, with rankings drawn again."""
    return rate_counted(count_rankings(rankings), Resampling(seed, resamples), tie_model=tie_model)


def rate_counted(
    counted: CountedRankings,
    resampling: Resampling = Resampling(),
    *,
    tie_model: str = "davidson",
    weights: Mapping[str, float] | None = None,
) -> Ratings:
    """Ratings of every policy named; `weights` are annotators' weights (one who has none weighs 1).

    Only the group of connected policies with the most rankings is rated: between groups a number would mean nothing.
    Where no finite maximum exists (some policies never lose to the others) the whole group gets None and rank ranges.
    Bounds are percentiles over resamples, on the scale of the point (`held`); with annotators drawn again they are
    widened as Student's t over so many annotators asks.
    """
    numbered = [PolicyRanking(str(at), places) for at, places in enumerate(counted.patterns)]
    pairs = pairs_in_order(numbered, counted.policies)
    weight = np.array([(weights or {}).get(name, 1.0) for name in counted.annotators], dtype=np.float64)
    times = counted.by_pattern(counted.times * weight[counted.annotator])
    groups = components(*pairs.counts())
    seen = _Seen(pairs, counted.by_pattern(counted.times))
    rated, warnings = _group_to_rate(groups, seen)
    apart = [
        _unrated(seen, at, _apart(groups, at))
        for at in range(len(pairs.policies))
        if rated is None or at not in rated
    ]
    if rated is None:
        return Ratings(tuple(apart), None, tuple(warnings))
    model = model_of(pairs, counted.patterns, rated, tie_model)
    point = _point(model, times)
    if point is None:
        names = ", ".join(pairs.policies[index] for index in rated)
        warnings.append(f"perfectly separated: no finite rating explains the rankings of {names}")
        wins, ties = model.matrices(times)
        return Ratings(
            (*_separated_rows(seen, rated, reachable((wins + ties) > 0)), *apart), None, tuple(warnings)
        )
    draws = _resample(counted, model.shaped_by(point, times), point, weight, resampling)
    mass = np.array([_pair_counts(seen, index)[0] for index in rated], dtype=np.float64)
    draws = replace(draws, strengths=held(draws.strengths, point.strengths, mass))
    table = sorted(_rated_rows(seen, draws, resampling, len(counted.annotators)), key=_best_first)
    tie_parameter = None if tie_model != "davidson" else math.exp(point.log_tie)
    return Ratings((*table, *apart), tie_parameter, tuple(warnings), draws)


@dataclass(frozen=True)
class _Seen:
    """All pairs, and how many rankings of each pattern there are, [M]."""

    pairs: RankedPairs
    times: Floats


def _best_first(row: PolicyRating) -> tuple[float, str]:
    return -(row.rating or 0), row.policy


def _point(model: Model, times: Floats) -> Fit | None:
    """The best ratings, None where there are none."""
    if model.separated(times):
        return None
    try:
        return model.fit(times)
    except ArithmeticError:
        return None


def _group_to_rate(groups: list[list[int]], seen: _Seen) -> tuple[list[int] | None, list[str]]:
    """The connected group with the most rankings (None when two have as many, or there is no pair), and warnings."""
    pairs = seen.pairs
    if not len(pairs.ranking):
        return None, ["no ranking holds two different policies"]
    if len(groups) == 1:
        return groups[0], []
    names = ["{" + ", ".join(pairs.policies[index] for index in group) + "}" for group in groups]
    warnings = [f"disconnected: no chain of rankings leads between {' and '.join(names)}"]
    sizes = [seen.times[np.unique(pairs.ranking[np.isin(pairs.better, group)])].sum() for group in groups]
    largest = max(sizes)
    return (groups[sizes.index(largest)] if sizes.count(largest) == 1 else None), warnings


def _apart(groups: list[list[int]], index: int) -> str:
    own = next(group for group in groups if index in group)
    if len(own) == 1:
        return "in no ranking together with another policy of the leaderboard"
    return (
        "not connected by rankings with the other policies: its rating would have no common scale with theirs"
    )


def _pair_counts(seen: _Seen, index: int) -> tuple[int, int, int, int]:
    """Rankings, wins, losses and ties of one policy."""
    pairs, times = seen.pairs, seen.times[seen.pairs.ranking]
    ahead, behind = pairs.better == index, pairs.worse == index
    rankings = seen.times[np.unique(pairs.ranking[ahead | behind])].sum()
    wins, losses = times[ahead & ~pairs.tied].sum(), times[behind & ~pairs.tied].sum()
    return round(rankings), round(wins), round(losses), round(times[(ahead | behind) & pairs.tied].sum())


def _unrated(seen: _Seen, index: int, reason: str, ranks: tuple[int, int] | None = None) -> PolicyRating:
    best, worst = ranks if ranks is not None else (None, None)
    counts = _pair_counts(seen, index)
    return PolicyRating(seen.pairs.policies[index], None, None, None, best, worst, *counts, reason=reason)


def _separated_rows(seen: _Seen, rated: list[int], paths: NDArray[np.bool_]) -> list[PolicyRating]:
    """Rank ranges from who certainly stands above whom: a path of wins or ties one way and none back."""
    above = paths & ~paths.T
    rows = []
    for position, index in enumerate(rated):
        best, worst = 1 + int(above[:, position].sum()), len(rated) - int(above[position].sum())
        reason = "perfectly separated rankings: some policies never lose to the others, ratings would run to infinity"
        rows.append(_unrated(seen, index, reason, (best, worst)))
    return sorted(rows, key=lambda row: (row.rank_best, row.rank_worst, row.policy))


def _resample(
    counted: CountedRankings, model: Model, point: Fit, weight: Floats, resampling: Resampling
) -> Draws:
    """Fits on resamples. Each has a generator of its own, so that no figure depends on which thread came first."""
    cores: dict[tuple[int, ...], Model] = {}

    def one(number: int) -> Floats:
        rng = generator(resampling.seed, "leaderboard", model.ties, resampling.unit, str(number))
        return _strengths(model, drawn_patterns(counted, weight, rng, resampling.unit), point, cores)

    with ThreadPoolExecutor(resampling.workers) as threads:
        found = list(threads.map(one, range(resampling.resamples)))
    names = tuple(model.pairs.policies[index] for index in model.group)
    strengths = np.array(found).reshape(len(found), len(names))
    pairs = all(len(places) == 2 for places in counted.patterns)
    seen = counted.by_pattern(counted.times)
    return Draws(names, point, strengths, model, seen, pairs)


def _strengths(model: Model, drawn: Floats, point: Fit, cores: dict[tuple[int, ...], Model]) -> Floats:
    """Strengths in one resample, [R], NaN for a policy that has none there.

    A newcomer who wins all of its few rankings in a resample has no finite rating; the others, which hang together
    without it, are rated without it, their mean being what it is at the point.
    """
    found = np.full(len(model.group), np.nan)
    try:
        if not model.separated(drawn):
            return model.fit(drawn, start=point).strengths
        core = model.core(drawn)
        if not 1 < len(core) < len(found):
            return found
        part = cores[core] if core in cores else cores.setdefault(core, model.among(core))
        if not part.separated(drawn):
            found[list(core)] = part.fit(drawn).strengths + point.strengths[list(core)].mean()
    except ArithmeticError:
        return np.full(len(model.group), np.nan)
    return found


def drawn_patterns(counted: CountedRankings, weight: Floats, rng: np.random.Generator, unit: str) -> Floats:
    """What each pattern weighs in one resample, [M]: as many rankings, or annotators, are drawn as there are."""
    if unit == "annotators":
        people = len(counted.annotators)
        drawn = rng.multinomial(people, np.full(people, 1 / people)) * weight
        return counted.by_pattern(counted.times * drawn[counted.annotator])
    if (weight == weight[0]).all():
        times = counted.by_pattern(counted.times)
        return rng.multinomial(counted.total, times / times.sum()) * weight[0]
    cells = rng.multinomial(counted.total, counted.times / counted.times.sum())
    return counted.by_pattern(cells * weight[counted.annotator])


def _rated_rows(seen: _Seen, draws: Draws, resampling: Resampling, annotators: int) -> list[PolicyRating]:
    tail = (1 - CONFIDENCE) / 2
    wider = few_units_factor(annotators) if resampling.unit == "annotators" else 1.0
    best, worst = _rank_ranges(draws, 1 - tail)
    rows = []
    for position, index in enumerate(draws.model.group):
        rating = float(draws.point.ratings()[position])
        low: float | None = None
        high: float | None = None
        drawn = draws.strengths[:, position]
        reason = _no_interval(drawn)
        if reason is None:
            column = CENTRE + SCALE * drawn[np.isfinite(drawn)]
            # Weibull's quantile: of B resamples the k-th smallest bounds k / (B + 1), without bias where B is small.
            bounds = np.quantile(column, [tail, 1 - tail], method="weibull")
            low = min(rating, rating + wider * (float(bounds[0]) - rating))
            high = max(rating, rating + wider * (float(bounds[1]) - rating))
        counts = _pair_counts(seen, index)
        ranks = int(best[position]), int(worst[position])
        rows.append(PolicyRating(draws.policies[position], rating, low, high, *ranks, *counts, reason=reason))
    return rows


def held(strengths: Floats, point: Floats, mass: Floats) -> Floats:
    """Resampled strengths [B, R] moved so that their mean is that of the point, policies weighing by `mass` [R].

    A rating is a difference to the others; were the plain mean held, a newcomer of whom little is known would blur the
    ratings of all. Where all have as many rankings it is the plain mean. A policy without a rating (NaN) has no weight.
    """
    present = np.where(np.isfinite(strengths), mass, 0.0)
    weight = np.maximum(present.sum(axis=1), 1e-300)
    shift = (present * np.nan_to_num(strengths - point)).sum(axis=1) / weight
    return strengths - shift[:, None]


def _no_interval(drawn: Floats) -> str | None:
    """Why the strengths of a policy in resamples, [B], make no interval; None where they do."""
    if not len(drawn):
        return NOT_ASKED
    lost = int(np.isnan(drawn).sum())
    if lost <= (1 - CONFIDENCE) / 2 * len(drawn):
        return None
    return f"{lost} of {len(drawn)} resamples have no finite rating: too few rankings for an interval"


def few_units_factor(units: int) -> float:
    """By how much a percentile interval over `units` drawn again is too narrow: t(units - 1) / z · sqrt(n / (n - 1)).

    Resamples spread by the variance over n, not n - 1, and know nothing of Student's t (Hesterberg 2015). 1 below 2.
    """
    from scipy.special import stdtrit  # here, not above: it takes half a second to load

    if units < 2:
        return 1.0
    level = 0.5 + CONFIDENCE / 2
    return float(stdtrit(units - 1, level)) / NormalDist().inv_cdf(level) * math.sqrt(units / (units - 1))


def _rank_ranges(draws: Draws, sure: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Best and worst rank of each policy: another stands above it for certain when it does in 97.5 % of all resamples.

    Differences are taken within a resample, so that what moves both ratings together does not blur their order;
    resamples without a fit count as evidence for nobody.
    """
    strengths, size = draws.strengths, len(draws.policies)
    above = np.zeros((size, size))
    for position in range(size):
        above[:, position] = (strengths > strengths[:, position : position + 1]).sum(axis=0)
    certain = above >= sure * len(strengths)
    return 1 + certain.sum(axis=0), size - certain.sum(axis=1)
