"""Whiskers and bars: where a figure stands is what it is."""

import pytest

from labelplatform.jobs.whiskers import (
    BAR_WIDTH,
    PAD,
    WIDTH,
    figure,
    shared_scale,
    stacked_bar,
    whisker,
)


def test_figure_never_stands_without_its_interval() -> None:
    assert figure(-0.5, -0.75, -0.25) == "−0.500 (−0.750 – −0.250)"
    assert figure(0.5, None, None) == "0.500"
    assert figure(None, None, None) == "–"


def test_shared_scale_covers_everything_with_round_ticks() -> None:
    scale = shared_scale([0.41, None, 0.52], include=(0.0, 1.0))
    assert scale is not None
    assert [(tick.x, tick.label) for tick in scale.ticks] == [
        (PAD, "0"),
        (WIDTH / 2, "0.5"),
        (WIDTH - PAD, "1"),
    ]
    assert scale.zero is None


def test_shared_scale_draws_a_zero_that_lies_inside() -> None:
    scale = shared_scale([-1.0, 1.0])
    assert scale is not None
    assert scale.zero == WIDTH / 2


@pytest.mark.parametrize("values", [[], [None, None]])
def test_shared_scale_of_nothing_is_none(values: list[float | None]) -> None:
    assert shared_scale(values) is None


def test_whisker_stands_between_its_ends() -> None:
    scale = shared_scale([0.0, 1.0])
    assert scale is not None
    drawn = whisker(scale, 0.5, 0.25, 1.0, marks=[(0.0, "baseline")])
    assert drawn is not None
    inner = WIDTH - 2 * PAD
    assert (drawn.low, drawn.x, drawn.high) == (PAD + inner / 4, PAD + inner / 2, PAD + inner)
    assert (drawn.marks[0].x, drawn.marks[0].label) == (PAD, "baseline")
    assert drawn.text == "0.500 (0.250 – 1.000)"
    narrow = shared_scale([0.0, 1.0], width=200)
    assert narrow is not None
    thin = whisker(narrow, 1.0, None, None)
    assert thin is not None
    assert (thin.x, thin.width) == (200 - PAD, 200)


def test_whisker_without_a_value_is_not_drawn() -> None:
    scale = shared_scale([0.0, 1.0])
    assert scale is not None
    assert whisker(scale, None, None, None) is None
    bare = whisker(scale, 0.5, None, None)
    assert bare is not None
    assert bare.low == bare.x == bare.high


def test_stacked_bar_fills_the_whole_in_order() -> None:
    bar = stacked_bar(
        [
            ("right", "right", 0.5, "50 %"),
            ("abstained", "abstained", 0.25, "25 %"),
            ("wrong", "wrong", 0.25, "25 %"),
        ]
    )
    assert [(segment.name, segment.x, segment.width) for segment in bar.segments] == [
        ("right", 0.0, BAR_WIDTH / 2),
        ("abstained", BAR_WIDTH / 2, BAR_WIDTH / 4),
        ("wrong", BAR_WIDTH * 3 / 4, BAR_WIDTH / 4),
    ]
    assert len({segment.opacity for segment in bar.segments}) == 3
    assert bar.text == "right 50 %; abstained 25 %; wrong 25 %"
