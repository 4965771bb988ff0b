"""Sizes as they are written, and what they take by the trainer's own estimate."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from labelplatform.ladders.sizes import Size, estimates, parse_sizes
from labelplatform.ladders.templatetags.powers import power
from tests.labelplatform.ladders.building import SETTINGS


def test_sizes_are_read_and_ordered_by_weights() -> None:
    assert [size.name for size in parse_sizes("4x128, 1x16 4×32;1x48")] == ["1x16", "1x48", "4x32", "4x128"]
    assert Size(2, 64).settings() == {"layers": 2, "width": 64, "heads": 4}
    assert Size(1, 8).heads == 1
    assert Size(3, 96).name == "3x96"


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ("1x16", "Found 1 sizes"),
        ("1x16, 1x16", "twice"),
        ("0x16, 1x16", "0x16 is no size"),
        ("1x16, big", "big is no size"),
        (", ".join(f"1x{16 * n}" for n in range(1, 14)), "Found 13 sizes"),
    ],
)
def test_other_sizes_are_refused(told: str, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        parse_sizes(told)


def test_twelve_sizes_are_allowed() -> None:
    assert len(parse_sizes(", ".join(f"1x{16 * n}" for n in range(1, 13)))) == 12


def test_what_each_size_takes() -> None:
    small, large = estimates((Size(1, 16), Size(2, 32)), {**SETTINGS, "steps": 10, "batch_tokens": 640})
    # Embeddings 300·16, four 16x16, three of 16x48 (8/3 of 16 rounded up to a multiple of 8), two norms, the last norm.
    assert small.parameters == 300 * 16 + 4 * 16 * 16 + 3 * 16 * 48 + 2 * 16 + 16
    assert small.tokens == large.tokens == 6400
    assert 0 < small.flops < large.flops
    assert 0 < small.peak_bytes < large.peak_bytes


def test_what_the_trainer_refuses_is_refused_before_a_job() -> None:
    with pytest.raises(ValidationError, match="even number of units"):
        estimates((Size(1, 17),), SETTINGS)
    with pytest.raises(ValidationError, match="batch-tokens"):
        estimates((Size(1, 16),), {**SETTINGS, "batch_tokens": 8})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.23e12, "1.2\u2009×\u200910¹²"),
        (1000.0, "1.0\u2009×\u200910³"),
        (999.4, "999"),
        (42.0, "42"),
        (12_345.0, "1.2\u2009×\u200910⁴"),
        (None, "–"),
        (float("inf"), "–"),
    ],
)
def test_powers(value: float | None, shown: str) -> None:
    assert power(value) == shown
