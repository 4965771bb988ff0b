"""The leaderboard: policies with their ratings, and what other suites say of them, each figure with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from labelplatform.accounts.models import Project
from labelplatform.evaluations.drawings import Drawing, drawings_of
from labelplatform.evaluations.models import EvaluationRun, LeaderboardRun, MeasuredMetric, PolicyRating
from labelplatform.evaluations.queries import CLOSED_BOOK, colours_of, leaderboards_of, metric_name
from labelplatform.jobs.whiskers import (
    Scale,
    StackedBar,
    Whisker,
    figure,
    shared_scale,
    stacked_bar,
    whisker,
)

PARTS = ("right", "abstained", "wrong")
MEAN_RATING = 1000.0


@dataclass(frozen=True)
class Suite:
    """What a closed-book evaluation says of a policy: the three shares as one bar, and its grade."""

    run: EvaluationRun
    bar: StackedBar
    shares: tuple[tuple[str, MeasuredMetric], ...]
    grade: MeasuredMetric | None


@dataclass(frozen=True)
class Row:
    """One policy's line: the stored rating, its colour for good, its place, and what else is known of it."""

    rating: PolicyRating
    colour: int
    whisker: Whisker | None
    rank: str
    win_rate: float | None
    suite: Suite | None


@dataclass(frozen=True)
class Leaderboard:
    """One leaderboard run as its page shows it."""

    run: LeaderboardRun
    rows: tuple[Row, ...]
    scale: Scale | None
    variant: str
    warnings: tuple[str, ...]
    has_suites: bool
    drawings: tuple[Drawing, ...] = ()
    labels: int | None = None


def latest_leaderboard(project: Project) -> LeaderboardRun | None:
    """The newest leaderboard that has figures."""
    return leaderboards_of(project).filter(report__isnull=False).first()


def leaderboard(run: LeaderboardRun) -> Leaderboard:
    """All rows of a leaderboard, best first, on one shared scale; a fixed number of statements."""
    ratings = list(run.ratings.select_related("policy"))
    ends = [end for rating in ratings for end in (rating.value, rating.low, rating.high)]
    scale = shared_scale(ends, include=(MEAN_RATING,))
    colours = colours_of(run.project)
    suites = _suites(run.project, [rating.policy_id for rating in ratings if rating.policy_id])
    detail: Mapping[str, object] = run.report.detail if run.report else {}
    warnings = detail.get("warnings")
    rows = tuple(_row(rating, scale, colours, suites) for rating in ratings)
    return Leaderboard(
        run=run,
        rows=rows,
        scale=scale,
        variant=str(detail.get("variant", "")),
        warnings=tuple(str(warning) for warning in warnings) if isinstance(warnings, list) else (),
        has_suites=any(row.suite for row in rows),
    )


def with_drawings(board: Leaderboard) -> Leaderboard:
    """The same with the report's own drawings, and the number of rankings they were made from, where it says so."""
    report = board.run.report
    items = report.detail.get("items") if report else None
    labels = items.get("measured") if isinstance(items, dict) else None
    return replace(board, drawings=drawings_of(report), labels=labels if isinstance(labels, int) else None)


def _row(
    rating: PolicyRating, scale: Scale | None, colours: Mapping[str, int], suites: Mapping[int, Suite]
) -> Row:
    drawn = whisker(scale, rating.value, rating.low, rating.high, digits=0) if scale else None
    return Row(
        rating=rating,
        colour=colours.get(rating.group, 0),
        whisker=drawn,
        rank=rank_range(rating.rank_best, rating.rank_worst),
        win_rate=win_rate(rating),
        suite=suites.get(rating.policy_id) if rating.policy_id else None,
    )


def rank_range(best: int | None, worst: int | None) -> str:
    """The ranks that the data leave open: `2` when they leave none, `1–3` when they do."""
    if best is None or worst is None:
        return "–"
    return str(best) if best == worst else f"{best}–{worst}"


def win_rate(rating: PolicyRating) -> float | None:
    """Share of its pairs that a policy won, a tie counted as half."""
    pairs = rating.wins + rating.losses + rating.ties
    return (rating.wins + rating.ties / 2) / pairs if pairs else None


def _suites(project: Project, policies: Sequence[int]) -> dict[int, Suite]:
    """The newest closed-book evaluation of each policy, over all items; one statement."""
    metrics = (
        MeasuredMetric.objects.filter(
            run__project=project, run__suite=CLOSED_BOOK, run__subject__in=policies, group=""
        )
        .select_related("run")
        .order_by("run_id", "pk")
    )
    newest: dict[int, dict[str, MeasuredMetric]] = {}
    for metric in metrics:
        known = newest.setdefault(metric.run.subject_id, {})
        if known and next(iter(known.values())).run_id != metric.run_id:
            known.clear()
        known[metric.name] = metric
    found = {policy: suite_of(by_name) for policy, by_name in newest.items()}
    return {policy: suite for policy, suite in found.items() if suite is not None}


def suite_of(by_name: Mapping[str, MeasuredMetric]) -> Suite | None:
    """The bar of one evaluation; None where a share was not measured."""
    shares = [(name, by_name[name]) for name in PARTS if name in by_name and by_name[name].value is not None]
    if len(shares) < len(PARTS):
        return None
    parts = [
        (name, metric_name(name), metric.value or 0.0, figure(metric.value, metric.low, metric.high))
        for name, metric in shares
    ]
    named = tuple((metric_name(name), metric) for name, metric in shares)
    return Suite(shares[0][1].run, stacked_bar(parts), named, by_name.get("grade"))


def nothing_rated(board: Leaderboard) -> str:
    """Why a finished leaderboard has no figure, in words; empty when it has one."""
    if any(row.rating.value is not None for row in board.rows):
        return ""
    if not board.rows:
        return _("No ranking of this snapshot names the policies that wrote the answers.")
    return "; ".join(sorted({row.rating.reason for row in board.rows}))
