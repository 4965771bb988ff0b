"""The figures of an emergence report: all curves, sharp beside smooth, what a break is worth, and each curve's fits."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from evaluator.emergence_verdicts import Judged
from evaluator.figures import (
    Band,
    Cell,
    Curves,
    Figure,
    Reference,
    Series,
    Table,
    Whisker,
    Whiskers,
    file_name,
)
from evaluator.report_files import Verdict
from evaluator.scale_points import POINT_COLUMNS
from evaluator.statistics.scaling_fits import SUPPORT, Fit, akaike_weights

MOST_LINES, MOST_CURVES, MOST_ROWS = 8, 24, 40
DRAWN_AT = 81
AXES = {
    "parameters": "Parameters",
    "tokens": "Training tokens",
    "flops": "Training FLOPs",
    "steps": "Training steps",
}
FIT_COLUMNS = ("curve", "fit", "k", "rss", "aicc", "delta", "weight", "sharp", "parameters", "reason")
SHARE = "Share of its own range"


def emergence_figures(judged: Sequence[Judged], verdicts: Sequence[Verdict], unit: str) -> list[Figure]:
    """All curves, the support for a break, sharp metrics beside smooth ones, then each curve (the first 24)."""
    axis = AXES.get(unit, unit)
    words = {one.group or "": one.verdict for one in verdicts}
    found = [_all(judged, axis), _support(judged), *_pairs(judged, words, axis)]
    found += [_curve(place, one, words, axis) for place, one in enumerate(judged[:MOST_CURVES], 1)]
    return found


def _all(judged: Sequence[Judged], axis: str) -> Figure:
    """Its table is the input again: figures/points.csv can be given to the command."""
    cells = tuple(
        (
            point.task,
            point.metric,
            point.family,
            point.model,
            point.scale,
            point.value,
            point.n,
            point.chance,
            point.kind,
            point.direction,
            *point.bounds,
        )
        for one in judged
        for point in one.told.points
    )
    table = Table(POINT_COLUMNS, cells)
    title, told = "All curves", "Each metric over scale, from its lowest value to its highest."
    if len(judged) > MOST_LINES:
        told += f" The first {MOST_LINES} of {len(judged)} are drawn."
    series = _shares(judged[:MOST_LINES])
    if not series:
        why = "not enough data: no metric has two different values"
        return Figure("points", title, told, table, missing=why)
    return Figure("points", title, told, table, Curves(series, axis, SHARE, x_log=True))


def _support(judged: Sequence[Judged]) -> Figure:
    rows = tuple(
        Whisker(one.told.name, one.shaped.advantage, colour=0 if one.told.kind == "sharp" else 1)
        for one in judged
        if one.shaped.advantage is not None
    )
    told = (
        "By how much AICc of the best curve with a break is lower than that of the best gradual curve: right of "
        f"{SUPPORT:g} a break is supported. The table holds every fit."
    )
    cells = tuple(cells for one in judged for cells in _fit_cells(one))
    table, title = Table(FIT_COLUMNS, cells), "Support for a break"
    if not rows:
        reasons = sorted({one.shaped.at.reason for one in judged if one.shaped.at.reason})
        return Figure(
            "fits", title, told, table, missing="; ".join(reasons) or "not enough data: no curve bends"
        )
    axis = "AICc, best gradual curve less best sharp one"
    if len(rows) > MOST_ROWS:
        axis = f"{axis} (first {MOST_ROWS} of {len(rows)})"
    plot = Whiskers(rows[:MOST_ROWS], axis, (Reference(SUPPORT, "break supported"),))
    return Figure("fits", title, told, table, plot)


def _fit_cells(one: Judged) -> Iterable[tuple[Cell, ...]]:
    fits = list(one.shaped.fits)
    best = min((fit.aicc for fit in fits if fit.aicc is not None), default=None)
    for fit, weight in zip(fits, akaike_weights(fits), strict=True):
        delta = None if fit.aicc is None or best is None else fit.aicc - best
        told = ", ".join(f"{name} {value:.4g}" for name, value in fit.parameters.items())
        sharp = "yes" if fit.sharp else "no"
        yield (one.told.name, fit.model, fit.k, fit.rss, fit.aicc, delta, weight, sharp, told, fit.reason)


def _pairs(judged: Sequence[Judged], words: Mapping[str, str], axis: str) -> list[Figure]:
    """Metrics of the same outputs in one drawing, where there are sharp and smooth ones."""
    by_outputs: dict[tuple[str, str], list[Judged]] = {}
    for one in judged:
        by_outputs.setdefault(one.told.outputs, []).append(one)
    found = []
    for place, ((task, family), inside) in enumerate(list(by_outputs.items())[:MOST_CURVES], 1):
        if len({one.told.kind for one in inside}) < 2:
            continue
        title = f"{task}, {family}: sharp beside smooth"
        told = "Metrics of the same outputs, each from its lowest value to its highest. " + "; ".join(
            f"{one.told.points[0].metric} ({one.told.kind}): {words[one.told.name]}" for one in inside
        )
        cells = tuple(
            (point.metric, point.kind, point.scale, point.value, *point.bounds, words[one.told.name])
            for one in inside
            for point in one.told.points
        )
        table = Table(("metric", "kind", "scale", "value", "low", "high", "verdict"), cells)
        name = file_name(f"beside-{place}-{task}-{family}")
        series = _shares(inside[:MOST_LINES], by_metric=True)
        if series:
            found.append(Figure(name, title, told, table, Curves(series, axis, SHARE, x_log=True)))
        else:
            why = "not enough data: no metric has two different values"
            found.append(Figure(name, title, told, table, missing=why))
    return found


def _shares(judged: Sequence[Judged], *, by_metric: bool = False) -> tuple[Series, ...]:
    """Each curve from 0, its lowest value, to 1; smooth ones dashed. A curve that never changes is not drawn."""
    found = []
    for place, one in enumerate(judged):
        lowest, reach = min(one.curve.values), max(one.curve.values) - min(one.curve.values)
        if reach == 0:
            continue
        label = one.told.points[0].metric if by_metric else one.told.name
        y = tuple((value - lowest) / reach for value in one.curve.values)
        low, high = (
            tuple(None if bound is None else (bound - lowest) / reach for bound in side)
            for side in zip(*(point.bounds for point in one.told.points), strict=True)
        )
        dashed = one.told.kind == "smooth"
        found.append(Series(label, one.curve.scales, y, low, high, place, dashed=dashed))
    return tuple(found)


def _curve(place: int, one: Judged, words: Mapping[str, str], axis: str) -> Figure:
    name, shaped = one.told.name, one.shaped
    drawn = [fit for fit in shaped.fits if fit.aicc is not None and fit.model != "flat"]
    columns = ("scale", "value", "low", "high", "n", *(fit.model for fit in drawn))
    x = one.curve.x
    fitted = [fit.value(x) for fit in drawn]
    cells = tuple(
        (point.scale, point.value, *point.bounds, point.n, *(float(values[at]) for values in fitted))
        for at, point in enumerate(one.told.points)
    )
    told = f"{name}: {words[name]}. Points with 95 % intervals where known; dashed lines are fits."
    band = ()
    if shaped.at.low is not None and shaped.at.high is not None:
        band = (Band(shaped.at.low, shaped.at.high, "breakpoint, 95 %"),)
    chance = one.curve.chance
    lines = () if chance is None else (Reference(chance, "chance"),)
    low, high = (tuple(side) for side in zip(*(point.bounds for point in one.told.points), strict=True))
    metric = one.told.points[0].metric
    measured = Series(metric, one.curve.scales, one.curve.values, low, high, line=False)
    plot = Curves((measured, *_fitted(drawn, x)), axis, metric, True, lines, band)
    return Figure(file_name(f"curve-{place}-{name}"), name, told, Table(columns, cells), plot)


def _fitted(drawn: Sequence[Fit], x: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Iterable[Series]:
    at = np.linspace(x[0], x[-1], DRAWN_AT)
    for place, fit in enumerate(drawn, 1):
        y = tuple(float(value) for value in fit.value(at))
        label = f"{fit.model} {fit.aicc:.1f}"
        yield Series(label, tuple(float(10**one) for one in at), y, colour=place, dashed=True, points=False)
