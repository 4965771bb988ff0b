"""CSV files in (RFC 4180, UTF-8, a header, either line end), each cell with the place to name in a refusal."""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluator.errors import BadInput
from evaluator.json_lines import kind_of


@dataclass(frozen=True)
class Row:
    """One line of a table: `where` is file:line, the line counted from 1 with the header."""

    where: str
    cells: Mapping[str, str]

    def text(self, column: str, wanted: str = "text") -> str:
        """The cell without blanks around it. Refuses an empty one."""
        found = self.optional(column)
        if found is None:
            raise BadInput(f"{self.where}: {column}: found nothing, wanted {wanted}")
        return found

    def optional(self, column: str) -> str | None:
        """The cell without blanks around it; None where it is empty or the table has no such column."""
        return self.cells.get(column, "").strip() or None

    def number(self, column: str, wanted: str = "a number") -> float:
        """The cell as a number. Refuses what is none, NaN and infinities."""
        return _number(self.text(column, wanted), f"{self.where}: {column}", wanted)

    def optional_number(self, column: str, wanted: str = "a number or nothing") -> float | None:
        """The cell as a number; None where it is empty or the table has no such column."""
        found = self.optional(column)
        return None if found is None else _number(found, f"{self.where}: {column}", wanted)


@dataclass(frozen=True)
class CsvTable:
    """A header and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_csv(path: Path, needed: Sequence[str]) -> CsvTable:
    """The table in a file. Refuses one without the `needed` columns, a column twice, a line of more or fewer cells.

    Columns may stand in any order, and further ones are kept. Lines without a character are passed over.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    try:
        for cells in reader:
            where = f"{path}:{reader.line_num}"
            if not cells:
                continue
            if not columns:
                columns = _header(cells, where, needed)
                continue
            if len(cells) != len(columns):
                found = f"found {len(cells)} cells, wanted {len(columns)} as in the header"
                raise BadInput(f"{where}: {found} ({', '.join(columns)})")
            rows.append(Row(where, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num}: found {error}, wanted CSV") from error
    if not rows:
        found = "a header without a line" if columns else "an empty file"
        raise BadInput(
            f"{path}: found {found}, wanted a header with {', '.join(needed)} and at least one line"
        )
    return CsvTable(columns, tuple(rows))


def _text(path: Path) -> str:
    try:
        # Spreadsheets begin a CSV file with a byte order mark; it is no part of the first column's name.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"found bytes that are not UTF-8 (byte {error.start}), wanted UTF-8"
        raise BadInput(f"{path}: {found}") from error
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}, wanted a file that can be read") from error


def _header(cells: Sequence[str], where: str, needed: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip() for cell in cells)
    twice = next((name for place, name in enumerate(columns) if name in columns[:place]), None)
    if twice is not None:
        raise BadInput(f"{where}: found the column {kind_of(twice)} twice, wanted each once")
    for name in needed:
        if name not in columns:
            found = f"found no column {name!r} among {', '.join(columns)}"
            raise BadInput(f"{where}: {found}; wanted {', '.join(needed)}")
    return columns


def _number(text: str, where: str, wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise BadInput(f"{where}: found {kind_of(text)}, wanted {wanted}") from None
    if not math.isfinite(number) or "_" in text:
        raise BadInput(f"{where}: found {kind_of(text)}, wanted {wanted}")
    return number
