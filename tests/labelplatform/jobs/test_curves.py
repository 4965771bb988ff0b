"""Curves: numbers in, coordinates out."""

import itertools
import math
from typing import Any

import pytest

from labelplatform.jobs.curves import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    Panel,
    PanelPlan,
    draw_panels,
    nice_ticks,
    number,
    series,
    thinned,
    unplanned,
)


def measured(values: dict[str, list[float]]) -> list[dict[str, Any]]:
    steps = len(next(iter(values.values())))
    return [
        {"step": step, "steps": steps, "seconds": 1.0, **{name: values[name][step] for name in values}}
        for step in range(steps)
    ]


def one_panel(plan: PanelPlan, values: dict[str, list[float]]) -> Panel:
    (panel,) = draw_panels(measured(values), [plan])
    return panel


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.0, 1.0, (0.0, 0.5, 1.0)), (0.41, 0.52, (0.4, 0.45, 0.5, 0.55)), (-3.0, 7.0, (-5.0, 0.0, 5.0, 10.0))],
)
def test_nice_ticks_are_round_and_cover(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high) == ticks


@pytest.mark.parametrize("value", [0.0, 5.0, -0.002, 1e6])
def test_nice_ticks_of_one_value_stand_around_it(value: float) -> None:
    ticks = nice_ticks(value, value)
    assert ticks[0] < value < ticks[-1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.123456, "0.1235"),
        (-1.5, "−1.5"),
        (20000.0, "20000"),
        (3e6, "3.00e+06"),
        (1e-7, "1.00e−07"),
    ],
)
def test_number_is_short(value: float, text: str) -> None:
    assert number(value) == text


def test_series_leaves_out_what_was_not_measured() -> None:
    lines: list[dict[str, Any]] = [
        {"step": 1, "loss": 2.0},
        {"step": 2},
        {"step": 3, "loss": None},
        {"step": 4, "loss": math.nan},
        {"step": 5, "loss": 1.0},
    ]
    assert series(lines, "loss") == [(1.0, 2.0), (5.0, 1.0)]


def test_thinned_keeps_first_and_last() -> None:
    points = [(float(step), 0.0) for step in range(10_001)]
    kept = thinned(points)
    assert len(kept) <= MOST_POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert thinned(points[:5]) == points[:5]


def test_panel_puts_the_highest_value_highest() -> None:
    panel = one_panel(PanelPlan("Loss", (("loss", "training"),)), {"loss": [1.0, 0.5, 0.0]})
    (line,) = panel.lines
    middle = f"{(LEFT + WIDTH - RIGHT) / 2} {(TOP + HEIGHT - BOTTOM) / 2}"
    first, last = f"{float(LEFT)} {float(TOP)}", f"{float(WIDTH - RIGHT)} {float(HEIGHT - BOTTOM)}"
    assert line.path == f"M{first} L{middle} L{last}"


def test_panel_draws_zero_and_the_reference_where_they_are() -> None:
    plan = PanelPlan("KL", (("kl", "KL"),), zero=True, reference=(1.0, "bound"))
    panel = one_panel(plan, {"kl": [0.2, 0.8]})
    assert panel.zero_y == HEIGHT - BOTTOM
    assert panel.reference is not None
    assert (panel.reference.position, panel.reference.label) == (float(TOP), "bound")


def test_panel_without_a_zero_in_sight_draws_none() -> None:
    assert one_panel(PanelPlan("Loss", (("loss", "training"),)), {"loss": [5.0, 6.0]}).zero_y is None


def test_panels_share_the_scale_of_steps() -> None:
    lines = measured({"loss": [3.0, 2.0, 1.0]})
    lines[-1].pop("loss")
    lines[-1]["heldout"] = 1.0
    plans = [PanelPlan("a", (("loss", "a"),)), PanelPlan("b", (("heldout", "b"),))]
    first, second = draw_panels(lines, plans)
    assert first.x_ticks == second.x_ticks
    assert first.lines[0].end_x < second.lines[0].end_x == WIDTH - RIGHT


def test_labels_of_lines_that_end_together_are_moved_apart() -> None:
    plan = PanelPlan("Shares", (("right", "right"), ("wrong", "wrong"), ("other", "other")))
    panel = one_panel(plan, {"right": [0.0, 0.5], "wrong": [1.0, 0.5], "other": [0.3, 0.5]})
    places = sorted(line.label_y for line in panel.lines)
    assert all(below - above >= 13.9 for above, below in itertools.pairwise(places))
    assert len({line.dashes for line in panel.lines}) == 3


def test_the_table_ends_with_the_last_step_and_shows_gaps() -> None:
    lines: list[dict[str, Any]] = [{"step": step, "steps": 99, "loss": float(step)} for step in range(100)]
    lines[99]["heldout"] = 7.0
    (panel,) = draw_panels(lines, [PanelPlan("Loss", (("loss", "training"), ("heldout", "held out")))])
    assert len(panel.rows) <= 20
    assert panel.rows[-1] == ("99", "99", "7")
    assert panel.rows[0][-1] == "–"
    assert panel.columns == ("training", "held out")


def test_nothing_measured_draws_nothing() -> None:
    assert draw_panels([], [PanelPlan("Loss", (("loss", "training"),))]) == ()


def test_unplanned_names_what_no_plan_knows() -> None:
    lines = measured({"loss": [1.0], "surprise": [2.0]})
    assert unplanned(lines, [PanelPlan("Loss", (("loss", "training"),))]) == ("surprise",)
