"""A report as Markdown for a model card: figures in a table with intervals, counts and variant, then the drawings."""

import re
from collections.abc import Iterable, Sequence

from evaluator.figures import Cell, Figure, Table
from evaluator.plots.tables import shown
from evaluator.report_files import Metric, Report

MARKED = re.compile(r"([\\`*_{}\[\]<>|#])")


def model_card(report: Report, figures: Sequence[Figure]) -> str:
    """The section of a model card that tells this report."""
    lines = [
        f"## {plain(report.suite)}: {plain(report.subject)}",
        "",
        f"Variant: {plain(report.variant)}. {report.items.measured} of {report.items.asked} items measured, "
        f"seed {report.seed}. Brackets are 95 % intervals.",
        "",
        *_table(Table(("metric", "group", "value", "n"), tuple(_row(one) for one in report.metrics))),
        *_verdicts(report),
    ]
    for figure in figures:
        lines += ["", f"### {plain(figure.title)}", "", plain(figure.description), ""]
        if figure.plot is not None:
            lines += [f"![{plain(figure.description)}](figures/{figure.name}.svg)"]
        else:
            lines += [f"Nothing is drawn: {plain(figure.missing)}"]
    lines += [
        "",
        "Data:",
        *(f"- {plain(str(one.get('path')))} (sha256 `{one.get('sha256')}`)" for one in report.data),
    ]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """The text as one line of Markdown that means nothing but itself."""
    return MARKED.sub(r"\\\1", " ".join(text.split()))


def _row(metric: Metric) -> tuple[Cell, ...]:
    if metric.value is None:
        return metric.name, metric.group, f"not defined: {metric.reason}", metric.n
    bounds = f" [{shown(metric.low)}, {shown(metric.high)}]" if metric.low is not None else ""
    return metric.name, metric.group, f"{shown(metric.value)}{bounds}", metric.n


def _verdicts(report: Report) -> Iterable[str]:
    if report.verdicts:
        rows = tuple((one.name, one.group, one.verdict, one.reason) for one in report.verdicts)
        yield from ("", *_table(Table(("metric", "group", "verdict", "why"), rows)))


def _table(table: Table) -> Iterable[str]:
    yield "| " + " | ".join(table.columns) + " |"
    yield "|" + " --- |" * len(table.columns)
    for row in table.rows:
        yield "| " + " | ".join(plain(shown(cell)) for cell in row) + " |"
