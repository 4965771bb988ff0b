"""The figures of a leaderboard's report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from evaluator.figures import (
    Cell,
    Curves,
    Figure,
    Matrix,
    Reference,
    Series,
    Table,
    Whisker,
    Whiskers,
    file_name,
)
from evaluator.rating_history import Standing
from evaluator.report_files import Metric, Verdict
from evaluator.statistics.rating_intervals import Ratings
from evaluator.statistics.win_rates import Undecided

AXIS = "Rating (1000 is the mean, 400 points are ten to one)"
MEAN = (Reference(1000.0, "mean"),)
MOST_ROWS, MOST_CELLS, MOST_LINES, MOST_BESIDE = 60, 30, 8, 16
COUNTS = ("rank_best", "rank_worst", "rankings", "wins", "losses", "ties")


class Shown(Protocol):
    """What is drawn of a leaderboard."""

    @property
    def ratings(self) -> Ratings: ...
    @property
    def slices(self) -> list[Metric]: ...
    @property
    def style(self) -> list[Metric]: ...
    @property
    def standings(self) -> list[Standing]: ...
    @property
    def others(self) -> list[Metric]: ...
    @property
    def undecided(self) -> list[Undecided]: ...
    @property
    def win_rates(self) -> tuple[tuple[float, ...], ...]: ...


def leaderboard_figures(rows: Sequence[Metric], board: Shown, verdicts: Sequence[Verdict]) -> list[Figure]:
    """Ratings, win rates, what to compare next; style, slices, history and other suites where they were asked for."""
    colours = {name: at for at, name in enumerate(sorted({one.group or "" for one in rows}))}
    why = "; ".join(one.reason for one in verdicts if one.group is None) or "no policy is rated"
    found = [_ratings(rows, colours, why), _win_rates(board, why), _undecided(board, why)]
    found += _style(board.style, colours)
    found += _slices(board.slices, colours)
    found += _history(board.standings, colours)
    found += _others(board.others, colours)
    names: dict[str, Figure] = {}
    for figure in found:
        names.setdefault(figure.name, figure)
    return list(names.values())


def _whiskers(
    metrics: Iterable[Metric], colours: Mapping[str, int], label: str = "group"
) -> tuple[Whisker, ...]:
    rows = []
    for one in metrics:
        if one.value is not None:
            policy = str(one.extra.get("policy", one.group))
            shown = (one.value, one.low, one.high, colours.get(policy, 0), bool(one.extra.get("provisional")))
            rows.append(Whisker(str(one.group if label == "group" else one.extra.get(label)), *shown))
    return tuple(rows[:MOST_ROWS])


@dataclass(frozen=True)
class _Told:
    """The words of a figure: its file name, title, what is to be seen, and why it may have nothing to draw."""

    name: str
    title: str
    told: str
    why: str


def _figure(words: _Told, table: Table, rows: tuple[Whisker, ...], axis: str, *, mean: bool = True) -> Figure:
    if not rows:
        return Figure(words.name, words.title, words.told, table, missing=f"not enough data: {words.why}")
    return Figure(words.name, words.title, words.told, table, Whiskers(rows, axis, MEAN if mean else ()))


def _ratings(rows: Sequence[Metric], colours: Mapping[str, int], why: str) -> Figure:
    columns = ("policy", "rating", "low", "high", *COUNTS, "provisional", "reason")
    cells = tuple(
        (
            one.group,
            one.value,
            one.low,
            one.high,
            *(_cell(one.extra[name]) for name in COUNTS),
            _yes(one),
            one.reason,
        )
        for one in rows
    )
    told = "Each policy's rating with its 95 % interval, best first. A hollow point is provisional."
    table = Table(columns, cells)
    return _figure(_Told("ratings", "Ratings", told, why), table, _whiskers(rows, colours), AXIS)


def _win_rates(board: Shown, why: str) -> Figure:
    names = () if board.ratings.draws is None else board.ratings.draws.policies
    by_rating = [row.policy for row in board.ratings.rows if row.policy in names]
    place = [names.index(name) for name in by_rating]
    cells = tuple(
        (a, b, board.win_rates[i][j])
        for a, i in zip(by_rating, place, strict=True)
        for b, j in zip(by_rating, place, strict=True)
        if i != j
    )
    table = Table(("policy", "against", "predicted win rate"), cells)
    title, told = (
        "Win rates",
        "Chance that the row's policy wins a comparison with the column's, a tie counted as half.",
    )
    if not by_rating:
        return Figure("win-rates", title, told, table, missing=f"not enough data: {why}")
    shown, at = by_rating[:MOST_CELLS], place[:MOST_CELLS]
    values = tuple(tuple(None if i == j else board.win_rates[i][j] for j in at) for i in at)
    axis = "" if len(by_rating) <= MOST_CELLS else f"The best {MOST_CELLS} of {len(by_rating)}"
    return Figure(
        "win-rates", title, told, table, Matrix(tuple(shown), tuple(shown), values, column_axis=axis)
    )


def _undecided(board: Shown, why: str) -> Figure:
    cells = tuple((one.first, one.second, one.difference, one.comparisons) for one in board.undecided)
    table = Table(("policy", "against", "difference in points", "comparisons wanted"), cells)
    title = "What to compare next"
    told = (
        "How many more comparisons of two neighbours would tell which is better (80 % power), fewest first."
    )
    rows = tuple(
        Whisker(f"{one.first} – {one.second}", one.comparisons)
        for one in board.undecided
        if one.comparisons is not None
    )
    if not board.undecided and board.ratings.draws is not None:
        why = "nothing is left to tell: the order of all neighbours is decided"
        return Figure("compare-next", title, told, table, missing=why)
    if not rows:
        return Figure(
            "compare-next", title, told, table, missing=f"more than 100,000 comparisons each, or {why}"
        )
    return Figure("compare-next", title, told, table, Whiskers(rows, "Comparisons wanted"))


def _style(metrics: Sequence[Metric], colours: Mapping[str, int]) -> list[Figure]:
    if not metrics:
        return []
    coefficients = [one for one in metrics if one.name == "style_points_per_doubling"]
    controlled = [one for one in metrics if one.name != "style_points_per_doubling"]
    told = "By how many points a response with twice as much of it stands higher, all else equal. 0 is no effect."
    why = "no coefficient is defined"
    held = "Ratings with length, headers, lists and bold held equal."
    rows, ratings = _whiskers(coefficients, {}), _whiskers(controlled, colours)
    words = _Told("ratings-style-controlled", "Ratings, style held equal", held, why)
    style = _figure(
        _Told("style", "Style", told, why), _table(coefficients), rows, "Points per doubling", mean=False
    )
    return [style, _figure(words, _table(controlled), ratings, AXIS)]


def _slices(metrics: Sequence[Metric], colours: Mapping[str, int]) -> list[Figure]:
    by_slice: dict[str, list[Metric]] = {}
    for one in metrics:
        where = one.extra["slice"]
        assert isinstance(where, dict)
        key, value = next(iter(where.items()))
        by_slice.setdefault(f"{key}={value}", []).append(one)
    told = "Ratings from the rankings of this slice alone, on a scale of its own: 1000 is its mean."
    return [
        _figure(
            _Told(file_name(f"slice-{at}-{name}"), f"Ratings where {name}", told, _reasons(inside)),
            _table(inside),
            _whiskers(inside, colours, "policy"),
            AXIS,
        )
        for at, (name, inside) in enumerate(by_slice.items(), 1)
    ]


def _history(standings: Sequence[Standing], colours: Mapping[str, int]) -> list[Figure]:
    if not standings:
        return []
    cells = tuple(
        (one.until.isoformat(), one.row.policy, one.row.rating, one.row.low, one.row.high)
        for one in standings
    )
    table = Table(("until", "policy", "rating", "low", "high"), cells)
    told = "Each policy's rating from all rankings known at the end of each period, with 95 % intervals."
    first = min(one.until for one in standings)
    last = max(one.until for one in standings)
    if first == last:
        return [Figure("history", "History", told, table, missing="not enough data: one period")]
    best = [one.row.policy for one in standings if one.until == last and one.row.rating is not None][
        :MOST_LINES
    ]
    series = tuple(_line(policy, standings, first, colours) for policy in best)
    if not series:
        return [Figure("history", "History", told, table, missing="not enough data: no policy is rated")]
    axis = f"Days since {first.isoformat()}"
    return [Figure("history", "History", told, table, Curves(series, axis, "Rating", references=MEAN))]


def _line(policy: str, standings: Sequence[Standing], first: date, colours: Mapping[str, int]) -> Series:
    own = [one for one in standings if one.row.policy == policy and one.row.rating is not None]
    x = tuple(float((one.until - first).days) for one in own)
    y = tuple(one.row.rating for one in own if one.row.rating is not None)
    low, high = tuple(one.row.low for one in own), tuple(one.row.high for one in own)
    return Series(policy, x, y, low, high, colours.get(policy, 0))


def _others(metrics: Sequence[Metric], colours: Mapping[str, int]) -> list[Figure]:
    by_name: dict[str, list[Metric]] = {}
    for one in metrics:
        by_name.setdefault(one.name, []).append(one)
    told = "of each policy that has a report of it, with the report's own interval."
    return [
        _figure(
            _Told(file_name(f"beside-{name}"), name, f"{name} {told}", _reasons(inside)),
            _table(inside),
            _whiskers(inside, colours),
            name,
            mean=False,
        )
        for name, inside in list(by_name.items())[:MOST_BESIDE]
    ]


def _reasons(metrics: Iterable[Metric]) -> str:
    return "; ".join(sorted({one.reason for one in metrics if one.reason}))


def _table(metrics: Iterable[Metric]) -> Table:
    cells = tuple((one.group, one.value, one.low, one.high, one.n, one.reason) for one in metrics)
    return Table(("group", "value", "low", "high", "n", "reason"), cells)


def _cell(value: object) -> Cell:
    return value if isinstance(value, str | int | float) else None


def _yes(one: Metric) -> str:
    return "yes" if one.extra["provisional"] else "no"
