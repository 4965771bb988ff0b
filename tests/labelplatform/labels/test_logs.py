"""A log is taken apart and built anew: only what is known is kept, and a bad one stands in nobody's way."""

import json
from typing import Any

import pytest

from labelplatform.labels.logs import FORMAT, LIMIT_BYTES, MOST_ENTRIES, parse_log

LETTERS = ["A", "B"]


def card(**change: Any) -> dict[str, Any]:
    whole = {
        "first_seen_ms": 12,
        "dwell_ms": 3400,
        "depth_percent": 100,
        "expanded_ms": [1, 2],
        "read": "end",
    }
    return whole | change


def log(**change: Any) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "presort": True,
        "rate_first": True,
        "language": "zh-Hans",
        "viewport": [1440, 900],
        "inputs": ["keyboard", "touch"],
        "opened": 1_790_000_000_000,
        "first_action_ms": 900,
        "active_seconds": 31,
        "wall_seconds": 64,
        "edits_after_complete": 1,
        "moves_left_out": 0,
        "views": [[0, "stack"], [10, "raw"]],
        "moves": [[900, "rate", "A", "key", None, 7], [1800, "stage", "", "presort", None, None]],
        "cards": {"A": card(), "B": card(first_seen_ms=None, read=None)},
    } | change


def parsed(told: Any) -> Any:
    return parse_log(told if isinstance(told, str) else json.dumps(told), letters=LETTERS)


def test_a_whole_log_is_kept_as_it_is() -> None:
    kept = parsed(log())
    assert kept.body == log()
    assert kept.dropped == ""


def test_nothing_sent_is_nothing_kept() -> None:
    assert parsed("") is None


def test_what_is_not_known_is_left_out() -> None:
    told = log(secret="x", cards={"A": card(note="x"), "B": card(), "C": card()})
    kept = parsed(told)
    assert kept.body == log(cards={"A": card(), "B": card()})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "other/1"}, "format"),
        ({"presort": 1}, "presort"),
        ({"rate_first": None}, "rate_first"),
        ({"language": "fr\0"}, "language"),
        ({"language": ["en"]}, "language"),
        ({"viewport": [1, 2, 3]}, "viewport"),
        ({"viewport": [1, "2"]}, "viewport"),
        ({"inputs": ["nose"]}, "inputs"),
        ({"inputs": ["touch"] * (MOST_ENTRIES + 1)}, "inputs"),
        ({"opened": -1}, "opened"),
        ({"opened": 10**15}, "opened"),
        ({"first_action_ms": True}, "first_action_ms"),
        ({"active_seconds": 1.5}, "active_seconds"),
        ({"wall_seconds": None}, "wall_seconds"),
        ({"edits_after_complete": "1"}, "edits_after_complete"),
        ({"views": [[1, "upside-down"]]}, "views"),
        ({"views": [[1]]}, "views"),
        ({"views": [[1, "raw"]] * (MOST_ENTRIES + 1)}, "views"),
        ({"moves": [[1, "place", "C", "key", None, 1]]}, "moves"),
        ({"moves": [[1, "place", "A", "mind", None, 1]]}, "moves"),
        ({"moves": [[1, "steal", "A", "key", None, 1]]}, "moves"),
        ({"moves": [[1, "place", "A", "key", None, 100]]}, "moves"),
        ({"moves": [[1, "place", "A", "key", None, {}]]}, "moves"),
        ({"moves": {}}, "moves"),
        ({"cards": {"A": card()}}, "cards"),
        ({"cards": []}, "cards"),
        ({"cards": {"A": card(depth_percent=101), "B": card()}}, "depth_percent"),
        ({"cards": {"A": card(dwell_ms=-1), "B": card()}}, "dwell_ms"),
        ({"cards": {"A": card(read="skimmed"), "B": card()}}, "read"),
        ({"cards": {"A": card(expanded_ms=7), "B": card()}}, "expanded_ms"),
        ({"cards": {"A": card(first_seen_ms="x"), "B": card()}}, "first_seen_ms"),
    ],
)
def test_a_log_with_one_part_wrong_is_dropped_with_its_reason(change: dict[str, Any], told: str) -> None:
    kept = parsed(log(**change))
    assert kept.body == {}
    assert told in kept.dropped


@pytest.mark.parametrize("told", ["no json", "[]", "7", "[" * 50_000, '{"format": "\ud800"}'])
def test_what_is_no_log_is_dropped(told: str) -> None:
    kept = parse_log(told, letters=LETTERS)
    assert kept is not None
    assert (kept.body, bool(kept.dropped)) == ({}, True)


def test_a_log_without_end_is_dropped() -> None:
    kept = parse_log(json.dumps(log()) + " " * LIMIT_BYTES, letters=LETTERS)
    assert kept is not None
    assert "bytes" in kept.dropped
    just = parse_log(json.dumps(log()), letters=LETTERS)
    assert just is not None
    assert just.body
