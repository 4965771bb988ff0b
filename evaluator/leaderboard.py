"""`evaluator leaderboard`: policies rated from all rankings whose responses name a policy."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

from evaluator.agreement import ranking_label
from evaluator.beside_ratings import beside
from evaluator.leaderboard_figures import leaderboard_figures
from evaluator.policy_rankings import read_policy_rankings
from evaluator.progress import Progress
from evaluator.rankings import read_rankings
from evaluator.rating_history import Standing, history, within
from evaluator.report_files import Items, Metric, Report, Verdict, data_file, environment
from evaluator.specs import LeaderboardSpec
from evaluator.statistics.counted_rankings import CountedRankings, count_rankings
from evaluator.statistics.intervals import Interval
from evaluator.statistics.rating_intervals import (
    FEWEST_ANNOTATORS,
    PolicyRating,
    Ratings,
    Resampling,
    rate_counted,
)
from evaluator.statistics.rating_pairs import PolicyRanking, tells
from evaluator.statistics.ratings import SCALE
from evaluator.statistics.reliability import annotator_weights, reliabilities
from evaluator.statistics.style_control import style_controlled
from evaluator.statistics.win_rates import Undecided, undecided, win_rate_fit, win_rates

VARIANTS = {
    "davidson": "davidson-luce: Davidson of comparisons, Davidson-Luce of rankings, exact, ties have parameters",
    "efron": "plackett-luce-efron: Plackett-Luce, tied tiers by Efron's approximation",
    "half": "bradley-terry-composite: pairs of each ranking weigh 1 together, a tie is half a win each way",
}
STEPS = 4
UNDECIDED_SHOWN = 20


@dataclass(frozen=True)
class Board:
    """All that one leaderboard says: ratings, and lists of further metrics, each named for what it shows."""

    ratings: Ratings
    rows: list[Metric]
    slices: list[Metric] = field(default_factory=list)
    style: list[Metric] = field(default_factory=list)
    standings: list[Standing] = field(default_factory=list)
    others: list[Metric] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    win_rates: tuple[tuple[float, ...], ...] = ()


def leaderboard(spec: LeaderboardSpec, progress: Progress) -> Report:
    """The report of `spec.rankings`: one metric `rating` a policy (its `group`), best first, unrated ones last.

    Scale: 1000 is the mean, 400 points are ten to one. `rank_best` and `rank_worst` are the ranks that the resamples
    leave open. Samples are the rankings used. Refuses a file without a ranking.
    """
    started = time.monotonic()
    every = read_policy_rankings(spec.rankings, style=spec.style_control)
    seen = within(every, spec.rankings, spec.since, spec.until)
    counted = count_rankings(seen)
    resampling = Resampling(spec.seed, spec.resamples, _unit(spec, counted), spec.workers)
    progress.step(1, STEPS)
    weights = _weights(spec)
    ratings = rate_counted(counted, resampling, tie_model=spec.ties, weights=weights)
    progress.step(2, STEPS)
    others, unmatched = beside(spec.reports, counted.policies)
    board = _board(spec, seen, ratings, resampling, others)
    progress.step(3, STEPS)
    verdicts = [*_warnings(ratings, counted, unmatched), *_provisional(board.rows)]
    extra = _of_the_model(spec, counted, ratings, weights)
    shown = [*board.style, *board.slices, *_history(board), *_wanted(board), *others]
    used = sorted((one for one in seen if tells(one.places)), key=lambda one: one.id)
    progress.step(STEPS, STEPS)
    return Report(
        suite="leaderboard",
        variant=VARIANTS[spec.ties],
        subject=str(spec.rankings),
        seed=spec.seed,
        metrics=[*board.rows, *extra, *shown],
        items=Items(len(every), len(used), 0, len(every) - len(used)),
        verdicts=verdicts,
        data=[data_file(spec.rankings), *(data_file(one / "report.json") for one in _folders(others))],
        spec=spec.record(),
        samples=RankingSamples(used),
        extra=_extra(board, verdicts, counted, resampling),
        environment=environment(started),
        figures=leaderboard_figures(board.rows, board, verdicts),
    )


def _extra(
    board: Board, verdicts: Sequence[Verdict], counted: CountedRankings, resampling: Resampling
) -> dict[str, object]:
    return {
        "warnings": [one.reason for one in verdicts if one.group is None],
        "scale": {"mean": 1000, "points_for_ten_to_one": 400},
        "resampled": resampling.unit,
        "annotators": len(counted.annotators),
        "win_rates": {"policies": _names(board.ratings), "predicted": board.win_rates},
    }


def _of_the_model(
    spec: LeaderboardSpec, counted: CountedRankings, ratings: Ratings, weights: dict[str, float]
) -> list[Metric]:
    """Tie parameters, how well the ratings fit, what the fast tie model would change, what annotators weigh."""
    found = [*_tie_parameters(ratings, counted.total), *_fit(ratings, counted.total)]
    found += _efron_difference(spec, counted, ratings, weights)
    for name, weight in sorted(weights.items()):
        found.append(Metric("annotator_weight", weight, None, None, 0, f"annotator={name}"))
    return found


class RankingSamples(Sequence[dict[str, object]]):
    """The lines of samples.jsonl, made when they are asked for: a million rankings need not lie there twice."""

    def __init__(self, rankings: Sequence[PolicyRanking]) -> None:
        self._rankings = rankings

    def __len__(self) -> int:
        return len(self._rankings)

    @overload
    def __getitem__(self, at: int) -> dict[str, object]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, object]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, object] | list[dict[str, object]]:
        return (
            [sample(one) for one in self._rankings[at]]
            if isinstance(at, slice)
            else sample(self._rankings[at])
        )

    def __iter__(self) -> Iterator[dict[str, object]]:
        return map(sample, self._rankings)


def sample(ranking: PolicyRanking) -> dict[str, object]:
    """One ranking by policy, as samples.jsonl names it."""
    tiers: dict[int, list[str]] = {}
    for policy, tier in ranking.places:
        if tier is not None:
            tiers.setdefault(tier, []).append(policy)
    ordered = [sorted(tiers[number]) for number in sorted(tiers)]
    unranked = sorted(policy for policy, tier in ranking.places if tier is None)
    shown = {"annotator": ranking.annotator, "tiers": ordered, "unranked": unranked}
    return {"id": ranking.id, "slices": dict(ranking.slices), "scores": {}, **shown}


def _unit(spec: LeaderboardSpec, counted: CountedRankings) -> str:
    if spec.unit != "auto":
        return spec.unit
    return "annotators" if len(counted.annotators) >= FEWEST_ANNOTATORS else "rankings"


def _weights(spec: LeaderboardSpec) -> dict[str, float]:
    if not spec.reliability_weights:
        return {}
    return annotator_weights(reliabilities([ranking_label(one) for one in read_rankings(spec.rankings)]))


def _names(ratings: Ratings) -> list[str]:
    return [] if ratings.draws is None else list(ratings.draws.policies)


def _board(
    spec: LeaderboardSpec,
    seen: Sequence[PolicyRanking],
    ratings: Ratings,
    resampling: Resampling,
    others: list[Metric],
) -> Board:
    rows = [_metric(row, f"percentile bootstrap over {resampling.unit}", spec) for row in ratings.rows]
    standings = []
    if spec.history is not None:
        standings = history(seen, spec.rankings, spec.history, resampling, tie_model=spec.ties)
    rates: tuple[tuple[float, ...], ...] = ()
    if ratings.draws is not None:
        rates = tuple(tuple(float(one) for one in row) for row in win_rates(ratings.draws))
    return Board(
        ratings=ratings,
        rows=rows,
        slices=_slices(spec, seen, resampling),
        style=_style(spec, seen, ratings, resampling),
        standings=standings,
        others=others,
        undecided=[] if ratings.draws is None else undecided(ratings.draws)[:UNDECIDED_SHOWN],
        win_rates=rates,
    )


def _metric(row: PolicyRating, interval: str, spec: LeaderboardSpec) -> Metric:
    counts = {"rankings": row.rankings, "wins": row.wins, "losses": row.losses, "ties": row.ties}
    ranks = {"rank_best": row.rank_best, "rank_worst": row.rank_worst}
    provisional = row.rating is not None and (row.low is None or row.rankings < spec.provisional_below)
    figures = (row.rating, row.low, row.high, row.rankings)
    named = interval if row.low is not None else None
    extra = {**ranks, **counts, "provisional": provisional}
    return Metric("rating", *figures, row.policy, row.reason, named, "higher", extra=extra)


def _warnings(ratings: Ratings, counted: CountedRankings, unmatched: Iterable[str]) -> list[Verdict]:
    found = [Verdict("rating", "not-enough-data", warning) for warning in ratings.warnings]
    people = len(counted.annotators)
    if people < FEWEST_ANNOTATORS and ratings.draws is not None:
        reason = (
            f"{people} annotators, fewer than {FEWEST_ANNOTATORS}: how much other annotators would differ cannot be "
            "told from so few, the intervals are too narrow to trust"
        )
        found.append(Verdict("rating", "too-narrow", reason))
    return found + [Verdict("reports", "not-matched", warning) for warning in unmatched]


def _provisional(rows: Iterable[Metric]) -> Iterator[Verdict]:
    for row in rows:
        if row.extra["provisional"]:
            reason = row.reason or f"in {row.n} rankings only: its place may still move much"
            yield Verdict("rating", "provisional", reason, row.group)


def _tie_parameters(ratings: Ratings, n: int) -> list[Metric]:
    """ν of comparisons (δ of two), and Davidson-Luce's δ of each larger tie seen."""
    if ratings.tie_parameter is None or ratings.draws is None:
        return []
    found = [Metric("tie_parameter", ratings.tie_parameter, None, None, n, better="neither")]
    model, point = ratings.draws.model, ratings.draws.point
    if model.choices is None or point.parameters is None:
        return found
    for at, size in enumerate(model.choices.sizes):
        if size > 2:
            value = math.exp(point.parameters[len(model.group) + at])
            found.append(Metric("tie_parameter", value, None, None, n, f"tie={size}", better="neither"))
    return found


def _fit(ratings: Ratings, n: int) -> list[Metric]:
    if ratings.draws is None:
        return []
    fit = win_rate_fit(ratings.draws)
    difference = Metric("win_rate_difference", fit.mean_difference, None, None, fit.pairs, better="lower")
    return [
        difference,
        Metric("fit_p_value", fit.p_value, None, None, n, reason=fit.reason, better="neither"),
    ]


def _efron_difference(
    spec: LeaderboardSpec, counted: CountedRankings, ratings: Ratings, weights: dict[str, float]
) -> list[Metric]:
    """By how many points Efron's approximation is off at most, where rankings of three or more have ties."""
    draws = ratings.draws
    if (
        spec.ties != "davidson"
        or draws is None
        or draws.model.choices is None
        or not draws.model.choices.sizes
    ):
        return []
    fast = rate_counted(counted, Resampling(resamples=0), tie_model="efron", weights=weights)
    if fast.draws is None:
        return []
    gap = abs(fast.draws.point.strengths - draws.point.strengths).max() * SCALE
    return [Metric("efron_difference", float(gap), None, None, counted.total, better="lower")]


def _slices(spec: LeaderboardSpec, seen: Sequence[PolicyRanking], resampling: Resampling) -> list[Metric]:
    found = []
    for key in spec.by:
        values: dict[str, list[PolicyRanking]] = {}
        for one in seen:
            value = dict(one.slices).get(key)
            if value is not None:
                values.setdefault(value, []).append(one)
        for value in sorted(values):
            inside = rate_counted(count_rankings(values[value]), resampling, tie_model=spec.ties)
            for row in inside.rows:
                metric = _metric(row, f"percentile bootstrap over {resampling.unit}", spec)
                extra = {**metric.extra, "slice": {key: value}, "policy": row.policy}
                figures = (metric.value, metric.low, metric.high, metric.n, f"{key}={value}, {row.policy}")
                found.append(
                    Metric("slice_rating", *figures, metric.reason, metric.interval, "higher", extra)
                )
    return found


def _style(
    spec: LeaderboardSpec, seen: Sequence[PolicyRanking], ratings: Ratings, resampling: Resampling
) -> list[Metric]:
    if not spec.style_control or ratings.draws is None:
        return []
    found = style_controlled(seen, ratings.draws.policies, resampling, tie_model=spec.ties)
    ranked = [_of_interval("rating_style_controlled", name, one, "higher") for name, one in found.ratings]
    ranked.sort(key=lambda one: (-(one.value or 0), one.group or ""))
    return [
        *ranked,
        *(
            _of_interval("style_points_per_doubling", name, one, "neither")
            for name, one in found.coefficients
        ),
    ]


def _of_interval(name: str, group: str, one: Interval, better: str) -> Metric:
    method = one.method if one.low is not None else None
    return Metric(name, one.value, one.low, one.high, one.n, group, one.reason, method, better)


def _history(board: Board) -> Iterator[Metric]:
    for one in board.standings:
        row, until = one.row, one.until.isoformat()
        figures = (row.rating, row.low, row.high, row.rankings, f"{row.policy} until {until}", row.reason)
        yield Metric(
            "history_rating", *figures, better="higher", extra={"policy": row.policy, "until": until}
        )


def _wanted(board: Board) -> Iterator[Metric]:
    for one in board.undecided:
        reason = None if one.comparisons is not None else "more than 100,000: the two are as good as equal"
        value = None if one.comparisons is None else float(one.comparisons)
        extra = {"policies": [one.first, one.second], "difference": one.difference}
        group = f"{one.first} | {one.second}"
        yield Metric("comparisons_wanted", value, None, None, 0, group, reason, better="neither", extra=extra)


def _folders(metrics: Iterable[Metric]) -> list[Path]:

    return [Path(name) for name in dict.fromkeys(str(one.extra["report"]) for one in metrics)]
