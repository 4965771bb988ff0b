"""Points of metrics over scale: each good CSV file is read whole, each bad one refused in one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluator.cli import main
from evaluator.errors import BadInput
from evaluator.scale_points import curves, read_points

FORMATS = Path(__file__).parent
GOOD = sorted((FORMATS / "good" / "points").glob("*.csv"))
BAD = sorted((FORMATS / "bad" / "points").glob("*.csv"))
# What is found in each bad file, and the line of it.
COMPLAINTS = {
    "chance_is_text": ':2: chance: found text "half", wanted a number or nothing',
    "column_twice": ':1: found the column text "value" twice',
    "empty": ": found an empty file",
    "family_empty": ":2: family: found nothing, wanted text",
    "header_only": ": found a header without a line",
    "model_empty": ":2: model: found nothing, wanted text",
    "n_not_whole": ":2: n: found 2.5, wanted a whole number above 0",
    "n_zero": ":2: n: found 0, wanted a whole number above 0",
    "not_utf8": ": found bytes that are not UTF-8 (byte 38)",
    "one_bound": ":2: high: found nothing, wanted both bounds or none",
    "point_twice": ":3: scale: found t, m of x at 5 again (first at ",
    "quote_open": ":2: found ",
    "scale_empty": ":2: scale: found nothing, wanted a number above 0",
    "scale_is_text": ':2: scale: found text "big", wanted a number above 0',
    "scale_negative": ":2: scale: found -5, wanted a number above 0",
    "scale_zero": ":2: scale: found 0, wanted a number above 0",
    "task_empty": ":2: task: found nothing, wanted text",
    "too_few_cells": ":2: found 5 cells, wanted 6",
    "too_many_cells": ":2: found 7 cells, wanted 6",
    "two_chances": ":3: chance: found a number 0.5 where ",
    "two_directions": ':3: direction: found text "higher" where ',
    "two_kinds": ':3: kind: found text "smooth" where ',
    "two_scales": ":1: found tokens and steps; wanted scale, or one of",
    "two_units": ':3: unit: found text "steps" after tokens',
    "unknown_direction": ':2: direction: found text "up", wanted higher or lower',
    "unknown_kind": ':2: kind: found text "blunt", wanted sharp or smooth',
    "unknown_unit": ':2: unit: found text "bytes", wanted one of',
    "value_empty": ":2: value: found nothing, wanted a number",
    "value_infinite": ':2: value: found text "inf", wanted a number',
    "value_nan": ':2: value: found text "nan", wanted a number',
    "value_outside_bounds": ":2: value: found 1 outside 2 … 3",
    "value_with_underscore": ':2: value: found text "1_000", wanted a number',
    "without_family": ":1: found no column 'family' among ",
    "without_metric": ":1: found no column 'metric' among ",
    "without_model": ":1: found no column 'model' among ",
    "without_scale": ":1: found no column 'scale' among task, metric, family, model, value",
    "without_task": ":1: found no column 'task' among ",
    "without_value": ":1: found no column 'value' among ",
}


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_are_accepted(path: Path) -> None:
    lines = [line for line in path.read_bytes().splitlines() if line]
    points, _unit = read_points(path)
    assert len(points) == len(lines) - 1
    assert sum(len(one.points) for one in curves(points)) == len(points)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_files_are_refused(path: Path) -> None:
    with pytest.raises(BadInput) as refusal:
        curves(read_points(path)[0])
    told = str(refusal.value)
    assert told.startswith(f"{path}{COMPLAINTS[path.stem]}")
    assert "wanted" in told


def test_there_are_good_and_bad_files() -> None:
    assert len(GOOD) >= 4
    assert {path.stem for path in BAD} == set(COMPLAINTS)


def test_the_command_refuses_with_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = FORMATS / "bad" / "points" / "unknown_kind.csv"
    assert main(["emergence", str(path), "--out", str(tmp_path / "o")]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{path}:2: kind: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_units_come_from_the_header_or_the_unit_column() -> None:
    units = {path.stem: read_points(path)[1] for path in GOOD}
    assert units == {
        "every_column": "parameters",
        "fewest_columns": "parameters",
        "steps_and_crlf": "steps",
        "spreadsheet_and_scripts": "tokens",
    }


def test_every_column_is_read() -> None:
    first, _, smooth = read_points(FORMATS / "good" / "points" / "every_column.csv")[0]
    assert (first.family, first.task, first.metric, first.kind) == (
        "ladder",
        "modular addition",
        "exact_match",
        "sharp",
    )
    assert (first.scale, first.value, first.low, first.high) == (1e6, 0.02, 0.01, 0.05)
    assert (first.n, first.chance, first.model, first.direction) == (200, 0.01, "2x32", "higher")
    assert (smooth.low, smooth.n, smooth.chance, smooth.direction) == (None, 200, None, "lower")
