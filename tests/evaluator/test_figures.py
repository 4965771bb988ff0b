"""Figures as data: what is refused, and that nothing is lost on the way through figures.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluator.errors import BadInput
from evaluator.figures import Figure, Series, Table, Whiskers, file_name, read_figures, write_figures
from tests.evaluator.drawn import CURVE, FIGURES, MISSING, RATINGS, TABLE


def test_figures_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_figures(tmp_path) == []
    write_figures(tmp_path, FIGURES)
    assert tuple(read_figures(tmp_path)) == FIGURES


def test_what_is_not_finite_is_a_gap(tmp_path: Path) -> None:
    from dataclasses import replace

    from evaluator.figures import Curves

    gap = Curves((Series("s", (1.0, 2.0), (float("nan"), float("inf"))),), "x", "y")
    write_figures(tmp_path, [replace(CURVE, plot=gap)])
    plot = read_figures(tmp_path)[0].plot
    assert isinstance(plot, Curves)
    assert list(plot.series[0].y) == [None, None]


def test_rows_and_columns_must_fit() -> None:
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        Table(("a", "b"), (("x",),))


@pytest.mark.parametrize("name", ["../up", "A", "", "a/b", "a.svg"])
def test_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no file name"):
        Figure(name, "t", "d", TABLE, missing="x")


def test_a_figure_draws_or_says_why_not() -> None:
    with pytest.raises(ValueError, match="either marks to draw or the reason"):
        Figure("a", "t", "d", TABLE)
    with pytest.raises(ValueError, match="either marks to draw or the reason"):
        Figure("a", "t", "d", TABLE, Whiskers((), "x"), missing="both")


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two figures of one name"):
        write_figures(tmp_path, [RATINGS, MISSING, RATINGS])


@pytest.mark.parametrize(
    ("text", "name"),
    [("Win rates (all)", "win-rates-all"), ("策略", "figure"), ("-a-", "a"), ("x" * 80, "x" * 60)],
)
def test_file_names_read_like_the_text(text: str, name: str) -> None:
    assert file_name(text) == name


@pytest.mark.parametrize(
    "content", [{}, {"figures": [{}]}, {"figures": [{**RATINGS.record(), "kind": "pie"}]}, {"figures": 3}]
)
def test_what_is_no_list_of_figures_is_refused(tmp_path: Path, content: object) -> None:
    (tmp_path / "figures.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(BadInput, match=r"figures\.json: .*wanted figures of a report"):
        read_figures(tmp_path)
