"""Time in leaderboards: windows of rankings, and ratings of all that was known at the end of each period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of
from evaluator.specs import HistoryPeriod
from evaluator.statistics.counted_rankings import count_rankings
from evaluator.statistics.rating_intervals import PolicyRating, Resampling, rate_counted
from evaluator.statistics.rating_pairs import PolicyRanking

MOST_PERIODS = 60


@dataclass(frozen=True)
class Standing:
    """One policy's rating from all rankings before `until`."""

    until: date
    row: PolicyRating


def moment(ranking: PolicyRanking, path: Path) -> datetime | None:
    """The time of a ranking, in UTC where it names no zone; None where it has none. Refuses what is no ISO 8601."""
    if not ranking.at:
        return None
    try:
        return instant(ranking.at)
    except ValueError as error:
        found = f"ranking {ranking.id}: at: found {kind_of(ranking.at)}"
        raise BadInput(f"{path}: {found}, wanted a time in ISO 8601") from error


def instant(text: str) -> datetime:
    """The time that an ISO 8601 text names, UTC where it names no zone. Refuses others (ValueError)."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def within(
    rankings: Sequence[PolicyRanking], path: Path, since: str | None, until: str | None
) -> list[PolicyRanking]:
    """The rankings of the window; all of them without one. Refuses a window where no ranking has a time."""
    if since is None and until is None:
        return list(rankings)
    times = [moment(one, path) for one in rankings]
    if not any(times):
        raise BadInput(f"{path}: found no line with a time (`at`), wanted one for --since and --until")
    first = instant(since) if since is not None else datetime.min.replace(tzinfo=UTC)
    last = instant(until) if until is not None else datetime.max.replace(tzinfo=UTC)
    return [one for one, at in zip(rankings, times, strict=True) if at is not None and first <= at < last]


def history(
    rankings: Sequence[PolicyRanking],
    path: Path,
    period: HistoryPeriod,
    resampling: Resampling,
    *,
    tie_model: str,
) -> list[Standing]:
    """Every policy's rating at the end of each period that has rankings, the last 60 of them, oldest first."""
    timed = [(at, one) for one in rankings if (at := moment(one, path)) is not None]
    ends = sorted({end_of_period(at.astimezone(UTC).date(), period) for at, _ in timed})[-MOST_PERIODS:]
    found = []
    for end in ends:
        known = [one for at, one in timed if at.astimezone(UTC).date() < end]
        ratings = rate_counted(count_rankings(known), resampling, tie_model=tie_model)
        found += [Standing(end, row) for row in ratings.rows]
    return found


def end_of_period(day: date, period: HistoryPeriod) -> date:
    """The first day after the day, ISO week or month that holds `day`."""
    if period == "day":
        return day + timedelta(days=1)
    if period == "week":
        return day + timedelta(days=7 - day.weekday())
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
