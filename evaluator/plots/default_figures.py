"""What a report without figures of its own still shows: its metrics as points with intervals, by kind of group."""

from collections.abc import Sequence

from evaluator.figures import Figure, Reference, Table, Whisker, Whiskers, file_name
from evaluator.plots.confidence_figures import confidence_figures
from evaluator.plots.tables import METRIC_COLUMNS, metric_table
from evaluator.report_files import Metric, Report

MOST_ROWS = 40


def default_figures(report: Report) -> list[Figure]:
    """One figure of the ungrouped shares (all within 0 and 1), those about confidence, one a metric with groups."""
    shares = [one for one in report.metrics if one.group is None and _is_share(one)]
    figures: list[Figure] = []
    if shares:
        told = f"Each share of {report.suite} over all items, with its 95 % interval."
        figures.append(metric_figure("shares", "All items", told, shares, by_name=True))
    figures += confidence_figures(report)
    grouped: dict[str, list[Metric]] = {}
    for one in report.metrics:
        if one.group is not None:
            grouped.setdefault(one.name, []).append(one)
    for name, metrics in grouped.items():
        told = f"{name} of each group, with its 95 % interval."
        figures.append(
            metric_figure(file_name(f"groups-{name}"), f"{name} by group", told, metrics, by_name=False)
        )
    return _of_different_names(figures)


def metric_figure(
    name: str, title: str, description: str, metrics: Sequence[Metric], *, by_name: bool, axis: str = ""
) -> Figure:
    """Points with intervals of the metrics that are defined, labelled by name or by group; the table holds all."""
    table = metric_table(metrics) if metrics else Table(METRIC_COLUMNS, ())
    rows = [
        Whisker(one.name if by_name else one.group or "all", one.value, one.low, one.high)
        for one in metrics
        if one.value is not None
    ][:MOST_ROWS]
    if not rows:
        return Figure(name, title, description, table, missing="not enough data: no figure is defined")
    zero = (Reference(0.0),) if any(row.value < 0 for row in rows) else ()
    said = axis or (metrics[0].name if not by_name else "share")
    if len(metrics) > MOST_ROWS:
        said = f"{said} (first {MOST_ROWS} of {len(metrics)})"
    return Figure(name, title, description, table, Whiskers(tuple(rows), said, zero))


def _is_share(one: Metric) -> bool:
    return one.value is not None and all(
        0 <= bound <= 1 for bound in (one.value, one.low, one.high) if bound is not None
    )


def _of_different_names(figures: Sequence[Figure]) -> list[Figure]:
    first: dict[str, Figure] = {}
    for figure in figures:
        first.setdefault(figure.name, figure)
    return list(first.values())
