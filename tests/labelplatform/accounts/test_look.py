"""Figures, times and states as pages show them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from labelplatform.accounts.templatetags import look

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (1042, 3, "1\u202f042"),
        (0.73149, 2, "0.73"),
        (-1.5, 1, "\u22121.5"),
        (None, 2, "–"),
        (float("nan"), 2, "–"),
        (1234567.891, 1, "1\u202f234\u202f567.9"),
        (3.0, "", "3.000"),
    ],
)
def test_figures(value: float | None, digits: int, shown: str) -> None:
    assert look.figure(value, digits) == shown


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (5, "just now", "刚刚"),
        (179, "3 min ago", "3 分钟前"),
        (7000, "2 h ago", "2 小时前"),
        (86400, "1 day ago", "1 天前"),
        (3 * 86400, "3 days ago", "3 天前"),
    ],
)
def test_times_as_people_say_them(seconds: int, english: str, chinese: str) -> None:
    then = NOON - timedelta(seconds=seconds)
    assert look.ago(then, NOON) == english
    with translation.override("zh-hans"):
        assert look.ago(then, NOON) == chinese


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "–"), (0.4, "0 s"), (59.4, "59 s"), (61, "1 min 1 s"), (7384, "2 h 3 min")]
)
def test_lengths_of_time(seconds: float | None, shown: str) -> None:
    assert look.duration(seconds) == shown


def test_a_time_carries_its_exact_moment() -> None:
    html = render_to_string("_partials/time.html", {"at": NOON})
    assert 'datetime="2026-05-04T12:00:00+00:00"' in html
    assert 'title="2026-05-04 12:00:00 UTC"' in html


def test_a_metric_has_its_interval_and_n_beside_it() -> None:
    html = render_to_string(
        "_partials/metric.html", {"value": 1042.0, "low": 1024.0, "high": 1060.0, "n": 2310, "digits": 0}
    )
    assert "1\u202f042" in html
    assert "± 18" in html
    assert "n 2\u202f310" in html
    assert "95 % interval 1\u202f024 to 1\u202f060" in html


def test_a_metric_that_is_not_known_says_why() -> None:
    html = render_to_string("_partials/metric.html", {"value": None, "reason": "no pairs"})
    assert "not enough data" in html
    assert "no pairs" in html


def test_a_metric_in_chinese_keeps_points_as_decimal_marks() -> None:
    with translation.override("zh-hans"):
        html = render_to_string("_partials/progress.html", {"value": 0.5, "max": 1, "label": "步"})
    assert 'value="0.5"' in html


@pytest.mark.parametrize("state", ["queued", "running", "succeeded", "failed", "cancelled", "lost"])
def test_states_are_words_in_both_languages(state: str) -> None:
    with translation.override("zh-hans"):
        chinese = look.state_name(state)
    assert chinese != look.state_name(state) != ""
