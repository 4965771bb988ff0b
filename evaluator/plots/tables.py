"""Tables behind figures: as CSV that a spreadsheet can hold safely, and cells as people read them."""

import csv
import io
import math
from collections.abc import Iterable

from evaluator.figures import Cell, Table
from evaluator.report_files import Metric

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
METRIC_COLUMNS = ("metric", "group", "value", "low", "high", "n", "interval", "reason")


def csv_text(table: Table) -> str:
    """The table as CSV (RFC 4180, UTF-8), numbers in full, nothing for None.

    Text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([_safe(column) for column in table.columns])
    writer.writerows([_safe(cell) for cell in row] for row in table.rows)
    return file.getvalue()


def shown(cell: Cell) -> str:
    """A cell as people read it: numbers in four significant digits (whole ones in full), an en dash for None."""
    if cell is None:
        return "–"
    if isinstance(cell, float) and math.isfinite(cell):
        whole = f"{cell:.0f}"
        return whole if abs(cell) >= 1000 else f"{cell:.4g}"
    return str(cell)


def metric_table(metrics: Iterable[Metric]) -> Table:
    """All metrics of a report, one a row."""
    rows = [
        (one.name, one.group or "", one.value, one.low, one.high, one.n, one.interval or "", one.reason or "")
        for one in metrics
    ]
    return Table(METRIC_COLUMNS, tuple(rows))


def _safe(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
    return repr(cell)
