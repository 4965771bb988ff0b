"""Words, too-fast labels, and the flag."""

from __future__ import annotations

import pytest

from evaluator.statistics.speed import speed, too_fast, word_count
from tests.evaluator.ranking_lists import label


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("one two\nthree", 3),
        ("don't stop", 2),
        ("利马在秘鲁", 4),
        ("我爱 Peru 的山", 4),
        ("リマはペルーにある", 6),
    ],
)
def test_words(text: str, words: int) -> None:
    assert word_count(text) == words


def test_too_fast_is_below_fifteen_hundredths_of_a_second_a_word_of_the_shortest() -> None:
    assert too_fast(label("i", "ada", "01", words=(100, 40), seconds=5.9)) is True
    assert too_fast(label("i", "ada", "01", words=(100, 40), seconds=6.0)) is False
    assert too_fast(label("i", "ada", "01", words=(100, 40))) is None
    assert too_fast(label("i", "ada", "01", seconds=1.0)) is None


def timed(hasty: int, careful: int) -> list[float]:
    return [1.0] * hasty + [60.0] * careful


@pytest.mark.parametrize(
    ("hasty", "careful", "flagged"), [(0, 30, False), (1, 19, False), (4, 16, True), (10, 0, True)]
)
def test_a_habit_is_flagged_and_one_hasty_label_is_not(hasty: int, careful: int, *, flagged: bool) -> None:
    found = speed(
        [
            label(f"i{at}", "ada", "01", words=(100, 90), seconds=s)
            for at, s in enumerate(timed(hasty, careful))
        ]
    )
    assert found.flagged is flagged
    assert found.too_fast.value == hasty / (hasty + careful)
    assert found.median_seconds == (1.0 if hasty > careful else 60.0)


def test_fewer_than_ten_timed_labels_are_too_few() -> None:
    found = speed([label(f"i{at}", "ada", "01", words=(100, 90), seconds=1.0) for at in range(9)])
    assert (found.flagged, found.too_fast.value, found.median_seconds) == (False, None, 1.0)
    assert found.too_fast.reason == "not enough data: 9 labels with a time and lengths, wanted 10"
    assert speed([label("i", "ada", "01")]).median_seconds is None
