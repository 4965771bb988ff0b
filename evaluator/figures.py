"""What a report draws: each figure is a title, a sentence of what to see, the table behind it, and marks to draw.

Plain data without a plotting library, so that whoever measures can say what there is to see; `plots` draws it. A
figure that cannot be drawn says why in `missing` ("not enough data: …") and has no marks.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluator import json_lines
from evaluator.errors import BadInput

Cell = str | int | float | None
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
FIGURES = "figures.json"


@dataclass(frozen=True)
class Table:
    """The numbers behind a figure. Refuses rows of another length than the columns (ValueError)."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} columns")


@dataclass(frozen=True)
class Reference:
    """A line for comparison (chance, zero, the mean) with its word."""

    value: float
    label: str = ""


@dataclass(frozen=True)
class Whisker:
    """One row: a point with its interval; `hollow` marks what is provisional. `colour` is a place in the palette."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    colour: int = 0
    hollow: bool = False


@dataclass(frozen=True)
class Whiskers:
    """Points with intervals on one shared scale, first row on top."""

    rows: tuple[Whisker, ...]
    axis: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Series:
    """Points (x, y), [N] each, with bounds or without; `line` joins them, `dashed` marks a fit, `points` draws dots."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    colour: int = 0
    line: bool = True
    dashed: bool = False
    points: bool = True


@dataclass(frozen=True)
class Band:
    """An interval on the x-axis (of a breakpoint) that is shaded, with its word."""

    low: float
    high: float
    label: str = ""


@dataclass(frozen=True)
class Curves:
    """Series on shared axes; `x_log` for scales over orders of magnitude; `references` are horizontal."""

    series: tuple[Series, ...]
    x_axis: str
    y_axis: str
    x_log: bool = False
    references: tuple[Reference, ...] = ()
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Matrix:
    """Values [rows, columns] as coloured cells with their numbers; `centre` has no colour; None is an empty cell."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    centre: float = 0.5
    reach: float = 0.5
    row_axis: str = ""
    column_axis: str = ""


Plot = Whiskers | Curves | Matrix
KINDS: dict[str, type[Plot]] = {"whiskers": Whiskers, "curves": Curves, "matrix": Matrix}


@dataclass(frozen=True)
class Figure:
    """One figure. `name` is its file name without ending; `description` says in a sentence what is to be seen.

    Refuses a name that is no plain file name, and a figure that neither draws nor says what is missing (ValueError).
    """

    name: str
    title: str
    description: str
    table: Table
    plot: Plot | None = None
    missing: str = ""

    def __post_init__(self) -> None:
        if not FILE_NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no file name; wanted lower-case letters, digits and hyphens")
        if (self.plot is None) == (not self.missing):
            raise ValueError(
                f"figure {self.name!r}: wanted either marks to draw or the reason why there are none"
            )

    def record(self) -> dict[str, object]:
        """The figure as it stands in figures.json."""
        kind = next((name for name, one in KINDS.items() if isinstance(self.plot, one)), None)
        return {**asdict(self), "kind": kind}


def file_name(text: str) -> str:
    """A file name that reads like `text`: lower case, hyphens for the rest; `figure` where nothing is left."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].rstrip("-")
    return plain or "figure"


def write_figures(folder: Path, figures: Sequence[Figure]) -> None:
    """Write figures.json atomically. Refuses two figures of one name (ValueError)."""
    names = [figure.name for figure in figures]
    if len(set(names)) < len(names):
        raise ValueError(f"two figures of one name among {', '.join(names)}")
    records = [_finite(figure.record()) for figure in figures]
    json_lines.write_json_atomically(folder / FIGURES, {"figures": records})


def read_figures(folder: Path) -> list[Figure]:
    """The figures of a report folder; none where it has no figures.json. Refuses what is not such a file."""
    path = folder / FIGURES
    if not path.exists():
        return []
    content = json_lines.read_object(path)
    try:
        return [_figure(entry) for entry in _list(content.get("figures"))]
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: {type(error).__name__} {error}; wanted figures of a report") from error


def _finite(value: object) -> Any:
    """The same value with null for numbers that are not finite: a gap in a drawing, never NaN in a file."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value


def _figure(entry: Mapping[str, Any]) -> Figure:
    table = Table(
        tuple(entry["table"]["columns"]), tuple(tuple(row) for row in _list(entry["table"]["rows"]))
    )
    plot = None if entry["plot"] is None else _plot(entry["kind"], entry["plot"])
    return Figure(entry["name"], entry["title"], entry["description"], table, plot, entry["missing"])


def _plot(kind: str, entry: Mapping[str, Any]) -> Plot:
    if kind == "whiskers":
        rows = tuple(Whisker(**row) for row in _list(entry["rows"]))
        return Whiskers(rows, entry["axis"], _references(entry))
    if kind == "matrix":
        values = tuple(tuple(row) for row in _list(entry["values"]))
        return Matrix(
            **{**entry, "rows": tuple(entry["rows"]), "columns": tuple(entry["columns"]), "values": values}
        )
    if kind != "curves":
        raise ValueError(f"kind {kind!r}, wanted one of {', '.join(KINDS)}")
    series = tuple(
        Series(**{**row, **_tuples(row, "x", "y", "low", "high")}) for row in _list(entry["series"])
    )
    bands = tuple(Band(**band) for band in _list(entry["bands"]))
    return Curves(**{**entry, "series": series, "references": _references(entry), "bands": bands})


def _references(entry: Mapping[str, Any]) -> tuple[Reference, ...]:
    return tuple(Reference(**one) for one in _list(entry["references"]))


def _tuples(entry: Mapping[str, Any], *names: str) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(_list(entry[name])) for name in names}


def _list(value: object) -> Iterable[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{value!r} is not a list")
    return value
